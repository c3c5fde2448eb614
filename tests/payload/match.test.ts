import { describe, expect, test } from 'vitest';
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
});
