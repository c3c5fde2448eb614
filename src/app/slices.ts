// Owns long work in short pieces: the browser draws and listens in between. Must not know what the work is.

/** One piece, ms: well under a frame's 100, on a slow machine too. */
const SLICE_MS = 8;
/** Items between two looks at the clock. */
const STRIDE = 16;

/** False where it was given up in between. */
export async function inSlices<T>(
  items: readonly T[],
  each: (item: T, index: number) => void,
  signal: AbortSignal,
): Promise<boolean> {
  let until = performance.now() + SLICE_MS;
  for (const [index, item] of items.entries()) {
    if (index % STRIDE === 0 && performance.now() > until) {
      await turn();
      if (signal.aborted) return false;
      until = performance.now() + SLICE_MS;
    }
    each(item, index);
  }
  return !signal.aborted;
}

/** A timer would wait, a frame does not come to a hidden document: a message to oneself does both. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
