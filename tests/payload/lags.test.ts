import { describe, expect, test } from 'vitest';
import { randomFor } from '../../src/demo/random.ts';
import { lagsOf } from '../../src/payload/lags.ts';

/** Moments of someone who acts when he likes. */
function irregular(seed: number, count: number, meanMs: number): number[] {
  const next = randomFor(seed, 'moments');
  let at = 0;
  return Array.from({ length: count }, () => {
    at += 50 + next() * 2 * meanMs;
    return Math.round(at);
  });
}

const series = (name: string, times: number[]) => ({ name, times });

describe('lags', () => {
  test('one that follows another after some 120 ms -> found, with its lag', () => {
    const button = irregular(1, 20, 4000);
    const jitter = randomFor(2, 'jitter');
    const lamp = button.map((at) => at + 100 + Math.round(jitter() * 40));
    const [found, ...more] = lagsOf([series('lamp', lamp), series('button', button)], 5000, 10);
    expect(found).toMatchObject({ leader: 'button', follower: 'lamp', pairs: 20, of: 20 });
    expect(found?.median_ms).toBeGreaterThanOrEqual(100);
    expect(found?.max_ms).toBeLessThanOrEqual(140);
    expect(more).toEqual([]);
  });

  test('a few that were not followed -> still found, and counted', () => {
    const button = irregular(3, 20, 4000);
    const lamp = button.filter((_, i) => i % 5 !== 0).map((at) => at + 100);
    expect(lagsOf([series('b', button), series('l', lamp)], 5000, 10)).toMatchObject([
      { leader: 'b', pairs: 16, of: 20 },
    ]);
  });

  test('two that have nothing to do with each other -> nothing', () => {
    for (let seed = 10; seed < 40; seed++) {
      const lags = lagsOf(
        [series('a', irregular(seed, 30, 2000)), series('b', irregular(seed + 100, 30, 2000))],
        5000,
        10,
      );
      expect(lags, `seed ${seed}`).toEqual([]);
    }
  });

  test('two on a schedule of the same period -> nothing: that is no reason', () => {
    const every = (ms: number, from: number) => Array.from({ length: 30 }, (_, i) => from + i * ms);
    expect(lagsOf([series('a', every(1000, 0)), series('b', every(1000, 40))], 5000, 10)).toEqual([]);
  });

  test('two that speak on schedules and change only now and then -> nothing', () => {
    const beats = Array.from({ length: 60 }, (_, i) => i * 2000);
    const late = beats.map((at) => at + 40);
    const told = (times: number[]) => times.filter((_, i) => i % 7 === 0 || i % 11 === 0);
    const a = { ...series('a', told(beats)), arrivals: beats };
    const b = { ...series('b', told(late)), arrivals: late };
    expect(lagsOf([series('a', a.times), series('b', b.times)], 5000, 10)).toHaveLength(1);
    expect(lagsOf([a, b], 5000, 10)).toEqual([]);
  });

  test('followed six times in ten -> nothing, however steady the lag', () => {
    const button = irregular(5, 20, 4000);
    const lamp = button.filter((_, i) => i % 5 < 3).map((at) => at + 100);
    expect(lagsOf([series('b', button), series('l', lamp)], 5000, 10)).toEqual([]);
  });

  test.each([
    [6, 5],
    [20, 5],
    [20, 10],
    [40, 6],
  ])('%i topics that change %i times in a minute, whenever they like -> nothing', (topics, changes) => {
    for (let seed = 0; seed < 20; seed++) {
      const next = randomFor(seed, `${topics} x ${changes}`);
      const all = Array.from({ length: topics }, (_, i) => {
        const times = Array.from({ length: changes }, () => next() * 60_000).toSorted((a, b) => a - b);
        return series(`t${i}`, times);
      });
      expect(lagsOf(all, 5000, 10), `seed ${seed}`).toEqual([]);
    }
  });

  test('twice is no rule', () => {
    expect(lagsOf([series('a', [0, 9000]), series('b', [100, 9100])], 5000, 10)).toEqual([]);
  });

  test('no moments at all -> nothing', () => {
    expect(lagsOf([], 5000, 10)).toEqual([]);
    expect(lagsOf([series('a', []), series('b', [])], 5000, 10)).toEqual([]);
  });
});
