// What make soak calls growth.
import { expect, test } from 'vitest';
import { grows, slopeOf } from '../scripts/soak-slope.mjs';

const HALF_HOUR = 180;

/** Samples of every 5 s, in hours; `noise` repeats itself for `alike` samples. */
function samples(perHour: number, noise: number, alike = 1): [number, number][] {
  let state = 7;
  let now = 0;
  return Array.from({ length: HALF_HOUR }, (_, at) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    if (at % alike === 0) now = (state / 2 ** 31 - 0.5) * noise;
    return [at / 720, 100 + (perHour * at) / 720 + now];
  });
}

test('a straight line -> its slope, no error', () => {
  expect(slopeOf(samples(10, 0))).toMatchObject({ slope: expect.closeTo(10, 6), error: expect.closeTo(0, 6) });
});

test('a leak of 10 MiB an hour under noise of 2 MiB -> grows', () => {
  expect(grows(slopeOf(samples(10, 2)), 4)).toBe(true);
});

test('noise alone, and a slope that does not matter -> does not grow', () => {
  for (const alike of [1, 5, 20]) expect(grows(slopeOf(samples(0, 4, alike)), 0), `${alike}`).toBe(false);
  expect(grows(slopeOf(samples(3, 0.1)), 4)).toBe(false);
});

test('noise that lasts from sample to sample -> a wider error than the same noise that does not', () => {
  const [short, long] = [1, 10].map((alike) => slopeOf(samples(0, 4, alike)).error);
  expect(long).toBeGreaterThan(2 * Number(short));
});
