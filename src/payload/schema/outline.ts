// Owns what payloads look like from afar, and which topics look alike enough to share one schema. Pure.
import { isList, isRecord } from '../types.ts';
import { isIdentifier } from './identifier.ts';
import { push } from './push.ts';

export type Kind = 'object' | 'array' | 'number' | 'boolean' | 'text' | 'binary';

/** Of one topic. `kind` undefined: it said nothing that tells (empty, null, `unavailable`), or nothing was kept. */
export type Outline = {
  kind: Kind | undefined;
  /** Of objects, and of the objects in an array; identifiers as one. Without housekeeping where more is left. */
  keys: ReadonlySet<string>;
  /** Two keys or more: the payload names what it holds by itself. */
  rich: boolean;
  /** Constants that tell what a value means: `unit=°C`. */
  marks: string;
};

export const NOTHING: Outline = { kind: undefined, keys: new Set(), rich: false, marks: '' };

/** A decoded payload, as far as it matters here. */
export type Value = { payload: unknown; payload_type: string };

const KINDS: readonly Kind[] = ['object', 'array', 'number', 'boolean', 'text', 'binary'];
const MAX_KEYS = 200;
const MAX_ELEMENTS = 20;
/** Clusters of one template; a fleet of chaos must not make one schema a topic. */
const MAX_CLUSTERS = 12;

/** Every device says these, so they tell nothing of what it is. */
const HOUSEKEEPING = new Set(
  (
    'battery battery_low linkquality lqi rssi snr voltage ts time timestamp date datetime at last_seen lastseen updated' +
    ' update id _id uid uuid device device_id deviceid dev_eui deveui mac ip name seq sequence counter msg_id msgid uptime' +
    ' unit units type version'
  ).split(' '),
);
const NO_VALUE = /^(?:unavailable|unknown|undefined|none|null|nan|n\/a|na|-+|error|offline|online)?$/i;

export function outlineOf(values: readonly Value[]): Outline {
  const counts = new Map<Kind, number>();
  const keys = new Set<string>();
  const marks = new Map<string, string>();
  for (const value of values) {
    const kind = kindOf(value);
    if (kind === undefined) continue;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    const records = isList(value.payload) ? value.payload.slice(0, MAX_ELEMENTS) : [value.payload];
    for (const record of records) if (isRecord(record)) look(record, keys, marks);
  }
  const most = Math.max(0, ...counts.values());
  const telling = new Set([...keys].filter((key) => !HOUSEKEEPING.has(key.toLowerCase())));
  return {
    kind: KINDS.find((kind) => counts.get(kind) === most),
    keys: telling.size > 0 ? telling : keys,
    rich: keys.size >= 2,
    marks: [...marks]
      .map((mark) => mark.join('='))
      .sort()
      .join('\0'),
  };
}

function look(record: Record<string, unknown>, keys: Set<string>, marks: Map<string, string>): void {
  for (const key in record) {
    if (keys.size >= MAX_KEYS) return;
    keys.add(isIdentifier(key) ? '{id}' : key);
    const value = record[key];
    if (/^(?:unit|units|type|kind|quantity|einheit)$/i.test(key) && typeof value === 'string' && value.length < 33)
      marks.set(key, marks.has(key) && marks.get(key) !== value ? '' : value);
  }
}

function kindOf({ payload, payload_type }: Value): Kind | undefined {
  if (payload_type === 'binary') return 'binary';
  if (typeof payload === 'string') return NO_VALUE.test(payload) ? undefined : 'text';
  if (typeof payload === 'number') return 'number';
  if (typeof payload === 'boolean') return 'boolean';
  return payload === null ? undefined : isList(payload) ? 'array' : 'object';
}

export type Likeness = {
  /** Share of keys that two must have in common, more than. */
  above: number;
  /** Whether constants such as a unit must be equal. */
  marked: boolean;
};

/**
 * Partitions by outline: one kind, and keys that overlap (Jaccard index) with those of the richest of the cluster.
 * What says nothing joins the largest cluster. In canonical order, so whatever order the entries come in.
 */
export function clusters<T extends { outline: Outline }>(entries: readonly T[], likeness: Likeness): T[][] {
  const bySignature = new Map<string, T[]>();
  const silent: T[] = [];
  for (const entry of entries) {
    if (entry.outline.kind === undefined) silent.push(entry);
    else push(bySignature, signature(entry.outline, likeness), entry);
  }
  const found: { seed: Outline; entries: T[] }[] = [];
  for (const [, same] of [...bySignature].sort(richestFirst)) {
    const outline = same[0]?.outline ?? NOTHING;
    const home = found.find(({ seed }) => isAlike(seed, outline, likeness)) ?? full(found);
    if (home) home.entries.push(...same);
    else found.push({ seed: outline, entries: [...same] });
  }
  const lists = found.map((one) => one.entries).sort((a, b) => b.length - a.length);
  if (silent.length === 0) return lists;
  const [largest = [], ...others] = lists;
  return [[...largest, ...silent], ...others];
}

function full<T>(found: T[]): T | undefined {
  return found.length >= MAX_CLUSTERS ? found.at(-1) : undefined;
}

function isAlike(a: Outline, b: Outline, { above, marked }: Likeness): boolean {
  if (a.kind !== b.kind || (marked && a.marks !== b.marks)) return false;
  if (a.keys.size === 0 || b.keys.size === 0) return a.keys.size === b.keys.size || a.kind === 'array';
  let both = 0;
  for (const key of b.keys) if (a.keys.has(key)) both += 1;
  return both / (a.keys.size + b.keys.size - both) > above;
}

function signature({ kind, keys, marks }: Outline, { marked }: Likeness): string {
  const count = String(1000 - keys.size).padStart(4, '0');
  return JSON.stringify([count, kind, [...keys].sort(), marked ? marks : '']);
}

function richestFirst([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}
