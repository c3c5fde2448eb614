// Owns what the tools may see of MQTT: messages, sessions, the pool. Must not know how any of it is done.
import type { ToolErrorCode } from '../errors.ts';

export type Qos = 0 | 1 | 2;

/** MQTT 5 properties of a received PUBLISH, as far as a tool shows them. Broker content: untrusted. */
export type MessageProperties = {
  content_type?: string;
  response_topic?: string;
  /** base64 */
  correlation_data?: string;
  message_expiry_seconds?: number;
  payload_format_utf8?: boolean;
  user_properties?: Record<string, string | string[]>;
};

/** One received application message, payload still as bytes. */
export type Message = {
  topic: string;
  /** The kept bytes: all of them, or the first MAX_KEPT_PAYLOAD_BYTES where the payload is larger. */
  payload: Buffer;
  /** Length of the payload as received, bytes. */
  size: number;
  /** As received on this subscription. */
  qos: Qos;
  /** true: out of the broker's retained store; false: live. */
  retain: boolean;
  dup: boolean;
  /** Milliseconds since the epoch, at reception. */
  at: number;
  properties?: MessageProperties;
};

/** What a session is asked to be. Exactly one of `connectionString` and `profile`. */
export type ConnectRequest = {
  connectionString?: string | undefined;
  profile?: string | undefined;
  name?: string | undefined;
  clientId?: string | undefined;
  username?: string | undefined;
  password?: string | undefined;
  /** Undefined: 5, falling back to 4 where the broker refuses 5. */
  protocolVersion?: 4 | 5 | undefined;
  keepaliveSeconds: number;
  cleanStart: boolean;
  sessionExpirySeconds: number;
  /** 1 to 30, for everything until CONNACK. */
  timeoutSeconds: number;
};

/** What the broker announced in its CONNACK; absent where it said nothing. */
export type BrokerLimits = {
  maximum_qos?: number;
  retain_available?: boolean;
  maximum_packet_size?: number;
  receive_maximum?: number;
  topic_alias_maximum?: number;
  wildcard_subscription_available?: boolean;
  subscription_identifiers_available?: boolean;
  shared_subscription_available?: boolean;
  server_keepalive_seconds?: number;
  session_expiry_seconds?: number;
};

/** What is fixed from CONNACK on. */
export type SessionFacts = {
  /** UUID */
  id: string;
  name: string;
  broker: string;
  port: number;
  clientId: string;
  protocolVersion: 4 | 5;
  tls: boolean;
  limits: BrokerLimits;
  connectMs: number;
  /** false: the operator turned the verification of certificates off. Without TLS there is none to verify. */
  verified: boolean;
  notes: string[];
};

/** What changes: true at the moment of reading. */
export type SessionState = {
  isConnected: boolean;
  /** Why not, in words; null while connected. */
  connectionError: string | null;
  reconnects: number;
  subscribedTopics: string[];
  messagesReceived: number;
  bytesReceived: number;
};

/** Times in milliseconds since the epoch. */
export type Lifetime = { createdAt: number; lastAccessed: number; expiresAt: number; ttlSeconds: number };

export type ListenOptions = {
  qos: Qos;
  retained: 'include' | 'exclude' | 'only';
  signal: AbortSignal;
};

/** Gets each message once. The payload is a view that dies with the call: copy what is kept. */
export type Sink = (message: Message) => void;

export type RetainedEnd = {
  /** Whether every retained message of the filter has arrived, as far as the evidence goes; never true in doubt. */
  complete: boolean;
  /** ordered: a message that was behind them in line has come; quiet_window: nothing came for a while. */
  evidence: 'ordered' | 'quiet_window';
  /**
   * dropped: an answer did not come that one behind it overtook, so the broker dropped it, and maybe more.
   * unanswered: what was asked behind them was not answered. many: more came at once than brokers hold for a client.
   * none: nothing came for a filter with wildcards, from a broker that may never send anything for one.
   */
  doubt?: 'dropped' | 'unanswered' | 'many' | 'none';
};

/** What a mosquitto says of itself under $SYS, every 11 s by default; undefined where it does not, or not to this user. */
export type Census = {
  /** Retained messages it holds, those under $SYS left out. */
  retained: number | undefined;
  /** Messages it dropped since it was started, to whomever they were for. */
  dropped: number | undefined;
};

