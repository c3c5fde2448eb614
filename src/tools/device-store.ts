// Owns the kept messages of one device: of each topic the stored and the latest ones, bounded in number and bytes.
// Must not know whose a topic is.
import type { Entry } from '../findings/types.ts';
import type { Message } from '../mqtt/types.ts';
import { decodePayload } from '../payload/decode.ts';
import type { Room } from '../payload/types.ts';
import { PAYLOAD_COST } from './room.ts';

/** Topics of one device that are followed. Stops an id such as "a" from taking in a whole broker. */
const MAX_TOPICS = 1_000;
/** Messages kept a topic, and of all topics, roughly: they are held and judged, in slices. */
const MAX_ENTRIES = 400;
const MIN_ENTRIES = 6;
const MAX_ALL_ENTRIES = 6_000;
/** Bytes of a payload that are kept, and once there is no room: enough to tell what it is. */
const MAX_PAYLOAD_BYTES = 64 * 1024;
const HEAD_BYTES = 1024;
/** Who holds less lets nothing go where there is no room: it is others who hold much. */
const LEAST_BYTES = 1024 * 1024;
/** Bytes beside its payload, roughly. */
const OVERHEAD_BYTES = 200;

/** A message as it is kept; `seq` is its place in the order of arrival. */
export type Raw = Pick<Message, 'at' | 'retain' | 'payload' | 'size'> & { seq: number };
/** `live` counts all, `dropped` those that `raw` no longer holds. */
export type Track = { raw: Raw[]; live: number; dropped: number };

export class DeviceStore {
  static readonly MAX_TOPICS = MAX_TOPICS;
  readonly tracks = new Map<string, Track>();
  readonly #room: Room;
  #bytes = 0;

  constructor(room: Room) {
    this.#room = room;
  }

  /** undefined: there are too many. */
  open(topic: string): Track | undefined {
    if (this.tracks.size >= MAX_TOPICS || (topic.length > HEAD_BYTES && !this.#room.fits(topic.length)))
      return undefined;
    const track: Track = { raw: [], live: 0, dropped: 0 };
    this.#room.take(topic.length + OVERHEAD_BYTES);
    this.tracks.set(topic, track);
    return track;
  }

  /** Copies what it keeps. */
  keep(track: Track, { at, retain, payload, size, seq }: Raw): void {
    const length = Math.min(payload.length, MAX_PAYLOAD_BYTES);
    const bytes = Buffer.from(payload.subarray(0, this.#hasRoom(length) ? length : HEAD_BYTES));
    // A second subscription brings stored messages again.
    if (retain && track.raw.some((one) => one.retain && one.payload.equals(bytes))) return;
    if (!retain) track.live += 1;
    track.raw.push({ at, retain, payload: bytes, size, seq });
    this.#hold(bytes.length + OVERHEAD_BYTES);
    const share = Math.max(MIN_ENTRIES, Math.min(MAX_ENTRIES, Math.floor(MAX_ALL_ENTRIES / this.tracks.size)));
    if (track.raw.length > share) this.#letGo(track, track.raw.length - share);
  }

  /** Makes room, where it can, by letting go of the older half of every topic. */
  #hasRoom(bytes: number): boolean {
    if (this.#room.fits(PAYLOAD_COST * bytes)) return true;
    if (this.#bytes < LEAST_BYTES) return false;
    for (const one of this.tracks.values()) this.#letGo(one, one.raw.length >> 1);
    return this.#room.fits(PAYLOAD_COST * bytes);
  }

  #hold(bytes: number): void {
    this.#bytes += bytes;
    this.#room.take(PAYLOAD_COST * bytes);
  }

  /** The oldest live ones: a stored one shows how it was before. */
  #letGo(track: Track, count: number): void {
    const from = track.raw[0]?.retain && track.raw.length > count ? 1 : 0;
    for (const { payload } of track.raw.splice(from, count)) this.#hold(-(payload.length + OVERHEAD_BYTES));
    track.dropped += count;
  }
}

/** Bytes that decode in the time of one value looked at, roughly; and what a message costs beside its bytes. */
const BYTES_A_VALUE = 16;
const DECODE_COST = 50;

/** One message a step; each yields its cost in values looked at. */
export function* entriesOf(topic: string, { raw }: Track): Generator<number, Entry[]> {
  const entries: Entry[] = [];
  for (const { at, retain, payload, size, seq } of raw) {
    const decoded = decodePayload(payload, size, topic);
    entries.push({ topic, at, seq, retain, payload: decoded.payload, type: decoded.payload_type });
    yield DECODE_COST + payload.length / BYTES_A_VALUE;
  }
  return entries;
}

/** A copy of a message that may be kept later. */
export function copied({ at, retain, payload, size }: Message, seq: number): Raw {
  return { at, retain, payload: Buffer.from(payload.subarray(0, MAX_PAYLOAD_BYTES)), size, seq };
}
