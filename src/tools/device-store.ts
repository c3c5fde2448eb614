// Owns the kept messages of one device: of each topic the stored and the latest ones, bounded in number and bytes.
// Must not know whose a topic is.
import type { Entry } from '../findings/types.ts';
import type { Message } from '../mqtt/types.ts';
import { decodePayload } from '../payload/decode.ts';

/** Topics of one device that are followed. Stops an id such as "a" from taking in a whole broker. */
const MAX_TOPICS = 1_000;
/** Messages kept a topic, and of all topics, roughly: they are held and judged, in slices. */
const MAX_ENTRIES = 400;
const MIN_ENTRIES = 6;
const MAX_ALL_ENTRIES = 6_000;
/** Bytes of a payload that are kept, and of all payloads: stops 6,000 large ones. */
const MAX_PAYLOAD_BYTES = 64 * 1024;
const MAX_BYTES = 24 * 1024 * 1024;
/** Kept of a payload once the bytes are used up: enough to tell what it is. */
const HEAD_BYTES = 1024;
/** Bytes beside its payload, roughly. */
const OVERHEAD_BYTES = 200;

/** A message as it is kept; `seq` is its place in the order of arrival. */
export type Raw = Pick<Message, 'at' | 'retain' | 'payload' | 'size'> & { seq: number };
/** `live` counts all, `dropped` those that `raw` no longer holds. */
export type Track = { raw: Raw[]; live: number; dropped: number };

export class DeviceStore {
  static readonly MAX_TOPICS = MAX_TOPICS;
  readonly tracks = new Map<string, Track>();
  #bytes = 0;

  /** undefined: there are too many. */
  open(topic: string): Track | undefined {
    if (this.tracks.size >= MAX_TOPICS) return undefined;
    const track: Track = { raw: [], live: 0, dropped: 0 };
    this.tracks.set(topic, track);
    return track;
  }

  /** Copies what it keeps. */
  keep(track: Track, { at, retain, payload, size, seq }: Raw): void {
    const room = this.#hasRoom() ? MAX_PAYLOAD_BYTES : HEAD_BYTES;
    const bytes = Buffer.from(payload.subarray(0, room));
    // A second subscription brings stored messages again.
    if (retain && track.raw.some((one) => one.retain && one.payload.equals(bytes))) return;
    if (!retain) track.live += 1;
    track.raw.push({ at, retain, payload: bytes, size, seq });
    this.#bytes += bytes.length + OVERHEAD_BYTES;
    const share = Math.max(MIN_ENTRIES, Math.min(MAX_ENTRIES, Math.floor(MAX_ALL_ENTRIES / this.tracks.size)));
    if (track.raw.length > share) this.#letGo(track, track.raw.length - share);
  }

  /** Makes room, where it can, by letting go of the older half of every topic. */
  #hasRoom(): boolean {
    const most = MAX_BYTES - MAX_PAYLOAD_BYTES;
    if (this.#bytes > most) for (const one of this.tracks.values()) this.#letGo(one, one.raw.length >> 1);
    return this.#bytes <= most;
  }

  /** The oldest live ones: a stored one shows how it was before. */
  #letGo(track: Track, count: number): void {
    const from = track.raw[0]?.retain && track.raw.length > count ? 1 : 0;
    for (const { payload } of track.raw.splice(from, count)) this.#bytes -= payload.length + OVERHEAD_BYTES;
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
