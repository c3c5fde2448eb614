// Owns mosquitto and its clients: the broker on a free port of 127.0.0.1, mosquitto_sub and mosquitto_pub, what the
// broker counts in $SYS, and a publisher that writes frames encoded beforehand over one socket.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { find, gone, start, startTied, stop, temporary, within } from './processes.mjs';
import { packet, split } from './traffic.mjs';

/** @typedef {{ port: number, stop(): Promise<void> }} Mosquitto */

const START_MS = 10_000;
const WRITE_MS = 120_000;
/** Longer than any contest needs one; without it a subscriber would outlive a bench that was killed. */
const SUB_SECONDS = 130;

export function mosquittoVersion() {
  // -h ends with 3.
  const text = execFileSync('sh', ['-c', `"${find('mosquitto')}" -h || true`]).toString();
  return /mosquitto version (\S+)/.exec(text)?.[1] ?? 'unknown';
}

/**
 * A broker in its default configuration, but for the lines given and for what it needs to be reached.
 * @param {string[]} [lines]
 * @returns {Promise<Mosquitto>}
 */
export async function startMosquitto(lines = []) {
  const port = await freePort();
  const file = join(temporary(), 'mosquitto.conf');
  const config = [`listener ${port} 127.0.0.1`, 'allow_anonymous true', 'user root', ...lines];
  writeFileSync(file, `${[...config, 'log_dest stderr', 'log_type notice', 'log_type information'].join('\n')}\n`);
  const child = startTied(find('mosquitto'), ['-c', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  const running = new Promise((resolve) => {
    child.stderr?.on('data', (text) => String(text).includes('running') && resolve(undefined));
  });
  await within(
    Promise.race([running, gone(child).then(() => Promise.reject(new Error('mosquitto ended')))]),
    START_MS,
    'mosquitto',
  );
  return { port, stop: () => stop(child) };
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/**
 * mosquitto_sub on MQTT 5, as our sessions are, with the window of the scripted broker. It ends by itself in the end.
 * @param {number} port
 * @param {string[]} args
 * @param {number | 'ignore' | 'pipe'} [output]
 */
export function startSub(port, args, output = 'ignore') {
  const head = ['-h', '127.0.0.1', '-p', String(port), '-V', 'mqttv5', '-D', 'connect', 'receive-maximum', '1000'];
  const all = [...head, '-W', String(SUB_SECONDS), ...args];
  return start(find('mosquitto_sub'), all, { stdio: ['ignore', output, 'ignore'] });
}

/**
 * Spawn to exit of `mosquitto_pub -l`, ms.
 * @param {number} port
 * @param {string[]} args
 * @param {number} input file of lines
 */
export async function runPub(port, args, input) {
  const began = performance.now();
  const head = ['-h', '127.0.0.1', '-p', String(port), '-V', 'mqttv5', '-l'];
  const child = start(find('mosquitto_pub'), [...head, ...args], { stdio: [input, 'ignore', 'ignore'] });
  const code = await within(gone(child), WRITE_MS, 'mosquitto_pub');
  if (code !== 0) throw new Error(`mosquitto_pub ended with ${code}`);
  return performance.now() - began;
}

/**
 * One value that the broker counts, as of its last tick.
 * @param {Mosquitto} broker
 * @param {string} name below $SYS/broker/
 */
export async function counted({ port }, name) {
  const child = startSub(port, ['-t', `$SYS/broker/${name}`, '-C', '1', '-W', '3'], 'pipe');
  let text = '';
  child.stdout?.on('data', (chunk) => {
    text += chunk;
  });
  await within(gone(child), 10_000, `$SYS/broker/${name}`);
  return Number(text.trim() || Number.NaN);
}

/** A publisher at QoS 0 over one socket of MQTT 3.1.1. */
export class Publisher {
  #socket;
  #rest = Buffer.alloc(0);
  #answered = () => {};

  /** @param {import('node:net').Socket} socket */
  constructor(socket) {
    this.#socket = socket;
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      this.#rest = split(Buffer.concat([this.#rest, chunk]), () => this.#answered());
    });
  }

  /** @param {Mosquitto} broker */
  static async connect({ port }) {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    const publisher = new Publisher(socket);
    const id = Buffer.from(`bench-${process.pid}-${port}`);
    const head = [0, 4, ...Buffer.from('MQTT'), 4, 2, 0, 0, 0, id.length];
    await publisher.#ask(packet(0x10, Buffer.from([...head, ...id])));
    return publisher;
  }

  /** @param {Buffer} bytes */
  async #ask(bytes) {
    const answer = new Promise((resolve) => {
      this.#answered = () => resolve(undefined);
    });
    this.#socket.write(bytes);
    await within(answer, WRITE_MS, 'answer of the broker');
  }

  /**
   * Resolves once the broker has read it all.
   * @param {Buffer} bytes
   */
  async write(bytes) {
    if (bytes.length > 0) this.#socket.write(bytes);
    await this.#ask(packet(0xc0, Buffer.alloc(0)));
  }

  /**
   * Writes `rate` frames a second for `seconds`, a few milliseconds' worth at a time, whatever the broker does.
   * Resolves once it has read them all.
   * @param {import('./traffic.mjs').Frames} frames
   * @param {number} rate
   * @param {number} seconds
   */
  async pace({ bytes, size, count }, rate, seconds) {
    const total = rate * seconds;
    const began = performance.now();
    let sent = 0;
    await new Promise((resolve) => {
      const ticker = setInterval(() => {
        const due = Math.min(total, Math.floor(((performance.now() - began) * rate) / 1000));
        while (sent < due) {
          const from = sent % count;
          const part = Math.min(due - sent, count - from);
          this.#socket.write(bytes.subarray(from * size, (from + part) * size));
          sent += part;
        }
        if (sent < total) return;
        clearInterval(ticker);
        resolve(undefined);
      }, 4);
    });
    await this.write(Buffer.alloc(0));
    return { sent: total, ms: performance.now() - began };
  }

  close() {
    this.#socket.end(packet(0xe0, Buffer.alloc(0)));
  }
}
