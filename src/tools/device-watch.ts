// Owns the messages of one device, out of everything a broker sends: whose a message is, by its topic and by what
// descriptions say, and a bounded timeline of them. Must not know what the timeline means.

import type { Identity } from '../conventions/identity.ts';
import { claimsIn, describes, roleOf } from '../conventions/index.ts';
import type { Claim } from '../conventions/types.ts';
import type { Entry, Series } from '../findings/types.ts';
import { matches } from '../mqtt/topic.ts';
import type { Message } from '../mqtt/types.ts';
import { decodePayload } from '../payload/decode.ts';
import { NearNames } from './near-names.ts';

/** Topics of one device that are followed. Stops an id such as "a" from taking in a whole broker. */
const MAX_TOPICS = 1_000;
/** Messages kept a topic, the stored and the latest ones, and of all topics, roughly: what can be judged in 0.3 s. */
const MAX_ENTRIES = 400;
const MIN_ENTRIES = 6;
const MAX_ALL_ENTRIES = 6_000;
/** Bytes of a payload that are kept, and of all: more are let go, the oldest of each topic first. */
const MAX_PAYLOAD_BYTES = 64 * 1024;
const MAX_BYTES = 24 * 1024 * 1024;
/** Bytes beside its payload, roughly. */
const OVERHEAD_BYTES = 200;
/** Bytes of a description that is read: the device list of a bridge with a thousand devices. */
const MAX_DESCRIPTION_BYTES = 4 * 1024 * 1024;
/** Descriptions of the device, and those read in all whatever they say: stops a flood of discovery documents. */
const MAX_CLAIMS = 300;
const MAX_READ = 20_000;
/** Births and deaths of edge nodes that are kept in case the device turns out to be behind one of them. */
const MAX_BRIDGES = 200;
const BRIDGE = /^spBv1\.0\/[^/]+\/N(?:BIRTH|DEATH)\//;
/** Topics remembered as somebody else's, so that a busy one costs one look-up a message. */
const MAX_FOREIGN = 100_000;

type Raw = Pick<Message, 'at' | 'retain' | 'payload' | 'size'> & { seq: number };
type Track = { grade: 'exact' | 'partial'; raw: Raw[]; live: number; dropped: number };

export class DeviceWatch {
  /** Messages of the whole broker, and topics as far as they are remembered. */
  received = 0;
  readonly near: NearNames;
  readonly #id: Identity;
  readonly #tracks = new Map<string, Track>();
  readonly #foreign = new Set<string>();
  readonly #claims: Claim[] = [];
  readonly #bridges = new Map<string, Raw>();
  #bytes = 0;
  #read = 0;
  #overflowed = 0;
  #unread = 0;

  constructor(id: Identity) {
    this.#id = id;
    this.near = new NearNames(id.given);
  }

  /** Topics that were looked at and are not the device's. */
  get foreign(): number {
    return this.#foreign.size;
  }

