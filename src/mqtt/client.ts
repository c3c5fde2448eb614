// Owns one mqtt.js client: connecting, and its packets as promises. The only import of 'mqtt'.
// Must not know who listens, nor sessions; a plain credential lives here only while a CONNECT is being written.
import type { Duplex } from 'node:stream';
import mqtt, {
  type IClientOptions,
  type IConnackPacket,
  type IPublishPacket,
  type MqttClient,
  type Packet,
} from 'mqtt';
import { type Ack, Delivery, lowIds } from './delivery.ts';
import { Nudge } from './nudge.ts';
import type { Outgoing } from './publish-frames.ts';
import { MAX_PACKET_BYTES, PacketTooLarge } from './scan-header.ts';
import type { PublishView } from './scan-publish.ts';
import { type Endpoint, openStream } from './stream.ts';
import { type Tap, tap } from './tap.ts';
import type { Qos } from './types.ts';
import { UnreleasedStore } from './unreleased.ts';
import type { Sealed, Vault } from './vault.ts';
import type { Testament } from './will.ts';

/** Reconnecting waits half to all of FIRST * 2^n, at most LAST, ms. */
const FIRST_BACKOFF_MS = 500;
const LAST_BACKOFF_MS = 30_000;
/** A connection that holds this long makes the next backoff short again, ms: two clients of one id take turns slowly. */
const STABLE_MS = 30_000;
/** Short connections in a row, closed without a word, after which another client is taken to have the same id. */
const TAKEOVER_SIGNS = 3;
/** How long an attempt to come back may take, ms: shorter than a collection waits for it. */
const RECONNECT_TIMEOUT_MS = 8_000;
/** How long a graceful end may take before the socket is closed, ms. */
const END_GRACE_MS = 1_000;
/** MQTT 5.0 table 2-6 */
const SESSION_TAKEN_OVER = 0x8e;

/** Messages held between CONNACK and the session being there, a few turns of the event loop. */
const MAX_EARLY = 1_000;

export type Credentials = { username?: string; password?: string; path?: string };

export type Dial = {
  endpoint: Omit<Endpoint, 'path'>;
  vault: Vault;
  /** JSON of Credentials. */
  credentials: Sealed;
  clientId: string;
  /** It was chosen by the caller, so that another client may have it too. */
  ownClientId: boolean;
  keepaliveSeconds: number;
  cleanStart: boolean;
  sessionExpirySeconds: number;
  will: Testament | undefined;
};

/** A PUBLISH as mqtt.js gives it. */
export type Received = IPublishPacket;

export type LinkEvents = {
  message(topic: string, payload: Buffer, packet: Received): void;
  /** A message that was taken from the bytes before mqtt.js: QoS 0 ones. The view is good until this returns. */
  arrival(publish: PublishView): void;
  /** The connection is gone; a new one is on its way unless `final`. */
  down(error: unknown, final: boolean): void;
  /** It is back; `resumed`: the broker kept the subscriptions. */
  up(resumed: boolean): void;
};

/** A live client. Calls made while it is down fail; nothing is queued for later. */
export type Link = {
  readonly connack: IConnackPacket;
  /** Until CONNACK nothing calls them; set once, before the first await after dialling. */
  listen(events: LinkEvents): void;
  /** Resolves with the SUBACK code: a granted QoS, or 0x80 and above for a refusal. */
  subscribe(filter: string, options: { qos: Qos; id: number | undefined; dump: boolean }): Promise<number>;
  unsubscribe(filter: string): Promise<void>;
  /** Resolves when acknowledged, QoS 0 when written; rejects when the connection ends before. Never sent twice. */
  publish(message: Outgoing): Promise<Ack>;
  /** Whatever comes is acknowledged at once, until the function that is returned is called: see Nudge. */
  hurry(): () => void;
  /** How often more came than could be read: the broker may have dropped messages. */
  fellBehind(): number;
  /** Resolves once what was read from the socket by now is delivered. Never rejects. */
  settled(): Promise<void>;
  /** DISCONNECT, then the socket is closed. */
  end(): Promise<void>;
};

