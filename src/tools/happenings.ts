// Owns the events of a watch: the messages whose neighbourhood in time is looked at. Bounded.
import type { Message } from '../mqtt/types.ts';

/** Events kept, the first ones; further ones are counted. */
const MAX_EVENTS = 200;
/** Of an event's payload, bytes. */
const MAX_PAYLOAD = 1024;

export type Happening = { topic: string; payload: Buffer; size: number; at: number };

export class Happenings {
  readonly kept: Happening[] = [];
  count = 0;
  /** Of the last one, also where it is not kept; ms since the epoch. */
  #lastAt = Number.NEGATIVE_INFINITY;

  take({ topic, payload, size, at }: Message): void {
    this.count += 1;
    this.#lastAt = at;
    if (this.kept.length < MAX_EVENTS) {
      this.kept.push({ topic, payload: Buffer.from(payload.subarray(0, MAX_PAYLOAD)), size, at });
    }
  }

  /** Whether one came within so many ms before this moment. */
  precedes(at: number, withinMs: number): boolean {
    return at - this.#lastAt <= withinMs;
  }
}
