import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startClock } from '../../src/tools/clock.ts';
import type { Progress } from '../../src/tools/tool.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

function started() {
  const steps: Progress[] = [];
  return { steps, ...startClock({ progress: (step) => void steps.push(step) }) };
}

test('a call that tells nothing -> its caller hears of it every second', () => {
  const { steps, stop } = started();
  vi.advanceTimersByTime(3_500);
  stop();
  expect(steps.map(({ progress }) => progress)).toEqual([1.1, 2.1, 3.1]);
  expect(steps[0]?.message).toBe('waiting for the broker');
});

test('a part that counts from its own beginning -> counted from that of the call, rising', () => {
  const { steps, stop, progress } = started();
  vi.advanceTimersByTime(2_500);
  for (let second = 1; second <= 3; second += 1) {
    vi.advanceTimersByTime(1_000);
    progress({ progress: second, total: 10, message: `${second} messages so far` });
  }
  stop();
  const told = steps.map((step) => step.progress);
  expect(told).toEqual([...told].sort((a, b) => a - b));
  expect(new Set(told).size).toBe(told.length);
  expect(steps.at(-1)).toEqual({ progress: 5.5, total: 10, message: '3 messages so far' });
});

test('over -> silent', () => {
  const { steps, stop } = started();
  stop();
  vi.advanceTimersByTime(5_000);
  expect(steps).toEqual([]);
});
