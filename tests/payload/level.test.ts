import { describe, expect, test } from 'vitest';
import { type Level, levelChanged, levelsOf, trackLevel } from '../../src/payload/level.ts';

/** Places in the series at which its level changed. */
function changes(series: readonly Level[]): number[] {
  const state = trackLevel();
  return series.flatMap((value, i) => (levelChanged(state, value) ? [i] : []));
}

/** Park and Miller's minimal standard generator: the same noise each time. */
function noise(count: number, amplitude: number): number[] {
  let seed = 42;
  return Array.from({ length: count }, () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return (seed / 2_147_483_647 - 0.5) * 2 * amplitude;
  });
}

describe('numbers', () => {
  test('a step beyond the noise is one change', () => {
    const series = noise(200, 0.1).map((value, i) => value + (i < 100 ? 20 : 30));
    expect(changes(series)).toEqual([100]);
  });

  test('a step below the noise is none', () => {
    expect(changes(noise(200, 5).map((value, i) => value + (i < 100 ? 20 : 21)))).toEqual([]);
  });

  test('noise, a ramp, a slow wave are no changes', () => {
    expect(changes(noise(1000, 1))).toEqual([]);
    expect(changes(Array.from({ length: 500 }, (_, i) => i))).toEqual([]);
    expect(changes(Array.from({ length: 500 }, (_, i) => Math.sin(i / 20)))).toEqual([]);
  });

  test('the last digit of a quiet sensor is no change', () => {
    const series = Array.from({ length: 200 }, (_, i) => (i % 17 === 0 ? 21.1 : 21));
    expect(changes(series)).toEqual([]);
  });

  test('a spike shows where it begins and ends', () => {
    const series = noise(100, 0.1).map((value, i) => value + (i === 50 ? 90 : 20));
    expect(changes(series)).toEqual([50, 51]);
  });

  test('a constant that changes, and a switch that dwells', () => {
    expect(changes([20, 20, 20, 30, 30])).toEqual([3]);
    expect(changes(Array.from({ length: 80 }, (_, i) => (i % 40 < 20 ? 0 : 1)))).toEqual([20, 40, 60]);
  });

  test('what is not finite is passed over', () => {
    expect(changes([1, 1, 1, Number.NaN, 1, Number.POSITIVE_INFINITY, 1])).toEqual([]);
  });
});

describe('words and truths', () => {
  test('each change of a state', () => {
    expect(changes(['on', 'on', 'off', 'off', 'on'])).toEqual([2, 4]);
    expect(changes([false, false, true])).toEqual([2]);
  });

  test('ever new words, times and sentences are no states', () => {
    expect(
      changes(Array.from({ length: 100 }, (_, i) => `job-${String.fromCharCode(97 + (i % 26))}${i}`)).length,
    ).toBeLessThan(2);
    expect(changes(Array.from({ length: 100 }, (_, i) => `2026-01-05T10:00:${i}`))).toEqual([]);
  });
});

test('levelsOf: a scalar, or the scalar fields of an object', () => {
  expect(levelsOf(21.5, 'number')).toEqual([['', 21.5]]);
  expect(levelsOf({ t: 1, s: 'on', n: null, l: [1], d: { x: true } }, 'json')).toEqual([
    ['t', 1],
    ['s', 'on'],
    ['d.x', true],
  ]);
  expect(levelsOf('AAAA', 'binary')).toEqual([]);
  const wide = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`k${i}`, i]));
  expect(levelsOf(wide, 'json')).toHaveLength(16);
});
