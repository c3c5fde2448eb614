// Owns the time of one call as its caller sees it: whatever the call waits for, he hears of it every second.
// Must not know what is waited for: who waits says what is told.
import type { CallContext, Words } from './tool.ts';

/** How often a call that lasts tells how far it is, ms. */
const EVERY_MS = 1_000;

/** Seconds count from the beginning of the call, also while a part of it waits that has a length of its own. */
export class Clock {
  readonly #call: Pick<CallContext, 'progress'>;
  readonly #began = performance.now();
  #words: () => Words | undefined = firstWords;
  #ticker: NodeJS.Timeout | undefined;

  constructor(call: Pick<CallContext, 'progress'>) {
    this.#call = call;
  }

  /** From here on it is `words` that are told, asked for each time; where there are none, that second is silent. */
  tells(words: () => Words | undefined): void {
    this.#words = words;
  }

  /** The call lasts: only now is there a timer, which most calls spare. `stop` it when the call is over. */
  start(): void {
    this.#ticker = setInterval(() => this.#tick(), EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#ticker);
  }

  #tick(): void {
    const words = this.#words();
    if (!words) return;
    const { total, message } = words;
    const progress = Math.round(performance.now() - this.#began) / 1000;
    // A wait before the part whose length is known may have used up its total.
    this.#call.progress({ progress, ...(total === undefined || progress >= total ? {} : { total }), message });
  }
}

const firstWords = (): Words => ({ message: 'waiting for the broker' });
