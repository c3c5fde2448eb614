// Owns what must be known of a JSON text before JSON.parse sees it: how deep it nests, and which of its numbers
// a double cannot hold. One pass, no recursion. It does not validate: that is JSON.parse's part.

/** Deeper than this stays text: a reader, a validator and a renderer may recurse without a second thought. */
export const MAX_JSON_DEPTH = 64;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** A decimal of up to 15 significant digits survives the way through a double (IEEE 754 binary64, DBL_DIG). */
const SAFE_DIGITS = 15;
const MIN_NORMAL = 2.2250738585072014e-308;
const MAX_EXPONENTIAL_DIGITS = 101;

/** `literals`: start and end of each number long enough to deserve a second look, flattened. */
export type JsonScan = { tooDeep: boolean; literals: number[] };

export function scanJson(text: string): JsonScan {
  const literals: number[] = [];
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) {
      i = endOfString(text, i);
    } else if (code === 0x7b || code === 0x5b) {
      depth++;
      if (depth > MAX_JSON_DEPTH) return { tooDeep: true, literals };
    } else if (code === 0x7d || code === 0x5d) {
      depth--;
    } else if (code === 0x2d || (code >= 0x30 && code <= 0x39)) {
      const end = endOfNumber(text, i);
      if (needsLook(text, i, end)) literals.push(i, end);
      i = end - 1;
    }
  }
  return { tooDeep: false, literals };
}

/** Puts the numbers at `literals` that are not `kept` into quotes. `text` must be valid JSON. */
export function quoteLossy(text: string, literals: readonly number[], kept: (literal: string) => boolean): string {
  const parts: string[] = [];
  let done = 0;
  for (let i = 0; i + 1 < literals.length; i += 2) {
    const start = literals[i] ?? 0;
    const end = literals[i + 1] ?? 0;
    const literal = text.slice(start, end);
    if (kept(literal)) continue;
    parts.push(text.slice(done, start), '"', literal, '"');
    done = end;
  }
  return done === 0 ? text : parts.join('') + text.slice(done);
}

/**
 * Whether a JSON number survives as a JavaScript number: an integer within ±(2^53 - 1), or a decimal whose digits the
 * nearest double prints again at the same length (so `21.299999999999997` and `0.10000000000000001` are exact,
 * `3.14159265358979323846` and `1e999` are not).
 */
export function isExactNumber(literal: string): boolean {
  const value = Number(literal);
  if (!Number.isFinite(value)) return false;
  if (!/[.eE]/.test(literal)) return Number.isSafeInteger(value);
  const digits = significantDigits(literal);
  if (digits === '') return true;
  if (Math.abs(value) < MIN_NORMAL) return false;
  if (digits.length <= SAFE_DIGITS) return true;
  if (digits.length > MAX_EXPONENTIAL_DIGITS) return false;
  // The shortest form that reads back as this double: what any JSON writer would have printed.
  if (significantDigits(String(value)) === digits) return true;
  const printed = Math.abs(value).toExponential(digits.length - 1);
  return printed.slice(0, printed.indexOf('e')).replace('.', '') === digits;
}

function significantDigits(literal: string): string {
  const exponent = literal.search(/[eE]/);
  const mantissa = (exponent < 0 ? literal : literal.slice(0, exponent)).replace('-', '').replace('.', '');
  let start = 0;
  let end = mantissa.length;
  while (start < end && mantissa.charCodeAt(start) === 0x30) start++;
  while (end > start && mantissa.charCodeAt(end - 1) === 0x30) end--;
  return mantissa.slice(start, end);
}

/** Index of the closing quote, or the end of the text. */
function endOfString(text: string, open: number): number {
  let quote = text.indexOf('"', open + 1);
  while (quote > 0) {
    let backslashes = 0;
    while (text.charCodeAt(quote - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return quote;
    quote = text.indexOf('"', quote + 1);
  }
  return text.length;
}

function endOfNumber(text: string, start: number): number {
  let end = start + 1;
  while (end < text.length && isNumberPart(text.charCodeAt(end))) end++;
  return end;
}

/** Digits, `+`, `-`, `.`, `e`, `E`. */
function isNumberPart(code: number): boolean {
  return (
    (code >= 0x30 && code <= 0x39) || code === 0x2b || code === 0x2d || code === 0x2e || code === 0x45 || code === 0x65
  );
}

function needsLook(text: string, start: number, end: number): boolean {
  if (end - start > SAFE_DIGITS) return true;
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x45 || code === 0x65) return true;
  }
  return false;
}
