// Owns the count of topics of one listing, exact up to its limit.
import { topicTree } from '../mqtt/topic-tree.ts';
import type { Message } from '../mqtt/types.ts';

/** `at`: ms since the epoch, of the latest message. */
export type Seen = { retained: boolean; count: number; bytes: number; at: number };

export class TopicTable {
  /** Topics counted; stops a broker of endless topics from filling memory. */
  static readonly LIMIT = 1_000_000;
  /** Characters of their names: the same attack, with long ones. */
  static readonly MAX_CHARS = 64 * 1024 * 1024;
  readonly #topics = new Map<string, Seen>();
  /** Times are held from here on: small integers are stored in the object itself, where a time in ms would be one more. */
  readonly #epoch = Date.now();
  readonly #limit: number;
  #chars = 0;
  /** Topics with a retained message. */
  retained = 0;
  /** Messages of topics beyond the limit. */
  overflowed = 0;

  constructor(limit = TopicTable.LIMIT) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#topics.size;
  }

  take({ topic, retain, size, at }: Message): void {
    const seen = this.#topics.get(topic);
    if (seen) {
      if (retain && !seen.retained) this.retained += 1;
      seen.retained ||= retain;
      seen.count += 1;
      seen.bytes = size;
      seen.at = at - this.#epoch;
    } else if (this.#topics.size < this.#limit && this.#chars + topic.length <= TopicTable.MAX_CHARS) {
      this.#chars += topic.length;
      this.#topics.set(topic, { retained: retain, count: 1, bytes: size, at: at - this.#epoch });
      if (retain) this.retained += 1;
    } else this.overflowed += 1;
  }

  /** A retained message that may have come before: then it is not counted again. */
  takeMissing(message: Message): void {
    if (!this.#topics.get(message.topic)?.retained) this.take(message);
  }

  topics(): Iterable<string> {
    return this.#topics.keys();
  }

  /** The first `max` topics in code point order. */
  first(max: number): [string, Seen][] {
    const names = [...this.#topics.keys()].sort(byCodePoint).slice(0, max);
    return names.flatMap((name) => {
      const seen = this.#topics.get(name);
      return seen ? [[name, { ...seen, at: this.#epoch + seen.at }] satisfies [string, Seen]] : [];
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
