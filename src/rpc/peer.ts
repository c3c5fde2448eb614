// Owns the JSON-RPC loop over two streams: dispatch, calls in flight, cancelling, backpressure, draining.
// Must not know MCP, nor that stdin exists.
import type { Readable, Writable } from 'node:stream';
import { RpcError, rpcCode } from '../errors.ts';
import { type Line, LineSplitter, MAX_LINE_BYTES } from './lines.ts';
import {
  decode,
  encodeError,
  encodeNotification,
  encodeRequest,
  encodeResult,
  type Id,
  type Invalid,
  type Params,
  type Request,
  type Response,
  type Single,
} from './message.ts';
import { Queue } from './queue.ts';

/** Requests being worked on at once; beyond it reading pauses, so that a flood waits in the pipe and not in memory. */
export const MAX_IN_FLIGHT = 256;
/** Messages of one batch: its answers are held until the last is there. */
export const MAX_BATCH = 1000;
/** Characters that wait for the end of a turn; beyond it they are written at once, and a slow reader is noticed. */
const WRITE_CHARS = 1024 * 1024;
/** Bytes that a reader may be behind before notifications are dropped; stops one that never reads from filling memory. */
const MAX_UNREAD_BYTES = 16 * 1024 * 1024;
/** After the drain, how long a call that was told to stop may take to answer, ms; then it is answered for. */
const STOP_GRACE_MS = 500;

