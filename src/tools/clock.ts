// Owns the time of one call as its caller sees it: whatever the call is waiting for, he hears of it every second.
import type { CallContext, Progress } from './tool.ts';

/** Silence that is broken, ms, and how far the ticks are from those of who tells more, so that his come first. */
const EVERY_MS = 1_000;
const SILENCE_MS = 950;
const OFFSET_MS = 100;

/**
 * Steps count from the beginning of the call, also those of a part that counts from its own. Where nobody tells
 * anything for a second, the last message, or that it waits, is told. `stop` it when the call is over.
 */
export function startClock(call: Pick<CallContext, 'progress'>): { progress: CallContext['progress']; stop(): void } {
  const began = performance.now();
  let told = began;
  let message = 'waiting for the broker';
  const elapsed = () => Math.round(performance.now() - began) / 1000;
  const tell = (step: Progress) => {
    told = performance.now();
    message = step.message ?? message;
    call.progress(step);
  };
  let ticker: NodeJS.Timeout | undefined;
  const tick = () => {
    if (performance.now() - told >= SILENCE_MS) tell({ progress: elapsed(), message });
  };
  const first = setTimeout(() => {
    tick();
    ticker = setInterval(tick, EVERY_MS);
  }, EVERY_MS + OFFSET_MS);
  return {
    progress: ({ total, ...step }) => {
      const progress = elapsed();
      // A wait before the part whose length is known may have used up its total.
      tell({ ...step, progress, ...(total === undefined || progress >= total ? {} : { total }) });
    },
    stop: () => {
      clearTimeout(first);
      clearInterval(ticker);
    },
  };
}
