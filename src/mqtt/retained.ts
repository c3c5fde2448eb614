// Owns the question whether the retained messages of a subscription are all out. Must not know mqtt.js.
import { pause } from './race.ts';
import type { RetainedEnd } from './types.ts';

/** The shortest silence that counts as an end, ms: the largest one seen inside a dump on loopback was 57. */
const MIN_QUIET_MS = 300;
/** The longest silence waited for, ms. */
const MAX_QUIET_MS = 2_000;
/** A barrier not answered this long after the last message was dropped by the broker, ms. */
const BARRIER_PATIENCE_MS = 5_000;

/** Watches the retained messages of one SUBSCRIBE come in. Times in ms since the epoch. */
export class DumpWatch {
  #last = Date.now();
  #largestGap = 0;

  saw(at: number): void {
    this.#largestGap = Math.max(this.#largestGap, at - this.#last);
    this.#last = at;
  }

  /** The silence counts from here. */
  restart(): void {
    this.#last = Date.now();
  }

  silence(): number {
    return Date.now() - this.#last;
  }

  /** A silence this long is an end: four times the largest gap seen, within bounds. */
  quietMs(): number {
    return Math.min(MAX_QUIET_MS, Math.max(MIN_QUIET_MS, 4 * this.#largestGap));
  }
}

/**
 * A broker that works in order answers `barrier`, a request sent right behind the SUBSCRIBE, after the last retained
 * message: then its answer is proof. Mosquitto does; aedes answers before them, so elsewhere a silence stands in.
 */
export async function endOfRetained(
  watch: DumpWatch,
  barrier: Promise<boolean>,
  ordered: Promise<boolean>,
  gone: AbortSignal,
): Promise<RetainedEnd> {
  const answered = await patiently(barrier, watch, gone);
  if (!answered) return { complete: false, evidence: 'quiet_window' };
  if (await patiently(ordered, watch, gone)) return { complete: !gone.aborted, evidence: 'ordered' };
  watch.restart();
  for (;;) {
    const left = watch.quietMs() - watch.silence();
    if (left <= 0 || gone.aborted) return { complete: !gone.aborted, evidence: 'quiet_window' };
    await pause(left, gone);
  }
}

async function patiently(barrier: Promise<boolean>, watch: DumpWatch, gone: AbortSignal): Promise<boolean> {
  let answer: boolean | undefined;
  const settled = new AbortController();
  barrier.then((value) => {
    answer = value;
    settled.abort();
  });
  const either = AbortSignal.any([settled.signal, gone]);
  while (!either.aborted && watch.silence() < BARRIER_PATIENCE_MS) {
    await pause(BARRIER_PATIENCE_MS - watch.silence(), either);
  }
  return answer ?? false;
}
