// Owns the messages on their way out of one client: their packet identifiers, one write a turn for all of them, and
// what the broker answers. Must not know sessions or subscriptions; mqtt.js writes everything else to the same stream.
import { randomInt } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { type Outgoing, PublishFrames } from './publish-frames.ts';

/** `weaker`: a message at QoS 2 was acknowledged as one at QoS 1 is, so it may come more than once. */
export type Ack = { reasonCode: number; weaker?: boolean };

/** A packet as mqtt.js tells that it came. */
export type Answer = { cmd: string; messageId?: number | undefined; reasonCode?: number | undefined };

/** Packet identifiers from here on are ours, those below mqtt.js': see `lowIds`. */
const FIRST_ID = 0x8000;
const LAST_ID = 0xffff;
/** Identifiers set aside at most; stops a broker that cuts us off for ever from using them all up. */
const MAX_BURNT = 0x4000;
/** Of PUBACK and PUBREC, and above: it was refused. */
const REFUSED = 0x80;

type Settle = { resolve: (ack: Ack) => void; reject: (error: Error) => void };
type Awaited = Settle & { qos: 1 | 2; reasonCode: number };
type Written = Settle & { promise: Promise<Ack> };

/** The identifiers that are left to mqtt.js, which needs them for SUBSCRIBE and UNSUBSCRIBE. */
export function lowIds() {
  let last = randomInt(1, FIRST_ID);
  const allocate = () => {
    last = last === FIRST_ID - 1 ? 1 : last + 1;
    return last;
  };
  return { allocate, getLastAllocated: () => last, register: () => true, deallocate: () => {}, clear: () => {} };
}

export class Delivery {
  readonly #stream: () => Duplex;
  readonly #version: 4 | 5;
  readonly #frames: PublishFrames;
  readonly #awaited = new Map<number, Awaited>();
  /**
   * QoS 2 exchanges that were cut off. A broker that keeps the session may hold half of one: a new message under the
   * same identifier would pass for it and be dropped [MQTT-4.3.3-10].
   */
  readonly #burnt = new Set<number>();
  #lastId = randomInt(FIRST_ID, LAST_ID + 1);
  #due = false;
  /** The QoS 0 messages among the frames of this turn. */
  #written: Written | undefined;
  /** Those that the stream has taken and not passed on. */
  #undrained: Written[] = [];

  constructor(stream: () => Duplex, version: 4 | 5) {
    this.#stream = stream;
    this.#version = version;
    this.#frames = new PublishFrames(version);
  }

  /** Resolves when acknowledged, QoS 0 when written; rejects where it is refused (`code`), or the connection ends. */
  publish(message: Outgoing): Promise<Ack> {
    const { qos } = message;
    this.#wake();
    if (qos === 0) {
      this.#frames.publish(message, 0);
      this.#written ??= written();
      return this.#written.promise;
    }
    const id = this.#nextId();
    this.#frames.publish(message, id);
    return new Promise((resolve, reject) => this.#awaited.set(id, { qos, reasonCode: 0, resolve, reject }));
  }

  /** A packet came. Throws where it answers something that was not asked. */
  answered({ cmd, messageId = 0, reasonCode = 0 }: Answer): void {
    const awaited = this.#awaited.get(messageId);
    if (!awaited || (cmd !== 'puback' && cmd !== 'pubrec' && cmd !== 'pubcomp')) return;
    // RabbitMQ has no QoS 2 and answers PUBACK; a broker of MQTT 5 says in CONNACK what it has.
    const weaker = cmd === 'puback' && awaited.qos === 2 && this.#version === 4;
    const fits = (cmd === 'puback') === (awaited.qos === 1);
    if (!fits && !weaker) throw new Error(`${cmd} for a message of QoS ${awaited.qos}`);
    if (cmd === 'pubrec' && reasonCode < REFUSED) {
      awaited.reasonCode = reasonCode;
      this.#frames.pubrel(messageId);
      this.#wake();
      return;
    }
    this.#awaited.delete(messageId);
    if (reasonCode >= REFUSED) awaited.reject(Object.assign(new Error('refused'), { code: reasonCode }));
    else awaited.resolve({ reasonCode: reasonCode || awaited.reasonCode, ...(weaker && { weaker }) });
  }

  /** Writes what waits for the end of the turn: mqtt.js is about to write, and order is kept. */
  flush(): void {
    if (this.#frames.empty) return;
    const stream = this.#stream();
    let flows = true;
    stream.cork();
    for (const bytes of this.#frames.take()) flows = stream.write(bytes);
    stream.uncork();
    const batch = this.#written;
    this.#written = undefined;
    if (batch && flows) batch.resolve({ reasonCode: 0 });
    else if (batch) this.#await(stream, batch);
  }

  /** The connection is over. Never sent again behind the caller's back: he is told that it is unknown whether it arrived. */
  lost(): void {
    this.#frames.take();
    const error = new Error('connection closed');
    for (const [id, { qos, reject }] of this.#awaited) {
      if (qos === 2) this.#burn(id);
      reject(error);
    }
    this.#awaited.clear();
    for (const { reject } of this.#undrained) reject(error);
    this.#undrained = [];
    this.#written?.reject(error);
    this.#written = undefined;
  }

  /** The broker has begun anew: it remembers nothing of ours. */
  forgotten(): void {
    this.#burnt.clear();
  }

  #wake(): void {
    if (this.#due) return;
    this.#due = true;
    setImmediate(() => {
      this.#due = false;
      this.flush();
    });
  }

  #await(stream: Duplex, batch: Written): void {
    // A stream that is gone drains nothing of the next one.
    const batches = this.#undrained;
    if (batches.push(batch) > 1) return;
    stream.once('drain', () => {
      for (const { resolve } of batches.splice(0)) resolve({ reasonCode: 0 });
    });
  }

  #nextId(): number {
    do this.#lastId = this.#lastId === LAST_ID ? FIRST_ID : this.#lastId + 1;
    while (this.#awaited.has(this.#lastId) || this.#burnt.has(this.#lastId));
    return this.#lastId;
  }

  #burn(id: number): void {
    this.#burnt.add(id);
    for (const oldest of this.#burnt) {
      if (this.#burnt.size <= MAX_BURNT) return;
      this.#burnt.delete(oldest);
    }
  }
}

function written(): Written {
  let settle: Settle = { resolve: () => {}, reject: () => {} };
  const promise = new Promise<Ack>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { promise, ...settle };
}
