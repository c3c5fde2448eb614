import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { ToolError } from '../../src/errors.ts';
import { compileMatch } from '../../src/payload/match.ts';

const matches = (expression: string, payload: string | Buffer) => compileMatch(expression).test(Buffer.from(payload));

describe('match', () => {
  test.each([
    ['$.state', '{"state":"on"}', true],
    ['$.state', '{"state":false}', false],
    ['$.state', '{"other":1}', false],
    ['$.state', 'state', false],
    ['$[?@.t > 30]', '{"t":31}', true],
    ['$[?@.t > 30]', '{"t":30}', false],
    ['$[?@.t > 30]', '{"in":{"t":31},"out":{"t":3}}', true],
    ['$[?@.t > 30]', '[{"t":3},{"t":31}]', true],
    ['$[?@.t > 30]', '[{"t":3}]', false],
    ['$..alarm', '{"line":{"pump":{"alarm":1}}}', true],
    ['"st.te":"o[nf]+"', '{"state":"off"}', true],
    ['(?i)ERROR', 'no error', true],
    ['^\\d+$', '42', true],
    ['^\\d+$', '42 V', false],
  ])('%s on %s -> %s', (expression, payload, expected) => {
    expect(matches(expression, payload)).toBe(expected);
  });

  test.each([
    '$[',
    '(',
    '(?=a)',
    '$..a..b',
    `$${'[0,0]'.repeat(24)}`,
    '$[*,*][*,*][*,*][*,*][*,*]',
    '$[?match(@.a, "(a+)+")]',
    'x'.repeat(1_001),
  ])('%s -> invalid_arguments, with what was expected', (expression) => {
    expect(() => compileMatch(expression)).toThrow(ToolError);
  });

  test('an expression made to hang -> an answer', () => {
    expect(matches('^(a+)+$', `${'a'.repeat(40_000)}b`)).toBe(false);
  });

  test.each([50, 30_000])('a descent into %i levels -> no match, and no throw', (depth) => {
    expect(matches('$..a', `${'['.repeat(depth)}{"a":1}${']'.repeat(depth)}`)).toBe(false);
  });

  test('a payload over 64 KiB -> not looked into, counted', () => {
    const matcher = compileMatch('x');
    expect(matcher.test(Buffer.alloc(65 * 1024, 'x'))).toBe(false);
    expect(matcher.skipped).toBe(1);
  });

  test('an expression of 2,000 instructions -> short payloads are looked into, those that would take seconds are counted', () => {
    const matcher = compileMatch('(?:a?){1000}[b-d]');
    expect(matcher.test(Buffer.from(`${'a'.repeat(1_000)}b`))).toBe(true);
    expect(matcher.test(Buffer.from(`${'a'.repeat(60_000)}b`))).toBe(false);
    expect(matcher.skipped).toBe(1);
  });

  test('matching has taken its share of the time -> counted until there is more of it', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const matcher = compileMatch('$.a');
    const payload = Buffer.from('{"a":1}');
    const text = vi.spyOn(payload, 'toString').mockImplementation(() => {
      vi.advanceTimersByTime(1_500);
      return '{"a":1}';
    });
    expect([1, 2, 3].map(() => matcher.test(payload))).toEqual([true, true, false]);
    text.mockRestore();
    vi.advanceTimersByTime(10_000);
    expect(matcher.test(payload)).toBe(true);
    expect(matcher.skipped).toBe(1);
  });
});
