// Owns one live session: its subscriptions, publishes, losses and returns of the connection, and counters.
// Must not know other sessions, nor how the connection was made.
import { randomBytes, randomInt } from 'node:crypto';
import { ToolError } from '../errors.ts';
import type { Policy } from '../policy.ts';
import { Arrivals } from './arrivals.ts';
import { createBell } from './bell.ts';
import type { Link } from './client.ts';
import { checkSubscribable, downReason, notConnected, subscribeFailure, subscribeRefused } from './failures.ts';
import { Outbox } from './outbox.ts';
import { within } from './race.ts';
import { DumpWatch, endOfRetained, type Mark } from './retained.ts';
import { type Listener, Routes } from './routes.ts';
import { checkFilter, parseFilter } from './topic.ts';
import type {
  Known,
  Lifetime,
  ListenOptions,
  PublishAck,
  PublishRequest,
  Qos,
  RetainedEnd,
  Session,
  SessionFacts,
  SessionState,
  Sink,
  Subscription,
} from './types.ts';

/** How long SUBACK may take, ms. */
const ACK_TIMEOUT_MS = 20_000;
/** How long a collection outlives its connection, hoping for it to come back, ms. */
const RECONNECT_GRACE_MS = 10_000;

/** Retained on every mosquitto, and readable unless its access rules say otherwise. */
const VERSION_TOPIC = '$SYS/broker/version';

type Hearing = {
  /** Ours alone: no tool asked for it. */
  own: boolean;
  lost: (reason: string) => void;
  gaps: Gap[];
  gone: AbortController;
};

export class LiveSession implements Session {
  readonly facts: SessionFacts;
  /** Rung when the connection goes or comes back. */
  readonly stateBell = createBell();
  readonly #link: Link;
  readonly #ttlMs: number;
  readonly #routes: Routes;
  readonly #arrivals: Arrivals;
  readonly #outbox: Outbox;
  readonly #hearings = new Map<Listener, Hearing>();
  readonly #identifiers: boolean;
  readonly #createdAt = Date.now();
  #holds = 0;
  #released: () => void = () => {};
  #lastAccessed = Date.now();
  #connected = true;
  #closed = false;
  #error: string | null = null;
  #reconnects = 0;
  /** No new connection will come. */
  #final = false;
  #grace: NodeJS.Timeout | undefined;
  /** Filters that were left while the connection was away: a broker that keeps them has to be told. */
  readonly #leftMeanwhile = new Set<string>();
  /** Whether the broker is one that keeps its retained messages in order; undefined: not known yet. */
  #ordered: boolean | undefined;
  #marking: Promise<unknown> = Promise.resolve();

  constructor(facts: SessionFacts, link: Link, policy: Policy, ttlMs: number) {
    this.facts = facts;
    this.#link = link;
    this.#ttlMs = ttlMs;
    this.#outbox = new Outbox(facts, link, policy, () => this.#assertConnected());
    // A session that the broker kept still sends for identifiers of an earlier life: ours must be none of them.
    this.#routes = new Routes(link.connack.sessionPresent ? randomInt(1, 2 ** 27) : 1);
    this.#arrivals = new Arrivals(this.#routes, link.connack.sessionPresent);
    this.#identifiers = facts.protocolVersion === 5 && facts.limits.subscription_identifiers_available !== false;
    link.listen({
      message: (topic, payload, packet) => this.#arrivals.packet(topic, payload, packet),
      arrival: (view) => this.#arrivals.view(view),
      down: (error, final) => this.#down(error, final),
      up: (resumed) => this.#up(resumed),
    });
  }

  /** Someone is listening or publishing: disuse does not count meanwhile. */
  get busy(): boolean {
    return this.#hearings.size + this.#outbox.busy + this.#holds > 0;
  }

