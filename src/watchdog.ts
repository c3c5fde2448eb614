// Owns the noticing of a stalled event loop: a timer that fires late. Must not know what stalls it, nor the log.

/** One wake-up in so long, ms: too few to be seen in idle cost. */
const EVERY_MS = 1_000;
/** Later than this is a stall, ms: ten times the slowest slice of work, and a host notices it. */
export const STALL_MS = 500;
/** Said at most once in so long, ms; stops a machine under load from filling the log. */
const SAY_EVERY_MS = 30_000;

/** Tells how late the loop was, ms, at most so often; the longest since it told last. Keeps no process open. */
export function watchLoop(tell: (lateMs: number) => void, now = () => performance.now()): { stop(): void } {
  let due = now() + EVERY_MS;
  let told = Number.NEGATIVE_INFINITY;
  let longest = 0;
  const timer = setInterval(() => {
    const at = now();
    const late = at - due;
    due = at + EVERY_MS;
    if (late > STALL_MS) longest = Math.max(longest, late);
    if (longest === 0 || at - told < SAY_EVERY_MS) return;
    told = at;
    tell(Math.round(longest));
    longest = 0;
  }, EVERY_MS);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
