// Owns the count of topics of one listing, exact up to its limit.
import { topicTree } from '../mqtt/topic-tree.ts';
import type { Message } from '../mqtt/types.ts';

export type Seen = { retained: boolean; count: number; bytes: number; at: number };

export class TopicTable {
  /** Topics counted; stops a broker of endless topics from filling memory. */
  static readonly LIMIT = 1_000_000;
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

  /** Where they are, by prefix. */
  tree(): Record<string, number> {
    return topicTree(this.#topics.keys());
  }
}

function byCodePoint(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
