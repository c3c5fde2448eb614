// Owns what arrives on a session, by either way: counted, remembered by topic, handed to the routes.
// Must not know who listens, nor the connection.
import type { Policy } from '../policy.ts';
import { createBell } from './bell.ts';
import { bytesBeside } from './beside.ts';
import type { Received } from './client.ts';
import { KnownTopics } from './known-topics.ts';
import { messageProperties } from './properties.ts';
import type { Routes } from './routes.ts';
import { type PublishView, readProperties } from './scan-publish.ts';
import { TopicCache } from './scan-topics.ts';
import { compileFilter } from './topic.ts';
import { topicName } from './topic-name.ts';
import type { Message, Sink } from './types.ts';

/** Queued messages held for the first listener; the rest are counted only. */
const MAX_UNCLAIMED = 500;
const MAX_UNCLAIMED_BYTES = 4 * 1024 * 1024;

/** Of a topic; `second`: in which it last spoke. */
type Heard = { wire: string; name: string; second: number; allowed: boolean };

export class Arrivals {
  readonly known = new KnownTopics();
  /** Rung when a topic is seen for the first time. */
  readonly newTopic = createBell();
  /** Those that a tool listens for. */
  messages = 0;
  bytes = 0;
  /** With those that the session asked for itself, and those that are turned away: all that was in line. */
  all = 0;
  readonly #routes: Routes;
  /** One object a topic: a flood of messages makes no string each. */
  readonly #topics = new TopicCache<Heard>((wire) => ({
    wire,
    name: topicName(wire),
    second: -1,
    allowed: this.#mayHear?.(wire) ?? true,
  }));
  readonly #mayHear: Policy['mayHear'];

  /** What the broker had queued for this client, until someone listens; undefined where it kept no session. */
  readonly #unclaimed: Message[] | undefined;
  #unclaimedBytes = 0;
  /** What was queued for an earlier life may still be coming, under an identifier of then. */
  #backlog: boolean;

  /** `mayHear`: what may be known of without having been asked for. */
  constructor(routes: Routes, resumed: boolean, mayHear?: Policy['mayHear']) {
    this.#mayHear = mayHear;
    this.#routes = routes;
    this.#unclaimed = resumed ? [] : undefined;
    this.#backlog = resumed;
  }

  /** Hands over what came before anyone listened and matches, in its order. */
  claim(filter: string, sink: Sink): void {
    if (!this.#unclaimed || this.#unclaimed.length === 0) return;
    const match = compileFilter(filter);
    const waiting = this.#unclaimed.splice(0);
    this.#unclaimedBytes = 0;
    for (const message of waiting) {
      if (match(message.topic)) sink(message);
      else this.#hold(message);
    }
  }

  /** What mqtt.js has understood: QoS 1 and 2, and what the tap did not take. */
  packet(wire: string, payload: Buffer, { qos, retain, dup, properties }: Received): void {
    const at = Date.now();
    const ids = properties?.subscriptionIdentifier;
    if (this.#mayHear && !this.#mayHear(wire) && !this.#routes.knows(ids)) {
      this.all += 1;
      return;
    }
    const topic = topicName(wire);
    const message: Message = { topic, payload, size: payload.length, qos, retain, dup, at };
    const own = this.#count(message, ids);
    if (!own) this.#remember(topic, at);
    const shown = properties && messageProperties(properties);
    if (shown) message.properties = shown;
    if (this.#routes.deliver(message, ids, wire)) this.#delivered(message, ids);
    else if (own) return;
    else if (!this.#backlog || retain || !this.#routes.deliver(message, undefined, wire)) this.#hold(message);
  }

  /**
   * Brokers keep the order: behind a live message of our own at QoS 1 or 2 nothing queued comes any more. From then on
   * what has an identifier of an earlier life is a second copy, for a filter that the broker kept.
   */
  #delivered({ qos, retain }: Message, ids: number | readonly number[] | undefined): void {
    if (!this.#backlog || retain || ids === undefined) return;
    if (qos > 0 || this.#routes.active().every((route) => route.qos === 0)) this.#backlog = false;
  }

  /** A QoS 0 message still lying in the bytes: nothing is copied and little is made. */
  view(view: PublishView): void {
    const { bytes, size, retain, at, propertiesStart, propertiesEnd } = view;
    const topic = this.#topics.get(bytes, view.topicStart, view.topicEnd);
    if (!topic.allowed && !this.#routes.knows(view.ids)) {
      this.all += 1;
      return;
    }
    const payload = bytes.subarray(view.payloadStart, view.payloadEnd);
    const message: Message = { topic: topic.name, payload, size, qos: 0, retain, dup: false, at };
    const own = this.#count(message, view.ids);
    const second = Math.floor(at / 1000);
    if (topic.second !== second && !own) {
      topic.second = second;
      this.#remember(topic.name, at);
    }
    if (propertiesEnd - propertiesStart > identifierBytes(view.ids)) {
      const shown = messageProperties(readProperties(bytes, propertiesStart, propertiesEnd));
      if (shown) message.properties = shown;
    }
    if (this.#routes.deliver(message, view.ids, topic.wire)) this.#delivered(message, view.ids);
    else if (!own) this.#hold(message);
  }

  #hold(message: Message): void {
    const size = message.payload.length + bytesBeside(message);
    if (
      !this.#unclaimed ||
      this.#unclaimed.length >= MAX_UNCLAIMED ||
      this.#unclaimedBytes + size > MAX_UNCLAIMED_BYTES
    )
      return;
    this.#unclaimedBytes += size;
    this.#unclaimed.push({ ...message, payload: Buffer.from(message.payload) });
  }

  /** True: the session's own. */
  #count(message: Message, ids: number | readonly number[] | undefined): boolean {
    this.all += 1;
    if (message.topic.charCodeAt(0) === DOLLAR && this.#routes.isOwn(message, ids)) return true;
    this.messages += 1;
    this.bytes += message.size;
    return false;
  }

  #remember(topic: string, at: number): void {
    if (this.known.add(topic, at)) this.newTopic.ring();
  }
}

const DOLLAR = 36;

/** What one subscription identifier takes: where the properties are no longer, there is nothing else to read. */
function identifierBytes(ids: number | readonly number[] | undefined): number {
  if (typeof ids !== 'number') return 0;
  return ids < 2 ** 7 ? 2 : ids < 2 ** 14 ? 3 : ids < 2 ** 21 ? 4 : 5;
}