  /** Messages of the device so far. */
  get live(): number {
    return [...this.#tracks.values()].reduce((sum, { live }) => sum + live, 0);
  }

  /** Copies what it keeps. */
  take(message: Message): void {
    this.received += 1;
    const { topic } = message;
    if (this.#foreign.has(topic)) return;
    if (describes(topic) && !this.#claims.some(({ source }) => source === topic)) this.#readDescription(message);
    const track = this.#tracks.get(topic) ?? this.#admit(topic);
    if (track !== undefined) this.#keep(track, message, this.received);
    else if (BRIDGE.test(topic) && (this.#bridges.has(topic) || this.#bridges.size < MAX_BRIDGES)) {
      const payload = Buffer.from(message.payload.subarray(0, MAX_PAYLOAD_BYTES));
      this.#bridges.set(topic, { ...message, payload, seq: this.received });
    }
  }

  /** Filters of topics that descriptions named: what is stored on them passed by before anybody knew. */
  further(most: number): string[] {
    const prefixes = this.#claims
      .flatMap((claim) => claim.prefixes)
      .filter((prefix) => this.#id.inTopic(prefix) !== 'exact');
    const topics = this.#claims.flatMap((claim) => [...claim.topics.keys()]);
    const unseen = topics.filter(
      (topic) => !prefixes.some((prefix) => topic.startsWith(prefix)) && !this.#tracks.has(topic),
    );
    return [...new Set([...prefixes.map((prefix) => `${prefix}#`), ...unseen])].slice(0, most);
  }

  /** Not those about what another description shows to be another device. */
  claims(): Claim[] {
    const sure = this.#sure();
    return this.#claims.filter(({ grade, topics }) => {
      const spoken = [...topics].filter(([, { role }]) => role === 'state' || role === 'command');
      const foreign = spoken.length > 0 && spoken.every(([topic]) => isOthers(topic, this.#claims));
      return (grade === 'exact' || !sure) && !foreign;
    });
  }

  /** The device's topics in their order; `similar` are those in which the id only stands beside other words. */
  timeline(): { series: Series[]; similar: string[] } {
    const sure = this.#sure();
    const claims = this.claims();
    const own = [...this.#tracks].filter(([topic]) => {
      const grade = this.#gradeOf(topic, claims);
      return (grade === 'exact' || (grade === 'partial' && !sure)) && !isOthers(topic, claims);
    });
    const series = own.map(([topic, { raw, live, dropped }]): Series => {
      return { topic, role: roleOf(topic, claims), entries: raw.map((one) => entryOf(topic, one)), live, dropped };
    });
    const similar = sure
      ? [...this.#tracks].filter(([, { grade }]) => grade === 'partial').map(([topic]) => topic)
      : [];
    return { series: series.toSorted((a, b) => (a.topic < b.topic ? -1 : 1)), similar: similar.toSorted() };
  }

  notes(): string[] {
    const notes: string[] = [];
    if (this.#overflowed > 0) {
      notes.push(
        `The id stands in more than ${MAX_TOPICS} topics: ${this.#overflowed} messages of further ones were left out; give a longer id.`,
      );
    }
    if (this.#unread > 0) notes.push(`${this.#unread} descriptions were too large or too many to be read.`);
    const dropped = [...this.#tracks.values()].reduce((sum, one) => sum + one.dropped, 0);
    if (dropped > 0) notes.push(`${dropped} older messages of busy topics were counted but not looked at.`);
    return notes;
  }

  /** Something is the device's beyond doubt, so that what only resembles it is another one's. */
  #sure(): boolean {
    return (
      this.#claims.some(({ grade }) => grade === 'exact') ||
      [...this.#tracks.values()].some(({ grade }) => grade === 'exact')
    );
  }

  /** Each topic counts once: where state is at once description (Sparkplug, JSON-RPC), it comes with every message. */
  #readDescription({ topic, payload, size }: Message): void {
    if (
      size > payload.length ||
      size > MAX_DESCRIPTION_BYTES ||
      this.#read >= MAX_READ ||
      this.#claims.length >= MAX_CLAIMS
    ) {
      this.#unread += 1;
      return;
    }
    // Writers of JSON may escape what is not ASCII, so such a name cannot be looked for in the bytes.
    const plain = /^[\x20-\x7e]*$/.test(this.#id.given);
    if (plain && !this.#id.mayBeIn(topic) && !this.#id.mayBeIn(payload.toString('latin1'))) return;
    this.#read += 1;
    const found = claimsIn(topic, decodePayload(payload, size).payload, this.#id);
    if (found.length === 0) return;
    this.#claims.push(...found);
    this.#foreign.clear();
    for (const [bridge, raw] of this.#bridges) {
      const track = this.#admit(bridge);
      if (track === undefined) continue;
      this.#bridges.delete(bridge);
      this.#keep(track, raw, raw.seq);
    }
  }

  #admit(topic: string): Track | undefined {
    const grade = this.#gradeOf(topic, this.#claims);
    if (grade === undefined) {
      this.near.look(topic);
      if (this.#foreign.size < MAX_FOREIGN && !describes(topic)) this.#foreign.add(topic);
      return undefined;
    }
    if (this.#tracks.size >= MAX_TOPICS) {
      this.#overflowed += 1;
      return undefined;
    }
    const track: Track = { grade, raw: [], live: 0, dropped: 0 };
    this.#tracks.set(topic, track);
    return track;
  }

  /** The device list of a bridge is about others too: it is not a topic of the device. */
  #gradeOf(topic: string, claims: readonly Claim[]): Track['grade'] | undefined {
    const byName = this.#id.inTopic(topic);
    if (byName === 'exact') return byName;
    const naming = claims.filter(
      ({ convention, source, topics, prefixes, related }) =>
        (convention !== 'zigbee2mqtt' && source === topic) ||
        topics.has(topic) ||
        prefixes.some((prefix) => topic.startsWith(prefix)) ||
        related.some((filter) => matches(filter, topic)),
    );
    return naming.find(({ grade }) => grade === 'exact')?.grade ?? naming[0]?.grade ?? byName;
  }

  #keep(track: Track, { at, retain, payload, size }: Omit<Raw, 'seq'>, seq: number): void {
    const bytes = payload.subarray(0, MAX_PAYLOAD_BYTES);
    // A second subscription brings stored messages again.
    if (retain && track.raw.some((one) => one.retain && one.payload.equals(bytes))) return;
    if (!retain) track.live += 1;
    track.raw.push({ at, retain, payload: Buffer.from(bytes), size, seq });
    this.#bytes += bytes.length + OVERHEAD_BYTES;
    const share = Math.max(MIN_ENTRIES, Math.min(MAX_ENTRIES, Math.floor(MAX_ALL_ENTRIES / this.#tracks.size)));
    if (track.raw.length > share) this.#letGo(track, track.raw.length - share);
    if (this.#bytes <= MAX_BYTES) return;
    for (const one of this.#tracks.values()) this.#letGo(one, one.raw.length >> 1);
  }

  /** The oldest live ones: a stored one shows how it was before. */
  #letGo(track: Track, count: number): void {
    const from = track.raw[0]?.retain && track.raw.length > count ? 1 : 0;
    for (const { payload } of track.raw.splice(from, count)) this.#bytes -= payload.length + OVERHEAD_BYTES;
    track.dropped += count;
  }
}

function entryOf(topic: string, { at, retain, payload, size, seq }: Raw): Entry {
  const decoded = decodePayload(payload, size);
  return { topic, at, seq, retain, payload: decoded.payload, type: decoded.payload_type };
}

/** A description of the device's names this topic as another device's. */
function isOthers(topic: string, claims: readonly Claim[]): boolean {
  return claims.some(({ others }) =>
    others.some((other) => (other.endsWith('/') ? topic.startsWith(other) : topic === other)),
  );
}