/** One request, as a handler sees it. */
export type Call = {
  readonly id: Id;
  readonly method: string;
  readonly params: Params | undefined;
  /** Aborted when the caller cancels (then the call stays silent) or at shutdown (then it is still answered). */
  readonly signal: AbortSignal;
  /** Whether it is aborted already; cheaper than the signal, which is made when it is first read. */
  readonly aborted: boolean;
  /** Sends a notification that belongs to this call; nothing once the call is over, or the reader is too far behind. */
  notify(method: string, params?: Params): void;
  /** The same, but right behind the call's answer. */
  notifyAfter(method: string, params?: Params): void;
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
/** A message that waits for its turn, where its answer goes, and what to call when it is dealt with. */
type Item = { message: Single; answer: Answer; done: () => void };
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
  readonly #lines = new Queue<Line>();
  /** Of the line in turn: one message, or those of a batch. */
  readonly #items = new Queue<Item>();
  readonly #answer: Answer = (line) => this.#write(line);
  #nextAskId = 1;
  #out: string[] = [];
  #outChars = 0;
  #flushScheduled = false;
  #writing = 0;
  #blocked = false;
  #working = false;
  #ended = false;
  #stopping = false;
  #closed = false;
  #drainTimer: NodeJS.Timeout | undefined;
  #giveUpTimer: NodeJS.Timeout | undefined;
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
    for (const event of ['end', 'close', 'error']) this.#input.on(event, () => this.#end(this.#splitter.end()));
    this.#output.on('drain', () => {
      this.#blocked = false;
      this.#work();
    });
    // EPIPE: nobody reads any more. What is in flight is stopped, quietly.
    this.#output.on('error', () => this.#close());
    this.#output.on('close', () => this.#close());
  }

  /**
   * Reads no more, answers what was read; calls in flight get the drain time, then they are cancelled. Where the input
   * has ended already, or when called again, they are cancelled now.
   */
  shutdown(): void {
    if (!this.#ended) this.#end([]);
    else if (!this.#stopping && !this.#closed) this.#stopAll();
  }

  /** The other side no longer wants the answer to `id`: its work stops and it stays silent. Unknown ids are ignored. */
  cancel(id: Id): void {
    for (const call of this.#inFlight) if (call.id === id && call.cancellable) this.#drop(call);
  }

  /** A notification that belongs to no call. Dropped while the reader is too far behind, like those of a call. */
  notify(method: string, params?: Params): void {
    if (this.#blocked && this.#output.writableLength > MAX_UNREAD_BYTES) return;
    this.#write(encodeNotification(method, params));
  }

  #end(last: Line[]): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#drainTimer = setTimeout(() => this.#stopAll(), this.#drainMs);
    this.#take(last);
    this.#handlers.ending?.();
    this.#settle();
  }

  #take(lines: Line[]): void {
    if (lines.length === 0) return;
    this.#lines.push(lines);
    this.#work();
  }

  /** Starts what waits, in its order, as long as there is room for it. */
  #work(): void {
    // A cancel in the loop below makes room, and so calls this again: the loop goes on by itself.
    if (this.#working) return;
    this.#working = true;
    try {
      for (let item = this.#next(); item; item = this.#next()) this.#start(item);
    } finally {
      this.#working = false;
    }
    const full = this.#lines.size + this.#items.size > 0 || this.#blocked;
    if (full && !this.#input.isPaused()) this.#input.pause();
    else if (!full && this.#input.isPaused()) this.#input.resume();
    this.#settle();
  }

  /** The message in turn, taken out of its queue; undefined where there is none, or no room for it yet. */
  #next(): Item | undefined {
    if (this.#blocked && !this.#stopping) return undefined;
    while (this.#items.size === 0) {
      const line = this.#lines.shift();
      if (!line) return undefined;
      this.#items.push(this.#itemsOf(line));
    }
    // Only a request takes room: a cancel, and the answer that a call in flight waits for, get through.
    const full = this.#inFlight.size >= MAX_IN_FLIGHT && !this.#stopping;
    return full && this.#items.first?.message.kind === 'request' ? undefined : this.#items.shift();
  }

  #itemsOf(line: Line): Item[] {
    const message = 'text' in line ? decode(line.text) : unreadable(line.problem);
    if (message.kind !== 'batch') return [{ message, answer: this.#answer, done: nothing }];
    if (!this.#handlers.acceptsBatch()) return [this.#refused('batches exist only in MCP 2025-03-26')];
    if (message.items.length > MAX_BATCH) return [this.#refused(`a batch of more than ${MAX_BATCH} messages`)];
    return this.#batch(message.items);
  }

  #refused(why: string): Item {
    const error = new RpcError(rpcCode.invalidRequest, `Invalid request: ${why}`);
    return { message: { kind: 'invalid', id: undefined, error }, answer: this.#answer, done: nothing };
  }

  /** JSON-RPC 2.0 section 6: one array of answers, nothing where all were notifications. */
  #batch(messages: Single[]): Item[] {
    const answers: string[] = [];
    let open = messages.length;
    const answer = (line: string) => void answers.push(line);
    const done = () => {
      open -= 1;
      if (open === 0 && answers.length > 0) this.#write(`[${answers.join(',')}]`);
    };
    return messages.map((message) => ({ message: inBatch(message), answer, done }));
  }

  #start({ message, answer, done }: Item): void {
    if (message.kind === 'request') {
      this.#request(message, answer, done);
      return;
    }
    if (message.kind === 'notification') this.#notification(message.method, message.params);
    else if (message.kind === 'response') this.#response(message);
    else {
      this.#handlers.report('bad_line', message.error.message);
      answer(encodeError(message.id, message.error));
    }
    done();
  }

  #notification(method: string, params: Params | undefined): void {
    try {
      this.#handlers.notification(method, params);
    } catch (error) {
      this.#handlers.report('bug', error);
    }
  }

  /** Never answered, whatever is wrong with it: two peers that answer errors would go on for ever. */
  #response({ id, result, error }: Response): void {
    const pending = id === undefined ? undefined : this.#asked.get(id);
    if (!pending || id === undefined) return;
    this.#asked.delete(id);
    if (error) pending.reject(error);
    else pending.resolve(result);
  }

  #request(request: Request, answer: Answer, done: () => void): void {
    const call = new InFlight(request, this);
    if (this.#stopping) call.abort(SHUTTING_DOWN);
    let result: unknown;
    try {
      result = this.#handlers.request(call);
    } catch (error) {
      result = Promise.reject(error);
    }
    if (!(result instanceof Promise)) {
      answer(this.#encode(request.id, result));
      this.#over(call, done);
      return;
    }
    call.finish = (line) => {
      if (call.over) return;
      this.#inFlight.delete(call);
      if (line === undefined) call.trailing.length = 0;
      else answer(line);
      this.#over(call, done);
      this.#work();
    };
    this.#inFlight.add(call);
    result.then(
      (value) => call.finish(this.#encode(request.id, value)),
      (error: unknown) => call.finish(this.#encodeFailure(request.id, error)),
    );
  }

  #over(call: InFlight, done: () => void): void {
    call.over = true;
    done();
    for (const line of call.trailing.splice(0)) this.#write(line);
  }

  #encode(id: Id, value: unknown): string {
    try {
      return encodeResult(id, value);
    } catch (error) {
      return this.#encodeFailure(id, error);
    }
  }

  #encodeFailure(id: Id, error: unknown): string {
    if (error instanceof RpcError) {
      try {
        return encodeError(id, error);
      } catch (unserialisable) {
        this.#handlers.report('bug', unserialisable);
        return encodeError(id, new RpcError(error.code, error.message));
      }
    }
    if (error instanceof Cancelled) return encodeError(id, cancelled(error.message));
    this.#handlers.report('bug', error);
    return encodeError(id, new RpcError(rpcCode.internalError, 'Internal error; the log on stderr says more'));
  }

  /** Silent first: what its work still says when it learns that it is cancelled is not sent. */
  #drop(call: InFlight): void {
    call.finish(undefined);
    call.abort('cancelled by the caller');
  }

  /** For InFlight only. */
  ask(method: string, params: Params, { signal, over }: InFlight): Promise<unknown> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (over) return Promise.reject(new Cancelled('the call is over'));
    if (this.#deaf) return Promise.reject(streamEnded());
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

  /** Whole lines only; the lines of one turn of the event loop leave in one write, a great many in several. */
  #write(line: string): void {
    if (this.#closed) return;
    this.#out.push(line);
    this.#outChars += line.length;
    if (this.#outChars >= WRITE_CHARS) this.#flush();
    else if (!this.#flushScheduled) {
      this.#flushScheduled = true;
      setImmediate(() => {
        this.#flushScheduled = false;
        this.#flush();
      });
    }
  }

  #flush(): void {
    if (this.#closed || this.#out.length === 0) return;
    const text = `${this.#out.join('\n')}\n`;
    this.#out = [];
    this.#outChars = 0;
    this.#writing += 1;
    const written = () => {
      this.#writing -= 1;
      this.#giveUpTimer?.refresh();
      this.#settle();
    };
    if (!this.#output.write(text, written)) this.#blocked = true;
  }

  #stopAll(): void {
    clearTimeout(this.#drainTimer);
    this.#stopping = true;
    // What still waits gets its answer too, but no work: its signal is aborted from the start.
    this.#work();
    for (const call of this.#inFlight) call.abort(SHUTTING_DOWN);
    const answerForAll = () => {
      for (const call of this.#inFlight) call.finish(encodeError(call.id, cancelled(SHUTTING_DOWN)));
      // Where nobody reads the answers, they are given up.
      this.#giveUpTimer = setTimeout(() => this.#close(), STOP_GRACE_MS);
      this.#settle();
    };
    this.#drainTimer = setTimeout(answerForAll, this.#inFlight.size === 0 ? 0 : STOP_GRACE_MS);
    this.#settle();
  }

  /** Nothing that the other side says can be heard any more. */
  get #deaf(): boolean {
    return this.#closed || (this.#ended && this.#lines.size + this.#items.size === 0);
  }

  /** Ends the loop once nothing is left to do. */
  #settle(): void {
    if (!this.#ended || this.#closed || this.#working) return;
    if (this.#deaf) this.#forgetAsked();
    const busy = this.#inFlight.size + this.#lines.size + this.#items.size + this.#out.length + this.#writing;
    if (busy === 0) this.#close();
  }

  #forgetAsked(): void {
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    for (const pending of asked) pending.reject(streamEnded());
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ended = true;
    clearTimeout(this.#drainTimer);
    clearTimeout(this.#giveUpTimer);
    this.#out = [];
    this.#lines.clear();
    this.#items.clear();
    for (const call of this.#inFlight) this.#drop(call);
    this.#forgetAsked();
    this.#resolveClosed();
  }
}

const SHUTTING_DOWN = 'the server is shutting down';

function nothing(): void {}

function cancelled(why: string): RpcError {
  return new RpcError(rpcCode.toolFailed, `Cancelled: ${why}`);
}

function streamEnded(): RpcError {
  return new RpcError(rpcCode.internalError, 'The stream has ended');
}

function unreadable(problem: 'too_long' | 'not_utf8'): Invalid {
  const why =
    problem === 'too_long'
      ? `the line is longer than ${MAX_LINE_BYTES} bytes and was skipped; send smaller messages`
      : 'the line is not valid UTF-8';
  return { kind: 'invalid', id: undefined, error: new RpcError(rpcCode.parseError, `Parse error: ${why}`) };
}

/** MCP 2025-03-26, basic/lifecycle: initialize must not be part of a batch. */
function inBatch(message: Single): Single {
  if (message.kind !== 'request' || message.method !== 'initialize') return message;
  const error = new RpcError(rpcCode.invalidRequest, 'Invalid request: initialize must not be part of a batch');
  return { kind: 'invalid', id: message.id, error };
}

class InFlight implements Call {
  readonly id: Id;
  readonly method: string;
  readonly params: Params | undefined;
  readonly #peer: Peer;
  #controller: AbortController | undefined;
  over = false;
  readonly trailing: string[] = [];
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

  get aborted(): boolean {
    return this.#controller?.signal.aborted ?? false;
  }

  abort(reason: string): void {
    this.#controller ??= new AbortController();
    this.#controller.abort(new Cancelled(reason));
  }

  notify(method: string, params?: Params): void {
    if (!this.over) this.#peer.notify(method, params);
  }

  notifyAfter(method: string, params?: Params): void {
    this.trailing.push(encodeNotification(method, params));
  }

  request(method: string, params: Params): Promise<unknown> {
    return this.#peer.ask(method, params, this);
  }
}

/** The reason of an aborted call's signal. */
export class Cancelled extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'Cancelled';
  }
}
