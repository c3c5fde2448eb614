// Owns the count of topics of one listing, exact up to its limit.
import type { Message } from '../mqtt/types.ts';

export type Seen = { retained: boolean; count: number; bytes: number; at: number };

export class TopicTable {
  /** Topics counted; stops a broker of endless topics from filling memory. */
  static readonly LIMIT = 1_000_000;
  /** Entries of the prefix tree. */
  static readonly TREE_LIMIT = 60;
  readonly #topics = new Map<string, Seen>();
  /** Messages of topics beyond the limit. */
  overflowed = 0;

  get size(): number {
    return this.#topics.size;
  }

  take({ topic, retain, size, at }: Message): void {
    const seen = this.#topics.get(topic);
    if (seen) {
      seen.retained ||= retain;
      seen.count += 1;
      seen.bytes = size;
      seen.at = at;
    } else if (this.#topics.size < TopicTable.LIMIT)
      this.#topics.set(topic, { retained: retain, count: 1, bytes: size, at });
    else this.overflowed += 1;
  }

  /** The first `max` topics in code point order. */
  first(max: number): [string, Seen][] {
    const names = [...this.#topics.keys()].sort(byCodePoint).slice(0, max);
    return names.flatMap((name) => {
      const seen = this.#topics.get(name);
      return seen ? [[name, seen] satisfies [string, Seen]] : [];
    });
  }

  /**
   * Topic prefix, as a filter, to the number of topics below it: the crowded prefixes are split further, as long as
   * there is room. The counts of the entries add up to the number of topics.
   */
  tree(): Record<string, number> {
    let entries = group([...this.#topics.keys()], 0);
    for (;;) {
      const crowded = entries
        .filter(({ topics, leaf }) => topics.length > 1 && !leaf)
        .sort((a, b) => b.topics.length - a.topics.length);
      const split = crowded.map((entry) => ({ entry, parts: group(entry.topics, entry.depth) }));
      const fits = split.find(({ parts }) => entries.length - 1 + parts.length <= TopicTable.TREE_LIMIT);
      if (!fits) break;
      entries = entries.filter((entry) => entry !== fits.entry).concat(fits.parts);
    }
    const rows = entries.map(({ prefix, topics }) => [prefix, topics.length] satisfies [string, number]);
    return Object.fromEntries(rows.sort(([a], [b]) => byCodePoint(a, b)));
  }
}

type Group = { prefix: string; topics: string[]; depth: number; leaf: boolean };

/** Splits topics, which share their first `depth` levels, by the next one. */
function group(topics: string[], depth: number): Group[] {
  const groups = new Map<string, string[]>();
  for (const topic of topics) {
    const end = levelEnd(topic, depth);
    const prefix = end === -1 ? topic : `${topic.slice(0, end)}/#`;
    const same = groups.get(prefix);
    if (same) same.push(topic);
    else groups.set(prefix, [topic]);
  }
  return [...groups].map(([prefix, own]) => ({ prefix, topics: own, depth: depth + 1, leaf: !prefix.endsWith('/#') }));
}

/** Index of the slash that ends level `depth`, -1 where the topic ends there. */
function levelEnd(topic: string, depth: number): number {
  let at = topic.indexOf('/');
  for (let level = 0; level < depth && at !== -1; level += 1) at = topic.indexOf('/', at + 1);
  return at;
}

function byCodePoint(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
