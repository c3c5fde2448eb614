// Owns what a payload is expected to be, and whether it is. Must not know who waits for it.
import { ToolError } from '../errors.ts';
import { differences, shown } from './difference.ts';

/** At most one of equals, changes, matches, and minimum with maximum; none: any payload will do. */
export type Expected = {
  /** JSONPath of the value that is judged; its first node counts. Without it the whole payload. */
  path?: string | undefined;
  equals?: unknown;
  changes?: boolean | undefined;
  /** RE2 regular expression. */
  matches?: string | undefined;
  minimum?: number | undefined;
  maximum?: number | undefined;
};

/** unknown: what was there before is not known to compare it with, or the text is too long for the expression. */
export type Verdict = 'met' | 'not_met' | 'unknown';

export type Expectation = {
  /** In words: "$.state equals "ON"". */
  words: string;
  /** What it is about: a difference, a value as such, or only that something comes. */
  about: 'change' | 'value' | 'arrival';
  /** Whether there is a value to judge: a message about something else says nothing of it. */
  selects(payload: unknown): boolean;
  /** `prior`: the payload before, decoded; undefined where there was none. */
  judge(payload: unknown, prior: { payload: unknown } | undefined): Verdict;
};

/** Loads the JSONPath and regular expression engines only where they are asked for. Throws invalid_arguments. */
export async function compileExpectation(expected: Expected): Promise<Expectation> {
  checkOnlyOne(expected);
  const { path, matches } = expected;
  const engines = path === undefined && matches === undefined ? undefined : await import('./match.ts');
  const select = path === undefined ? undefined : engines?.compilePath(path, '/expect/path');
  const valueIn = (payload: unknown) => (select === undefined ? payload : select(payload)[0]);
  const pattern = matches === undefined ? undefined : engines?.compileText(matches, '/expect/matches');
  const judged = (payload: unknown, prior: { payload: unknown } | undefined): Verdict => {
    const value = valueIn(payload);
    if (value === undefined) return 'not_met';
    if (expected.changes === true) {
      if (prior === undefined) return 'unknown';
      return verdict(differences(valueIn(prior.payload), value).changes.length > 0);
    }
    if (pattern) {
      const text = textOf(value);
      return text.length > pattern.maxLength ? 'unknown' : verdict(pattern.test(text));
    }
    if (expected.equals !== undefined) return verdict(equal(value, expected.equals));
    return verdict(inRange(value, expected));
  };
  return {
    words: `${path ?? 'the payload'} ${condition(expected)}`,
    about: aboutOf(expected),
    selects: (payload) => valueIn(payload) !== undefined,
    judge: judged,
  };
}

function aboutOf({ equals, changes, matches, minimum, maximum }: Expected): Expectation['about'] {
  if (changes === true) return 'change';
  return [equals, matches, minimum, maximum].some((condition) => condition !== undefined) ? 'value' : 'arrival';
}

function checkOnlyOne({ equals, changes, matches, minimum, maximum }: Expected): void {
  const range = minimum !== undefined || maximum !== undefined;
  const given = [equals !== undefined, changes === true, matches !== undefined, range].filter(Boolean).length;
  const empty = minimum !== undefined && maximum !== undefined && minimum > maximum;
  if (given <= 1 && !empty) return;
  const expected = empty
    ? 'a minimum that is not above the maximum'
    : 'at most one of equals, changes, matches, and minimum with maximum';
  const hint = 'Correct it and call again.';
  throw new ToolError('invalid_arguments', `The expectation does not fit: expected ${expected}.`, hint, {
    problems: [{ path: '/expect', expected }],
  });
}

function condition({ equals, changes, matches, minimum, maximum }: Expected): string {
  if (changes === true) return 'changes';
  if (matches !== undefined) return `matches ${JSON.stringify(matches)}`;
  if (equals !== undefined) return `equals ${JSON.stringify(shown(equals))}`;
  if (minimum !== undefined && maximum !== undefined) return `is from ${minimum} to ${maximum}`;
  if (minimum !== undefined) return `is at least ${minimum}`;
  return maximum === undefined ? 'comes' : `is at most ${maximum}`;
}

function verdict(met: boolean): Verdict {
  return met ? 'met' : 'not_met';
}

/** One device sends 1 where the other sends "1": for scalars the text decides. */
function equal(value: unknown, wanted: unknown): boolean {
  if (isScalar(value) && isScalar(wanted)) return String(value) === String(wanted);
  return differences(value, wanted).changes.length === 0;
}

function isScalar(value: unknown): boolean {
  return value === null || typeof value !== 'object';
}

function inRange(value: unknown, { minimum, maximum }: Expected): boolean {
  if (minimum === undefined && maximum === undefined) return true;
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number !== 'number' || Number.isNaN(number)) return false;
  return number >= (minimum ?? -Infinity) && number <= (maximum ?? Infinity);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
