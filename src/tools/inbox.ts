// Owns the messages of a plain collection: the first so many, bounded in number and bytes.
import { bytesBeside } from '../mqtt/beside.ts';
import type { Message } from '../mqtt/types.ts';
import type { Room } from '../payload/types.ts';
import type { Collector } from './collector.ts';
import { costOf, cutNote, lightenedNote, withoutProperties } from './kept.ts';
import { PAYLOAD_COST } from './room.ts';
import { MAX_TOPIC_CHARS, MAX_TOPICS, notToldApart, type Total, type Totals, totalsOf } from './topic-totals.ts';

/** Tells whether a message is wanted. */
export type Wanted = { test(payload: Buffer, topic: string): boolean; readonly skipped: number };

export class Inbox implements Collector {
  /** Bytes of a payload that are kept. */
  static readonly MAX_PAYLOAD_BYTES = 1024 * 1024;
  /** Kept of a payload once there is no room: enough to tell what it is. Stops 500 payloads of 1 MiB. */
  static readonly HEAD_BYTES = 1024;

  /** Topics named in a result: a collection of 500 has no more. */
  static readonly MAX_NAMED = 500;

  readonly full: Promise<void>;
  received = 0;
  readonly #max: number;
  readonly #room: Room;
  readonly #wanted: Wanted | undefined;
  readonly #kept: Message[] = [];
  readonly #topics = new Map<string, Total>();
  /** Of topics that are not counted apart. */
  readonly #beyond: Total = { count: 0, bytes: 0, matched: 0 };
  #chars = 0;
  #cut = 0;
  #lightened = 0;
  #unheld = 0;
  #fill: () => void = () => {};

  constructor(max: number, wanted: Wanted | undefined, room: Room) {
    this.#max = max;
    this.#room = room;
    this.#wanted = wanted;
    this.full = new Promise((resolve) => {
      this.#fill = resolve;
    });
  }

  get matched(): number {
    return this.#kept.length + this.#unheld;
  }

  /** Copies what it keeps: the payload given is a view of a larger buffer. */
  take(message: Message): void {
    if (this.matched >= this.#max) return;
    this.received += 1;
    const total = this.#topics.get(message.topic) ?? this.#newTopic(message.topic);
    total.count += 1;
    total.bytes += message.size;
    if (this.#wanted && !this.#wanted.test(message.payload, message.topic)) return;
    total.matched += 1;
    // A name cannot be cut, and may have 64 KiB.
    if (message.topic.length > Inbox.HEAD_BYTES && !this.#room.fits(bytesBeside(withoutProperties(message)))) {
      this.#unheld += 1;
    } else this.#hold(message);
    if (this.matched === this.#max) this.#fill();
  }

  #hold(message: Message): void {
    const whole = Math.min(message.payload.length, Inbox.MAX_PAYLOAD_BYTES);
    const payload = Buffer.from(
      message.payload.subarray(0, this.#room.fits(PAYLOAD_COST * whole) ? whole : Inbox.HEAD_BYTES),
    );
    if (payload.length < message.size) this.#cut += 1;
    const copy = { ...message, payload };
    const light = message.properties !== undefined && !this.#room.fits(costOf(copy));
    if (light) this.#lightened += 1;
    const kept = light ? withoutProperties(copy) : copy;
    this.#room.take(costOf(kept));
    this.#kept.push(kept);
  }

  messages(): Message[] {
    return this.#kept;
  }

  totals(): Totals {
    return totalsOf(this.#topics, Inbox.MAX_NAMED, this.#beyond);
  }

  notes(): string[] {
    const notes: string[] = [];
    if (this.#beyond.count > 0) notes.push(notToldApart(this.#beyond.count, this.#topics.size));
    if (this.#cut > 0) notes.push(cutNote(this.#cut, '1 MiB'));
    if (this.#unheld > 0)
      notes.push(`${this.#unheld} messages of long topics were counted, and not held for want of room.`);
    if (this.#lightened > 0) notes.push(lightenedNote(this.#lightened));
    const skipped = this.#wanted?.skipped ?? 0;
    if (skipped > 0)
      notes.push(`${skipped} payloads were too large, or too many, to be matched; they count as not matching.`);
    return notes;
  }

  #newTopic(name: string): Total {
    if (name.length > Inbox.HEAD_BYTES && !this.#room.fits(2 * name.length)) return this.#beyond;
    if (this.#topics.size >= MAX_TOPICS || this.#chars + name.length > MAX_TOPIC_CHARS) return this.#beyond;
    this.#chars += name.length;
    const total = { count: 0, bytes: 0, matched: 0 };
    this.#topics.set(name, total);
    return total;
  }
}
