// Owns the JSON-RPC loop over two streams: dispatch, calls in flight, cancelling, backpressure, draining.
// Must not know MCP, nor that stdin exists.
import type { Readable, Writable } from 'node:stream';
import { RpcError, rpcCode } from '../errors.ts';
import { type Line, LineSplitter, MAX_LINE_BYTES } from './lines.ts';
import {
  type Decoded,
  decode,
  encodeError,
  encodeNotification,
  encodeRequest,
  encodeResult,
  type Id,
  type Params,
  type Request,
  type Response,
  type Single,
} from './message.ts';

/** Requests being worked on at once; beyond it reading pauses, so that a flood waits in the pipe and not in memory. */
export const MAX_IN_FLIGHT = 256;
/** After the drain, how long a call that was told to stop may take to answer, ms; then it is answered for. */
const STOP_GRACE_MS = 500;

/** One request, as a handler sees it. */
export type Call = {
  readonly id: Id;
  readonly method: string;
  readonly params: Params | undefined;
  /** Aborted when the caller cancels (then the call stays silent) or at shutdown (then it is still answered). */
  readonly signal: AbortSignal;
  /** Sends a notification that belongs to this call; nothing once the call is over. */
  notify(method: string, params?: Params): void;
  /** Asks the other side and waits for its answer. Rejects with its error, or when the call or the stream ends. */
  request(method: string, params: Params): Promise<unknown>;
};

export type Handlers = {
  /** Returns the result object or a promise of it; an RpcError thrown is answered, anything else is a bug. */
  request(call: Call): unknown;
  notification(method: string, params: Params | undefined): void;
  /** Whether an array is a batch now; otherwise it is an invalid request. */
  acceptsBatch(): boolean;
  /** The input is over: what would otherwise wait for ever is to be ended now. */
  ending?(): void;
  /** A bug, or a line that could not be read: for the log. */
  report(event: 'bug' | 'bad_line', error: unknown): void;
};

export type PeerOptions = { input: Readable; output: Writable; handlers: Handlers; drainMs: number };

type Answer = (line: string) => void;
type Pending = { resolve(value: unknown): void; reject(error: unknown): void };

export class Peer {
  /** Resolves when the loop has ended: input over, calls answered or stopped, output flushed (or the output is gone). */
  readonly closed: Promise<void>;
  readonly #input: Readable;
  readonly #output: Writable;
  readonly #handlers: Handlers;
  readonly #drainMs: number;
  readonly #splitter = new LineSplitter();
  readonly #inFlight = new Set<InFlight>();
  readonly #asked = new Map<Id, Pending>();
  #waiting: Line[] = [];
  #nextAskId = 1;
  #out: string[] = [];
  #flushScheduled = false;
  #writing = 0;
  #blocked = false;
  #ended = false;
  #closed = false;
  #drainTimer: NodeJS.Timeout | undefined;
  #resolveClosed: () => void = () => {};

