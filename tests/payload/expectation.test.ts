import { describe, expect, test } from 'vitest';
import { ToolError } from '../../src/errors.ts';
import { compileExpectation, type Expected } from '../../src/payload/expectation.ts';

async function verdict(expected: Expected, payload: unknown, prior?: unknown) {
  const expectation = await compileExpectation(expected);
  return expectation.judge(payload, prior === undefined ? undefined : { payload: prior });
}

describe('an expectation', () => {
  test.each<[string, Expected, unknown, string]>([
    ['none -> anything will do', {}, { a: 1 }, 'met'],
    ['equals, the whole payload', { equals: 'ON' }, 'ON', 'met'],
    ['equals, other case', { equals: 'ON' }, 'on', 'not_met'],
    ['equals, a number as text', { equals: 1 }, '1', 'met'],
    ['equals null', { equals: null }, null, 'met'],
    ['equals, an object in another order', { equals: { a: 1, b: 2 } }, { b: 2, a: 1 }, 'met'],
    ['equals at a path', { path: '$.state', equals: 'ON' }, { state: 'ON', x: 1 }, 'met'],
    ['a path that selects nothing', { path: '$.state', equals: 'ON' }, { other: 'ON' }, 'not_met'],
    ['a path alone -> it must be there', { path: '$.state' }, { state: null }, 'met'],
    ['a path into a text', { path: '$.state' }, 'state', 'not_met'],
    ['matches', { matches: '(?i)^on$' }, 'On', 'met'],
    ['matches at a path, a number', { path: '$.code', matches: '^2' }, { code: 204 }, 'met'],
    ['in range', { path: '$.t', minimum: 20, maximum: 22 }, { t: 22 }, 'met'],
    ['below', { minimum: 20 }, 19.9, 'not_met'],
    ['above', { maximum: 22 }, 22.1, 'not_met'],
    ['a range and a number as text', { minimum: 20 }, '21', 'met'],
    ['a range and a word', { minimum: 20 }, 'high', 'not_met'],
    ['a range and an empty text', { maximum: 20 }, '', 'not_met'],
  ])('%s', async (_what, expected, payload, wanted) => {
    expect(await verdict(expected, payload)).toBe(wanted);
  });

  test('changes -> against what was there before; unknown where nobody knows that', async () => {
    const expected = { path: '$.state', changes: true };
    expect(await verdict(expected, { state: 'ON' }, { state: 'OFF' })).toBe('met');
    expect(await verdict(expected, { state: 'ON', n: 2 }, { state: 'ON', n: 1 })).toBe('not_met');
    expect(await verdict(expected, { state: 'ON' }, {})).toBe('met');
    expect(await verdict(expected, { state: 'ON' })).toBe('unknown');
  });

  test.each<[string, Expected, string]>([
    ['two conditions', { equals: 1, matches: '1' }, '/expect'],
    ['a range upside down', { minimum: 2, maximum: 1 }, '/expect'],
    ['a bad path', { path: 'state' }, '/expect/path'],
    ['a path that could take for ever', { path: '$..a..b' }, '/expect/path'],
    ['a bad regular expression', { matches: '(' }, '/expect/matches'],
    ['a look-ahead', { matches: '(?=a)' }, '/expect/matches'],
  ])('%s -> invalid_arguments that names it', async (_what, expected, path) => {
    const error: unknown = await compileExpectation(expected).catch((reason: unknown) => reason);
    if (!(error instanceof ToolError)) throw error;
    expect(error.data).toMatchObject({ code: 'invalid_arguments', problems: [{ path, expected: expect.any(String) }] });
  });
});
