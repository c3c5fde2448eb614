// Owns the question whether the retained messages of a subscription are all out. Must not know mqtt.js.
import { pause } from './race.ts';
import type { RetainedEnd } from './types.ts';

/** The shortest silence that counts as an end, ms: the largest one seen inside a dump on loopback was 57. */
const MIN_QUIET_MS = 300;
/** The longest silence waited for, ms. */
const MAX_QUIET_MS = 2_000;
/** A mark not answered this long after the last message was dropped by the broker, ms. */
const MARK_PATIENCE_MS = 5_000;
/** Marks sent behind one dump. */
const MAX_MARKS = 3;

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

/** What came back of a mark, a request sent behind a dump. */
export type Mark = {
  /** proof: so did the message that it asks for, which mosquitto sends last. answer: only its answer. */
  came: 'proof' | 'answer';
  /** Whether it is worth another one. */
  again: boolean;
};

/**
 * `mark` sends a request behind the SUBSCRIBE that changes nothing, and asks for one retained message: mosquitto keeps
 * those in order, so that the message is proof. Its mere answer is none: aedes answers before it sends anything, and a
 * mosquitto whose socket is full before it sends what waits, until something pushes it: the next mark. Elsewhere a
 * silence stands in. `mark` resolves with undefined where no answer can come any more.
 */
export async function endOfRetained(
  watch: DumpWatch,
  mark: () => Promise<Mark | undefined>,
  gone: AbortSignal,
): Promise<RetainedEnd> {
  for (let left = MAX_MARKS; left > 0; left -= 1) {
    const answer = await patiently(mark(), watch, gone);
    if (answer === undefined) return { complete: false, evidence: 'quiet_window' };
    if (answer.came === 'proof') return { complete: !gone.aborted, evidence: 'ordered' };
    if (!answer.again) break;
  }
  watch.restart();
  for (;;) {
    const left = watch.quietMs() - watch.silence();
    if (left <= 0 || gone.aborted) return { complete: !gone.aborted, evidence: 'quiet_window' };
    await pause(left, gone);
  }
}

async function patiently<T>(answer: Promise<T>, watch: DumpWatch, gone: AbortSignal): Promise<T | undefined> {
  let value: T | undefined;
  const settled = new AbortController();
  answer.then((came) => {
    value = came;
    settled.abort();
  });
  const either = AbortSignal.any([settled.signal, gone]);
  while (!either.aborted && watch.silence() < MARK_PATIENCE_MS) {
    await pause(MARK_PATIENCE_MS - watch.silence(), either);
  }
  return value;
}
