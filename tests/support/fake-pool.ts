// Owns a pool and sessions for tests of tools: nothing connects; a test says what comes and records what is asked.
import { ToolError } from '../../src/errors.ts';
import { KnownTopics } from '../../src/mqtt/known-topics.ts';
import { ProbeLog } from '../../src/mqtt/probes.ts';
import { compileFilter, parseFilter } from '../../src/mqtt/topic.ts';
import type {
  Census,
  Check,
  CheckName,
  CheckRequest,
  ConnectRequest,
  ListenOptions,
  Message,
  Pool,
  PublishAck,
  PublishRequest,
  RetainedEnd,
  Session,
  SessionFacts,
  SessionState,
  Sink,
  Subscription,
} from '../../src/mqtt/types.ts';

const AT = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

export class FakeSession implements Session {
  readonly facts: SessionFacts;
  readonly known = new KnownTopics();
  readonly probes = new ProbeLog();
  readonly lifetime = { createdAt: AT, lastAccessed: AT, expiresAt: AT + 3_600_000, ttlSeconds: 3_600 };
  readonly listened: { filter: string; options: ListenOptions; closed: boolean }[] = [];
  readonly deniedWrites: PublishRequest[] = [];
  readonly published: PublishRequest[] = [];
  readonly gaps: { from: number; to: number | undefined }[] = [];
  /** What `publish` answers; an error is thrown. */
  ack: PublishAck | Error = { acknowledged: true, reasonCode: 0, reason: 'success' };
  /** Thrown by `listen`. */
  refusal: Error | undefined;
  current: Partial<SessionState> = {};
  lose: (reason: string) => void = () => {};
  endRetained: (end: RetainedEnd) => void = () => {};
  /** What the end of a collection waits for. */
  settled: Promise<void> = Promise.resolve();
  #sinks = new Set<Sink>();

  hold(): () => void {
    return () => {};
  }

  constructor(facts: Partial<SessionFacts> = {}) {
    const own = { id: '6f9619ff-8b86-4d01-b42d-00cf4fc964ff', name: 'lab', broker: 'broker', port: 1883 };
    const more = {
      clientId: 'c',
      protocolVersion: 5,
      tls: false,
      limits: {},
      connectMs: 1.5,
      verified: true,
      notes: [],
    } as const;
    this.facts = { ...own, ...more, notes: [], ...facts };
  }

  state(): SessionState {
    const fresh = { isConnected: true, connectionError: null, reconnects: 0, messagesReceived: 0, bytesReceived: 0 };
    return { ...fresh, subscribedTopics: [], ...this.current };
  }

  async listen(filter: string, options: ListenOptions, sink: Sink): Promise<Subscription> {
    if (this.refusal) throw this.refusal;
    const entry = { filter, options, closed: false };
    this.listened.push(entry);
    const heard = compileFilter(parseFilter(filter).filter);
    const hear: Sink = (message) => {
      if (heard(message.topic)) sink(message);
    };
    this.#sinks.add(hear);
    const lost = new Promise<string>((resolve) => {
      // With the connection every subscription of the session is lost.
      const others = this.lose;
      this.lose = (reason) => {
        others(reason);
        resolve(reason);
      };
    });
    const retainedEnd = new Promise<RetainedEnd>((resolve) => {
      this.endRetained = resolve;
    });
    const close = () => {
      entry.closed = true;
      this.#sinks.delete(hear);
    };
    return {
      grantedQos: options.qos,
      sharedQos: options.qos,
      retainedEnd,
      lost,
      gaps: this.gaps,
      fellBehind: false,
      settled: () => this.settled,
      close,
      leave: async () => close(),
    };
  }

  /** A message comes, to everyone who listens to its topic. */
  speak(topic: string, payload: string | Buffer = '', more: Partial<Message> = {}): void {
    const bytes = Buffer.from(payload);
    const rest = { size: bytes.length, qos: 0, retain: false, dup: false, at: Date.now() } as const;
    for (const sink of [...this.#sinks]) sink({ topic, payload: bytes, ...rest, ...more });
  }

  /** What `census` resolves with, one after the other; then with undefined. */
  readonly censuses: Census[] = [];

  async census(): Promise<Census | undefined> {
    return this.censuses.shift();
  }

  checkPublish(): void {}

  denied(request: PublishRequest): void {
    this.deniedWrites.push(request);
  }

  async publish(request: PublishRequest): Promise<PublishAck> {
    this.published.push(request);
    if (this.ack instanceof Error) throw this.ack;
    return this.ack;
  }

  onNewTopic(): () => void {
    return () => {};
  }
}

export class FakePool implements Pool {
  readonly limit = 5;
  readonly sessions: FakeSession[];
  readonly requests: ConnectRequest[] = [];
  /** What `check` was asked, and answers. */
  readonly checked: CheckRequest[] = [];
  checks: Check[] = [];
  /** Thrown by `establish` and `check`. */
  refusal: Error | undefined;

  constructor(...sessions: FakeSession[]) {
    this.sessions = sessions;
  }

  async establish(request: ConnectRequest): Promise<Session> {
    this.requests.push(request);
    if (this.refusal) throw this.refusal;
    const session = new FakeSession(request.name === undefined ? {} : { name: request.name });
    this.sessions.push(session);
    return session;
  }

  async get(reference: string): Promise<FakeSession> {
    return this.connected(reference);
  }

  connected(reference: string): FakeSession {
    const found = this.sessions.find(({ facts }) => facts.id === reference || facts.name === reference);
    if (!found) throw new ToolError('session_not_found', 'No session has that id or name.', 'Connect first.');
    return found;
  }

  isUnverified(): boolean {
    return false;
  }

  list(): Session[] {
    return this.sessions;
  }

  async close(reference: string): Promise<{ id: string; closedAt: number }> {
    const { facts } = await this.get(reference);
    return { id: facts.id, closedAt: AT };
  }

  async check(request: CheckRequest, _signal: AbortSignal, tell: (name: CheckName) => void): Promise<Check[]> {
    request.checkProbe?.(() => {});
    this.checked.push(request);
    if (this.refusal) throw this.refusal;
    for (const { name } of this.checks) tell(name);
    return this.checks;
  }

  async closeAll(): Promise<void> {}

  onChanged(): () => void {
    return () => {};
  }
}
