// Owns long work in slices: between two of them whoever else waits is served. Must not know what the work is.

/** What one slice may cost, in the units that the steps yield (values looked at): some milliseconds. */
export const SLICE_COST = 10_000;

/**
 * Does `work` step by step, each of which yields its cost; after SLICE_COST of them the event loop turns. Stops a device
 * of thousands of messages from holding up pings and publishes. Rejects when `signal` aborts meanwhile.
 */
export async function inSlices<T>(work: Generator<number, T>, signal: AbortSignal): Promise<T> {
  for (let spent = 0, step = work.next(); ; step = work.next()) {
    if (step.done) return step.value;
    spent += step.value;
    if (spent < SLICE_COST) continue;
    await new Promise((resolve) => setImmediate(resolve));
    signal.throwIfAborted();
    spent = 0;
  }
}

/** The same at once. */
export function atOnce<T>(work: Generator<number, T>): T {
  for (let step = work.next(); ; step = work.next()) if (step.done) return step.value;
}
