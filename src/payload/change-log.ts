// Owns the timeline of changes over several topics: what differs from before, without noise, and how often.
// Bounded in topics, fields, changes and bytes. Must not know who listens.
import { decodePayload } from './decode.ts';
import { type Change, differences, shown } from './difference.ts';
import { isFine, isTick } from './ticking.ts';
import type { RawMessage, Room } from './types.ts';

/** Topics followed, fields with a memory of their own, and changes held, as far as there is room. */
const MAX_TOPICS = 20_000;
const MAX_FIELDS = 50_000;
/** What each costs in memory beside its text, bytes, roughly. */
const COST = { topic: 600, field: 300, entry: 150, change: 200 };
/** A payload is held as bytes and as what they say, and both are collected late. */
const PER_BYTE = 4;
const MAX_ENTRIES = 20_000;
/** Moments kept of one topic, its first: enough to see a schedule; a flood of messages costs no more. */
const MAX_ARRIVALS = 50;
/** Largest payload compared, bytes; of a larger one only its bytes are. */
const MAX_COMPARED = 64 * 1024;

/** What counts as noise of a number: a step within either is folded into the count of its field. */
export type Noise = {
  /** Percent of the largest magnitude that the field has shown. */
  percent: number;
  /** In the field's own unit. */
  absolute: number;
};

/** One message that changed something. */
export type Entry = {
  topic: string;
  /** ms since the epoch, at arrival. */
  at: number;
  changes: Change[];
  /** The topic was heard for the first time, so what it held before is not known. */
  appeared: boolean;
};

export type Field = {
  topic: string;
  path: string;
  /** Changes told, and those that were folded as noise. */
  told: number;
  folded: number;
  minimum: number;
  maximum: number;
  /** Every step so far had the same sign, or is a text that sorts after the one before: a clock or a counter. */
  rising: boolean;
  /** Steps that were those of a clock or of a counter. */
  ticks: number;
  /** The value that was told last. */
  last: unknown;
};

type Topic = {
  name: string;
  bytes: Buffer;
  payload: unknown;
  decoded: boolean;
  /** Of the message before, ms since the epoch. */
  at: number;
  messages: number;
  arrivals: number[];
  fields: Map<string, Field>;
};

/** Since the message before, ms, and whether something has just happened. */
type Step = { sinceMs: number; awaited: boolean };

export class ChangeLog {
  /** In order of arrival. */
  readonly entries: Entry[] = [];
  /** Live messages; those that changed nothing, or nothing beyond noise. */
  messages = 0;
  unchanged = 0;
  /** Entries and topics that there was no room for. */
  droppedEntries = 0;
  droppedTopics = 0;
  readonly #topics = new Map<string, Topic>();
  readonly #noise: Noise;
  readonly #room: Room;
  #fields = 0;

  constructor(noise: Noise, room: Room) {
    this.#noise = noise;
    this.#room = room;
  }

  /** Topics that spoke or were stored. */
  get topics(): number {
    return this.#topics.size;
  }

