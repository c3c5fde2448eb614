// Owns the messages of a whole window: every one counted, and of them kept what an engineer would look at, never more
// than 500 messages and 64 MiB. Most are looked at as bytes only. Deterministic.
import type { Message } from '../mqtt/types.ts';
import { boundedCounts } from '../payload/bounded-counts.ts';
import { decodePayload } from '../payload/decode.ts';
import { severityOf, topicHint } from '../payload/errors-in.ts';
import { type LevelState, levelChanged, levelsOf, trackLevel } from '../payload/level.ts';
import { isNewShape, shapeOf, trackShapes } from '../payload/shape.ts';
import { suspicious } from '../payload/suspicious.ts';
import type { Decoded } from '../payload/types.ts';
import { wording } from '../payload/wording.ts';
import { COUNTS_BYTES, type Collector, MAX_TOPICS } from './collector.ts';
import type { Wanted } from './inbox.ts';
import { FairReservoir } from './reservoir.ts';
import { Thinned } from './thinned.ts';

/** Messages kept: together 500 at most, with the first and the last. */
const MAX_KEPT = 500;
const MAX_ERRORS = 150;
const MAX_SHAPES = 100;
const MAX_CHANGES = 100;
/** Bytes of a payload that are kept: 500 of them are 64 MiB. */
const MAX_PAYLOAD_BYTES = 128 * 1024;
/** Payloads decoded a second: all of an ordinary broker's, a sample of a flood's. */
const MAX_DECODED_A_SECOND = 10_000;
/** Topics whose levels and shapes are followed; fields of a topic that are. */
const MAX_FOLLOWED = 2_000;
const MAX_FIELDS = 32;
/** Wordings of one topic that are remembered as harmless. */
const MAX_WORDINGS = 64;

type Kept = Message & { seq: number };
type Topic = { count: number; bytes: number; hint: boolean; follow: Follow | undefined };
type Follow = { harmless: Set<number>; shapes: ReturnType<typeof trackShapes>; levels: Map<string, LevelState> };

export class WindowInbox implements Collector {
  /** It listens to the end. */
  readonly full = new Promise<void>(() => {});
  received = 0;
  matched = 0;
  readonly #wanted: Wanted | undefined;
  readonly #topics = new Map<string, Topic>();
  readonly #errors = new Thinned<Kept>(MAX_ERRORS);
  readonly #shapes = new Thinned<Kept>(MAX_SHAPES);
  readonly #changes = new Thinned<Kept>(MAX_CHANGES);
  readonly #sample = new FairReservoir<Topic, Kept>(MAX_KEPT - MAX_ERRORS - MAX_SHAPES - MAX_CHANGES - 6);
  #first: Kept | undefined;
  /** A slot that is written over: copying every payload into a buffer of its own would cost more than the rest. */
  #last = Buffer.allocUnsafe(4096);
  #lastMessage: Message | undefined;
  #lastSize = 0;
  #followed = 0;
  #uncounted = 0;
  #undecoded = 0;
  #unexamined = 0;
  #second = 0;
  #decoded = 0;

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
    if (this.#isTelling(message, topic)) return;
    if (topic) this.#sample.offer(topic, () => this.#keep(message));
  }

  messages(): Message[] {
    const kept = [...this.#errors.items(), ...this.#shapes.items(), ...this.#changes.items(), ...this.#sample.items()];
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
    if (this.#unexamined > 0) {
      notes.push(
        `${this.#unexamined} messages that look like trouble came too fast to be decoded: some errors may be missing.`,
      );
    }
    if (this.#undecoded > 0) {
      notes.push(`${this.#undecoded} messages came too fast to be decoded: small changes of level may be missing.`);
    }
    const skipped = this.#wanted?.skipped ?? 0;
    if (skipped > 0)
      notes.push(`${skipped} payloads were too large, or too many, to be matched; they count as not matching.`);
    return notes;
  }

  #topicOf({ topic: name, size }: Message): Topic | undefined {
    let topic = this.#topics.get(name);
    if (!topic) {
      if (this.#topics.size >= MAX_TOPICS) {
        this.#uncounted += 1;
        return undefined;
      }
      topic = { count: 0, bytes: 0, hint: topicHint(name) !== undefined, follow: this.#newFollow() };
      this.#topics.set(name, topic);
    }
    topic.count += 1;
    topic.bytes += size;
    return topic;
  }

  #newFollow(): Follow | undefined {
    if (this.#followed >= MAX_FOLLOWED) return undefined;
    this.#followed += 1;
    return { harmless: new Set(), shapes: trackShapes(), levels: new Map() };
  }

  /** Looks into it as far as it deserves. True: it is an error or news, and kept. */
  #isTelling(message: Message, topic: Topic | undefined): boolean {
    const follow = topic?.follow;
    const words = wording(message.payload);
    const known = follow !== undefined && words !== 0 && follow.harmless.has(words);
    if (!known && (topic?.hint || suspicious(message.payload))) return this.#examine(message, follow);
    if (!follow) return false;
    // A wording that is new may be a new shape: there are so few that all of them are looked into.
    const isNew = !known && follow.harmless.size < MAX_WORDINGS;
    if (isNew) follow.harmless.add(words);
    const decoded = isNew ? decodePayload(message.payload, message.size, message.topic) : this.#decode(message);
    if (decoded) return this.#isNews(message, follow, decoded);
    this.#undecoded += 1;
    return false;
  }

  /** Decodes what may be an error. */
  #examine(message: Message, follow: Follow | undefined): boolean {
    const decoded = this.#decode(message);
    if (!decoded) {
      this.#unexamined += 1;
      return false;
    }
    const { payload, payload_type } = decoded;
    if (severityOf({ topic: message.topic, payload, payload_type })) {
      this.#errors.add(this.#keep(message));
      return true;
    }
    return follow !== undefined && this.#isNews(message, follow, decoded);
  }

  /** A shape that the topic has not shown yet, or a change of level. */
  #isNews(message: Message, { shapes, levels }: Follow, { payload, payload_type }: Decoded): boolean {
    const newShape = isNewShape(shapes, shapeOf(payload, payload_type));
    let changed = false;
    for (const [path, value] of levelsOf(payload, payload_type)) {
      let state = levels.get(path);
      if (!state && levels.size < MAX_FIELDS) {
        state = trackLevel();
        levels.set(path, state);
      }
      if (state && levelChanged(state, value)) changed = true;
    }
    if (newShape) this.#shapes.add(this.#keep(message));
    else if (changed) this.#changes.add(this.#keep(message));
    return newShape || changed;
  }

  /** Undefined once this second's share is used up. */
  #decode({ at, payload, size, topic }: Message): Decoded | undefined {
    const second = Math.floor(at / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#decoded = 0;
    }
    this.#decoded += 1;
    return this.#decoded > MAX_DECODED_A_SECOND ? undefined : decodePayload(payload, size, topic);
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