  get lifetime(): Lifetime {
    const lastAccessed = this.busy ? Date.now() : this.#lastAccessed;
    const ttlSeconds = this.#ttlMs / 1000;
    return { createdAt: this.#createdAt, lastAccessed, expiresAt: lastAccessed + this.#ttlMs, ttlSeconds };
  }

  get known(): Known {
    return this.#arrivals.known;
  }

  touch(): void {
    this.#lastAccessed = Date.now();
  }

  state(): SessionState {
    return {
      isConnected: this.#connected,
      connectionError: this.#error,
      reconnects: this.#reconnects,
      subscribedTopics: this.#filters(),
      messagesReceived: this.#arrivals.messages,
      bytesReceived: this.#arrivals.bytes,
    };
  }

  async listen(filter: string, { qos, retained, signal }: ListenOptions, sink: Sink): Promise<Subscription> {
    checkFilter(filter);
    checkSubscribable(filter, this.facts);
    signal.throwIfAborted();
    this.#assertConnected();
    const watch = new DumpWatch();
    const watched: Sink = (message) => {
      if (message.retain) watch.saw(message.at);
      sink(message);
    };
    const wantsDump = retained !== 'exclude' && parseFilter(filter).share === undefined;
    const { listener, hearing, lost } = this.#enter(filter, retained, watched);
    if (retained !== 'only') this.#arrivals.claim(filter, sink);
    const granted = this.#subscribe(listener, qos, wantsDump);
    // The first mark is sent in the same write, right behind the SUBSCRIBE.
    const ended = wantsDump ? endOfRetained(watch, () => this.#mark(), hearing.gone.signal) : noRetained;
    const retainedEnd = ended.then((end) => {
      listener.dumping = false;
      listener.seen = undefined;
      if (wantsDump && end.evidence === 'ordered') this.#ordered = true;
      else if (end.complete) this.#ordered ??= false;
      return { ...end, complete: end.complete && hearing.gaps.length === 0 };
    });
    try {
      const late = () => subscribeFailure('timeout', filter, this.facts);
      const code = await within(granted, ACK_TIMEOUT_MS, signal, late);
      if (code >= 0x80) throw subscribeRefused(code, filter, this.facts);
      watch.restart();
      const link = this.#link;
      const before = link.fellBehind();
      return {
        grantedQos: toQos(code),
        retainedEnd,
        lost,
        gaps: hearing.gaps,
        get fellBehind() {
          return link.fellBehind() > before;
        },
        close: () => this.#leave(listener),
      };
    } catch (error) {
      this.#leave(listener);
      if (error instanceof ToolError || signal.aborted) throw error;
      throw this.#connected ? subscribeFailure('protocol_error', filter, this.facts) : this.#notConnected();
    }
  }

  checkPublish(request: PublishRequest): void {
    this.#outbox.check(request);
  }

  publish(request: PublishRequest): Promise<PublishAck> {
    return this.#outbox.publish(request).finally(() => this.touch());
  }

  onNewTopic(changed: () => void): () => void {
    return this.#arrivals.newTopic.listen(changed);
  }

  hold(): () => void {
    this.#holds += 1;
    return () => {
      this.#holds -= 1;
      if (this.#holds === 0) this.#released();
    };
  }

  /** Resolves when nobody holds it any more, or after `ms`. */
  async unheld(ms: number): Promise<void> {
    if (this.#holds === 0) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#released = resolve;
      timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
  }

  /** Ends everything on it, then DISCONNECT. Idempotent. */
  async end(reason: string): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#connected = false;
    this.#error = reason;
    clearTimeout(this.#grace);
    this.#lose(reason);
    await this.#link.end();
  }

  #filters(): string[] {
    const asked = [...this.#hearings].filter(([, { own }]) => !own).map(([{ filter }]) => filter);
    return [...new Set(asked)].sort();
  }

  #enter(filter: string, retained: ListenOptions['retained'], sink: Sink, own = false) {
    const seen = this.#identifiers ? undefined : new Set<string>();
    const listener: Listener = { filter, sink, retained, dumping: true, seen };
    const hearing: Hearing = { own, lost: () => {}, gaps: [], gone: new AbortController() };
    const lost = new Promise<string>((resolve) => {
      hearing.lost = resolve;
    });
    this.#hearings.set(listener, hearing);
    return { listener, hearing, lost };
  }

  #subscribe(listener: Listener, wanted: Qos, dump: boolean): Promise<number> {
    const { filter } = listener;
    const qos = this.#routes.add(listener, wanted);
    const id = this.#identifiers ? this.#routes.identify(filter, listener) : undefined;
    return this.#link.subscribe(filter, { qos, id, dump });
  }

  #leave(listener: Listener): void {
    const hearing = this.#hearings.get(listener);
    if (!hearing) return;
    this.#hearings.delete(listener);
    hearing.gone.abort();
    this.touch();
    if (!this.#routes.remove(listener)) return;
    if (this.#connected) this.#link.unsubscribe(listener.filter).catch(() => {});
    else this.#leftMeanwhile.add(listener.filter);
  }

  /** See endOfRetained. Without identifiers one after the other, so that none takes another's message for its own. */
  #mark(): Promise<Mark | undefined> {
    const marked = this.#identifiers ? this.#markNow() : this.#marking.then(() => this.#markNow());
    this.#marking = marked;
    return marked;
  }

  async #markNow(): Promise<Mark | undefined> {
    let version = '';
    const take: Sink = ({ payload }) => {
      version ||= payload.toString('latin1');
    };
    const { listener } = this.#enter(VERSION_TOPIC, 'only', take, true);
    const granted = this.#subscribe(listener, 0, true).catch(() => 0x80);
    const answered = await this.#barrier();
    this.#leave(listener);
    if (!answered) return undefined;
    if (version.startsWith('mosquitto version')) return { came: 'proof', again: false };
    // Where nothing came it may only be late, unless this broker never sends it.
    return { came: 'answer', again: version === '' && (await granted) < 0x80 && this.#ordered !== false };
  }

  /** Asks for something that changes nothing and publishes nothing; false where no answer can come any more. */
  #barrier(): Promise<boolean> {
    const nothing = `bitsperity-mqtt-mcp/nothing/${randomBytes(8).toString('hex')}`;
    return this.#link.unsubscribe(nothing).then(
      () => true,
      () => false,
    );
  }

