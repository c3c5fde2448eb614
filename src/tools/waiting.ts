// Owns the wait of a long call: until its time is up or something else ends it, telling how far it is meanwhile.
import type { CallContext } from './tool.ts';

/** How often a long call tells how far it is, ms. */
const PROGRESS_EVERY_MS = 1_000;

export type Wait<T> = {
  /** Ends the wait with 'duration'. */
  ms: number;
  /** Whichever settles first ends it too. */
  until: Promise<T>[];
  /** Where it is known beforehand how long it takes, ms; told as the total. */
  totalMs?: number;
  /** Said with each step. */
  message: () => string;
};

/** Resolves with what came first: 'duration' after `ms`, or a value of `until`. Rejects when the call is cancelled. */
export function waitFor<T>(
  { ms, until, totalMs, message }: Wait<T>,
  { signal, progress }: CallContext,
): Promise<'duration' | T> {
  const began = performance.now();
  const tell = () => {
    const elapsed = Math.round(performance.now() - began) / 1000;
    if (totalMs === undefined) progress({ progress: elapsed, message: message() });
    else if (elapsed * 1000 < totalMs) progress({ progress: elapsed, total: totalMs / 1000, message: message() });
  };
  return new Promise<'duration' | T>((resolve, reject) => {
    const settle = (finish: () => void) => {
      clearTimeout(timer);
      clearInterval(ticker);
      signal.removeEventListener('abort', abort);
      finish();
    };
    const abort = () => settle(() => reject(signal.reason));
    const timer = setTimeout(() => settle(() => resolve('duration')), ms);
    const ticker = setInterval(tell, PROGRESS_EVERY_MS);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    for (const one of until)
      one.then(
        (value) => settle(() => resolve(value)),
        (error) => settle(() => reject(error)),
      );
  });
}
