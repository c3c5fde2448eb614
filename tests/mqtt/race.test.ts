import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { pause, Race, within } from '../../src/mqtt/race.ts';

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

describe('Race', () => {
  /** A call that tells whether its signal was read. */
  function call(controller = new AbortController()) {
    const state = { read: false };
    return {
      state,
      get signal() {
        state.read = true;
        return controller.signal;
      },
    };
  }

  test('settles soon -> its value or error, and the signal is never read', async () => {
    const race = new Race();
    const one = call();
    expect(await race.within(Promise.resolve('x'), 100, one, late)).toBe('x');
    await expect(race.within(Promise.reject(new Error('own')), 100, one, late)).rejects.toThrow('own');
    await vi.advanceTimersByTimeAsync(100);
    expect(one.state.read).toBe(false);
  });

  test('too slow -> late(), after the time that was given', async () => {
    const outcome = vi.fn();
    new Race().within(never, 100, call(), late).catch(outcome);
    await vi.advanceTimersByTimeAsync(99);
    expect(outcome).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(outcome).toHaveBeenCalledWith(new Error('late'));
  });

  test.each([5, 50])("aborted after %i ms -> the signal's reason", async (ms) => {
    const controller = new AbortController();
    const waiting = expect(new Race().within(never, 100, call(controller), late)).rejects.toThrow('enough');
    await vi.advanceTimersByTimeAsync(ms);
    controller.abort(new Error('enough'));
    await vi.advanceTimersByTimeAsync(20);
    await waiting;
  });

  test('many at different times -> each has its own end', async () => {
    const race = new Race();
    const ends: string[] = [];
    const end = (name: string) => () => void ends.push(name);
    race.within(never, 100, call(), late).catch(end('first'));
    await vi.advanceTimersByTimeAsync(30);
    race.within(never, 100, call(), late).catch(end('second'));
    await vi.advanceTimersByTimeAsync(80);
    expect(ends).toEqual(['first']);
    await vi.advanceTimersByTimeAsync(30);
    expect(ends).toEqual(['first', 'second']);
  });
});
