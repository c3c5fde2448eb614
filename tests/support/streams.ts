// Owns talking to a server over two streams, whichever: sending lines, waiting for answers. Must not know the server.
import type { Readable, Writable } from 'node:stream';
import { type Id, isObject } from '../../src/rpc/message.ts';

export type Message = Record<string, unknown>;

/** How long an awaited message may take, ms. */
const PATIENCE_MS = 15_000;

/** One end of a stream pair, seen from the client: what goes in, what came out, and waiting for what should come. */
export class Wire {
  /** Every line, both ways. */
  readonly sent: string[] = [];
  readonly received: string[] = [];
  /** Resolves when the output has ended. */
  readonly over: Promise<void>;
  readonly #input: Writable;
  #untaken: unknown[] = [];
  #rest = '';
  #ended = false;
  #wake = new Set<() => void>();

  constructor(input: Writable, output: Readable) {
    this.#input = input;
    input.on('error', () => {});
    output.setEncoding('utf8');
    output.on('data', (text: string) => this.#take(text));
    this.over = new Promise((resolve) => {
      output.once('close', () => {
        this.#ended = true;
        for (const wake of this.#wake) wake();
        resolve();
      });
    });
  }

  /** Each message as one line; a string is sent as it is. */
  send(...messages: unknown[]): void {
    this.write(messages.map((one) => `${typeof one === 'string' ? one : JSON.stringify(one)}\n`).join(''));
  }

  request(id: Id, method: string, params?: unknown): void {
    this.send(params === undefined ? { jsonrpc: '2.0', id, method } : { jsonrpc: '2.0', id, method, params });
  }

  notify(method: string, params?: unknown): void {
    this.send(params === undefined ? { jsonrpc: '2.0', method } : { jsonrpc: '2.0', method, params });
  }

  /** Bytes as they are. */
  write(chunk: string | Buffer): void {
    this.sent.push(...chunk.toString().split('\n').filter(Boolean));
    this.#input.write(chunk);
  }

  end(): void {
    this.#input.end();
  }

  /** Sends a request and waits for its answer. */
  call(id: Id, method: string, params?: unknown): Promise<Message> {
    this.request(id, method, params);
    return this.answer(id);
  }

  /** The answer to `id`; with an id used twice, the first that was not asked for yet. */
  async answer(id: Id): Promise<Message> {
    const found = await this.next((one) => isObject(one) && one.id === id && !('method' in one), `answer to ${id}`);
    return isObject(found) ? found : {};
  }

  /** The first message that matches and was not taken before. */
  next(matches: (message: unknown) => boolean = () => true, what = 'message'): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        this.#wake.delete(look);
      };
      const look = () => {
        const at = this.#untaken.findIndex(matches);
        if (at !== -1) {
          settle();
          resolve(this.#untaken.splice(at, 1)[0]);
        } else if (this.#ended) {
          settle();
          reject(new Error(`no ${what}: the output has ended after ${this.received.slice(-5).join('\n')}`));
        }
      };
      const late = () => {
        settle();
        reject(new Error(`no ${what} in ${PATIENCE_MS} ms; the last lines:\n${this.received.slice(-5).join('\n')}`));
      };
      const timer = setTimeout(late, PATIENCE_MS);
      this.#wake.add(look);
      look();
    });
  }

  /** Ends the input, waits for the end of the output, and returns what nobody has taken. */
  async finish(): Promise<unknown[]> {
    this.end();
    await this.over;
    return this.#untaken.splice(0);
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      this.received.push(line);
      this.#untaken.push(JSON.parse(line));
    }
    if (lines.length > 0) for (const wake of [...this.#wake]) wake();
  }
}

/** The value at a path of a decoded message; undefined where there is none. */
export function dig(value: unknown, ...path: (string | number)[]): unknown {
  let at = value;
  for (const step of path) {
    if (Array.isArray(at)) at = at[Number(step)];
    else at = isObject(at) ? at[step] : undefined;
  }
  return at;
}

/** The `_meta` of a 2026-07-28 request, with what is to be different. */
export function envelope(changes: Message = {}): Message {
  return {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
    ...changes,
  };
}

export function initializeParams(protocolVersion = '2025-11-25', capabilities: object = {}): Message {
  return { protocolVersion, capabilities, clientInfo: { name: 'test', version: '1' } };
}
