// Owns the measuring of a stream of messages: counts, sizes, gaps, repeats, and the same by topic. It keeps numbers
// only, never a message. Must not know where messages come from.
import { Histogram } from './histogram.ts';
import { Rates } from './rates.ts';
import type { RawMessage, Room } from './types.ts';

/** Topics measured apart; stops a broker of millions from filling memory. Those beyond are counted together. */
const MAX_TOPICS = 100_000;
/** What a topic costs beside its name, bytes, roughly. */
const TOPIC_BYTES = 300;
/** Bytes at each end of a payload by which a repeat is told, with its length. */
const COMPARED = 256;
/** A repeat within this time is a copy rather than a device that says the same again, ms. */
const COPY_MS = 100;

export class TopicTraffic {
  readonly topic: string;
  count = 0;
  bytes = 0;
  retained = 0;
  repeated = 0;
  /** ms since the epoch; 0: no live message yet. */
  #last = 0;
  #print = 0;
  readonly gaps = new Gaps();

  constructor(topic: string) {
    this.topic = topic;
  }

  /** Returns ms since the one before where it is the same again, else -1. */
  add(at: number, size: number, print: number): number {
    this.count += 1;
    this.bytes += size;
    const gap = this.#last === 0 ? -1 : at - this.#last;
    const same = gap >= 0 && print === this.#print;
    if (gap >= 0) this.gaps.add(gap);
    this.#last = at;
    this.#print = print;
    if (!same) return -1;
    this.repeated += 1;
    return gap;
  }
}

/** Times between one message and the next. Jitter: the mean difference of a gap from the one before (after RFC 3550). */
export class Gaps {
  count = 0;
  sum = 0;
  max = 0;
  #last = -1;
  #differences = 0;

  add(gap: number): void {
    this.count += 1;
    this.sum += gap;
    if (gap > this.max) this.max = gap;
    if (this.#last >= 0) this.#differences += Math.abs(gap - this.#last);
    this.#last = gap;
  }

  get mean(): number | undefined {
    return this.count === 0 ? undefined : this.sum / this.count;
  }

  get jitter(): number | undefined {
    return this.count < 2 ? undefined : this.#differences / (this.count - 1);
  }
}

export class Traffic {
  readonly rates: Rates;
  readonly sizes = new Histogram();
  readonly gaps = new Gaps();
  readonly gapTimes = new Histogram();
  live = 0;
  bytes = 0;
  retained = 0;
  retainedBytes = 0;
  dups = 0;
  repeated = 0;
  copies = 0;
  /** Live messages of topics beyond MAX_TOPICS. */
  unmeasured = 0;
  readonly #topics = new Map<string, TopicTraffic>();
  readonly #room: Room;
  #last = -1;

  constructor(began: number, seconds: number, room: Room) {
    this.rates = new Rates(began, seconds);
    this.#room = room;
  }

  get topicCount(): number {
    return this.#topics.size;
  }

  take({ topic, payload, size, retain, dup, at }: RawMessage): void {
    const own = this.#topicOf(topic);
    // What was stored earlier says nothing about the traffic now.
    if (retain) {
      this.retained += 1;
      this.retainedBytes += size;
      if (own) own.retained += 1;
      return;
    }
    this.live += 1;
    this.bytes += size;
    this.rates.add(at, size);
    this.sizes.add(size);
    if (dup) this.dups += 1;
    if (this.#last >= 0) {
      const gap = Math.max(0, at - this.#last);
      this.gaps.add(gap);
      this.gapTimes.add(gap);
    }
    this.#last = at;
    if (!own) {
      this.unmeasured += 1;
      return;
    }
    const since = own.add(at, size, printOf(payload));
    if (since < 0) return;
    this.repeated += 1;
    if (since <= COPY_MS) this.copies += 1;
  }

  /** Those with most live messages; of equals the first in order of their names. */
  top(count: number): TopicTraffic[] {
    const speaking = [...this.#topics.values()].filter((one) => one.count > 0);
    return speaking.sort((a, b) => b.count - a.count || (a.topic < b.topic ? -1 : 1)).slice(0, count);
  }

  #topicOf(topic: string): TopicTraffic | undefined {
    let own = this.#topics.get(topic);
    const bytes = topic.length + TOPIC_BYTES;
    if (!own && this.#topics.size < MAX_TOPICS && this.#room.fits(bytes)) {
      this.#room.take(bytes);
      own = new TopicTraffic(topic);
      this.#topics.set(topic, own);
    }
    return own;
  }
}

/** FNV-1a of both ends and the length: two payloads that differ in the middle alone count as the same. */
function printOf(payload: Uint8Array): number {
  const { length } = payload;
  let print = 0x811c9dc5 ^ length;
  const head = Math.min(length, COMPARED);
  for (let i = 0; i < head; i++) print = Math.imul(print ^ (payload[i] ?? 0), 0x01000193);
  for (let i = Math.max(head, length - COMPARED); i < length; i++) {
    print = Math.imul(print ^ (payload[i] ?? 0), 0x01000193);
  }
  return print;
}
