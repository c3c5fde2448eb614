// Owns what the $SYS topics of brokers mean: plain names with units, and what changed meanwhile. Must not know who listens.
import type { RawMessage } from './types.ts';

/** A broker of many clients may have a topic for each. */
const MAX_TOPICS = 5_000;
/** Bytes of a value that are looked at: a number or a version. */
const MAX_VALUE_BYTES = 200;

/** The part behind `$SYS/broker/` (mosquitto) to our name. Source: mosquitto(8), BROKER STATUS. */
const mosquitto = new Map<string, string>([
  ['version', 'version'],
  ['uptime', 'uptime_seconds'],
  ['clients/connected', 'clients_connected'],
  ['clients/disconnected', 'clients_disconnected'],
  ['clients/total', 'clients_known'],
  ['clients/maximum', 'clients_maximum'],
  ['subscriptions/count', 'subscriptions'],
  ['retained messages/count', 'retained_messages'],
  ['store/messages/count', 'stored_messages'],
  ['store/messages/bytes', 'stored_bytes'],
  ['heap/current', 'heap_bytes'],
  ['heap/maximum', 'heap_maximum_bytes'],
  ['publish/messages/received', 'publishes_received_total'],
  ['publish/messages/sent', 'publishes_sent_total'],
  ['publish/messages/dropped', 'publishes_dropped_total'],
  ['publish/bytes/received', 'publish_bytes_received_total'],
  ['publish/bytes/sent', 'publish_bytes_sent_total'],
  ['messages/received', 'packets_received_total'],
  ['messages/sent', 'packets_sent_total'],
  ['bytes/received', 'bytes_received_total'],
  ['bytes/sent', 'bytes_sent_total'],
  ['load/publish/received/1min', 'publishes_received_per_minute'],
  ['load/publish/sent/1min', 'publishes_sent_per_minute'],
  ['load/publish/dropped/1min', 'publishes_dropped_per_minute'],
  ['load/connections/1min', 'connections_per_minute'],
]);

/** The part behind `$SYS/brokers/<node>/`. Source: EMQX documentation, "System Topic". */
const emqx = new Map<string, string>([
  ['version', 'version'],
  ['stats/connections/count', 'clients_connected'],
  ['stats/subscriptions/count', 'subscriptions'],
  ['stats/topics/count', 'topics'],
  ['stats/retained/count', 'retained_messages'],
  ['metrics/messages/received', 'publishes_received_total'],
  ['metrics/messages/sent', 'publishes_sent_total'],
  ['metrics/messages/dropped', 'publishes_dropped_total'],
  ['metrics/bytes/received', 'bytes_received_total'],
  ['metrics/bytes/sent', 'bytes_sent_total'],
]);

/** The $SYS of one broker, or of the first node of a cluster that speaks. */
export class BrokerMetrics {
  readonly #topics = new Set<string>();
  readonly #first = new Map<string, number>();
  readonly #values = new Map<string, number | string>();
  #node: string | undefined;
  #toldAgain = false;

  /** Topics that begin with $SYS, known or not, 5,000 at most. */
  get topicCount(): number {
    return this.#topics.size;
  }

  take({ topic, payload }: RawMessage): void {
    if (!topic.startsWith('$SYS/')) return;
    if (this.#topics.size < MAX_TOPICS) this.#topics.add(topic);
    const name = this.#nameOf(topic);
    if (name === undefined) return;
    const text = payload.subarray(0, MAX_VALUE_BYTES).toString('utf8');
    if (name === 'version') {
      this.#values.set(name, text);
      return;
    }
    // mosquitto writes "1234 seconds"
    const value = Number.parseFloat(text);
    if (!Number.isFinite(value)) return;
    if (this.#first.has(name)) this.#toldAgain = true;
    else this.#first.set(name, value);
    this.#values.set(name, value);
  }

  values(): Record<string, number | string> {
    return Object.fromEntries([...this.#values].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /**
   * How much counters that only grow have grown since they were first heard; undefined where the broker told nothing
   * anew: it does so every few seconds, and not of what stayed as it was.
   */
  growth(): Record<string, number> | undefined {
    if (!this.#toldAgain) return undefined;
    const grown = [...this.#first].flatMap(([name, first]): [string, number][] => {
      const now = this.#values.get(name);
      return name.endsWith('_total') && typeof now === 'number' && now >= first
        ? [[name.replace(/_total$/, ''), now - first]]
        : [];
    });
    return Object.fromEntries(grown.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #nameOf(topic: string): string | undefined {
    if (topic.startsWith('$SYS/broker/')) return mosquitto.get(topic.slice('$SYS/broker/'.length));
    const [, node, rest = ''] = /^\$SYS\/brokers\/([^/]+)\/(.+)$/.exec(topic) ?? [];
    if (node === undefined) return undefined;
    this.#node ??= node;
    return node === this.#node ? emqx.get(rest) : undefined;
  }
}
