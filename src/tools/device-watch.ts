// Owns the messages of one device, out of everything a broker sends: whose a message is, by its topic and by what
// descriptions say, and a bounded timeline of them. Must not know what the timeline means.

import type { Grade, Identity } from '../conventions/identity.ts';
import { claimsIn, describes, roleOf } from '../conventions/index.ts';
import type { Claim } from '../conventions/types.ts';
import type { Series } from '../findings/types.ts';
import { matches, quoteText } from '../mqtt/topic.ts';
import type { Message } from '../mqtt/types.ts';
import { decodePayload } from '../payload/decode.ts';
import type { Room } from '../payload/types.ts';
import { copied, DeviceStore, entriesOf, type Raw, type Track } from './device-store.ts';
import { keepName } from './kept.ts';
import { NearNames } from './near-names.ts';
import { PAYLOAD_COST } from './room.ts';
import { atOnce } from './slices.ts';

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

/** What a step costs, in values looked at: a topic, and each description that it is held against. */
const TOPIC_COST = 50;
const CLAIM_COST = 50;

/** The device's topics; `similar` are those of what may be others. */
export type Timeline = { series: Series[]; similar: string[] };

export class DeviceWatch {
  /** Messages of the whole broker, and topics as far as they are remembered. */
  received = 0;
  readonly near: NearNames;
  readonly #id: Identity;
  readonly #store: DeviceStore;
  readonly #room: Room;
  /** Followed topics in which the id only stands beside other words. */
  readonly #partial = new Set<string>();
  readonly #foreign = new Set<string>();
  readonly #claims: Claim[] = [];
  readonly #bridges = new Map<string, Raw>();
  #read = 0;
  #overflowed = 0;
  #unread = 0;

  constructor(id: Identity, room: Room) {
    this.#id = id;
    this.#room = room;
    this.#store = new DeviceStore(room);
    this.near = new NearNames(id.given);
  }

  /** Topics that were looked at and are not the device's. */
  get foreign(): number {
    return this.#foreign.size;
  }

