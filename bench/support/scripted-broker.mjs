// Owns a broker that only sends: it accepts CONNECT and SUBSCRIBE of MQTT 3.1.1 and 5 and then blasts frames encoded
// beforehand as fast as the subscriber reads them, with real acknowledgements at QoS 1 and 2.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { within } from './processes.mjs';
import { encode, encodeOne, packet, split, topicOf } from './traffic.mjs';

/** @typedef {import('./traffic.mjs').Frames} Frames */
/** @typedef {import('./traffic.mjs').Wire} Wire */
/** @typedef {{ filter: string, client: Client, wire: Wire }} Subscribed */

const SUBSCRIBE_MS = 20_000;
const BLAST_MS = 120_000;
/** Unacknowledged messages at once, where the subscriber allows them. */
export const WINDOW = 1000;
/** Frames encoded for a blast; repeated as often as it takes. */
const BLOCK = 1000;
/** MQTT 5.0 table 2-6 */
const SESSION_TAKEN_OVER = 0x8e;
/** The packet identifier of the last message of a blast at QoS 0. */
const LAST_ID = 0xffff;
const VERSION_TOPIC = '$SYS/broker/version';
const SYS_TOPICS = 3;

export class ScriptedBroker {
  #server = createServer({ noDelay: true }, (socket) => this.#clients.add(new Client(socket, this)));
  /** @type {Set<Client>} */
  #clients = new Set();
  /** @type {Subscribed[]} */
  #subscribed = [];
  #heard = () => {};
  /**
   * Stored messages: what a SUBSCRIBE is answered with.
   * @type {((wire: Wire) => Buffer) | undefined}
   */
  retained;
  /** How many those are. */
  held = 0;