export type Subscription = {
  readonly grantedQos: Qos;
  /** What the filter is subscribed with now: the highest QoS that a collection on the session asked for it. */
  readonly sharedQos: Qos;
  /** Resolves once the retained messages of the filter are out. Never rejects. */
  readonly retainedEnd: Promise<RetainedEnd>;
  /** Resolves with the reason when nothing more can come: closed, or down for too long. Never rejects. */
  readonly lost: Promise<string>;
  /** Times while the connection was down since SUBACK, ms since the epoch; `to` is undefined while it still is. */
  readonly gaps: readonly { from: number; to: number | undefined }[];
  /** More came meanwhile than could be read, so the broker may have dropped messages. */
  readonly fellBehind: boolean;
  /** Resolves once the messages that were read by now are with the sinks. Never rejects. */
  settled(): Promise<void>;
  /** As close, but a share group is left first: what the broker gave us until it knew is still heard. Never rejects. */
  leave(): Promise<void>;
  /** Stops the sink at once; the last listener of a filter sends UNSUBSCRIBE. Idempotent. */
  close(): void;
};

export type PublishRequest = {
  topic: string;
  payload: Buffer;
  qos: Qos;
  retain: boolean;
  properties?: PublishProperties | undefined;
  /** Read only where there is something to wait for: making one costs as much as a PUBLISH. */
  readonly signal: AbortSignal;
  /** Whether that is aborted already, where this is known without it. */
  readonly aborted?: boolean;
  /** A person, or a token of a preview, let it through. */
  confirmed?: boolean;
};

export type PublishProperties = {
  content_type?: string;
  response_topic?: string;
  correlation_data?: string;
  message_expiry_seconds?: number;
  user_properties?: Record<string, string>;
};

export type PublishAck = { acknowledged: boolean; reasonCode: number; reason: string };

/** The topics a session has seen so far, at most 100,000. */
export type Known = {
  readonly size: number;
  topics(): Iterable<string>;
  /** ms since the epoch, to the second; undefined: never seen. */
  lastSeen(topic: string): number | undefined;
  /** Sorted, at most `limit`; `total` is exact. */
  startingWith(prefix: string, limit: number): { values: string[]; total: number };
};

/** A message that was published to see whether it comes back. */
export type Probe = {
  topic: string;
  /** ms since the epoch */
  at: number;
  /** The broker acknowledged it. */
  acknowledged: boolean;
  /** It came back on a subscription of its topic that the broker had granted. */
  came: boolean;
};

export type Probes = {
  note(probe: Probe): void;
  /** The last of each topic, the latest first, up to ten minutes old. */
  recent(now?: number): Probe[];
};

export type Session = {
  /** What was probed on it. */
  readonly probes: Probes;
  readonly facts: SessionFacts;
  readonly known: Known;
  readonly lifetime: Lifetime;
  state(): SessionState;
  /** Subscribes; resolves at SUBACK. Throws invalid_topic, subscribe_denied, not_connected, timeout. */
  listen(filter: string, options: ListenOptions, sink: Sink): Promise<Subscription>;
  /**
   * What the broker counted last; `fresh`: what it counts next, which may take 12 s. Undefined where it does not tell.
   * Never rejects.
   */
  census(fresh: boolean, signal: AbortSignal): Promise<Census | undefined>;
  /** Throws what `publish` would throw before anything is sent: invalid_topic, policy_denied, payload_too_large, not_connected. */
  checkPublish(request: PublishRequest): void;
  /** Puts on record that somebody else than the policy of this session did not allow it. Throws policy_denied. */
  denied(request: PublishRequest): void;
  /** Resolves when acknowledged (QoS 0: written). Throws invalid_topic, publish_denied, not_connected, timeout, payload_too_large. */
  publish(request: PublishRequest): Promise<PublishAck>;
  /** A close waits, within bounds, for who holds the session: a write that was asked for before. Returns the release. */
  hold(): () => void;
  /** Calls back whenever a topic is seen for the first time; returns how to stop. */
  onNewTopic(changed: () => void): () => void;
};

/** Who waits. A quick call never reads the signal, which is made when it is first read. */
export type Waiting = { readonly signal: AbortSignal };

