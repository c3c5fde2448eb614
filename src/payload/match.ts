// Owns the matching of payloads: a JSONPath (RFC 9535) or a regular expression (RE2), neither of which can hang.
// Loaded only where a call wants it. Must not know who listens.
import { JSONPathEnvironment } from 'json-p3';
import { RE2JS } from 're2js';
import { ToolError } from '../errors.ts';
import { decodePayload } from './decode.ts';
import { isList } from './types.ts';

/** Longest expression, characters. */
const MAX_EXPRESSION = 1000;
/** Largest payload looked into, bytes; a larger one does not match. */
const MAX_BYTES = 64 * 1024;
/**
 * Steps of the regular expression engine on one payload: it takes one for each of its instructions at each byte, and
 * a million take a tenth of a second. `(?:a?){1000}[bc]` has 2,000 of them.
 */
const MAX_STEPS = 2_500_000;
/** Of the time that has gone by, so much may go into matching, and this many ms more; what is beyond is not looked at. */
const SHARE = 0.2;
const HEAD_START_MS = 2_000;
/** Between selectors; at worst they select 2^4 times the nodes of a payload. */
const MAX_COMMAS = 4;
/** The argument of subscribe_and_collect. */
const MATCH = '/match';

export type Matcher = {
  /** Whether a payload matches. Linear in its bytes. `topic`: some formats are told by it. */
  test(payload: Buffer, topic?: string): boolean;
  /** Payloads that were not looked at: too large, or the time was used up. */
  readonly skipped: number;
};

/**
 * `$…` is a JSONPath, which matches where it selects something that is not false or null; a filter `$[?…]` also where it
 * holds for the payload itself. Anything else is a regular expression in RE2 syntax on the text of the payload, `(?i)`
 * for either case. Throws invalid_arguments.
 */
export function compileMatch(expression: string): Matcher {
  if (expression.length > MAX_EXPRESSION) throw bad(`at most ${MAX_EXPRESSION} characters`);
  const { matches, maxBytes } = expression.startsWith('$') ? jsonPath(expression) : regularExpression(expression);
  const start = performance.now();
  let skipped = 0;
  let spentMs = 0;
  return {
    test: (payload, topic) => {
      const began = performance.now();
      if (payload.length > maxBytes || spentMs > HEAD_START_MS + SHARE * (began - start)) {
        skipped += 1;
        return false;
      }
      const found = matches(payload, topic);
      spentMs += performance.now() - began;
      return found;
    },
    get skipped() {
      return skipped;
    },
  };
}

type Engine = { matches: (payload: Buffer, topic?: string) => boolean; maxBytes: number };

function regularExpression(expression: string): Engine {
  const { test, maxLength } = compileText(expression, MATCH);
  return { matches: (payload) => test(payload.toString('utf8')), maxBytes: maxLength };
}

function jsonPath(expression: string): Engine {
  const select = compilePath(expression, MATCH);
  const filters = /^\$\s*\[\s*\?/.test(expression);
  const finds = (value: unknown) => select(value).some((found) => found !== false && found !== null);
  const matches: Engine['matches'] = (payload, topic) => {
    const { payload: value, payload_type } = decodePayload(payload, payload.length, topic);
    if (payload_type === 'text' || payload_type === 'binary' || payload_type === 'empty') return false;
    // RFC 9535 filters children, and whoever writes $[?@.t > 30] for {"t":31} means the payload itself.
    return finds(value) || (filters && !isList(value) && finds([value]));
  };
  return { matches, maxBytes: MAX_BYTES };
}

/** Found anywhere in a text; one of more than `maxLength` would take too long and must not be asked about. */
export type Pattern = { test(text: string): boolean; maxLength: number };

/** A regular expression in RE2 syntax. `at`: the argument that a complaint names. */
export function compileText(expression: string, at: string): Pattern {
  try {
    const compiled = RE2JS.compile(expression);
    const maxLength = Math.min(MAX_BYTES, Math.floor(MAX_STEPS / compiled.programSize()));
    return { test: (text) => compiled.matcher(text).find(), maxLength };
  } catch {
    const orPath = at === MATCH ? ', or a JSONPath that begins with $' : '';
    throw bad(`a regular expression in RE2 syntax (no look-around, no back-references)${orPath}`, at);
  }
}

/** The values that a JSONPath (RFC 9535) selects, in their order. `at`: the argument that a complaint names. */
export function compilePath(expression: string, at: string): (value: unknown) => unknown[] {
  // Quadratic and worse: descending within what a descent found, and the whole document once for each of its nodes.
  const bare = expression.replace(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/g, '""');
  if (bare.split('..').length > 2) throw bad('a JSONPath with at most one ..', at);
  // Each pair of brackets with two selectors doubles what is selected: twenty of them make a million nodes of one.
  if (bare.split(',').length - 1 > MAX_COMMAS) throw bad(`a JSONPath with at most ${MAX_COMMAS} commas`, at);
  if (bare.lastIndexOf('$') > 0) throw bad('a JSONPath with $ only at its beginning', at);
  const environment = new JSONPathEnvironment();
  // Their regular expressions are JavaScript's, which can take for ever.
  for (const name of ['match', 'search']) environment.functionRegister.delete(name);
  try {
    const query = environment.compile(expression);
    return (value) => selected(query, value);
  } catch {
    throw bad('a JSONPath (RFC 9535, without match() and search()), such as $.state or $[?@.temperature > 30]', at);
  }
}

/** Nothing where a descent would go deeper than the engine does, 50 levels: what a broker sends must not throw here. */
function selected(query: ReturnType<JSONPathEnvironment['compile']>, value: unknown): unknown[] {
  try {
    return query.query(json(value)).values();
  } catch {
    return [];
  }
}

type Json = Parameters<ReturnType<JSONPathEnvironment['compile']>['query']>[0];

function json(value: unknown): Json {
  const isJson = (_: unknown): _ is Json => true;
  return isJson(value) ? value : null;
}

function bad(expected: string, at = MATCH): ToolError {
  const problems = [{ path: at, expected }];
  const what = at.slice(at.lastIndexOf('/') + 1);
  return new ToolError(
    'invalid_arguments',
    `${what} does not fit: expected ${expected}.`,
    'Correct it and call again.',
    {
      problems,
    },
  );
}
