import { describe, expect, test } from 'vitest';
import { ToolError } from '../../src/errors.ts';
import { agreed, createConsent, question } from '../../src/tools/consent.ts';
import type { CallContext } from '../../src/tools/tool.ts';

/** Consent with a clock and tokens of the test's own. */
function prepared() {
  let now = 1_000_000;
  const names = Array.from({ length: 200 }, (_, i) => `token-${i + 1}`).values();
  const consent = createConsent(
    () => String(names.next().value),
    () => now,
  );
  return {
    ...consent,
    pass: (ms: number) => {
      now += ms;
    },
  };
}

describe('a token of consent', () => {
  test('works once, for exactly its write', () => {
    const { issue, redeem } = prepared();
    const { token } = issue('write');
    expect(redeem(token, 'write')).toBe(true);
    expect(redeem(token, 'write')).toBe(false);
  });

  test('another write -> no, and the token is used up', () => {
    const { issue, redeem } = prepared();
    const { token } = issue('write');
    expect(redeem(token, 'write ')).toBe(false);
    expect(redeem(token, 'write')).toBe(false);
  });

  test('is good for two minutes, and says until when', () => {
    const { issue, redeem, pass } = prepared();
    const [one, other] = [issue('write'), issue('write')];
    expect(one.expiresAt).toBe(1_120_000);
    pass(119_999);
    expect(redeem(one.token, 'write')).toBe(true);
    pass(1);
    expect(redeem(other.token, 'write')).toBe(false);
  });

  test.each(['', 'token-2', '__proto__', 'constructor'])('%j, never given out -> no', (token) => {
    const { issue, redeem } = prepared();
    issue('write');
    expect(redeem(token, 'write')).toBe(false);
    expect(redeem('token-1', 'write')).toBe(true);
  });

  test('each write has its own; the same write may have several', () => {
    const { issue, redeem } = prepared();
    const [a, b, c] = [issue('a'), issue('b'), issue('a')];
    expect(redeem(b.token, 'b')).toBe(true);
    expect(redeem(c.token, 'a')).toBe(true);
    expect(redeem(a.token, 'a')).toBe(true);
  });

  test('more than a hundred -> the oldest is forgotten', () => {
    const { issue, redeem } = prepared();
    const tokens = Array.from({ length: 101 }, (_, i) => issue(String(i)).token);
    expect(redeem(tokens[0] ?? '', '0')).toBe(false);
    expect(redeem(tokens[1] ?? '', '1')).toBe(true);
    expect(redeem(tokens[100] ?? '', '100')).toBe(true);
  });

  test('writes of a mebibyte each -> some are kept, not all', () => {
    const { issue, redeem } = prepared();
    const large = (i: number) => `${i}${'x'.repeat(1_400_000)}`;
    const tokens = Array.from({ length: 30 }, (_, i) => issue(large(i)).token);
    expect(redeem(tokens[10] ?? '', large(10))).toBe(false);
    expect(redeem(tokens[20] ?? '', large(20))).toBe(true);
    expect(redeem(tokens[29] ?? '', large(29))).toBe(true);
  });
});

describe('asking a person', () => {
  const context = (answers: Record<string, unknown> = {}, state: unknown = undefined): CallContext => ({
    signal: new AbortController().signal,
    aborted: false,
    progress: () => {},
    supports: () => true,
    answers,
    state,
  });
  let names = 0;
  const consent = createConsent(() => {
    names += 1;
    return `question-${names}`;
  });
  const asked = question(consent, 'write', 'Send it?');

  test('one form, one yes or no, nothing else to fill in', () => {
    expect(asked.input).toEqual({
      confirm: {
        method: 'elicitation/create',
        params: {
          mode: 'form',
          message: 'Send it?',
          requestedSchema: {
            type: 'object',
            properties: {
              confirm: { type: 'boolean', title: expect.any(String), description: expect.any(String), default: false },
            },
            required: ['confirm'],
          },
        },
      },
    });
  });

  const yes = { confirm: { action: 'accept', content: { confirm: true } } };

  test('yes -> on, once, and only for the very write', () => {
    const { state } = question(consent, 'write', '');
    const other = question(consent, 'other write', '').state;
    expect(agreed({ ...context(yes, other), consent }, 'write')).toBe(false);
    // An answer without its question is none.
    expect(agreed({ ...context(yes), consent }, 'write')).toBe(false);
    expect(agreed({ ...context(yes, state), consent }, 'writf')).toBe(false);
    expect(agreed({ ...context(yes, state), consent }, 'write')).toBe(true);
    // Sent again, the person is asked again: what is stored may be another by now.
    expect(agreed({ ...context(yes, state), consent }, 'write')).toBe(false);
  });

  test.each([
    { action: 'decline' },
    { action: 'cancel' },
    { action: 'accept' },
    { action: 'accept', content: {} },
    { action: 'accept', content: { confirm: false } },
    { action: 'accept', content: { confirm: 'true' } },
    { action: 'accept', content: [true] },
    { action: 'decline', content: { confirm: true } },
    { content: { confirm: true } },
    'accept',
    true,
    null,
  ])('%j -> policy_denied', (answer) => {
    const ask = () => {
      const { state } = question(consent, 'write', '');
      return agreed({ ...context({ confirm: answer }, state), consent }, 'write');
    };
    expect(ask).toThrow(ToolError);
    expect(ask).toThrow(expect.objectContaining({ data: expect.objectContaining({ code: 'policy_denied' }) }));
  });

  test('a write of a mebibyte -> a state of a few bytes', () => {
    const large = question(consent, 'x'.repeat(1_400_000), '');
    expect(JSON.stringify(large.state).length).toBeLessThan(100);
  });
});
