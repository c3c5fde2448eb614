// Owns the rule that no await outlives its request: a promise raced with a deadline and an abort signal.

/** Rejects with the signal's reason, or with `late()` after `ms`; whatever `promise` does later is ignored. */
export function within<T>(promise: Promise<T>, ms: number, signal: AbortSignal, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      finish();
    };
    const abort = () => settle(() => reject(signal.reason));
    const timer = setTimeout(() => settle(() => reject(late())), ms);
    promise.then(
      (value) => settle(() => resolve(value)),
      (error) => settle(() => reject(error)),
    );
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}

/** Resolves after `ms`, or as soon as the signal is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}

/** How long a wait goes without deadline and signal, ms: most are over by then. */
const LASTING_MS = 20;

/**
 * `within` for a great many short waits: what it takes to end one early is made only for those that last longer than
 * 20 ms, a signal among it. One timer for all of them.
 */
export class Race {
  #young: Wait[] = [];
  #due = false;

  within<T>(promise: Promise<T>, ms: number, call: { readonly signal: AbortSignal }, late: () => Error): Promise<T> {
    return new Promise((resolve, reject) => {
      const lasting = () => within(promise, ms - LASTING_MS, call.signal, late).then(resolve, reject);
      const wait: Wait = { over: false, lasting };
      promise.then(
        (value) => {
          wait.over = true;
          resolve(value);
        },
        (error) => {
          wait.over = true;
          reject(error);
        },
      );
      this.#young.push(wait);
      if (this.#due) return;
      this.#due = true;
      setTimeout(() => this.#look(), LASTING_MS);
    });
  }

  #look(): void {
    const waits = this.#young;
    this.#young = [];
    this.#due = false;
    for (const { over, lasting } of waits) if (!over) lasting();
  }
}

type Wait = { over: boolean; lasting: () => void };
