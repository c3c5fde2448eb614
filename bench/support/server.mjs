// Owns the driving of a JSON-RPC server over its stdio: single requests, tool calls, and a pipelined stream of
// pre-encoded lines whose answers are only counted, so that the driver is not what limits.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gone, memoryOf, start, stop, within } from './processes.mjs';

/** @typedef {{ bytes: Buffer, starts: number[] }} Lines request lines back to back; `starts` has the end as well */
/** @typedef {{ resolve(message: any): void, reject(error: Error): void }} Pending */

const ANSWER_MS = 120_000;
const NEWLINE = 10;

/** The path of the peer: a minimal server on the official SDK. */
export const sdkEcho = fileURLToPath(new URL('sdk-echo.mjs', import.meta.url));

export const hello = {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'bench', version: '1.0.0' },
};

/**
 * A script under Node with nothing of our environment but what it needs, as hosts start servers.
 * @param {string[]} args
 */
export function startNode(args) {
  const { PATH = '', HOME = '' } = process.env;
  return start(process.execPath, args, { env: { PATH, HOME }, stdio: ['pipe', 'pipe', 'pipe'] });
}

export class Server {
  /** @type {import('node:child_process').ChildProcess} */
  child;
  #stdin;
  #nextId = 1;
  /** @type {Map<number, Pending>} */
  #pending = new Map();
  #rest = Buffer.alloc(0);
  /** @type {(chunk: Buffer) => void} */
  #onChunk = (chunk) => this.#read(chunk);
  #log = '';

  /** @param {string[]} args script and its arguments */
  constructor(args) {
    this.child = startNode(args);
    const { stdin, stdout, stderr } = this.child;
    if (!stdin || !stdout || !stderr) throw new Error('no pipes');
    this.#stdin = stdin;
    stdin.on('error', () => {});
    stdout.on('data', (/** @type {Buffer} */ chunk) => this.#onChunk(chunk));
    stderr.on('data', (/** @type {Buffer} */ chunk) => {
      this.#log = (this.#log + chunk.toString()).slice(-2_000);
    });
    gone(this.child).then(
      (code) => this.#fail(`the server is gone (${code})`),
      (error) => this.#fail(String(error)),
    );
  }

  get memory() {
    return memoryOf(this.child.pid);
  }

  /** @param {string} why */
  #fail(why) {
    for (const { reject } of this.#pending.values()) reject(new Error(`${why}\n${this.#log}`));
    this.#pending.clear();
  }

  /** @param {Buffer} chunk */
  #read(chunk) {
    let rest = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    for (let end = rest.indexOf(NEWLINE); end !== -1; end = rest.indexOf(NEWLINE)) {
      const message = JSON.parse(rest.toString('utf8', 0, end));
      rest = rest.subarray(end + 1);
      const pending = this.#pending.get(message.id);
      this.#pending.delete(message.id);
      pending?.resolve(message);
    }
    this.#rest = rest;
  }

