import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DumpWatch, endOfRetained } from '../../src/mqtt/retained.ts';
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
  const [barrier, ordered] = [later<boolean>(), later<boolean>()];
  const gone = new AbortController();
  let end: RetainedEnd | undefined;
  endOfRetained(watch, barrier.promise, ordered.promise, gone.signal).then((value) => {
    end = value;
  });
  return { watch, barrier, ordered, gone, end: () => end };
}

const proof: RetainedEnd = { complete: true, evidence: 'ordered' };
const silence: RetainedEnd = { complete: true, evidence: 'quiet_window' };
const unknown: RetainedEnd = { complete: false, evidence: 'quiet_window' };

test('endOfRetained: barrier answered by a broker that keeps order -> complete at once, by proof', async () => {
  const { barrier, ordered, end } = dump();
  await vi.advanceTimersByTimeAsync(100);
  expect(end()).toBeUndefined();
  ordered.resolve(true);
  barrier.resolve(true);
  await vi.advanceTimersByTimeAsync(0);
  expect(end()).toEqual(proof);
});

test('endOfRetained: barrier answered elsewhere -> complete after 300 ms of silence from then on', async () => {
  const { barrier, ordered, end } = dump();
  await vi.advanceTimersByTimeAsync(200);
  ordered.resolve(false);
  barrier.resolve(true);
  await vi.advanceTimersByTimeAsync(299);
  expect(end()).toBeUndefined();
  await vi.advanceTimersByTimeAsync(1);
  expect(end()).toEqual(silence);
});

test('endOfRetained: messages keep coming -> the window begins anew with each, and grows with the gaps', async () => {
  const { watch, barrier, ordered, end } = dump();
  ordered.resolve(false);
  barrier.resolve(true);
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

test('endOfRetained: no answer for 5 s after the last message -> incomplete', async () => {
  const { watch, end } = dump();
  await vi.advanceTimersByTimeAsync(4_000);
  watch.saw(Date.now());
  await vi.advanceTimersByTimeAsync(4_999);
  expect(end()).toBeUndefined();
  await vi.advanceTimersByTimeAsync(1);
  expect(end()).toEqual(unknown);
});

test('endOfRetained: the barrier fails -> incomplete at once', async () => {
  const { barrier, ordered, end } = dump();
  ordered.resolve(true);
  barrier.resolve(false);
  await vi.advanceTimersByTimeAsync(0);
  expect(end()).toEqual(unknown);
});

test('endOfRetained: whether the broker keeps order is never known -> a silence has to do', async () => {
  const { barrier, end } = dump();
  barrier.resolve(true);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(end()).toBeUndefined();
  await vi.advanceTimersByTimeAsync(300);
  expect(end()).toEqual(silence);
});

test.each(['waiting for the barrier', 'waiting for the order', 'in the quiet window'])(
  'endOfRetained: gone while %s -> incomplete at once, no timer left',
  async (when) => {
    const { barrier, ordered, gone, end } = dump();
    if (when !== 'waiting for the barrier') barrier.resolve(true);
    if (when === 'in the quiet window') ordered.resolve(false);
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
