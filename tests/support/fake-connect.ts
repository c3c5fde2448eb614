// Owns a connect() without a network: real sessions over a link that does nothing unless a test says so.
import type { IConnackPacket } from 'mqtt';
import type { Link, LinkEvents } from '../../src/mqtt/client.ts';
import type { Connect } from '../../src/mqtt/pool.ts';
import { LiveSession } from '../../src/mqtt/session.ts';
import type { BrokerLimits, ConnectRequest } from '../../src/mqtt/types.ts';
import { createPolicy, type Rules } from '../../src/policy.ts';

export const policy = createPolicy({ readOnly: false });

export const connack: IConnackPacket = { cmd: 'connack', sessionPresent: false, reasonCode: 0, returnCode: 0 };

/** A link that grants and acknowledges all; `events` is what the session listens with. */
export class FakeLink implements Link {
  readonly connack: IConnackPacket;
  events: LinkEvents | undefined;
  /** What was called: `subscribe a/#`, `publish a`, `end`. */
  readonly calls: string[] = [];

  constructor(packet: IConnackPacket = connack) {
    this.connack = packet;
  }

  fellBehind(): number {
    return 0;
  }

  async settled(): Promise<void> {}

  hurry(): () => void {
    return () => {};
  }

  listen(events: LinkEvents): void {
    this.events = events;
  }
  subscribe: Link['subscribe'] = async (filter, { qos }) => {
    this.calls.push(`subscribe ${filter}`);
    return qos;
  };
  unsubscribe: Link['unsubscribe'] = async (filter) => {
    if (!filter.startsWith('bitsperity-mqtt-mcp/')) this.calls.push(`unsubscribe ${filter}`);
  };
  publish: Link['publish'] = async ({ topic }) => {
    this.calls.push(`publish ${topic}`);
    return { reasonCode: 0 };
  };
  async end(): Promise<void> {
    this.calls.push('end');
  }
}

type Made = {
  id?: string;
  name?: string;
  limits?: BrokerLimits;
  ttlMs?: number;
  protocolVersion?: 4 | 5;
  rules?: Rules;
  verified?: boolean;
};

export function sessionOn(link: Link, made: Made = {}): LiveSession {
  const {
    id = 'id',
    name = 'name',
    limits = {},
    ttlMs = 3_600_000,
    protocolVersion = 5,
    rules,
    verified = true,
  } = made;
  const facts = { id, name, broker: 'broker', port: 1883, clientId: 'c', protocolVersion, tls: false, limits };
  return new LiveSession(
    { ...facts, connectMs: 1, verified, notes: [] },
    link,
    rules ? createPolicy({ readOnly: false, rules }) : policy,
    ttlMs,
  );
}

/** A connect that counts how many are under way, and waits until it is let go. */
export class FakeConnect {
  readonly links: FakeLink[] = [];
  /** Connects under way now, and the most there ever were. */
  open = 0;
  most = 0;
  /** Fails the next ones with this. */
  error: unknown;
  /** Of the next ones: whether the certificate was verified. */
  verified = true;
  #gate: Promise<void> = Promise.resolve();
  #open: () => void = () => {};

  hold(): void {
    this.#gate = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  letGo(): void {
    this.#open();
  }

  readonly connect: Connect = async (_request, _profile, { id, name, ttlMs }, signal) => {
    this.open += 1;
    this.most = Math.max(this.most, this.open);
    const aborted = new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    try {
      await Promise.race([this.#gate, aborted]);
      if (this.error !== undefined) throw this.error;
    } catch (error) {
      this.open -= 1;
      throw error;
    }
    const link = new FakeLink();
    this.links.push(link);
    return sessionOn(link, { id, name, ttlMs, verified: this.verified });
  };
}

export function request(more: Partial<ConnectRequest> = {}): ConnectRequest {
  const where = more.profile === undefined ? { connectionString: 'mqtt://broker' } : {};
  return { ...where, keepaliveSeconds: 60, cleanStart: true, sessionExpirySeconds: 0, timeoutSeconds: 10, ...more };
}