export type Closed = { id: string; closedAt: number };

/** What is to be examined: exactly one of the first three. */
export type CheckRequest = {
  connectionString?: string | undefined;
  profile?: string | undefined;
  /** Id or name of an open session. */
  session?: string | undefined;
  /** Published to where it is given, and only then. */
  probeTopic?: string | undefined;
  /** Throws where a probe must not go there, whatever the policy says; tells `denied` before where that is to be on record. */
  checkProbe?: (denied: () => void) => void;
  /** For each layer. */
  timeoutSeconds: number;
};

export type CheckName = 'dns' | 'tcp' | 'tls' | 'connack' | 'subscribe' | 'echo' | 'sys';

/** One address of the broker; `outcome` and `ms` once a connection to it was tried. */
export type CheckedAddress = {
  address: string;
  family: 4 | 6;
  outcome?: 'connected' | 'refused' | 'timeout' | 'unreachable' | 'failed';
  ms?: number;
};

export type CertificateProblem =
  | 'self_signed'
  | 'unknown_authority'
  | 'expired'
  | 'not_yet_valid'
  | 'wrong_name'
  | 'unverified';

/** Names are of the broker: untrusted. */
export type CheckedCertificate = { subject: string; issuer: string; valid_from: string; valid_to: string };

export type CheckedTls = {
  protocol: string;
  cipher: string;
  /** Agreed protocol; absent where none was offered or taken. */
  alpn?: string;
  /** The name that was asked for and compared. */
  servername: string;
  /** Names and addresses that the certificate is for. */
  names: string[];
  days_left: number;
  problems: CertificateProblem[];
  /** The broker's own first, then its issuers. */
  chain: CheckedCertificate[];
};

/** One message to the probe topic and back. `echo_ms` null: it never came back. */
export type RoundTrip = {
  qos: Qos;
  acknowledged: boolean;
  ack_ms: number | null;
  echo_ms: number | null;
  reason_code?: number;
  reason?: string;
};

/** One layer of a connection. `detail` and `hint` are our words alone; what a broker says is in the other fields. */
export type Check = {
  name: CheckName;
  status: 'ok' | 'warning' | 'failed' | 'skipped';
  ms: number;
  detail: string;
  hint?: string;
  /** Where it failed. */
  code?: ToolErrorCode;
  reason_code?: number;
  reason?: string;
  addresses?: CheckedAddress[];
  tls?: CheckedTls;
  /** Any certificate is taken here: what the later layers tell came from nobody knows whom. */
  unverified?: true;
  protocol_version?: 4 | 5;
  client_id?: string;
  limits?: BrokerLimits;
  granted_qos?: Qos;
  round_trips?: RoundTrip[];
  broker_version?: string;
};

/** At most `limit` sessions; connecting ones count. A reference is a session's id or its name. */
export type Pool = {
  readonly limit: number;
  /** Reserves a slot and the name at once, then connects. Throws session_limit, invalid_arguments and every connect error. */
  establish(request: ConnectRequest, signal: AbortSignal): Promise<Session>;
  /** Waits for a session that is still connecting. Throws session_not_found, session_expired. Counts as use. */
  get(reference: string, signal: AbortSignal): Promise<Session>;
  /** The same without a wait; undefined while it is still connecting. */
  connected(reference: string): Session | undefined;
  /** Whether nobody verifies the certificate of that session's broker; of sessions that have ended too. */
  isUnverified(reference: string): boolean;
  /** Open sessions, oldest first. Does not count as use. */
  list(): Session[];
  /** Sends DISCONNECT and frees the slot at once. Throws, rather than rejects, where there is no such session. */
  close(reference: string, call: Waiting): Promise<Closed>;
  closeAll(): Promise<void>;
  /**
   * Examines a broker layer by layer, in order, without opening a session here; `tell` hears of each layer that begins.
   * A layer that fails is a result. Throws invalid_arguments, session_limit (checks at once), policy_denied and what
   * `get` throws.
   */
  check(request: CheckRequest, signal: AbortSignal, tell: (name: CheckName) => void): Promise<Check[]>;
  /** Calls back whenever a session begins, ends, loses its connection or has it back; returns how to stop. */
  onChanged(changed: () => void): () => void;
};
