// Owns one request being worked on, from its start to its answer. Must not know the loop that runs it.
import { encodeNotification, type Id, type Params, type Request } from './message.ts';
import type { OtherSide } from './other-side.ts';

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

/** A call, as the loop sees it. */
export class InFlight implements Call {
  readonly id: Id;
  readonly method: string;
  readonly params: Params | undefined;
  readonly #otherSide: OtherSide;
  #controller: AbortController | undefined;
  over = false;
  /** What notifyAfter has said so far. */
  trailing: string[] | undefined;
  finish: (line: string | undefined) => void = notStarted;

  constructor(request: Request, otherSide: OtherSide) {
    this.id = request.id;
    this.method = request.method;
    this.params = request.params;
    this.#otherSide = otherSide;
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
    if (!this.over) this.#otherSide.notify(method, params);
  }

  notifyAfter(method: string, params?: Params): void {
    this.trailing ??= [];
    this.trailing.push(encodeNotification(method, params));
  }

  request(method: string, params: Params): Promise<unknown> {
    const { signal } = this;
    if (signal.aborted) return Promise.reject(signal.reason);
    if (this.over) return Promise.reject(new Cancelled('the call is over'));
    return this.#otherSide.ask(method, params, signal);
  }
}

/** The reason of an aborted call's signal. */
export class Cancelled extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'Cancelled';
  }
}

function notStarted(): void {}
