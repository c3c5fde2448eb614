// Owns what changed between two decoded payloads, field by field: bounded in number, depth and length.
// Must not know topics or time.
import { isList, isRecord } from './types.ts';

/** One field. No `before`: it is new; no `after`: it is gone. Values are cut to what a reader needs. */
export type Change = {
  /** JSONPath: `$` is the payload itself, `$.a['b c'][0]` a place within. */
  path: string;
  before?: unknown;
  after?: unknown;
  /** After minus before, where both are numbers. */
  delta?: number;
};

/** Changes told of one pair of payloads; a document that is replaced as a whole would name thousands. */
export const MAX_CHANGES = 50;
/** Fields compared; a payload of a megabyte has a hundred thousand. */
const MAX_FIELDS = 5_000;
/** Deeper than this, two values are compared as text. */
const MAX_DEPTH = 16;
/** Of a value that is told, characters. */
const MAX_SHOWN = 160;

/** `more`: there were changes beyond MAX_CHANGES, or fields beyond what is compared. */
export type Difference = { changes: Change[]; more: boolean };

export function differences(before: unknown, after: unknown): Difference {
  const walk: Walk = { changes: [], fields: 0, more: false };
  compare(before, after, '$', 0, walk);
  return { changes: walk.changes, more: walk.more };
}

/** A value as it is told: scalars whole, texts and structures cut with a mark. */
export function shown(value: unknown): unknown {
  if (typeof value === 'string') return cut(value);
  if (typeof value !== 'object' || value === null) return value;
  const text = JSON.stringify(value);
  return text.length <= MAX_SHOWN ? value : cut(text);
}

type Walk = Difference & { fields: number };

function compare(before: unknown, after: unknown, path: string, depth: number, walk: Walk): void {
  if (before === after || walk.more) return;
  walk.fields += 1;
  if (walk.fields > MAX_FIELDS) {
    walk.more = true;
  } else if (depth < MAX_DEPTH && isRecord(before) && isRecord(after)) {
    compareRecords(before, after, path, depth, walk);
  } else if (depth < MAX_DEPTH && isList(before) && isList(after) && before.length === after.length) {
    for (const [i, value] of before.entries()) compare(value, after[i], `${path}[${i}]`, depth + 1, walk);
  } else if (!same(before, after)) {
    tell({ path, before: shown(before), after: shown(after), ...deltaOf(before, after) }, walk);
  }
}

function compareRecords(
  before: Record<string, unknown>,
  after: Record<string, unknown>,
  path: string,
  depth: number,
  walk: Walk,
): void {
  for (const [key, value] of Object.entries(before)) {
    const place = path + step(key);
    if (Object.hasOwn(after, key)) compare(value, after[key], place, depth + 1, walk);
    else tell({ path: place, before: shown(value) }, walk);
    if (walk.more) return;
  }
  for (const [key, value] of Object.entries(after)) {
    if (!Object.hasOwn(before, key)) tell({ path: path + step(key), after: shown(value) }, walk);
  }
}

function tell(change: Change, walk: Walk): void {
  if (walk.changes.length < MAX_CHANGES) walk.changes.push(change);
  else walk.more = true;
}

/** RFC 9535: the short form where the name allows it. */
function step(key: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(key)) return `.${key}`;
  return `['${cut(key).replaceAll('\\', '\\\\').replaceAll("'", "\\'")}']`;
}

function same(before: unknown, after: unknown): boolean {
  if (typeof before !== 'object' || typeof after !== 'object' || before === null || after === null) return false;
  return isList(before) === isList(after) && JSON.stringify(before) === JSON.stringify(after);
}

function deltaOf(before: unknown, after: unknown): { delta?: number } {
  if (typeof before !== 'number' || typeof after !== 'number') return {};
  // 21.6 - 21.5 is 0.10000000000000142 to a double and 0.1 to everyone else.
  return { delta: Number((after - before).toPrecision(12)) };
}

function cut(text: string): string {
  if (text.length <= MAX_SHOWN) return text;
  const head = text.slice(0, MAX_SHOWN).replace(/[\ud800-\udbff]$/, '');
  return `${head}… (${text.length} characters)`;
}
