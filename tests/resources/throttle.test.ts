import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { throttle } from '../../src/resources/throttle.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('throttle', () => {
  test('the first ring is told at once, the rest of an interval together at its end', () => {
    const tell = vi.fn();
    const { ring } = throttle(300, tell);
    ring();
    expect(tell).toHaveBeenCalledTimes(1);
    for (let i = 0; i < 100; i += 1) ring();
    expect(tell).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(299);
    expect(tell).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(1);
    expect(tell).toHaveBeenCalledTimes(2);
  });

  test('silence after an interval -> nothing more, and the next ring is told at once', () => {
    const tell = vi.fn();
    const { ring } = throttle(300, tell);
    ring();
    vi.advanceTimersByTime(10_000);
    expect(tell).toHaveBeenCalledTimes(1);
    ring();
    expect(tell).toHaveBeenCalledTimes(2);
  });

  test('a flood of ten seconds -> told every interval, the last change too', () => {
    const tell = vi.fn();
    const { ring } = throttle(300, tell);
    for (let ms = 0; ms < 10_000; ms += 1) {
      ring();
      vi.advanceTimersByTime(1);
    }
    const during = tell.mock.calls.length;
    expect(during).toBeGreaterThanOrEqual(33);
    expect(during).toBeLessThanOrEqual(35);
    vi.advanceTimersByTime(1_000);
    expect(tell).toHaveBeenCalledTimes(during + 1);
  });

  test('stopped -> silent, whatever was still to be told', () => {
    const tell = vi.fn();
    const { ring, stop } = throttle(300, tell);
    ring();
    ring();
    stop();
    vi.advanceTimersByTime(1_000);
    expect(tell).toHaveBeenCalledTimes(1);
  });
});