  /** Messages of the device so far. */
  get live(): number {
    return [...this.#store.tracks.values()].reduce((sum, { live }) => sum + live, 0);
  }

  /** Copies what it keeps. */
  take(message: Message): void {
    this.received += 1;
    const { topic } = message;
    if (this.#foreign.has(topic)) return;
    if (describes(topic) && !this.#claims.some(({ source }) => source === topic)) this.#readDescription(message);
    const track = this.#store.tracks.get(topic) ?? this.#admit(topic);
    if (track !== undefined) this.#store.keep(track, { ...message, seq: this.received });
    else if (BRIDGE.test(topic)) this.#rememberBridge(message);
  }

  /** Filters of topics that descriptions named: what is stored on them passed by before anybody knew. */
  further(most: number): string[] {
    const prefixes = this.#claims
      .flatMap((claim) => claim.prefixes)
      .filter((prefix) => this.#id.inTopic(prefix) !== 'exact');
    const topics = this.#claims.flatMap((claim) => [...claim.topics.keys()]);
    const unseen = topics.filter(
      (topic) => !prefixes.some((prefix) => topic.startsWith(prefix)) && !this.#store.tracks.has(topic),
    );
    return [...new Set([...prefixes.map((prefix) => `${prefix}#`), ...unseen])].slice(0, most);
  }

  /** Not those about what another description shows to be another device. */
  claims(): Claim[] {
    const sure = this.#sure();
    return this.#claims.filter(({ grade, topics }) => {
      const spoken = [...topics].filter(([, { role }]) => role === 'state' || role === 'command');
      const foreign = spoken.length > 0 && spoken.every(([topic]) => isOthers(topic, this.#claims));
      return (grade === 'exact' || (!sure && !this.#id.bare)) && !foreign;
    });
  }

  /** The device's topics in their order; `similar` are those in which the id only stands beside other words. */
  timeline(): Timeline {
    return atOnce(this.timelineSteps());
  }

  /** The same in steps, of one topic or one message each. */
  *timelineSteps(): Generator<number, Timeline> {
    const sure = this.#sure();
    const claims = this.claims();
    const series: Series[] = [];
    for (const [topic, track] of this.#store.tracks) {
      yield TOPIC_COST + claims.length * CLAIM_COST;
      const grade = this.#gradeOf(topic, claims);
      if (grade === undefined || (grade === 'partial' && sure) || isOthers(topic, claims)) continue;
      const { live, dropped } = track;
      series.push({ topic, role: roleOf(topic, claims), entries: yield* entriesOf(topic, track), live, dropped });
    }
    const taken = new Set(series.map(({ topic }) => topic));
    const similar = sure || this.#id.bare ? [...this.#partial].filter((topic) => !taken.has(topic)) : [];
    return { series: series.toSorted((a, b) => (a.topic < b.topic ? -1 : 1)), similar: similar.toSorted() };
  }

  notes(): string[] {
    const notes: string[] = [];
    if (this.#id.bare) notes.push(...this.#notesOnBare());
    if (this.#overflowed > 0) {
      notes.push(
        `The id stands in more than ${DeviceStore.MAX_TOPICS} topics: ${this.#overflowed} messages of further ones were left out; give a longer id.`,
      );
    }
    if (this.#unread > 0) notes.push(`${this.#unread} descriptions were too large or too many to be read.`);
    const dropped = [...this.#store.tracks.values()].reduce((sum, one) => sum + one.dropped, 0);
    if (dropped > 0) notes.push(`${dropped} older messages of busy topics were counted but not looked at.`);
    return notes;
  }

  /** An id such as `12` may be that of several devices, and stands in the names of many more. */
  #notesOnBare(): string[] {
    const { given } = this.#id;
    const levels = [...this.#store.tracks.keys()].map((topic) => topic.split('/'));
    const before = new Set(
      levels.flatMap((own) => (own.includes(given) ? [own.slice(0, own.indexOf(given)).join('/')] : [])),
    );
    const [first = ''] = before;
    const notes: string[] = [];
    if (before.size > 1) {
      notes.push(
        `The id is a level of its own in ${before.size} places, which may be as many devices: give it with what stands before it, such as ${quoteText(`${first}/${given}`, 80)}.`,
      );
    }
    if (this.#partial.size > 0) {
      notes.push(
        `${this.#partial.size} topics only contain the id beside other words; they were not taken for the device.`,
      );
    }
    return notes;
  }

  /** Something is the device's beyond doubt, so that what only resembles it is another one's. */
  #sure(): boolean {
    const { size } = this.#store.tracks;
    const least = this.#id.bare ? 0 : this.#partial.size;
    return this.#claims.some(({ grade }) => grade === 'exact') || size > least;
  }

  /** Each topic counts once: where state is at once description (Sparkplug, JSON-RPC), it comes with every message. */
  #readDescription({ topic, payload, size }: Message): void {
    if (
      size > payload.length ||
      size > MAX_DESCRIPTION_BYTES ||
      this.#read >= MAX_READ ||
      !this.#room.fits(PAYLOAD_COST * size) ||
      this.#claims.length >= MAX_CLAIMS
    ) {
      this.#unread += 1;
      return;
    }
    // Writers of JSON may escape what is not ASCII, so such a name cannot be looked for in the bytes.
    const plain = /^[\x20-\x7e]*$/.test(this.#id.given);
    if (plain && !this.#id.mayBeIn(topic) && !this.#id.mayBeIn(payload.toString('latin1'))) return;
    this.#read += 1;
    const found = claimsIn(topic, decodePayload(payload, size, topic).payload, this.#id);
    if (found.length === 0) return;
    this.#room.take(PAYLOAD_COST * size);
    this.#claims.push(...found);
    this.#foreign.clear();
    for (const [bridge, raw] of this.#bridges) {
      const track = this.#admit(bridge);
      if (track === undefined) continue;
      this.#bridges.delete(bridge);
      this.#store.keep(track, raw);
    }
  }

  #admit(topic: string): Track | undefined {
    const grade = this.#gradeOf(topic, this.#claims);
    if (grade === undefined || (grade === 'partial' && this.#id.bare)) {
      if (grade === undefined) this.near.look(topic);
      else if (this.#partial.size < DeviceStore.MAX_TOPICS) keepName(topic, this.#partial, this.#room);
      if (this.#foreign.size < MAX_FOREIGN && !describes(topic)) keepName(topic, this.#foreign, this.#room);
      return undefined;
    }
    const track = this.#store.open(topic);
    if (track === undefined) this.#overflowed += 1;
    else if (grade === 'partial') this.#partial.add(topic);
    return track;
  }

  #rememberBridge(message: Message): void {
    const { topic } = message;
    const before = this.#bridges.get(topic);
    if (before === undefined && this.#bridges.size >= MAX_BRIDGES) return;
    const bridge = copied(message, this.received);
    const more = PAYLOAD_COST * (bridge.payload.length - (before?.payload.length ?? 0));
    if (!this.#room.fits(more)) return;
    this.#room.take(more);
    this.#bridges.set(topic, bridge);
  }

  /** The device list of a bridge is about others too: it is not a topic of the device. */
  #gradeOf(topic: string, claims: readonly Claim[]): Grade {
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
}

/** A description of the device's names this topic as another device's. */
function isOthers(topic: string, claims: readonly Claim[]): boolean {
  return claims.some(({ others }) =>
    others.some((other) => (other.endsWith('/') ? topic.startsWith(other) : topic === other)),
  );
}
