// Owns the end of a window: what was read by then is counted before the result is made. Must not know what counts it.
import type { Context } from './tool.ts';
import { waitFor } from './waiting.ts';

/** How long a window that is over waits for what was read and not counted yet, ms: a match may be slow. */
const SETTLE_MS = 2_000;

/** Said where that took longer. */
export const UNREAD =
  'Messages that had been read by the end were not looked at, so the counts are too low: narrow the filter or use a simpler match.';

type Settling = {
  readers: readonly { settled(): Promise<unknown> }[];
  /** How many there are by now. */
  count: () => number;
  /** No more are wanted. */
  enough?: Promise<unknown>;
};

/** True: it took too long. */
export async function leavesUnread({ readers, count, enough }: Settling, context: Context): Promise<boolean> {
  const all = Promise.all(readers.map((one) => one.settled()));
  const until = (enough ? [all, enough] : [all]).map((one) => one.then((): 'settled' => 'settled'));
  const message = () => `time is up, counting what was read: ${count()} messages`;
  return (await waitFor({ ms: SETTLE_MS, until, message }, context)) === 'duration';
}
