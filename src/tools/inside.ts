// Owns the context of a handler: one call, what surrounds every call, and the call's clock. Must not know what runs in it.
import { Clock } from './clock.ts';
import type { Rooms } from './room.ts';
import type { CallContext, Context, Words } from './tool.ts';

/** What every call of a tool gets beside its own context. */
export type Surroundings = Omit<Context, keyof CallContext | 'tells' | 'room' | 'inTurn'> & { rooms: Rooms };

/** A class for its getters: the call's signal is made only where it is read, and nothing is copied for each call. */
export class Inside implements Context {
  readonly #call: CallContext;
  readonly #surroundings: Surroundings;
  #clock: Clock | undefined;
  #room: ReturnType<Rooms['share']> | undefined;

  constructor(call: CallContext, surroundings: Surroundings) {
    this.#call = call;
    this.#surroundings = surroundings;
  }

  /** Begins when it is first asked for: a call that answers at once needs none. */
  get clock(): Clock {
    this.#clock ??= new Clock(this.#call);
    return this.#clock;
  }

  /** Begins likewise; `close` gives it back. */
  get room(): Context['room'] {
    this.#room ??= this.#surroundings.rooms.share();
    return this.#room;
  }

  inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.#surroundings.rooms.inTurn(work);
  }

  close(): void {
    this.#clock?.stop();
    this.#room?.close();
  }

  get pool(): Context['pool'] {
    return this.#surroundings.pool;
  }

  get consent(): Context['consent'] {
    return this.#surroundings.consent;
  }

  get held(): Context['held'] {
    return this.#surroundings.held;
  }

  get danger(): Context['danger'] {
    return this.#surroundings.danger;
  }

  get dangerTopics(): Context['dangerTopics'] {
    return this.#surroundings.dangerTopics;
  }

  get vitals(): Context['vitals'] {
    return this.#surroundings.vitals;
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }

  get aborted(): boolean {
    return this.#call.aborted;
  }

  get answers(): Context['answers'] {
    return this.#call.answers;
  }

  get state(): unknown {
    return this.#call.state;
  }

  supports(kind: 'elicitation'): boolean {
    return this.#call.supports(kind);
  }

  tells(words: () => Words | undefined): void {
    this.clock.tells(words);
  }
}
