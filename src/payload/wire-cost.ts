// Owns the price of a value on the wire, where a result stands twice: as structuredContent, and as the same JSON
// within a JSON string, whose quotes and backslashes are escaped once more. Must not know the protocol around it.

/** Both copies of a code unit, by what JSON makes of it: `a`, `\n` and `\\n`, `\"` and `\\\"`, `\u200b` and `\\u200b`. */
const PLAIN = 2;
const SHORT_ESCAPE = 5;
const QUOTED = 6;
const UNICODE_ESCAPE = 13;

/** Written as \u escapes or counted as if they were: control, format, zero-width, bidirectional, filler characters. */
const INVISIBLE = new RegExp(
  '[\\u007f-\\u009f\\u00ad\\u034f\\u0600-\\u0605\\u061c\\u06dd\\u070f\\u0890\\u0891\\u08e2\\u115f\\u1160\\u17b4\\u17b5' +
    '\\u180b-\\u180f\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ud800-\\udfff\\ufe00-\\ufe0f\\ufeff\\uffa0' +
    '\\ufff9-\\ufffb]',
);

/** By code unit; made when first needed: it takes 3 ms, which a start does not have. */
let table: Uint8Array | undefined;

function costs(): Uint8Array {
  table ??= Uint8Array.from({ length: 0x10000 }, (_, code) => unitCost(code));
  return table;
}

function unitCost(code: number): number {
  const unit = String.fromCharCode(code);
  if (unit === '"' || unit === '\\') return QUOTED;
  if ('\b\t\n\f\r'.includes(unit)) return SHORT_ESCAPE;
  if (code < 0x20 || INVISIBLE.test(unit)) return UNICODE_ESCAPE;
  return code < 0x80 ? PLAIN : code < 0x800 ? 4 : 6;
}

/** Bytes of a value in both copies, at least; stops counting once past `limit`. A surrogate pair is overestimated. */
export function wireCost(value: unknown, limit = Number.POSITIVE_INFINITY): number {
  return costOf(value, limit);
}

function costOf(value: unknown, limit: number): number {
  if (typeof value === 'string') return stringCost(value, limit);
  if (typeof value === 'number') return PLAIN * String(value).length;
  if (typeof value !== 'object' || value === null) return PLAIN * 5;
  let cost = 2 * PLAIN;
  if (Array.isArray(value)) {
    for (const element of value) {
      cost += costOf(element, limit - cost) + PLAIN;
      if (cost > limit) break;
    }
    return cost;
  }
  for (const [key, field] of Object.entries(value)) {
    if (field === undefined) continue;
    cost += stringCost(key, limit - cost) + costOf(field, limit - cost) + 2 * PLAIN;
    if (cost > limit) break;
  }
  return cost;
}

/** The quotes around a string are one byte each outside and two within. */
const QUOTES = 6;

function stringCost(text: string, limit: number): number {
  const units = costs();
  let cost = QUOTES;
  for (let i = 0; i < text.length && cost <= limit; i++) cost += units[text.charCodeAt(i)] ?? UNICODE_ESCAPE;
  return cost;
}

/** The longest beginning of a text that costs no more than `most` with its quotes, cut between characters. */
export function headWithin(text: string, most: number): string {
  const units = costs();
  let cost = QUOTES;
  let end = 0;
  while (end < text.length) {
    cost += units[text.charCodeAt(end)] ?? UNICODE_ESCAPE;
    if (cost > most) break;
    end++;
  }
  const last = text.charCodeAt(end - 1);
  return text.slice(0, end < text.length && last >= 0xd800 && last <= 0xdbff ? end - 1 : end);
}