  static async start() {
    const broker = new ScriptedBroker();
    broker.#server.listen(0, '127.0.0.1');
    await once(broker.#server, 'listening');
    return broker;
  }

  get port() {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** @param {Subscribed} one */
  add(one) {
    this.#subscribed.push(one);
    this.#heard();
  }

  /**
   * The next client that subscribes to the filter, or did since the last call.
   * @param {string} filter
   */
  async subscriber(filter) {
    const search = async () => {
      for (;;) {
        const index = this.#subscribed.findIndex((one) => one.filter === filter);
        if (index !== -1) return /** @type {Subscribed} */ (this.#subscribed.splice(index, 1)[0]);
        await new Promise((resolve) => {
          this.#heard = () => resolve(undefined);
        });
      }
    };
    return within(search(), SUBSCRIBE_MS, `SUBSCRIBE of ${filter}`);
  }

  close() {
    this.#server.close();
    for (const client of this.#clients) client.destroy();
  }
}

class Client {
  #socket;
  #broker;
  #version = /** @type {4 | 5} */ (4);
  #receiveMaximum = 0xffff;
  #rest = Buffer.alloc(0);
  #acknowledged = 0;
  #progress = () => {};
  #lastDone = () => {};
  /** @type {number[]} */
  #released = [];

  /**
   * @param {import('node:net').Socket} socket
   * @param {ScriptedBroker} broker
   */
  constructor(socket, broker) {
    this.#socket = socket;
    this.#broker = broker;
    socket.on('error', () => {});
    socket.on('data', (chunk) => this.#take(chunk));
  }

  destroy() {
    this.#socket.destroy();
  }

  /** Ends the connection in a way after which the client must not come back (MQTT 5.0 section 3.14). */
  dismiss() {
    if (this.#version === 5) this.#socket.write(packet(0xe0, Buffer.from([SESSION_TAKEN_OVER, 0])));
    this.#socket.end();
  }

  /** @param {Buffer} chunk */
  #take(chunk) {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    this.#rest = split(bytes, (first, body) => this.#packet(first, body));
    if (this.#released.length > 0) this.#release();
    this.#progress();
  }

  /**
   * @param {number} first
   * @param {Buffer} body
   */
  #packet(first, body) {
    const type = first >> 4;
    if (type === 4 || type === 7) this.#over(body.readUInt16BE(0));
    else if (type === 5) this.#released.push(body.readUInt16BE(0));
    else if (type === 1) this.#connect(body);
    else if (type === 8) this.#subscribe(body);
    else if (type === 10) this.#unsubscribe(body);
    else if (type === 12) this.#socket.write(packet(0xd0, Buffer.alloc(0)));
  }

  /** @param {number} id */
  #over(id) {
    if (id === LAST_ID) this.#lastDone();
    else this.#acknowledged += 1;
  }

  /** PUBREL for every PUBREC of a chunk, in their order. */
  #release() {
    const bytes = Buffer.allocUnsafe(this.#released.length * 4);
    this.#released.forEach((id, i) => void bytes.writeUInt32BE(0x62020000 + id, i * 4));
    this.#released.length = 0;
    this.#socket.write(bytes);
  }

  /** @param {Buffer} body */
  #connect(body) {
    this.#version = body[6] === 5 ? 5 : 4;
    if (this.#version === 5) this.#receiveMaximum = receiveMaximumOf(body.subarray(10));
    this.#socket.write(packet(0x20, Buffer.from(this.#version === 5 ? [0, 0, 0] : [0, 0])));
  }

  /** @param {Buffer} body */
  #subscribe(body) {
    let at = 2;
    /** @type {number | undefined} */
    let subscription;
    if (this.#version === 5) {
      const length = body[at] ?? 0;
      if (length > 0 && body[at + 1] === 0x0b) subscription = body[at + 2];
      at += 1 + length;
    }
    const length = body.readUInt16BE(at);
    const filter = body.toString('utf8', at + 2, at + 2 + length);
    const wire = { version: this.#version, ...(subscription === undefined ? {} : { subscription }) };
    this.#acknowledge(0x90, body, (body[at + 2 + length] ?? 0) & 3);
    if (filter.startsWith('$SYS/')) {
      const stored = { ...wire, retain: true };
      this.#socket.write(encodeOne(stored, VERSION_TOPIC, 'mosquitto version 2.0.11', 0));
      if (filter !== '$SYS/#') return;
      const count = String(this.#broker.held + SYS_TOPICS);
      this.#socket.write(encodeOne(stored, '$SYS/broker/retained messages/count', count, 0));
      this.#socket.write(encodeOne(stored, '$SYS/broker/publish/messages/dropped', '0', 0));
    } else {
      const stored = this.#broker.retained?.(wire);
      if (stored) this.#socket.write(stored);
      this.#broker.add({ filter, client: this, wire });
    }
  }

  /** @param {Buffer} body */
  #unsubscribe(body) {
    if (this.#version === 5) this.#acknowledge(0xb0, body, 0x11);
    else this.#socket.write(packet(0xb0, body.subarray(0, 2)));
  }

  /**
   * @param {number} first
   * @param {Buffer} body of the request, which begins with the packet identifier
   * @param {number} code
   */
  #acknowledge(first, body, code) {
    const properties = this.#version === 5 ? [0] : [];
    this.#socket.write(packet(first, Buffer.from([...body.subarray(0, 2), ...properties, code])));
  }

  /**
   * Sends `count` messages and waits until the subscriber has read the last: at QoS 1 and 2 all are acknowledged, at
   * QoS 0 one more message with QoS 1 follows, whose acknowledgement says so. Resolves with messages and milliseconds.
   * @param {Wire} wire
   * @param {number} count
   */
  async blast(wire, count) {
    const { qos = 0 } = wire;
    const began = performance.now();
    const over = qos === 0 ? this.#blastPlain(wire, count) : this.#blastAcknowledged(wire, count);
    const messages = await within(over, BLAST_MS, `${count} messages at QoS ${qos}`);
    return { messages, ms: performance.now() - began };
  }

  /**
   * @param {Wire} wire
   * @param {number} count
   */
  async #blastPlain(wire, count) {
    const { bytes, size } = encode(BLOCK, wire);
    const last = new Promise((resolve) => {
      this.#lastDone = () => resolve(undefined);
    });
    for (let sent = 0; sent < count; sent += BLOCK) {
      const part = count - sent < BLOCK ? bytes.subarray(0, (count - sent) * size) : bytes;
      if (!this.#socket.write(part)) await once(this.#socket, 'drain');
    }
    this.#socket.write(encodeOne({ ...wire, qos: 1 }, topicOf(0), '{"last":true}', LAST_ID));
    await last;
    return count + 1;
  }

  /**
   * @param {Wire} wire
   * @param {number} count
   */
  #blastAcknowledged(wire, count) {
    const window = Math.min(WINDOW, this.#receiveMaximum);
    const { bytes, size } = encode(window, wire);
    let sent = 0;
    this.#acknowledged = 0;
    return new Promise((resolve) => {
      this.#progress = () => {
        if (this.#acknowledged === count) {
          this.#progress = () => {};
          resolve(count);
        }
        while (sent < Math.min(count, this.#acknowledged + window)) {
          const from = sent % window;
          const frames = Math.min(count - sent, this.#acknowledged + window - sent, window - from);
          this.#socket.write(bytes.subarray(from * size, (from + frames) * size));
          sent += frames;
        }
      };
      this.#progress();
    });
  }
}

/**
 * The Receive Maximum of a CONNECT (MQTT 5.0 section 3.1.2.11.3).
 * @param {Buffer} properties their length, a byte, and they themselves
 */
function receiveMaximumOf(properties) {
  const end = 1 + (properties[0] ?? 0);
  const sizes = new Map([
    [0x11, 4],
    [0x21, 2],
    [0x27, 4],
    [0x22, 2],
    [0x19, 1],
    [0x17, 1],
  ]);
  for (let at = 1; at < end; at += 1 + (sizes.get(properties[at] ?? 0) ?? end)) {
    if (properties[at] === 0x21) return properties.readUInt16BE(at + 1);
  }
  return 0xffff;
}
