// Owns who gets which message on one session: filters, their listeners, subscription identifiers.
// Must not know the network: pure bookkeeping.
import { compileFilter } from './topic.ts';
import type { Message, Qos, Sink } from './types.ts';

/**
 * mqtt-packet keeps a Buffer for each number below 16,384 that it ever wrote as a variable byte integer, and each of them
 * keeps the 8 KiB alive that it was cut from: up to 128 MiB for ever. So the short identifiers, then only such as it
 * does not keep.
 */
const LAST_SHORT_ID = 127;
export const FIRST_LONG_ID = 16_384;
/**
 * Identifiers remembered of a filter that is listened to without a pause, beside those whose asker is still there: each
 * SUBSCRIBE replaces the one before, and what was sent under that one is soon here.
 */
const MAX_REPLACED = 256;

export type Listener = {
  readonly filter: string;
  readonly sink: Sink;
  readonly retained: 'include' | 'exclude' | 'only';
  /** Its retained messages are still coming: from SUBSCRIBE until they are known to be out. */
  dumping: boolean;
  /** Without identifiers: retained topics it has, while another dump may bring them again. */
  seen: Set<string> | undefined;
  /** The session's own, for a topic under $SYS: no tool asked for it. */
  readonly own?: boolean;
};

type Route = {
  readonly filter: string;
  readonly match: (topic: string) => boolean;
  readonly listeners: Set<Listener>;
  readonly ids: number[];
  qos: Qos;
};

/** `own`: the session asked for it itself, whether or not it still listens. */
type Asked = { readonly route: Route; asker: Listener | undefined; readonly own: boolean };

/**
 * One subscription per filter, shared by its listeners. Every SUBSCRIBE carries a fresh identifier, so that a message
 * tells by itself which filter it was sent for, and a retained one which listener asked for it; overlapping filters
 * and repeated SUBSCRIBEs then need no guessing. Without identifiers (MQTT 3.1.1, or a broker that has none) topics
 * are matched instead, as such brokers send one copy where filters overlap.
 */
export class Routes {
  readonly #byFilter = new Map<string, Route>();
  readonly #byId = new Map<number, Asked>();
  #nextId: number;
  /** The session asked for something itself; what comes of that comes late, too. */
  #asked = false;

  /** `firstId`: the first subscription identifier, 1 or from FIRST_LONG_ID to 2^28 - 1 (MQTT 5.0, 3.8.2.1.2), with room above it. */
  constructor(firstId = 1) {
    this.#nextId = firstId;
  }

  get filters(): string[] {
    return [...this.#byFilter.keys()].sort();
  }

  /** Adds a listener; returns the QoS to subscribe with, the highest that any of the filter's listeners asked for. */
  add(listener: Listener, qos: Qos): Qos {
    const { filter } = listener;
    let route = this.#byFilter.get(filter);
    if (!route) {
      route = { filter, match: compileFilter(filter), listeners: new Set(), ids: [], qos };
      this.#byFilter.set(filter, route);
    }
    if (qos > route.qos) route.qos = qos;
    if (listener.own) this.#asked = true;
    route.listeners.add(listener);
    return route.qos;
  }

  /** What the filter is subscribed with. */
  qosOf(filter: string): Qos | undefined {
    return this.#byFilter.get(filter)?.qos;
  }

  /** A fresh identifier for a SUBSCRIBE of `filter`; the retained messages it brings go to `asker` alone. */
  identify(filter: string, asker: Listener | undefined): number {
    const id = this.#nextId;
    this.#nextId = id === LAST_SHORT_ID ? FIRST_LONG_ID : id + 1;
    const route = this.#byFilter.get(filter);
    if (route) {
      route.ids.push(id);
      this.#byId.set(id, { route, asker, own: asker?.own === true });
      if (route.ids.length > MAX_REPLACED) this.#forgetReplaced(route);
    }
    return id;
  }

  /** Nobody else listens to its filter. */
  isAlone(listener: Listener): boolean {
    const route = this.#byFilter.get(listener.filter);
    return route?.listeners.size === 1 && route.listeners.has(listener);
  }

  /** Removes a listener; true: it was the filter's last, so the broker is to be told. */
  remove(listener: Listener): boolean {
    const route = this.#byFilter.get(listener.filter);
    if (!route?.listeners.delete(listener)) return false;
    if (route.listeners.size > 0) {
      this.#letGo(listener, route);
      return false;
    }
    for (const id of route.ids) this.#byId.delete(id);
    return this.#byFilter.delete(listener.filter);
  }

  /** Its sink holds what it has collected, which must not stay for as long as others listen. */
  #letGo(listener: Listener, { ids }: Route): void {
    for (const id of ids) {
      const asked = this.#byId.get(id);
      if (asked?.asker === listener) asked.asker = undefined;
    }
  }

