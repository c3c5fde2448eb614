import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DumpWatch, endOfRetained, judged, type Mark } from '../../src/mqtt/retained.ts';
import type { RetainedEnd } from '../../src/mqtt/types.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function later<T>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** A dump under way: `end()` is undefined as long as nobody knows that it is over. */
function dump() {
  const watch = new DumpWatch();
  const marks: ((answer: Mark | undefined) => void)[] = [];
  const gone = new AbortController();
  let end: RetainedEnd | undefined;
  const mark = (_signal: AbortSignal) => {
    const { promise, resolve } = later<Mark | undefined>();
    marks.push(resolve);
    return promise;
  };
  endOfRetained(watch, mark, gone.signal).then((value) => {
    end = value;
  });
  /** Answers the mark that is under way. */
  const answer = async (came: Mark | undefined) => {
    marks.at(-1)?.(came);
    await vi.advanceTimersByTimeAsync(0);
  };
  return { watch, marks, answer, gone, end: () => end };
}

const proven: Mark = { came: 'proof', again: false, skipped: false };
const answered: Mark = { came: 'answer', again: false, skipped: false };
const late: Mark = { came: 'answer', again: true, skipped: false };
const proof: RetainedEnd = { complete: true, evidence: 'ordered' };
const silence: RetainedEnd = { complete: true, evidence: 'quiet_window' };
const unknown: RetainedEnd = { complete: false, evidence: 'quiet_window' };
const unanswered: RetainedEnd = { complete: false, evidence: 'quiet_window', doubt: 'unanswered' };

test('endOfRetained: the message of the mark has come -> complete at once, by proof', async () => {
  const { marks, answer, end } = dump();
  await vi.advanceTimersByTimeAsync(100);
  expect(end()).toBeUndefined();
  await answer(proven);
  expect(end()).toEqual(proof);
  expect(marks).toHaveLength(1);
});

test('endOfRetained: only the answer has come, and the message may be late -> another mark pushes it out', async () => {
  const { marks, answer, end } = dump();
  await answer(late);
  expect(end()).toBeUndefined();
  expect(marks).toHaveLength(2);
  await answer(proven);
  expect(end()).toEqual(proof);
});

test('endOfRetained: three marks without the message -> a silence has to do', async () => {
  const { marks, answer, end } = dump();
  for (let n = 0; n < 3; n += 1) await answer(late);
  expect(marks).toHaveLength(3);
  expect(end()).toBeUndefined();
  await vi.advanceTimersByTimeAsync(300);
  expect(end()).toEqual(silence);
});

test('endOfRetained: a broker without such a message -> complete after 300 ms of silence from then on', async () => {
  const { marks, answer, end } = dump();
  await vi.advanceTimersByTimeAsync(200);
  await answer(answered);
  await vi.advanceTimersByTimeAsync(299);
  expect(end()).toBeUndefined();
  await vi.advanceTimersByTimeAsync(1);
  expect(end()).toEqual(silence);
  expect(marks).toHaveLength(1);
});

test('endOfRetained: messages keep coming -> the window begins anew with each, and grows with the gaps', async () => {
  const { watch, answer, end } = dump();
  await answer(answered);
  for (let n = 0; n < 10; n += 1) {
    await vi.advanceTimersByTimeAsync(200);
    watch.saw(Date.now());
  }
  expect(watch.quietMs()).toBe(800);
  await vi.advanceTimersByTimeAsync(799);
  expect(end()).toBeUndefined();
  await vi.advanceTimersByTimeAsync(1);
  expect(end()).toEqual(silence);
});

test('endOfRetained: a quiet window without the answer -> a second mark, then a third, and 5 s after the last message in doubt', async () => {
  const { watch, marks, end } = dump();
  await vi.advanceTimersByTimeAsync(250);
  watch.saw(Date.now());
  await vi.advanceTimersByTimeAsync(999);
  expect(marks).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(marks).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(marks).toHaveLength(3);
  await vi.advanceTimersByTimeAsync(3_000);
  watch.saw(Date.now());
  await vi.advanceTimersByTimeAsync(4_999);
  expect(end()).toBeUndefined();
  await vi.advanceTimersByTimeAsync(1);
  expect(end()).toEqual(unanswered);
});

test('endOfRetained: an answer that an earlier one did not come before -> dropped, never complete', async () => {
  const { marks, answer, end } = dump();
  await vi.advanceTimersByTimeAsync(300);
  expect(marks).toHaveLength(2);
  await answer({ ...proven, skipped: true });
  expect(end()).toEqual({ complete: false, evidence: 'ordered', doubt: 'dropped' });
});

test('endOfRetained: the same on a broker that keeps no order -> dropped, after a silence', async () => {
  const { answer, end } = dump();
  await vi.advanceTimersByTimeAsync(300);
  await answer({ ...answered, skipped: true });
  await vi.advanceTimersByTimeAsync(300);
  expect(end()).toEqual({ complete: false, evidence: 'quiet_window', doubt: 'dropped' });
});

describe('judged', () => {
  const few = { messages: 900, retained: 900, maySendNone: false };
  test.each([
    ['as many as a broker surely holds', proof, few, proof],
    ['more than that', proof, { ...few, messages: 901 }, { ...proof, complete: false, doubt: 'many' }],
    ['more, by a silence', silence, { ...few, messages: 901 }, { ...silence, complete: false, doubt: 'many' }],
    ['incomplete anyway', unanswered, { ...few, messages: 901 }, unanswered],
    [
      'none, by a silence, from a broker that may send none',
      silence,
      { messages: 3, retained: 0, maySendNone: true },
      { ...silence, complete: false, doubt: 'none' },
    ],
    ['none, proven', proof, { messages: 3, retained: 0, maySendNone: true }, proof],
    ['none, from a broker that sent some before', silence, { messages: 3, retained: 0, maySendNone: false }, silence],
  ] as const)('%s', (_what, end, came, expected) => {
    expect(judged(end, came)).toEqual(expected);
  });
});

test('endOfRetained: no answer can come any more -> incomplete at once', async () => {
  const { answer, end } = dump();
  await answer(undefined);
  expect(end()).toEqual(unknown);
});

test.each(['waiting for the first mark', 'waiting for another one', 'in the quiet window'])(
  'endOfRetained: gone while %s -> incomplete at once, no timer left',
  async (when) => {
    const { answer, gone, end } = dump();
    if (when === 'waiting for another one') await answer(late);
    if (when === 'in the quiet window') await answer(answered);
    await vi.advanceTimersByTimeAsync(100);
    gone.abort();
    await vi.advanceTimersByTimeAsync(0);
    expect(end()).toEqual(unknown);
    expect(vi.getTimerCount()).toBe(0);
  },
);

describe('DumpWatch', () => {
  test('quietMs -> at least 300 ms, at most 2 s', async () => {
    const watch = new DumpWatch();
    expect(watch.quietMs()).toBe(300);
    await vi.advanceTimersByTimeAsync(5_000);
    watch.saw(Date.now());
    expect(watch.quietMs()).toBe(2_000);
  });

  test('restart -> the silence counts from there, and is no gap', async () => {
    const watch = new DumpWatch();
    await vi.advanceTimersByTimeAsync(1_000);
    watch.restart();
    expect(watch.silence()).toBe(0);
    watch.saw(Date.now());
    expect(watch.quietMs()).toBe(300);
  });
});
