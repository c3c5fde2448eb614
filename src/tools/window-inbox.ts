// Owns the messages of a whole window: every one counted and sized, and of them kept what an engineer would look at,
// never more than 500 messages, whole as far as there is room. Must not know what makes a message telling. Deterministic.
import type { Message } from '../mqtt/types.ts';
import { topicHint } from '../payload/errors-in.ts';
import type { Room, Severity } from '../payload/types.ts';
import type { Collector } from './collector.ts';
import type { Wanted } from './inbox.ts';
import { costOf, cutNote, lightenedNote, withoutProperties } from './kept.ts';
import { FairReservoir } from './reservoir.ts';
import { PAYLOAD_COST, PayloadRoom } from './room.ts';
import { type Follow, Telling } from './telling.ts';
import { MAX_TOPIC_CHARS, MAX_TOPICS, notToldApart, type Total, type Totals, totalsOf } from './topic-totals.ts';

/** Messages kept, the first and the last among them. */
const MAX_KEPT = 500;
/** The sample has what the telling ones leave of it. */
const MAX_SAMPLE = MAX_KEPT - 2;
/** Bytes of a payload that are kept, and once there is no room. */
const MAX_PAYLOAD_BYTES = 128 * 1024;
const HEAD_BYTES = 1024;
/** Topics named in a result, twice: a broker may have very many, and an assistant reads each. */
const MAX_NAMED = 200;

type Kept = Message & { seq: number; severity?: Severity | undefined };
type Topic = Total & { hinted: boolean; follow: Follow | undefined };

export class WindowInbox implements Collector {
  /** It listens to the end. */
  readonly full = new Promise<void>(() => {});
  received = 0;
  matched = 0;
  readonly #wanted: Wanted | undefined;
  readonly #payloads: PayloadRoom;
  readonly #topics = new Map<string, Topic>();
  readonly #telling = new Telling<Kept>((message) => this.#keep(message));
  readonly #sample = new FairReservoir<Topic, Kept>(MAX_SAMPLE);
  #first: Kept | undefined;
  /** A slot that is written over: copying every payload into a buffer of its own would cost more than the rest. */
  #last = Buffer.allocUnsafe(4096);
  #lastMessage: Message | undefined;
  #lastSize = 0;
  #chars = 0;
  #cut = 0;
  #lightened = 0;
  /** Of topics that are not counted apart. A topic like these may be about trouble all the same. */
  readonly #beyond: Topic = { count: 0, bytes: 0, matched: 0, hinted: true, follow: undefined };

  constructor(wanted: Wanted | undefined, room: Room) {
    this.#wanted = wanted;
    this.#payloads = new PayloadRoom(room, () =>
      [...this.#sample.items(), ...this.#telling.held()].reduce((sum, one) => sum + weightOf(one), 0),
    );
  }

  take(message: Message): void {
    this.received += 1;
    const topic = this.#topicOf(message);
    if (this.#wanted && !this.#wanted.test(message.payload, message.topic)) return;
    this.matched += 1;
    topic.matched += 1;
    this.#remember(message);
    if (!this.#first) this.#first = this.#keep(message);
    this.#telling.take(message, topic.follow, topic.hinted);
    // Told or not: of what is telling some has to go where there is much of it.
    this.#sample.narrow(MAX_SAMPLE - this.#telling.most);
    this.#sample.offer(topic, () => this.#keep(message));
  }

  messages(): Message[] {
    // Of one that is there twice the telling one stays, which is judged.
    const kept = [...(this.#first ? [this.#first] : []), ...this.#sample.items(), ...this.#telling.items()];
    const bySeq = new Map(kept.map((one) => [one.seq, one]));
    if (this.#lastMessage && !bySeq.has(this.matched)) {
      const payload = Buffer.from(this.#last.subarray(0, this.#lastSize));
      bySeq.set(this.matched, { ...this.#lastMessage, payload, seq: this.matched });
    }
    const messages = [...bySeq.values()].sort((a, b) => a.seq - b.seq).map(({ seq: _, ...message }) => message);
    this.#cut = messages.filter(({ payload, size }) => payload.length < size).length;
    return messages;
  }

  totals(): Totals {
    return totalsOf(this.#topics, MAX_NAMED, this.#beyond);
  }

  notes(): string[] {
    const notes: string[] = [];
    if (this.#beyond.count > 0) notes.push(notToldApart(this.#beyond.count, this.#topics.size));
    if (this.#cut > 0) notes.push(cutNote(this.#cut, '128 KiB'));
    if (this.#lightened > 0) notes.push(lightenedNote(this.#lightened));
    const skipped = this.#wanted?.skipped ?? 0;
    if (skipped > 0)
      notes.push(`${skipped} payloads were too large, or too many, to be matched; they count as not matching.`);
    return [...notes, ...this.#telling.notes()];
  }

  #topicOf({ topic: name, size }: Message): Topic {
    let topic = this.#topics.get(name);
    if (!topic) {
      topic = this.#newTopic(name);
    }
    topic.count += 1;
    topic.bytes += size;
    return topic;
  }

  #newTopic(name: string): Topic {
    if (this.#topics.size >= MAX_TOPICS || this.#chars + name.length > MAX_TOPIC_CHARS) return this.#beyond;
    this.#chars += name.length;
    const topic = {
      count: 0,
      bytes: 0,
      matched: 0,
      hinted: topicHint(name) !== undefined,
      follow: this.#telling.follow(),
    };
    this.#topics.set(name, topic);
    return topic;
  }

  #remember(message: Message): void {
    const size = Math.min(message.payload.length, MAX_PAYLOAD_BYTES);
    if (size > this.#last.length) this.#last = Buffer.allocUnsafe(MAX_PAYLOAD_BYTES);
    message.payload.copy(this.#last, 0, 0, size);
    this.#lastSize = size;
    this.#lastMessage = message;
  }

  #keep(message: Message): Kept {
    const whole = Math.min(message.payload.length, MAX_PAYLOAD_BYTES);
    const length = this.#payloads.fits(whole, message.at) ? whole : Math.min(whole, HEAD_BYTES);
    const payload = Buffer.from(message.payload.subarray(0, length));
    const copy = { ...message, payload };
    const light = message.properties !== undefined && !this.#payloads.fits(weightOf(copy), message.at);
    if (light) this.#lightened += 1;
    const kept = { ...(light ? withoutProperties(copy) : copy), seq: this.matched };
    this.#payloads.take(weightOf(kept));
    return kept;
  }
}

/** In bytes of payloads. */
function weightOf(message: Message): number {
  return costOf(message) / PAYLOAD_COST;
}