/** Connects once, for as long as `signal` allows. Rejects with what mqtt.js or the socket said. */
export function dial(options: Dial, protocolVersion: 4 | 5, signal: AbortSignal): Promise<Link> {
  return new Promise((resolve, reject) => {
    let failure: unknown;
    let reached = false;
    const nudge = new Nudge(() => client.connected && client.sendPing());
    const inlet: Inlet = { take: () => {}, tap: undefined, behind: 0, nudge };
    const build = (client: MqttClient): Duplex => {
      const { username, password, path = '/' } = openCredentials(options);
      // 3.1.1 has no password without a user name [MQTT-3.1.2-22], and mqtt-packet writes none; an empty one will do.
      const needed = password === undefined ? undefined : '';
      const will = options.will?.next();
      const left = will && { ...will, payload: Buffer.from(will.payload) };
      Object.assign(client.options, { username: username ?? needed, password, will: left });
      // mqtt.js reads them right after this returns, to write the CONNECT; then name and password are gone.
      queueMicrotask(() => Object.assign(client.options, { username: undefined, password: undefined }));
      const stream = openStream({ ...options.endpoint, path }, true);
      for (const event of ['connect', 'secureConnect']) {
        stream.once(event, () => {
          reached = true;
        });
      }
      stream.on('error', (error) => {
        failure ??= error;
      });
      inlet.behind += inlet.tap?.state.fellBehind ?? 0;
      inlet.tap = tap(stream, { version: protocolVersion, take: (publish) => inlet.take(publish) });
      // mqtt.js passes over errors of its stream that are none of a socket.
      inlet.tap.on('error', (error) => error instanceof PacketTooLarge && client.emit('error', error));
      stream.on('data', () => nudge.poke());
      return inlet.tap;
    };
    const client = new mqtt.MqttClient(build, clientOptions(options, protocolVersion));
    const unreleased = new UnreleasedStore<Packet>((error) => client.emit('error', error));
    // What comes is never sent again: its stream stays unused.
    client.incomingStore = Object.assign(unreleased, { createStream: () => new mqtt.Store().createStream() });
    const give = (error: unknown) => {
      signal.removeEventListener('abort', abort);
      client.removeListener('close', closed);
      client.end(true);
      reject(error);
    };
    const abort = () => give(signal.reason);
    const closed = () => give(failure ?? new ClosedBeforeConnack(reached));
    client.on('error', (error) => {
      failure ??= error;
    });
    client.once('close', closed);
    client.on('connect', () => options.will?.left());
    client.once('connect', (connack) => {
      signal.removeEventListener('abort', abort);
      client.removeListener('close', closed);
      resolve(createLink(client, connack, options, inlet));
    });
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}

/** The broker closed the connection instead of answering CONNECT; `reached` tells whether the transport was up. */
export class ClosedBeforeConnack extends Error {
  readonly code = 'ECONNRESET';
  readonly reached: boolean;

  constructor(reached: boolean) {
    super('closed before CONNACK');
    this.reached = reached;
  }
}

function openCredentials({ vault, credentials }: Dial): Credentials {
  return vault.open(credentials, (bytes): Credentials => JSON.parse(bytes.toString('utf8')));
}

function clientOptions(dial: Dial, protocolVersion: 4 | 5): IClientOptions {
  return {
    protocolId: 'MQTT',
    protocolVersion,
    clientId: dial.clientId,
    keepalive: dial.keepaliveSeconds,
    clean: dial.cleanStart,
    // The first connect is tried once; a live client sets its own backoff.
    reconnectPeriod: 0,
    connectTimeout: 30_000,
    resubscribe: false,
    queueQoSZero: false,
    // Otherwise mqtt-packet makes a Buffer of each number below 65,536 when the first packet is written: 8 MB for ever.
    writeCache: false,
    messageIdProvider: lowIds(),
    // Its own would print packets, credentials included, where DEBUG is set.
    log: () => {},
    ...(protocolVersion === 5
      ? { properties: { sessionExpiryInterval: dial.sessionExpirySeconds, maximumPacketSize: MAX_PACKET_BYTES } }
      : {}),
  };
}

/** Where QoS 0 messages come out, beside mqtt.js; one for all connections of a client. `behind`: of earlier ones. */
type Inlet = { take: (publish: PublishView) => void; tap: Tap | undefined; behind: number; nudge: Nudge };

function createLink(client: MqttClient, connack: IConnackPacket, dialled: Dial, inlet: Inlet): Link {
  let events: LinkEvents | undefined;
  let attempts = 0;
  let stable: NodeJS.Timeout | undefined;
  let holds = false;
  let tries = 0;
  let thrownOut = 0;
  let failure: unknown;
  const v5 = client.options.protocolVersion === 5;
  const delivery = new Delivery(() => client.stream, v5 ? 5 : 4);

  const setBackoff = () => {
    client.options.reconnectPeriod = backoff(attempts);
  };
  setBackoff();
  const keep = () => {
    stable = setTimeout(() => {
      holds = true;
      attempts = 0;
      setBackoff();
    }, STABLE_MS).unref();
  };
  keep();
  client.options.connectTimeout = RECONNECT_TIMEOUT_MS;
  client.options.reconnectOnConnackError = true;
  // What the broker keeps while we are away is ours to get, once it was asked to keep it.
  if (v5 && dialled.sessionExpirySeconds > 0) client.options.clean = false;

  // A broker that kept the session sends what it had queued in the same segment as CONNACK.
  const early: [string, Buffer, Received][] = [];
  client.on('message', (topic, payload, packet) => {
    if (events) events.message(topic, payload, packet);
    else if (early.length < MAX_EARLY) early.push([topic, payload, packet]);
  });
  // mqtt.js passes over acknowledgements of what it did not send.
  client.on('packetreceive', (packet) => {
    try {
      if (packet.cmd === 'suback' && packet.granted.length !== 1) throw new Error('SUBACK for other filters than one');
      delivery.answered(packet);
    } catch (error) {
      failure = error;
      client.stream.destroy();
    }
  });
  client.on('packetsend', () => delivery.flush());
  client.on('error', (error) => {
    failure = error;
    // A malformed packet among them: nothing behind it can be trusted (MQTT 5.0 section 4.13.1).
    client.stream.destroy();
  });
  client.on('disconnect', ({ reasonCode }) => {
    failure = Object.assign(new Error('DISCONNECT'), { code: reasonCode ?? 0, disconnect: true });
    // Coming back would throw the other client out, and so on for ever.
    if (reasonCode === SESSION_TAKEN_OVER) client.options.reconnectPeriod = 0;
    // The broker should close now; one that does not would look connected.
    client.stream.destroy();
  });
  // Before mqtt.js' own listener, which sets out for the next connection.
  client.prependListener('close', () => {
    if (!client.connected) return;
    // Not every broker says 0x8e. One that is there at once, and soon closes again without a word, most likely means it.
    thrownOut = failure === undefined && !holds && tries < 2 ? thrownOut + 1 : 0;
    tries = 0;
    if (!dialled.ownClientId || thrownOut < TAKEOVER_SIGNS) return;
    failure = Object.assign(new Error('taken over'), { code: SESSION_TAKEN_OVER, presumed: true });
    client.options.reconnectPeriod = 0;
  });
  client.on('close', () => {
    clearTimeout(stable);
    holds = false;
    delivery.lost();
    events?.down(failure, client.options.reconnectPeriod === 0);
    failure = undefined;
  });
  client.on('reconnect', () => {
    attempts += 1;
    tries += 1;
    setBackoff();
  });
  client.on('connect', ({ sessionPresent }) => {
    keep();
    if (!sessionPresent) delivery.forgotten();
    events?.up(sessionPresent);
  });

  return {
    connack,
    listen: (listener) => {
      events = listener;
      inlet.take = listener.arrival;
      for (const message of early.splice(0)) listener.message(...message);
    },
    fellBehind: () => inlet.behind + (inlet.tap?.state.fellBehind ?? 0),
    settled: async () => {
      await inlet.tap?.settled();
      // mqtt.js deals in ticks with what was passed on to it.
      await new Promise((resolve) => setImmediate(resolve));
    },
    subscribe: (filter, { qos, id, dump }) =>
      new Promise((resolve, reject) => {
        // mqtt.js would queue it for the next connection.
        if (!client.connected) throw new Error('not connected');
        const options = { qos, ...(v5 ? { rh: dump ? 0 : 2, rap: false, nl: false } : {}) };
        const properties = id === undefined ? {} : { properties: { subscriptionIdentifier: id } };
        client.subscribe(filter, { ...options, ...properties }, (error, _granted, packet) => {
          const [code, ...others] = packet?.granted ?? [];
          if (typeof code === 'number' && others.length === 0) resolve(code);
          else reject(error ?? new Error('SUBACK without a code'));
        });
      }),
    unsubscribe: (filter) =>
      new Promise((resolve, reject) => {
        if (!client.connected) throw new Error('not connected');
        client.unsubscribe(filter, {}, (error) => (error ? reject(error) : resolve()));
      }),
    hurry: () => inlet.nudge.hurry(),
    publish: (message) => {
      // It would be written to a stream that is none yet.
      if (!client.connected) return Promise.reject(new Error('not connected'));
      return delivery.publish(message);
    },
    end: () =>
      new Promise((resolve) => {
        const done = () => {
          clearTimeout(timer);
          resolve();
        };
        const timer = setTimeout(() => {
          client.stream.destroy();
          done();
        }, END_GRACE_MS);
        client.options.reconnectPeriod = 0;
        delivery.flush();
        delivery.lost();
        // Between two connections there is nobody to say goodbye to, and mqtt.js would let the next one come about.
        client.end(!client.connected, {}, done);
      }),
  };
}

function backoff(attempts: number): number {
  const longest = Math.min(LAST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** attempts);
  return Math.round(longest * (0.5 + Math.random() / 2));
}
