// Owns what arrives on a session, by either way: counted, remembered by topic, handed to the routes.
// Must not know who listens, nor the connection.
import { createBell } from './bell.ts';
import type { Received } from './client.ts';
import { KnownTopics } from './known-topics.ts';
import { messageProperties } from './properties.ts';
import type { Routes } from './routes.ts';
import { type PublishView, readProperties } from './scan-publish.ts';
import { TopicCache } from './scan-topics.ts';
import type { Message } from './types.ts';

export class Arrivals {
  readonly known = new KnownTopics();
  /** Rung when a topic is seen for the first time. */
  readonly newTopic = createBell();
  messages = 0;
  bytes = 0;
  readonly #routes: Routes;
  /** One object a topic: a flood of messages makes no string each. */
  readonly #topics = new TopicCache<{ name: string; second: number }>((name) => ({ name, second: -1 }));

  constructor(routes: Routes) {
    this.#routes = routes;
  }

  /** What mqtt.js has understood: QoS 1 and 2, and what the tap did not take. */
  packet(topic: string, payload: Buffer, { qos, retain, dup, properties }: Received): void {
    const at = Date.now();
    this.#count(payload.length);
    this.#remember(topic, at);
    const message: Message = { topic, payload, size: payload.length, qos, retain, dup, at };
    const shown = properties && messageProperties(properties);
    if (shown) message.properties = shown;
    this.#routes.deliver(message, properties?.subscriptionIdentifier);
  }

  /** A QoS 0 message still lying in the bytes: nothing is copied and little is made. */
  view(view: PublishView): void {
    const { bytes, size, retain, at, propertiesStart, propertiesEnd } = view;
    const topic = this.#topics.get(bytes, view.topicStart, view.topicEnd);
    this.#count(size);
    const second = Math.floor(at / 1000);
    if (topic.second !== second) {
      topic.second = second;
      this.#remember(topic.name, at);
    }
    const payload = bytes.subarray(view.payloadStart, view.payloadEnd);
    const message: Message = { topic: topic.name, payload, size, qos: 0, retain, dup: false, at };
    if (propertiesEnd - propertiesStart > IDENTIFIER_BYTES) {
      const shown = messageProperties(readProperties(bytes, propertiesStart, propertiesEnd));
      if (shown) message.properties = shown;
    }
    this.#routes.deliver(message, view.ids);
  }

  #count(size: number): void {
    this.messages += 1;
    this.bytes += size;
  }

  #remember(topic: string, at: number): void {
    if (this.known.add(topic, at)) this.newTopic.ring();
  }
}

/** A subscription identifier alone takes at most five bytes: then there is nothing else to read. */
const IDENTIFIER_BYTES = 2;
