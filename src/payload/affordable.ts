// Owns lists that stay small on the wire whatever is in them.
import { wireCost } from './wire-cost.ts';

/** As many from the front as cost `budget` bytes in a result. */
export function affordable<T>(list: T[], budget: number): T[] {
  let left = budget;
  const end = list.findIndex((one) => {
    left -= wireCost(one, left) + 2;
    return left < 0;
  });
  return end === -1 ? list : list.slice(0, end);
}
