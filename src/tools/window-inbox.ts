// Owns the messages of a whole window: every one counted and sized, and of them kept what an engineer would look at,
// never more than 500 messages and 64 MiB. Must not know what makes a message telling. Deterministic.
import type { Message } from '../mqtt/types.ts';
import { boundedCounts } from '../payload/bounded-counts.ts';
import { topicHint } from '../payload/errors-in.ts';
import { COUNTS_BYTES, type Collector, MAX_TOPICS } from './collector.ts';
import type { Wanted } from './inbox.ts';
import { FairReservoir } from './reservoir.ts';
import { type Follow, MAX_TELLING, Telling } from './telling.ts';

/** Messages kept, the first and the last among them. */
const MAX_KEPT = 500;
const MAX_SAMPLE = MAX_KEPT - MAX_TELLING - 2;
/** Bytes of a payload that are kept: 500 of them are 64 MiB. */
const MAX_PAYLOAD_BYTES = 128 * 1024;

type Kept = Message & { seq: number };
type Topic = { count: number; bytes: number; hinted: boolean; follow: Follow | undefined };

export class WindowInbox implements Collector {
  /** It listens to the end. */
  readonly full = new Promise<void>(() => {});
  received = 0;
  matched = 0;
  readonly #wanted: Wanted | undefined;
  readonly #topics = new Map<string, Topic>();
  readonly #telling = new Telling<Kept>((message) => this.#keep(message));
  readonly #sample = new FairReservoir<Topic, Kept>(MAX_SAMPLE);
  #first: Kept | undefined;
  /** A slot that is written over: copying every payload into a buffer of its own would cost more than the rest. */
  #last = Buffer.allocUnsafe(4096);
  #lastMessage: Message | undefined;
  #lastSize = 0;
  #uncounted = 0;

  constructor(wanted: Wanted | undefined) {
    this.#wanted = wanted;
  }

  take(message: Message): void {
    this.received += 1;
    const topic = this.#topicOf(message);
    if (this.#wanted && !this.#wanted.test(message.payload)) return;
    this.matched += 1;
    this.#remember(message);
    if (!this.#first) this.#first = this.#keep(message);
    const { follow, hinted } = topic ?? BEYOND;
    if (this.#telling.take(message, follow, hinted)) return;
    if (topic) this.#sample.offer(topic, () => this.#keep(message));
  }

  messages(): Message[] {
    const kept = [...this.#telling.items(), ...this.#sample.items()];
    if (this.#first) kept.push(this.#first);
    const bySeq = new Map(kept.map((one) => [one.seq, one]));
    if (this.#lastMessage && !bySeq.has(this.matched)) {
      const payload = Buffer.from(this.#last.subarray(0, this.#lastSize));
      bySeq.set(this.matched, { ...this.#lastMessage, payload, seq: this.matched });
    }
    return [...bySeq.values()].sort((a, b) => a.seq - b.seq).map(({ seq: _, ...message }) => message);
  }

  counts(): Record<string, number> {
    const names = [...this.#topics.keys()].sort();
    const entries = names.map((name) => [name, this.#topics.get(name)?.count ?? 0] as const);
    return boundedCounts(entries, COUNTS_BYTES);
  }

  notes(): string[] {
    const notes: string[] = [];
    if (this.#uncounted > 0)
      notes.push(`${this.#uncounted} messages of topics beyond the first million are not in topics.`);
    const skipped = this.#wanted?.skipped ?? 0;
    if (skipped > 0)
      notes.push(`${skipped} payloads were too large, or too many, to be matched; they count as not matching.`);
    return [...notes, ...this.#telling.notes()];
  }

  #topicOf({ topic: name, size }: Message): Topic | undefined {
    let topic = this.#topics.get(name);
    if (!topic) {
      if (this.#topics.size >= MAX_TOPICS) {
        this.#uncounted += 1;
        return undefined;
      }
      topic = { count: 0, bytes: 0, hinted: topicHint(name) !== undefined, follow: this.#telling.follow() };
      this.#topics.set(name, topic);
    }
    topic.count += 1;
    topic.bytes += size;
    return topic;
  }

  #remember(message: Message): void {
    const size = Math.min(message.payload.length, MAX_PAYLOAD_BYTES);
    if (size > this.#last.length) this.#last = Buffer.allocUnsafe(MAX_PAYLOAD_BYTES);
    message.payload.copy(this.#last, 0, 0, size);
    this.#lastSize = size;
    this.#lastMessage = message;
  }

  #keep(message: Message): Kept {
    const payload = Buffer.from(message.payload.subarray(0, MAX_PAYLOAD_BYTES));
    return { ...message, payload, seq: this.matched };
  }
}

/** A topic that is not counted apart may be about trouble all the same. */
const BEYOND = { follow: undefined, hinted: true };
