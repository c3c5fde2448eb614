// Owns the wait of a long call: until its time is up or something else ends it. Must not know who tells how far it is.
import type { Context, Words } from './tool.ts';

export type Wait<T> = {
  /** Ends the wait with 'duration'. */
  ms: number;
  /** Whichever settles first ends it too. */
  until: Promise<T>[];
  /** Where it is known beforehand how long it takes, ms; told as the total. */
  totalMs?: number;
  /** Told every second; without it the wait says nothing of its own. */
  message?: () => string;
};

/** Resolves with what came first: 'duration' after `ms`, or a value of `until`. Rejects when the call is cancelled. */
export function waitFor<T>(
  { ms, until, totalMs, message }: Wait<T>,
  context: Pick<Context, 'signal' | 'tells'>,
): Promise<'duration' | T> {
  const { signal } = context;
  if (message) context.tells(wordsOf(message, totalMs));
  return new Promise<'duration' | T>((resolve, reject) => {
    const settle = (finish: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      finish();
    };
    const abort = () => settle(() => reject(signal.reason));
    const timer = setTimeout(() => settle(() => resolve('duration')), ms);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    for (const one of until)
      one.then(
        (value) => settle(() => resolve(value)),
        (error) => settle(() => reject(error)),
      );
  });
}

/** Nothing more once the time that was told is up: the result is about to come. */
function wordsOf(message: () => string, totalMs: number | undefined): () => Words | undefined {
  if (totalMs === undefined) return () => ({ message: message() });
  const over = performance.now() + totalMs;
  return () => (performance.now() < over ? { message: message(), total: totalMs / 1000 } : undefined);
}
