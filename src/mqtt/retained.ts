// Owns the question whether the retained messages of a subscription are all out. Must not know mqtt.js.
import { pause } from './race.ts';
import type { RetainedEnd } from './types.ts';

/** The shortest silence that counts as an end, ms: the largest one seen inside a dump on loopback was 57. */
const MIN_QUIET_MS = 300;
/** The longest silence waited for, ms. */
const MAX_QUIET_MS = 2_000;
/** How long the answer to the last mark is waited for, ms after the last message; those before get a quiet window. */
const MARK_PATIENCE_MS = 5_000;
/** Marks sent behind one dump. */
const MAX_MARKS = 3;
/**
 * Messages that a broker is trusted to hold for one client. What its socket does not take waits in a queue of 1,000
 * packets, by default (mosquitto's max_queued_messages; EMQX and HiveMQ have the same), and what finds it full is dropped
 * without a word. All that was in the queue then comes in the end: with fewer than that it was never full. The rest of
 * the 1,000 is room for acknowledgements.
 */
const SAFE_MESSAGES = 900;

/** Watches the retained messages of one SUBSCRIBE come in. Times in ms since the epoch. */
export class DumpWatch {
  #last = Date.now();
  #largestGap = 0;
  /** Retained messages so far. */
  count = 0;

  saw(at: number): void {
    this.count += 1;
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
  /** The answer to an earlier one has not come, and brokers answer in order: it was dropped. */
  skipped: boolean;
};

/**
 * `mark` sends a request behind the SUBSCRIBE that changes nothing, and asks for one retained message: mosquitto keeps
 * those in order, so that the message is proof. Its mere answer is none: aedes answers before it sends anything, and a
 * mosquitto whose socket is full before it sends what waits, until something pushes it: the next mark. Elsewhere a
 * silence stands in. A mark whose signal is aborted is given up. `mark` resolves with undefined where no answer can come
 * any more. That they are all out does not yet mean that they are all here: see `judged`.
 */
export async function endOfRetained(
  watch: DumpWatch,
  mark: (signal: AbortSignal) => Promise<Mark | undefined>,
  gone: AbortSignal,
): Promise<RetainedEnd> {
  let skipped = false;
  for (let left = MAX_MARKS; left > 0; left -= 1) {
    const attempt = new AbortController();
    const patience = () => (left > 1 ? watch.quietMs() : MARK_PATIENCE_MS);
    const answer = await patiently(mark(attempt.signal), patience, watch, gone);
    attempt.abort();
    if (answer === 'late' && left > 1) {
      watch.restart();
      continue;
    }
    if (answer === 'late') return { complete: false, evidence: 'quiet_window', doubt: 'unanswered' };
    if (answer === undefined) return { complete: false, evidence: 'quiet_window' };
    skipped ||= answer.skipped;
    if (answer.came === 'proof') return endOf('ordered', skipped, gone);
    if (!answer.again) break;
  }
  watch.restart();
  for (;;) {
    const left = watch.quietMs() - watch.silence();
    if (left <= 0 || gone.aborted) return endOf('quiet_window', skipped, gone);
    await pause(left, gone);
  }
}

/** What came while a dump was under way. */
export type Dump = {
  /** All messages of the session. */
  messages: number;
  /** Retained ones of the dump. */
  retained: number;
  /** The broker may be one that never sends retained messages to a filter like this (RabbitMQ, to one with wildcards). */
  maySendNone: boolean;
};

/** The end of a dump, in doubt where it has to be. */
export function judged(end: RetainedEnd, { messages, retained, maySendNone }: Dump): RetainedEnd {
  if (!end.complete) return end;
  if (messages > SAFE_MESSAGES) return { ...end, complete: false, doubt: 'many' };
  const none = end.evidence === 'quiet_window' && retained === 0 && maySendNone;
  return none ? { ...end, complete: false, doubt: 'none' } : end;
}

function endOf(evidence: RetainedEnd['evidence'], skipped: boolean, gone: AbortSignal): RetainedEnd {
  if (skipped) return { complete: false, evidence, doubt: 'dropped' };
  return { complete: !gone.aborted, evidence };
}

async function patiently<T>(
  answer: Promise<T>,
  patience: () => number,
  watch: DumpWatch,
  gone: AbortSignal,
): Promise<T | 'late' | undefined> {
  let value: T | undefined;
  const settled = new AbortController();
  answer.then((came) => {
    value = came;
    settled.abort();
  });
  const either = AbortSignal.any([settled.signal, gone]);
  while (!either.aborted && watch.silence() < patience()) await pause(patience() - watch.silence(), either);
  return either.aborted ? value : 'late';
}
