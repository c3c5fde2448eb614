import { expect, test } from 'vitest';
import { Allowance } from '../../src/tools/allowance.ts';

/** How many of `asked` a millisecond are granted in each of `seconds`. */
function granted(allowance: Allowance, asked: number, seconds: number, from = 0): number[] {
  return Array.from({ length: seconds }, (_, second) => {
    let count = 0;
    for (let ms = 0; ms < 1_000; ms += 1) {
      for (let n = 0; n < asked; n += 1) if (allowance.take(from + second * 1_000 + ms)) count += 1;
    }
    return count;
  });
}

test('no more asked than there is -> all granted', () => {
  expect(granted(new Allowance(10_000, 2_000), 10, 5)).toEqual([10_000, 10_000, 10_000, 10_000, 10_000]);
});

test('more -> what was saved up, then so many a second, spread over it', () => {
  const allowance = new Allowance(10_000);
  const [first = 0, ...others] = granted(allowance, 40, 4);
  expect(first).toBeGreaterThan(19_000);
  for (const count of others) expect(Math.abs(count - 10_000)).toBeLessThan(50);
  const each = Array.from({ length: 10 }, (_, tenth) => {
    let count = 0;
    for (let ms = 0; ms < 100; ms += 1)
      for (let n = 0; n < 40; n += 1) if (allowance.take(4_000 + tenth * 100 + ms)) count += 1;
    return count;
  });
  for (const count of each) expect(Math.abs(count - 1_000)).toBeLessThan(20);
});

test('under pressure -> fewer, until a second without a refusal', () => {
  const allowance = new Allowance(10_000, 2_000);
  const flood = granted(allowance, 40, 3);
  expect(Math.abs((flood[2] ?? 0) - 2_000)).toBeLessThan(50);
  expect(granted(allowance, 1, 1, 3_000)).toEqual([1_000]);
  expect(granted(allowance, 10, 2, 5_000)).toEqual([10_000, 10_000]);
});
