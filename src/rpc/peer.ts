// Owns the JSON-RPC loop over two streams: dispatch, calls in flight, cancelling, pausing, draining.
// Must not know MCP, nor that stdin exists.
import type { Readable, Writable } from 'node:stream';
import { encodeCancelled, encodeFailure, encodeSuccess, type ReportBug } from './answer.ts';
import { type Call, InFlight } from './call.ts';
import { type Answer, Incoming, type Item } from './incoming.ts';
import { type Line, LineSplitter } from './lines.ts';
import { encodeError, type Id, type Params, type Request } from './message.ts';
import { OtherSide } from './other-side.ts';
import { Writer } from './writer.ts';

/** Requests being worked on at once; beyond it reading pauses, so that a flood waits in the pipe and not in memory. */
export const MAX_IN_FLIGHT = 256;
/** After the drain, how long a call that was told to stop may take to answer, ms; then it is answered for. */
const STOP_GRACE_MS = 500;
/** At the end, how long a reader may take nothing, ms, before the rest is given up: a busy one pauses. */
const UNREAD_GRACE_MS = 2_000;
const SHUTTING_DOWN = 'the server is shutting down';

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

export class Peer {
  /** Resolves when the loop has ended: input over, calls answered or stopped, output flushed (or the output is gone). */
  readonly closed: Promise<void>;
  readonly #input: Readable;
  readonly #handlers: Handlers;
  readonly #drainMs: number;
  readonly #splitter = new LineSplitter();
  readonly #incoming: Incoming;
  readonly #inFlight = new Set<InFlight>();
  readonly #writer: Writer;
  readonly #otherSide: OtherSide;
  readonly #bug: ReportBug = (error) => this.#handlers.report('bug', error);
  #working = false;
  #ended = false;
  #stopping = false;
  #closed = false;
  #drainTimer: NodeJS.Timeout | undefined;
  #giveUpTimer: NodeJS.Timeout | undefined;
  #resolveClosed: () => void = () => {};

  constructor({ input, output, handlers, drainMs }: PeerOptions) {
    this.#input = input;
    this.#handlers = handlers;
    this.#drainMs = drainMs;
    this.#writer = new Writer(output, {
      drained: () => this.#work(),
      written: () => {
        this.#giveUpTimer?.refresh();
        this.#settle();
      },
      // EPIPE: nobody reads any more. What is in flight is stopped, quietly.
      gone: () => this.#close(),
    });
    this.#incoming = new Incoming(
      (line) => this.#writer.write(line),
      () => handlers.acceptsBatch(),
    );
    this.#otherSide = new OtherSide(this.#writer, () => this.#deaf);
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  start(): void {
    this.#input.on('data', (chunk: Buffer | string) => {
      if (this.#ended) return;
      const lines = this.#splitter.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
      this.#writer.together(() => this.#take(lines));
    });
    for (const event of ['end', 'close', 'error']) this.#input.on(event, () => this.#end(this.#splitter.end()));
    this.#writer.start();
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
    this.#otherSide.notify(method, params);
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
    this.#incoming.push(lines);
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
    const full = this.#incoming.size > 0 || this.#writer.blocked;
    if (full && !this.#input.isPaused()) this.#input.pause();
    else if (!full && this.#input.isPaused()) this.#input.resume();
    this.#settle();
  }

  /** The message in turn, taken out of its queue; undefined where there is none, or no room for it yet. */
  #next(): Item | undefined {
    if (this.#writer.blocked && !this.#stopping) return undefined;
    const item = this.#incoming.peek();
    if (!item) return undefined;
    // Only a request takes room: a cancel, and the answer that a call in flight waits for, get through.
    const full = this.#inFlight.size >= MAX_IN_FLIGHT && !this.#stopping;
    return full && item.message.kind === 'request' ? undefined : this.#incoming.shift();
  }

  #start({ message, answer, done }: Item): void {
    if (message.kind === 'request') {
      this.#request(message, answer, done);
      return;
    }
    if (message.kind === 'notification') this.#notification(message.method, message.params);
    else if (message.kind === 'response') this.#otherSide.answered(message);
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
      this.#bug(error);
    }
  }

  #request(request: Request, answer: Answer, done: () => void): void {
    const call = new InFlight(request, this.#otherSide);
    if (this.#stopping) call.abort(SHUTTING_DOWN);
    let result: unknown;
    try {
      result = this.#handlers.request(call);
    } catch (error) {
      answer(encodeFailure(request.id, error, this.#bug));
      this.#over(call, done);
      return;
    }
    if (!(result instanceof Promise)) {
      answer(encodeSuccess(request.id, result, this.#bug));
      this.#over(call, done);
      return;
    }
    call.finish = (line) => {
      if (call.over) return;
      this.#inFlight.delete(call);
      if (line === undefined) call.trailing = undefined;
      else answer(line);
      this.#over(call, done);
      this.#work();
    };
    this.#inFlight.add(call);
    result.then(
      (value) => call.finish(encodeSuccess(request.id, value, this.#bug)),
      (error: unknown) => call.finish(encodeFailure(request.id, error, this.#bug)),
    );
  }

  #over(call: InFlight, done: () => void): void {
    call.over = true;
    done();
    for (const line of call.trailing ?? []) this.#writer.write(line);
    call.trailing = undefined;
  }

  /** Silent first: what its work still says when it learns that it is cancelled is not sent. */
  #drop(call: InFlight): void {
    call.finish(undefined);
    call.abort('cancelled by the caller');
  }

  #stopAll(): void {
    clearTimeout(this.#drainTimer);
    this.#stopping = true;
    // What still waits gets its answer too, but no work: its signal is aborted from the start.
    this.#work();
    for (const call of this.#inFlight) call.abort(SHUTTING_DOWN);
    const answerForAll = () => {
      for (const call of this.#inFlight) call.finish(encodeCancelled(call.id, SHUTTING_DOWN));
      // Where nobody reads the answers, they are given up.
      this.#giveUpTimer = setTimeout(() => this.#close(), UNREAD_GRACE_MS);
      this.#settle();
    };
    this.#drainTimer = setTimeout(answerForAll, this.#inFlight.size === 0 ? 0 : STOP_GRACE_MS);
    this.#settle();
  }

  /** Nothing that the other side says can be heard any more. */
  get #deaf(): boolean {
    return this.#closed || (this.#ended && this.#incoming.size === 0);
  }

  /** Ends the loop once nothing is left to do. */
  #settle(): void {
    if (!this.#ended || this.#closed || this.#working) return;
    if (this.#deaf) this.#otherSide.forget();
    if (this.#inFlight.size + this.#incoming.size + this.#writer.size === 0) this.#close();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ended = true;
    clearTimeout(this.#drainTimer);
    clearTimeout(this.#giveUpTimer);
    this.#writer.close();
    this.#incoming.clear();
    for (const call of this.#inFlight) this.#drop(call);
    this.#otherSide.forget();
    this.#resolveClosed();
  }
}
