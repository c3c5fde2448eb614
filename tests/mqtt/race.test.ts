import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { pause, within } from '../../src/mqtt/race.ts';

const never = new Promise<string>(() => {});
const late = () => new Error('late');

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe('within', () => {
  test('settles in time -> its value or error, and no timer is left', async () => {
    const { signal } = new AbortController();
    expect(await within(Promise.resolve('x'), 10, signal, late)).toBe('x');
    await expect(within(Promise.reject(new Error('own')), 10, signal, late)).rejects.toThrow('own');
  });

  test('too slow -> late()', async () => {
    const waiting = expect(within(never, 10, new AbortController().signal, late)).rejects.toThrow('late');
    await vi.advanceTimersByTimeAsync(10);
    await waiting;
  });

  test("aborted meanwhile -> the signal's reason", async () => {
    const controller = new AbortController();
    const waiting = expect(within(never, 10, controller.signal, late)).rejects.toThrow('enough');
    controller.abort(new Error('enough'));
    await waiting;
  });

  test("aborted before -> the signal's reason, whatever the promise does", async () => {
    await expect(within(never, 10, AbortSignal.abort(new Error('enough')), late)).rejects.toThrow('enough');
    await expect(
      within(Promise.reject(new Error('own')), 10, AbortSignal.abort(new Error('enough')), late),
    ).rejects.toThrow('enough');
  });

  test('the promise fails after the deadline -> nobody hears of it', async () => {
    let fail: (error: Error) => void = () => {};
    const slow = new Promise<string>((_, reject) => {
      fail = reject;
    });
    const waiting = expect(within(slow, 10, new AbortController().signal, late)).rejects.toThrow('late');
    await vi.advanceTimersByTimeAsync(10);
    await waiting;
    fail(new Error('own')); // an unhandled rejection would fail the run
    await vi.advanceTimersByTimeAsync(1);
  });
});

describe('pause', () => {
  test('resolves after its time', async () => {
    let over = false;
    const waiting = pause(10, new AbortController().signal).then(() => {
      over = true;
    });
    await vi.advanceTimersByTimeAsync(9);
    expect(over).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await waiting;
  });

  test('aborted before or meanwhile -> resolves at once', async () => {
    await pause(10, AbortSignal.abort());
    const controller = new AbortController();
    const waiting = pause(10, controller.signal);
    controller.abort();
    await waiting;
  });
});