  constructor({ input, output, handlers, drainMs }: PeerOptions) {
    this.#input = input;
    this.#output = output;
    this.#handlers = handlers;
    this.#drainMs = drainMs;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  start(): void {
    this.#input.on('data', (chunk: Buffer | string) => {
      if (this.#ended) return;
      this.#take(this.#splitter.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk));
    });
    this.#input.on('end', () => this.shutdown());
    this.#input.on('close', () => this.shutdown());
    this.#input.on('error', () => this.shutdown());
    this.#output.on('drain', () => {
      this.#blocked = false;
      this.#work();
    });
    // EPIPE: nobody reads any more. What is in flight is stopped, quietly.
    this.#output.on('error', () => this.#close());
    this.#output.on('close', () => this.#close());
  }

  /** Reads no more, answers what was read; calls in flight get the drain time, then they are cancelled. Idempotent. */
  shutdown(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#take(this.#splitter.end());
    this.#handlers.ending?.();
    this.#drainTimer = setTimeout(() => this.#stopAll(), this.#drainMs);
    this.#settle();
  }

  /** The other side no longer wants the answer to `id`: its work stops and it stays silent. Unknown ids are ignored. */
  cancel(id: Id): void {
    for (const call of this.#inFlight) if (call.id === id && call.cancellable) this.#drop(call);
  }

  /** A notification that belongs to no call. */
  notify(method: string, params?: Params): void {
    this.#write(encodeNotification(method, params));
  }

  #take(lines: Line[]): void {
    if (lines.length === 0) return;
    this.#waiting = this.#waiting.length === 0 ? lines : this.#waiting.concat(lines);
    this.#work();
  }

  /** Starts waiting lines in their order as long as there is room for them. */
  #work(): void {
    let next = 0;
    while (next < this.#waiting.length && this.#hasRoom()) {
      const line = this.#waiting[next];
      next += 1;
      if (line) this.#line(line);
    }
    if (next > 0) this.#waiting = this.#waiting.slice(next);
    const full = this.#waiting.length > 0 || !this.#hasRoom();
    if (full && !this.#input.isPaused()) this.#input.pause();
    else if (!full && this.#input.isPaused()) this.#input.resume();
    this.#settle();
  }

  #hasRoom(): boolean {
    return this.#inFlight.size < MAX_IN_FLIGHT && !this.#blocked;
  }

  #line(line: Line): void {
    if ('text' in line) {
      this.#dispatch(decode(line.text));
      return;
    }
    const message =
      line.problem === 'too_long'
        ? `Parse error: the line is longer than ${MAX_LINE_BYTES} bytes and was skipped; send smaller messages`
        : 'Parse error: the line is not valid UTF-8';
    this.#refuse(new RpcError(rpcCode.parseError, message), undefined, (text) => this.#write(text));
  }

  #dispatch(message: Decoded): void {
    if (message.kind !== 'batch') this.#single(message, (line) => this.#write(line));
    else if (this.#handlers.acceptsBatch()) this.#batch(message.items);
    else {
      const error = new RpcError(rpcCode.invalidRequest, 'Invalid request: batches exist only in MCP 2025-03-26');
      this.#refuse(error, undefined, (line) => this.#write(line));
    }
  }

  /** JSON-RPC 2.0 section 6: one array of answers, nothing where all were notifications. */
  #batch(items: Single[]): void {
    const answers: string[] = [];
    let open = items.length;
    const done = () => {
      open -= 1;
      if (open === 0 && answers.length > 0) this.#write(`[${answers.join(',')}]`);
    };
    for (const item of items) {
      const answer = (line: string) => answers.push(line);
      if (item.kind === 'request' && item.method === 'initialize') {
        const error = new RpcError(rpcCode.invalidRequest, 'Invalid request: initialize must not be part of a batch');
        answer(encodeError(item.id, error));
        done();
      } else if (item.kind === 'request') this.#request(item, answer, done);
      else {
        this.#single(item, answer);
        done();
      }
    }
  }

  #single(message: Single, answer: Answer): void {
    if (message.kind === 'request') this.#request(message, answer);
    else if (message.kind === 'notification') this.#notification(message.method, message.params);
    else if (message.kind === 'response') this.#response(message);
    else this.#refuse(message.error, message.id, answer);
  }

  #notification(method: string, params: Params | undefined): void {
    try {
      this.#handlers.notification(method, params);
    } catch (error) {
      this.#handlers.report('bug', error);
    }
  }

  #response({ id, result, error }: Response): void {
    const pending = this.#asked.get(id);
    this.#asked.delete(id);
    if (error) pending?.reject(error);
    else pending?.resolve(result);
  }

  #refuse(error: RpcError, id: Id | undefined, answer: Answer): void {
    this.#handlers.report('bad_line', error.message);
    answer(encodeError(id, error));
  }

  #request(request: Request, answer: Answer, done: () => void = () => {}): void {
    const call = new InFlight(request, this);
    let result: unknown;
    try {
      result = this.#handlers.request(call);
    } catch (error) {
      result = Promise.reject(error);
    }
    if (!(result instanceof Promise)) {
      call.over = true;
      answer(encodeResult(request.id, result));
      done();
      return;
    }
    call.finish = (line) => {
      if (call.over) return;
      call.over = true;
      this.#inFlight.delete(call);
      if (line !== undefined) answer(line);
      done();
      this.#work();
    };
    this.#inFlight.add(call);
    result.then(
      (value) => call.finish(this.#encode(request.id, value)),
      (error: unknown) => call.finish(this.#encodeFailure(request.id, error)),
    );
  }

  #encode(id: Id, value: unknown): string {
    try {
      return encodeResult(id, value);
    } catch (error) {
      return this.#encodeFailure(id, error);
    }
  }

  #encodeFailure(id: Id, error: unknown): string {
    if (error instanceof RpcError) return encodeError(id, error);
    this.#handlers.report('bug', error);
    return encodeError(id, new RpcError(rpcCode.internalError, 'Internal error; the log on stderr says more'));
  }

  #drop(call: InFlight): void {
    call.abort('cancelled by the caller');
    call.finish(undefined);
  }

  /** For InFlight only. */
  send(line: string): void {
    this.#write(line);
  }

  /** For InFlight only. */
  ask(method: string, params: Params, signal: AbortSignal): Promise<unknown> {
    const id = `s${this.#nextAskId}`;
    this.#nextAskId += 1;
    return new Promise((resolve, reject) => {
      const stop = () => {
        if (!this.#asked.delete(id)) return;
        this.#write(encodeNotification('notifications/cancelled', { requestId: id }));
        reject(signal.reason);
      };
      const settled = () => signal.removeEventListener('abort', stop);
      this.#asked.set(id, {
        resolve: (value) => {
          settled();
          resolve(value);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      });
      signal.addEventListener('abort', stop, { once: true });
      this.#write(encodeRequest(id, method, params));
    });
  }

  /** Whole lines only; the lines of one turn of the event loop leave in one write. */
  #write(line: string): void {
    if (this.#closed) return;
    this.#out.push(line);
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#flushScheduled = false;
    if (this.#closed || this.#out.length === 0) return;
    const text = `${this.#out.join('\n')}\n`;
    this.#out = [];
    this.#writing += 1;
    const written = () => {
      this.#writing -= 1;
      this.#settle();
    };
    if (!this.#output.write(text, written)) this.#blocked = true;
  }

  #stopAll(): void {
    // What still waits is started, so that it gets its answer; it finds its signal aborted soon after.
    this.#blocked = false;
    for (const line of this.#waiting.splice(0)) this.#line(line);
    for (const call of this.#inFlight) call.abort('the server is shutting down');
    this.#drainTimer = setTimeout(() => {
      const error = new RpcError(rpcCode.toolFailed, 'Cancelled: the server is shutting down');
      for (const call of this.#inFlight) call.finish(encodeError(call.id, error));
      // Where nobody reads the answers, they are given up.
      this.#drainTimer = setTimeout(() => this.#close(), STOP_GRACE_MS);
    }, STOP_GRACE_MS);
    this.#settle();
  }

  /** Ends the loop once nothing is left to do. */
  #settle(): void {
    if (!this.#ended || this.#closed) return;
    const busy = this.#inFlight.size + this.#waiting.length + this.#out.length + this.#writing;
    if (busy === 0) this.#close();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ended = true;
    clearTimeout(this.#drainTimer);
    this.#out = [];
    this.#waiting = [];
    for (const call of this.#inFlight) this.#drop(call);
    for (const pending of this.#asked.values())
      pending.reject(new RpcError(rpcCode.internalError, 'The stream has ended'));
    this.#resolveClosed();
  }
}

class InFlight implements Call {
  readonly id: Id;
  readonly method: string;
  readonly params: Params | undefined;
  readonly #peer: Peer;
  #controller: AbortController | undefined;
  over = false;
  finish: (line: string | undefined) => void = () => {};

  constructor(request: Request, peer: Peer) {
    this.id = request.id;
    this.method = request.method;
    this.params = request.params;
    this.#peer = peer;
  }

  /** MCP: initialize cannot be cancelled. */
  get cancellable(): boolean {
    return this.method !== 'initialize';
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }

  abort(reason: string): void {
    this.#controller ??= new AbortController();
    this.#controller.abort(new Cancelled(reason));
  }

  notify(method: string, params?: Params): void {
    if (!this.over) this.#peer.send(encodeNotification(method, params));
  }

  request(method: string, params: Params): Promise<unknown> {
    return this.#peer.ask(method, params, this.signal);
  }
}

/** The reason of an aborted call's signal. */
export class Cancelled extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'Cancelled';
  }
}
