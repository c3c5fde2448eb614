// Owns one live session: its subscriptions, publishes, losses and returns of the connection, and counters.
// Must not know other sessions, nor how the connection was made.
import { randomInt } from 'node:crypto';
import { ToolError } from '../errors.ts';
import type { Policy } from '../policy.ts';
import { Arrivals } from './arrivals.ts';
import { createBell } from './bell.ts';
import type { Link } from './client.ts';
import {
  checkSubscribable,
  downReason,
  notConnected,
  notToldApart,
  subscribeFailure,
  subscribeRefused,
} from './failures.ts';
import { type Hearing, Hearings } from './hearings.ts';
import { Marks } from './marks.ts';
import { Outbox } from './outbox.ts';
import { ProbeLog } from './probes.ts';
import { within } from './race.ts';
import { DumpWatch, endOfRetained, judged } from './retained.ts';
import { FIRST_LONG_ID, Routes } from './routes.ts';
import type { Endpoint } from './stream.ts';
import { checkFilter, parseFilter } from './topic.ts';
import type {
  Census,
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

export class LiveSession implements Session {
  readonly facts: SessionFacts;
  /** For a second connection beside it. No credential is in it. */
  readonly endpoint: Omit<Endpoint, 'path'> | undefined;
  readonly probes = new ProbeLog();
  /** Rung when the connection goes or comes back. */
  readonly stateBell = createBell();
  readonly #link: Link;
  readonly #ttlMs: number;
  readonly #arrivals: Arrivals;
  readonly #outbox: Outbox;
  readonly #hearings: Hearings;
  readonly #marks: Marks;
  readonly #createdAt = Date.now();
  #holds = 0;
  #released: () => void = () => {};
  #lastAccessed = Date.now();
  #connected = true;
  #closed = false;
  #error: string | null = null;
  #reconnects = 0;
  /** It sent retained messages for a filter with wildcards: not every broker does. */
  #showsWildcards = false;
  /** No new connection will come. */
  #final = false;
  #grace: NodeJS.Timeout | undefined;
  constructor(facts: SessionFacts, link: Link, policy: Policy, ttlMs: number, endpoint?: Omit<Endpoint, 'path'>) {
    this.facts = facts;
    this.endpoint = endpoint;
    this.#link = link;
    this.#ttlMs = ttlMs;
    this.#outbox = new Outbox(facts, link, policy, () => this.#assertConnected());
    // A session that the broker kept still sends for identifiers of an earlier life: ours must be none of them.
    const routes = new Routes(link.connack.sessionPresent ? randomInt(FIRST_LONG_ID, 2 ** 27) : 1);
    this.#arrivals = new Arrivals(routes, link.connack.sessionPresent, policy.mayHear);
    const identifiers = facts.protocolVersion === 5 && facts.limits.subscription_identifiers_available !== false;
    this.#hearings = new Hearings(link, routes, { identifiers, version: facts.protocolVersion, policy });
    this.#marks = new Marks(link, this.#hearings);
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
      subscribedTopics: this.#hearings.filters(),
      messagesReceived: this.#arrivals.messages,
      bytesReceived: this.#arrivals.bytes,
    };
  }

  async listen(filter: string, { qos, retained, signal }: ListenOptions, sink: Sink): Promise<Subscription> {
    checkFilter(filter);
    checkSubscribable(filter, this.facts);
    const other = this.#hearings.confusable(filter);
    if (other !== undefined) throw notToldApart(filter, other, this.facts);
    signal.throwIfAborted();
    this.#assertConnected();
    const watch = new DumpWatch();
    const watched: Sink = (message) => {
      if (message.retain) watch.saw(message.at);
      sink(message);
    };
    const wantsDump = retained !== 'exclude' && parseFilter(filter).share === undefined;
    const hearing = this.#hearings.enter(filter, retained, watched);
    if (retained !== 'only') this.#arrivals.claim(filter, sink);
    const before = this.#arrivals.all;
    const granted = this.#hearings.subscribe(hearing, qos, wantsDump);
    // The first mark is sent in the same write, right behind the SUBSCRIBE.
    const retainedEnd = this.#retainedEnd(hearing, wantsDump ? watch : undefined, before);
    try {
      const late = () => subscribeFailure('timeout', filter, this.facts);
      const code = await within(granted, ACK_TIMEOUT_MS, signal, late);
      if (code >= 0x80) throw subscribeRefused(code, filter, this.facts);
      watch.restart();
      const link = this.#link;
      const hearings = this.#hearings;
      let shared: Qos | undefined;
      const behind = link.fellBehind();
      return {
        grantedQos: toQos(code),
        retainedEnd,
        lost: hearing.lost,
        gaps: hearing.gaps,
        get fellBehind() {
          return link.fellBehind() > behind;
        },
        get sharedQos() {
          return shared ?? hearings.qosOf(hearing);
        },
        settled: () => link.settled(),
        leave: () => {
          shared ??= hearings.qosOf(hearing);
          return hearings.depart(hearing, () => this.#arrivals.all).finally(() => this.touch());
        },
        close: () => {
          shared ??= hearings.qosOf(hearing);
          this.#leave(hearing);
        },
      };
    } catch (error) {
      this.#leave(hearing);
      if (error instanceof ToolError || signal.aborted) throw error;
      throw this.#connected ? subscribeFailure('protocol_error', filter, this.facts) : this.#notConnected();
    }
  }

  /** `before`: all messages of the session until the SUBSCRIBE. */
  async #retainedEnd(
    { listener, gone, gaps }: Hearing,
    watch: DumpWatch | undefined,
    before: number,
  ): Promise<RetainedEnd> {
    const calm = this.#link.hurry();
    const end = watch ? await endOfRetained(watch, (signal) => this.#marks.mark(signal), gone) : NO_RETAINED;
    calm();
    listener.dumping = false;
    listener.seen = undefined;
    if (!watch) return end;
    if (end.complete || end.evidence === 'ordered') this.#marks.learn(end.evidence === 'ordered');
    if (gaps.length > 0) return { complete: false, evidence: end.evidence };
    const wildcard = /[+#]/.test(listener.filter);
    if (wildcard && watch.count > 0) this.#showsWildcards = true;
    const maySendNone = wildcard && !this.#showsWildcards;
    return judged(end, { messages: this.#arrivals.all - before, retained: watch.count, maySendNone });
  }

  census(fresh: boolean, signal: AbortSignal): Promise<Census | undefined> {
    return this.#connected ? this.#marks.census(fresh, signal) : Promise.resolve(undefined);
  }

  checkPublish(request: PublishRequest): void {
    this.#outbox.check(request);
  }

  denied(request: PublishRequest): void {
    this.#outbox.denied(request);
  }

  publish(request: PublishRequest): Promise<PublishAck> {
    return this.#outbox.publish(request).finally(() => this.touch());
  }

  onNewTopic(changed: () => void): () => void {
    return this.#arrivals.newTopic.listen(changed);
  }

  hold(): () => void {
    this.#holds += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
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
    this.#outbox.end();
    const departing = this.#connected && this.#hearings.departAll(() => this.#arrivals.all);
    if (departing) await departing;
    this.#connected = false;
    this.#error = reason;
    clearTimeout(this.#grace);
    this.#hearings.lose(reason);
    await this.#link.end();
  }

  #leave(hearing: Hearing): void {
    if (this.#hearings.leave(hearing)) this.touch();
  }

  #down(error: unknown, final: boolean): void {
    if (this.#closed) return;
    this.#error = downReason(error, this.facts);
    this.#final = final;
    if (this.#connected) {
      this.#connected = false;
      this.#hearings.down();
      this.#grace = setTimeout(() => this.#hearings.lose(this.#error ?? 'connection lost'), RECONNECT_GRACE_MS);
    }
    if (final) this.#hearings.lose(this.#error);
    this.stateBell.ring();
  }

  #up(resumed: boolean): void {
    if (this.#closed) return;
    clearTimeout(this.#grace);
    this.#connected = true;
    this.#error = null;
    this.#reconnects += 1;
    this.#hearings.up(resumed);
    this.stateBell.ring();
  }

  #assertConnected(): void {
    if (!this.#connected) throw this.#notConnected();
  }

  #notConnected(): ToolError {
    return notConnected(this.facts, this.#error, this.#final || this.#closed);
  }
}

/** A shared subscription gets no retained messages (MQTT 5.0 section 4.8.2), and 'exclude' asked for none. */
const NO_RETAINED: RetainedEnd = { complete: true, evidence: 'ordered' };

function toQos(code: number): Qos {
  return code === 2 ? 2 : code === 1 ? 1 : 0;
}