  /**
   * A stored message is what was there before: no change. `awaited`: something has just happened that may have moved a
   * field, so the first step of one that stood still is no noise, however small.
   */
  take(message: RawMessage, awaited = false): Entry | undefined {
    const { topic: name, payload, retain } = message;
    if (!retain) this.messages += 1;
    const topic = this.#topics.get(name);
    if (topic === undefined) return this.#first(message);
    if (!retain) {
      topic.messages += 1;
      if (topic.arrivals.length < MAX_ARRIVALS) topic.arrivals.push(message.at);
    }
    if (topic.bytes.equals(payload)) {
      if (!retain) this.unchanged += 1;
      return undefined;
    }
    const before = decodedOnce(topic);
    if (!this.#remember(topic, message)) return undefined;
    if (retain) return undefined;
    const raw = differences(before, decodedOnce(topic)).changes;
    const sinceMs = message.at - topic.at;
    topic.at = message.at;
    const changes = raw.flatMap((change) => this.#withoutNoise(topic, change, { sinceMs, awaited }));
    if (changes.length > 0) return this.#add({ topic: name, at: message.at, changes, appeared: false });
    this.unchanged += 1;
    return undefined;
  }

  messagesOn(name: string): number {
    return this.#topics.get(name)?.messages ?? 0;
  }

  /** When the topic spoke, the first times. */
  arrivalsOn(name: string): readonly number[] | undefined {
    return this.#topics.get(name)?.arrivals;
  }

  /** Fields that ever changed, in order of their topics' first message. */
  *fields(): Iterable<Field> {
    for (const { fields } of this.#topics.values()) yield* fields.values();
  }

  #first(message: RawMessage): Entry | undefined {
    const { topic: name, payload, retain, at } = message;
    const cost = COST.topic + name.length + PER_BYTE * payload.length;
    if (this.#topics.size >= MAX_TOPICS || !this.#room.fits(cost)) {
      this.droppedTopics += 1;
      return undefined;
    }
    const messages = retain ? 0 : 1;
    const topic = {
      name,
      bytes: Buffer.from(payload),
      payload: undefined,
      decoded: false,
      at,
      messages,
      arrivals: retain ? [] : [at],
      fields: new Map(),
    };
    this.#topics.set(name, topic);
    this.#room.take(cost);
    if (retain) return undefined;
    const after = shown(decodedOnce(topic));
    return this.#add({ topic: name, at, changes: [{ path: '$', after }], appeared: true });
  }

  #remember(topic: Topic, { payload }: RawMessage): boolean {
    const more = PER_BYTE * (payload.length - topic.bytes.length);
    if (more > 0 && !this.#room.fits(more)) {
      this.droppedEntries += 1;
      return false;
    }
    this.#room.take(more);
    topic.bytes = Buffer.from(payload);
    topic.decoded = false;
    return true;
  }

  #withoutNoise(topic: Topic, change: Change, { sinceMs, awaited }: Step): Change[] {
    const { path, before, after } = change;
    const field = this.#fieldOf(topic.name, topic, change);
    if (field === undefined) return [change];
    if (isTick(before, after, sinceMs)) field.ticks += 1;
    const stood = field.told + field.folded === 0;
    const base = stood ? before : field.last;
    if (typeof after !== 'number' || typeof base !== 'number') {
      field.rising &&= typeof after === 'string' && typeof before === 'string' && after > before;
      field.told += 1;
      field.last = after;
      return [change];
    }
    field.rising &&= typeof before === 'number' && after > before;
    field.minimum = Math.min(field.minimum, after, base);
    field.maximum = Math.max(field.maximum, after, base);
    const largest = Math.max(Math.abs(field.minimum), Math.abs(field.maximum));
    const percent = isFine(path) ? 0 : this.#noise.percent;
    const threshold = Math.max(this.#noise.absolute, (percent / 100) * largest);
    const delta = Number((after - base).toPrecision(12));
    if (Math.abs(delta) <= threshold && !(awaited && stood)) {
      if (stood) field.last = base;
      field.folded += 1;
      return [];
    }
    field.told += 1;
    field.last = after;
    return [{ path, before: base, after, delta }];
  }

  #fieldOf(name: string, topic: Topic, { path, before }: Change): Field | undefined {
    const known = topic.fields.get(path);
    const cost = COST.field + path.length;
    if (known || this.#fields >= MAX_FIELDS || !this.#room.fits(cost)) return known;
    this.#fields += 1;
    this.#room.take(cost);
    const range = { minimum: Number.POSITIVE_INFINITY, maximum: Number.NEGATIVE_INFINITY };
    const field = { topic: name, path, told: 0, folded: 0, ...range, rising: true, ticks: 0, last: before };
    topic.fields.set(path, field);
    return field;
  }

  #add(entry: Entry): Entry | undefined {
    const cost = COST.entry + entry.changes.reduce((sum, change) => sum + costOf(change), 0);
    if (this.entries.length >= MAX_ENTRIES || !this.#room.fits(cost)) {
      this.droppedEntries += 1;
      return undefined;
    }
    this.#room.take(cost);
    this.entries.push(entry);
    return entry;
  }
}

function costOf({ path, before, after }: Change): number {
  const text = (value: unknown) => (typeof value === 'string' ? value.length : 16);
  return COST.change + path.length + text(before) + text(after);
}

function decodedOnce(topic: Topic): unknown {
  if (!topic.decoded) {
    const { bytes, name } = topic;
    const large = bytes.length > MAX_COMPARED;
    topic.payload = large ? `(${bytes.length} bytes)` : decodePayload(bytes, bytes.length, name).payload;
    topic.decoded = true;
  }
  return topic.payload;
}
