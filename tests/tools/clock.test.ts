import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Clock } from '../../src/tools/clock.ts';
import type { Progress } from '../../src/tools/tool.ts';
import { waitFor } from '../../src/tools/waiting.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const { signal } = new AbortController();

function started() {
  const steps: Progress[] = [];
  const clock = new Clock({ progress: (step) => void steps.push(step) });
  const context = { signal, tells: clock.tells.bind(clock) };
  return { clock, context, steps };
}

test('a call that tells nothing -> its caller hears of it every second', () => {
  const { clock, steps } = started();
  clock.start();
  vi.advanceTimersByTime(3_500);
  clock.stop();
  expect(steps.map(({ progress }) => progress)).toEqual([1, 2, 3]);
  expect(steps[0]?.message).toBe('waiting for the broker');
});

test('a wait within it -> its words as they are then, counted from the beginning of the call, rising', async () => {
  const { clock, context, steps } = started();
  clock.start();
  vi.advanceTimersByTime(2_500);
  let count = 0;
  const waiting = waitFor({ ms: 4_000, totalMs: 4_000, until: [], message: () => `${++count} so far` }, context);
  await vi.advanceTimersByTimeAsync(4_000);
  expect(await waiting).toBe('duration');
  clock.stop();
  expect(steps.slice(2)).toEqual([
    { progress: 3, total: 4, message: '1 so far' },
    // The wait before it has used its total up.
    { progress: 4, message: '2 so far' },
    { progress: 5, message: '3 so far' },
    { progress: 6, message: '4 so far' },
  ]);
});

test('the time that was told is up -> silent, the result is about to come', async () => {
  const { clock, context, steps } = started();
  clock.start();
  const waiting = waitFor({ ms: 2_000, totalMs: 2_000, until: [], message: () => 'so far' }, context);
  await vi.advanceTimersByTimeAsync(2_000);
  await waiting;
  vi.advanceTimersByTime(3_000);
  clock.stop();
  expect(steps).toEqual([{ progress: 1, total: 2, message: 'so far' }]);
});

test('a wait that says nothing of its own -> what was told before it goes on', async () => {
  const { clock, context, steps } = started();
  clock.start();
  context.tells(() => ({ message: '7 topics so far' }));
  const waiting = waitFor({ ms: 1_000, until: [] }, context);
  await vi.advanceTimersByTimeAsync(1_000);
  await waiting;
  clock.stop();
  expect(steps).toEqual([{ progress: 1, message: '7 topics so far' }]);
});

test('over, or not begun to wait -> silent', () => {
  const { clock, steps } = started();
  vi.advanceTimersByTime(5_000);
  clock.start();
  clock.stop();
  vi.advanceTimersByTime(5_000);
  expect(steps).toEqual([]);
});