  #down(error: unknown, final: boolean): void {
    if (this.#closed) return;
    this.#error = downReason(error, this.facts);
    this.#final = final;
    if (this.#connected) {
      this.#connected = false;
      const from = Date.now();
      for (const { gaps } of this.#hearings.values()) if (!isOpen(gaps.at(-1))) gaps.push({ from, to: undefined });
      this.#grace = setTimeout(() => this.#lose(this.#error ?? 'connection lost'), RECONNECT_GRACE_MS);
    }
    if (final) this.#lose(this.#error);
    this.stateBell.ring();
  }

  #up(resumed: boolean): void {
    if (this.#closed) return;
    clearTimeout(this.#grace);
    this.#connected = true;
    this.#error = null;
    this.#reconnects += 1;
    const active = this.#routes.active();
    for (const { filter, qos } of active) {
      const id = this.#identifiers ? this.#routes.identify(filter, undefined) : undefined;
      const back = (code: number) =>
        code < 0x80
          ? this.#closeGaps(filter)
          : this.#loseFilter(filter, 'the broker refused the subscription after a reconnect');
      this.#link.subscribe(filter, { qos, id, dump: false }).then(back, () => {});
    }
    if (resumed) {
      const left = [...this.#leftMeanwhile].filter((filter) => !active.some((one) => one.filter === filter));
      for (const filter of left) this.#link.unsubscribe(filter).catch(() => {});
    }
    this.#leftMeanwhile.clear();
    this.stateBell.ring();
  }

  /** Messages of the filter come again. */
  #closeGaps(filter: string): void {
    for (const [listener, { gaps }] of this.#hearings) {
      const last = gaps.at(-1);
      if (listener.filter === filter && isOpen(last)) last.to = Date.now();
    }
  }

  #lose(reason: string): void {
    for (const { lost, gone } of this.#hearings.values()) {
      gone.abort();
      lost(reason);
    }
  }

  #loseFilter(filter: string, reason: string): void {
    for (const [listener, { lost }] of this.#hearings) if (listener.filter === filter) lost(reason);
  }

  #assertConnected(): void {
    if (!this.#connected) throw this.#notConnected();
  }

  #notConnected(): ToolError {
    return notConnected(this.facts, this.#error, this.#final || this.#closed);
  }
}

/** A shared subscription gets no retained messages (MQTT 5.0 section 4.8.2), and 'exclude' asked for none. */
const noRetained = Promise.resolve<RetainedEnd>({ complete: true, evidence: 'ordered' });

type Gap = { from: number; to: number | undefined };

function isOpen(gap: Gap | undefined): gap is Gap {
  return gap !== undefined && gap.to === undefined;
}

function toQos(code: number): Qos {
  return code === 2 ? 2 : code === 1 ? 1 : 0;
}
