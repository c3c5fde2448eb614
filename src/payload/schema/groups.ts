// Owns the groups of topics that get one schema each: by what looks like an identifier, then by payload, then by names
// that vary (`home/{room}/temperature`). Pure, and the same in whatever order the topics come.
import { clusters, NOTHING, type Outline } from './outline.ts';
import { push } from './push.ts';
import { type Family, familiesOf, filterOf, type Level, templateOf } from './templates.ts';
import { collective, conventional, isFixed, meaningOf } from './topic-words.ts';

export type Group = {
  template: string;
  /** A topic filter that covers it. */
  filter: string;
  levels: readonly Level[];
  /** In code point order. */
  topics: string[];
};

type Entry = Family & { outline: Outline };

/** Devices with identifiers share a template whatever they say: half of the keys in common make one schema. */
const OF_IDS = { above: 0.5, marked: false };
/** Names need more: they are taken for names because the payloads agree. */
const OF_NAMES = { above: 0.6, marked: true };
/** Rounds over the levels; a second one sees what the first has merged further right. */
const ROUNDS = 2;

/** `outlines`: of topics whose payloads are known; the others go with their likes. */
export function groupTopics(topics: Iterable<string>, outlines: ReadonlyMap<string, Outline>): Group[] {
  let entries = familiesOf(topics).flatMap((family) => byPayload(family, outlines));
  for (let round = 0; round < ROUNDS; round++) {
    const deepest = entries.reduce((most, { levels }) => Math.max(most, levels.length), 0);
    const before = entries.length;
    for (let at = deepest - 1; at >= 0; at--) entries = mergeNames(entries, at);
    if (entries.length === before) break;
  }
  const groups = entries.map(({ levels, topics: own }) => {
    return { template: templateOf(levels), filter: filterOf(levels), levels, topics: own.sort() };
  });
  return groups.sort((a, b) => compare(a.template, b.template) || compare(a.topics[0] ?? '', b.topics[0] ?? ''));
}

/** A family of one template, split where its topics say different things. */
function byPayload({ levels, topics }: Family, outlines: ReadonlyMap<string, Outline>): Entry[] {
  const each = topics.map((topic) => ({ topic, outline: outlines.get(topic) ?? NOTHING }));
  return clusters(each, OF_IDS).map((cluster) => joined(levels, cluster));
}

function joined(levels: readonly Level[], cluster: readonly { topic: string; outline: Outline }[]): Entry {
  const outline = cluster.reduce((best, one) => richer(best, one.outline), NOTHING);
  return { levels, topics: cluster.map(({ topic }) => topic), outline };
}

/** Merges entries that differ in the word at `at` only, where that word is a name. */
function mergeNames(entries: readonly Entry[], at: number): Entry[] {
  const merged: Entry[] = [];
  const byRest = new Map<string, Entry[]>();
  for (const entry of entries) {
    const key = nameKey(entry, at);
    if (key === undefined) merged.push(entry);
    else push(byRest, key, entry);
  }
  for (const rivals of byRest.values()) {
    const words = new Set(rivals.map(({ levels }) => levels[at]?.text));
    if (words.size < 2) merged.push(...rivals);
    else for (const cluster of clusters(rivals, OF_NAMES)) merged.push(...merge(cluster, at));
  }
  return merged;
}

function merge(cluster: readonly Entry[], at: number): Entry[] {
  const [first] = cluster;
  if (first === undefined || new Set(cluster.map(({ levels }) => levels[at]?.text)).size < 2) return [...cluster];
  const levels = first.levels.map((level, i) => (i === at ? { text: placeholder(first, at), varies: true } : level));
  const outline = cluster.reduce((best, one) => richer(best, one.outline), NOTHING);
  return [{ levels, topics: cluster.flatMap(({ topics }) => topics), outline }];
}

/** What entries must share to differ in a name only; undefined: the word at `at` is no name here. */
function nameKey({ levels, outline }: Entry, at: number): string | undefined {
  const level = levels[at];
  if (!level || level.varies) return undefined;
  const texts = levels.map(({ text }) => text);
  const known = conventional(texts, at) !== undefined;
  const kinds = meaningOf(level.text);
  if (kinds === undefined || !(known || mayBeName(levels, outline, at, kinds))) return undefined;
  const rest = levels.map(({ text, varies }, i) => (i === at ? '' : `${varies ? '\0' : ''}${text}`));
  return `${known ? '' : kinds}\0\0${rest.join('/')}`;
}

/**
 * A name stands where the rest says what the value is: left of a quantity, or of a payload that names its fields. The
 * last level is one only below a collective (`rooms/kitchen`) or among devices of a kind (`kitchen_lamp`, `hall_lamp`).
 */
function mayBeName(levels: readonly Level[], outline: Outline, at: number, kinds: string): boolean {
  const below = levels.slice(at + 1).some(({ text, varies }) => !varies && isFixed(text));
  const collected = collective(levels[at - 1]?.text ?? '') !== undefined;
  if (below) return true;
  return outline.rich && (collected || kinds !== '');
}

function placeholder({ levels }: Entry, at: number): string {
  const texts = levels.map(({ text }) => text);
  return `{${conventional(texts, at) ?? collective(texts[at - 1] ?? '') ?? 'name'}}`;
}

/** The one with more keys, then the first in canonical order. */
function richer(a: Outline, b: Outline): Outline {
  if (a.kind === undefined) return b;
  if (b.kind === undefined || a.keys.size > b.keys.size) return a;
  if (b.keys.size > a.keys.size) return b;
  return JSON.stringify([a.kind, [...a.keys].sort(), a.marks]) <= JSON.stringify([b.kind, [...b.keys].sort(), b.marks])
    ? a
    : b;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