  /**
   * The whole answer, errors included.
   * @param {string} method
   * @param {object} params
   * @returns {Promise<any>}
   */
  ask(method, params = {}) {
    const id = this.#nextId++;
    const answer = new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }));
    this.#stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    return within(answer, ANSWER_MS, method);
  }

  /**
   * The result; an error is thrown.
   * @param {string} method
   * @param {object} [params]
   */
  async request(method, params) {
    const { result, error } = await this.ask(method, params);
    if (error) throw new Error(`${method}: ${JSON.stringify(error).slice(0, 500)}`);
    return result;
  }

  async initialize() {
    await this.request('initialize', hello);
    this.#stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
  }

  /**
   * Sends the lines with at most `inFlight` unanswered. Resolves with the time and the answers, all of them.
   * @param {Lines} lines
   * @param {number} inFlight
   */
  async pipeline({ bytes, starts }, inFlight) {
    const count = starts.length - 1;
    /** @type {Buffer[]} */
    const chunks = [];
    let sent = 0;
    let answered = 0;
    const send = () => {
      const to = Math.min(count, answered + inFlight);
      if (to === sent) return;
      this.#stdin.write(bytes.subarray(starts[sent], starts[to]));
      sent = to;
    };
    const done = new Promise((resolve, reject) => {
      this.#pending.set(-1, { resolve, reject });
      this.#onChunk = (chunk) => {
        chunks.push(chunk);
        answered += newlines(chunk);
        if (answered >= count) resolve(undefined);
        else send();
      };
    });
    const began = performance.now();
    send();
    await within(done, ANSWER_MS, `${count} pipelined calls`);
    const ms = performance.now() - began;
    this.#pending.delete(-1);
    this.#onChunk = (chunk) => this.#read(chunk);
    return { ms, answers: Buffer.concat(chunks) };
  }

  /**
   * One line at a time, the next as soon as the last is answered. Resolves with the round trips, µs.
   * @param {Lines} lines
   */
  async sequence({ bytes, starts }) {
    const trips = new Float64Array(starts.length - 1);
    const done = new Promise((resolve, reject) => {
      this.#pending.set(-1, { resolve, reject });
      let at = 0;
      let began = 0;
      const send = () => {
        began = performance.now();
        this.#stdin.write(bytes.subarray(starts[at], starts[at + 1]));
      };
      this.#onChunk = (chunk) => {
        if (chunk.at(-1) !== NEWLINE) return;
        trips[at] = (performance.now() - began) * 1000;
        at += 1;
        if (at === trips.length) resolve(undefined);
        else send();
      };
      send();
    });
    await within(done, ANSWER_MS, `${trips.length} calls one by one`);
    this.#pending.delete(-1);
    this.#onChunk = (chunk) => this.#read(chunk);
    return [...trips];
  }

  /** Ends the server as a host does: its stdin is closed. */
  async stop() {
    this.#stdin.end();
    await within(gone(this.child), 5_000, 'exit').catch(() => stop(this.child));
  }
}

/** @param {Buffer} chunk */
function newlines(chunk) {
  let count = 0;
  for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}

/**
 * Request lines with ids from 0.
 * @param {number} count
 * @param {(index: number) => { method: string, params: object }} requestOf
 * @returns {Lines}
 */
export function encodeLines(count, requestOf) {
  const texts = Array.from({ length: count }, (_, id) =>
    Buffer.from(`${JSON.stringify({ jsonrpc: '2.0', id, ...requestOf(id) })}\n`),
  );
  const starts = [0];
  let end = 0;
  for (const { length } of texts) {
    end += length;
    starts.push(end);
  }
  return { bytes: Buffer.concat(texts), starts };
}

/**
 * Throws unless there is one answer for every id and `good` says so of each.
 * @param {Buffer} answers
 * @param {number} count
 * @param {(answer: any) => boolean} good
 */
export function checkAnswers(answers, count, good) {
  const seen = new Set();
  for (const line of answers.toString('utf8').trimEnd().split('\n')) {
    const answer = JSON.parse(line);
    if (!good(answer)) throw new Error(`not the answer expected: ${line.slice(0, 500)}`);
    seen.add(answer.id);
  }
  if (seen.size !== count) throw new Error(`${seen.size} answers to ${count} requests`);
}

/**
 * Our daemon, past its handshake.
 * @param {string} main path of the built main.js
 * @param {string[]} [args]
 */
export async function startDaemon(main, args = []) {
  readFileSync(main);
  const server = new Server([main, ...args]);
  await server.initialize();
  return server;
}

/**
 * A session of the daemon to a broker on this machine.
 * @param {Server} daemon
 * @param {number} port
 * @returns {Promise<string>} its id
 */
export async function connect(daemon, port) {
  const { session_id } = await daemon.request('establish_connection', {
    connection_string: `mqtt://127.0.0.1:${port}`,
    timeout_seconds: 20,
  });
  return session_id;
}

export async function startSdk() {
  const server = new Server([sdkEcho]);
  await server.initialize();
  return server;
}