  /** The last one is what the broker knows now. */
  #forgetReplaced({ ids }: Route): void {
    const oldest = ids.findIndex((id) => this.#byId.get(id)?.asker === undefined);
    if (oldest < 0 || oldest === ids.length - 1) return;
    for (const id of ids.splice(oldest, 1)) this.#byId.delete(id);
  }

  /** Filters with the QoS to subscribe them with again after a reconnect. */
  active(): { filter: string; qos: Qos }[] {
    return [...this.#byFilter.values()].map(({ filter, qos }) => ({ filter, qos }));
  }

  /** Whether the session alone asked for it, so that it is nobody's business: not counted, not remembered. */
  isOwn({ topic, retain }: Pick<Message, 'topic' | 'retain'>, ids: number | readonly number[] | undefined): boolean {
    if (!this.#asked || !topic.startsWith('$SYS/')) return false;
    const found = typeof ids === 'number' ? this.#byId.get(ids) : undefined;
    if (found && retain) return found.own;
    const routes = found ? [found.route] : [...this.#byFilter.values()].filter(({ match }) => match(topic));
    return routes.every(({ listeners }) => [...listeners].every(({ own }) => own));
  }

  /** A filter of this life brought it. */
  knows(ids: number | readonly number[] | undefined): boolean {
    if (ids === undefined) return false;
    return typeof ids === 'number' ? this.#byId.has(ids) : ids.some((id) => this.#byId.has(id));
  }

  /** False where nobody is there for it. `wire`: the topic that filters are compared with. */
  deliver(message: Message, ids: number | readonly number[] | undefined, wire = message.topic): boolean {
    if (ids === undefined) return this.#byTopic(message, wire);
    if (typeof ids === 'number') return this.#byIdentifier(message, ids);
    let delivered = false;
    for (const id of ids) if (this.#byIdentifier(message, id)) delivered = true;
    return delivered;
  }

  #byIdentifier(message: Message, id: number): boolean {
    const found = this.#byId.get(id);
    if (!found) return false;
    if (!message.retain) live(found.route, message);
    else if (found.asker && found.route.listeners.has(found.asker)) stored(found.asker, message);
    return true;
  }

  #byTopic(message: Message, wire: string): boolean {
    let delivered = false;
    for (const route of this.#byFilter.values()) {
      if (!route.match(wire)) continue;
      delivered = true;
      if (!message.retain) live(route, message);
      else for (const listener of route.listeners) storedOnce(listener, message);
    }
    return delivered;
  }
}

function live(route: Route, message: Message): void {
  for (const listener of route.listeners) if (listener.retained !== 'only') listener.sink(message);
}

function stored(listener: Listener, message: Message): void {
  if (listener.retained !== 'exclude') listener.sink(message);
}

function storedOnce(listener: Listener, message: Message): void {
  if (!listener.dumping || listener.seen?.has(message.topic)) return;
  listener.seen?.add(message.topic);
  stored(listener, message);
}
