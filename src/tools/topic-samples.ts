// Owns what is kept of a collection that wants to know what topics say: all are counted, and of each a fair share is
// held, however loud the others are. Bounded in topics, messages and bytes.
import type { Message } from '../mqtt/types.ts';
import { decodePayload } from '../payload/decode.ts';
import type { Held } from '../payload/schema/describe.ts';
import type { DriftLog } from '../payload/schema/drift.ts';
import type { Room } from '../payload/types.ts';
import { FairReservoir } from './reservoir.ts';
import { PayloadRoom } from './room.ts';

/** Topics counted apart; stops a broker of endless topics from filling memory, and grouping (10 µs each) from stalling. */
const MAX_TOPICS = 50_000;
/** Messages held: fair to topics, and fair to topics that look alike, so that a rare one beside a fleet is heard. */
const MAX_BY_TOPIC = 1_500;
const MAX_BY_LOOK = 500;
const MAX_LOOKS = 5_000;
/** Bytes of a payload; a longer one, or one for which there is no room, is counted but not looked at. */
const MAX_PAYLOAD_BYTES = 1024 * 1024;
/** A topic beside its name, bytes, roughly. */
const TOPIC_BYTES = 150;

type Kept = { topic: string; payload: Buffer; size: number; at: number };
type Topic = { count: number; look: object | undefined };

export class TopicSamples {
  received = 0;
  readonly #topics = new Map<string, Topic>();
  readonly #looks = new Map<string, object>();
  readonly #byTopic = new FairReservoir<Topic, Kept>(MAX_BY_TOPIC);
  readonly #byLook = new FairReservoir<object, Kept>(MAX_BY_LOOK);
  readonly #drift: DriftLog | undefined;
  readonly #room: Room;
  readonly #payloads: PayloadRoom;
  #uncounted = 0;
  #cut = 0;

  constructor(drift: DriftLog | undefined, room: Room) {
    this.#drift = drift;
    this.#room = room;
    this.#payloads = new PayloadRoom(room, () => this.#kept().reduce((sum, { size }) => sum + size, 0));
  }

  get topics(): number {
    return this.#topics.size;
  }

  /** Copies what it keeps: the payload given is a view of a larger buffer. */
  take(message: Message): void {
    this.received += 1;
    this.#drift?.take(message);
    const topic = this.#topicOf(message.topic);
    if (!topic) return;
    topic.count += 1;
    if (
      message.size > MAX_PAYLOAD_BYTES ||
      message.payload.length < message.size ||
      !this.#payloads.fits(message.size, message.at)
    ) {
      this.#cut += 1;
      return;
    }
    let kept: Kept | undefined;
    const copy = () => {
      kept ??= this.#copy(message);
      return kept;
    };
    this.#byTopic.offer(topic, copy);
    if (topic.look) this.#byLook.offer(topic.look, copy);
  }

  counts(): Map<string, number> {
    return new Map([...this.#topics].map(([name, { count }]) => [name, count]));
  }

  /** The held ones, decoded. An integer beyond 2^53 is one to a schema; only who reads its digits wants them exact. */
  held(): Held[] {
    return this.#kept().map(({ topic, payload, size, at }) => {
      const shown = () => decodePayload(payload, size, topic).payload;
      return { topic, at, shown, ...decodePayload(payload, size, topic, 'nearest') };
    });
  }

  notes(): string[] {
    const notes: string[] = [];
    if (this.#uncounted > 0) {
      notes.push(
        `More than ${this.#topics.size} topics: ${this.#uncounted} messages of further ones are in no template.`,
      );
    }
    if (this.#cut > 0) {
      notes.push(
        `${this.#cut} messages were counted but not looked at: over 1 MiB, or beyond 6 MiB in all, less while other calls hold much.`,
      );
    }
    return notes;
  }

  #kept(): Kept[] {
    return [...new Set([...this.#byTopic.items(), ...this.#byLook.items()])];
  }

  #copy({ topic, payload, size, at }: Message): Kept {
    this.#payloads.take(size);
    return { topic, payload: Buffer.from(payload), size, at };
  }

  #topicOf(name: string): Topic | undefined {
    const known = this.#topics.get(name);
    if (known) return known;
    const bytes = name.length + TOPIC_BYTES;
    if (this.#topics.size >= MAX_TOPICS || !this.#room.fits(bytes)) {
      this.#uncounted += 1;
      return undefined;
    }
    this.#room.take(bytes);
    const topic = { count: 0, look: this.#lookOf(name) };
    this.#topics.set(name, topic);
    return topic;
  }

  /** Topics that differ in numbers and hex numbers only look alike. */
  #lookOf(name: string): object | undefined {
    const look = name.slice(0, 256).replace(/[0-9a-f]*\d[0-9a-f]*/gi, '#');
    const known = this.#looks.get(look);
    if (known || this.#looks.size >= MAX_LOOKS) return known;
    const fresh = {};
    this.#looks.set(look, fresh);
    return fresh;
  }
}
