// Owns the distribution of many numbers in little memory: a logarithmic histogram (after HdrHistogram, Gil Tene).

/** Sub-buckets of a power of two: the middle of one is at most 1/128 off, 0.8 %. */
const SUB_BITS = 6;
const SUB = 1 << SUB_BITS;
/** Whole numbers from here on fall together. */
const MAX = 2 ** 31 - 1;

/** What a percentile may be off, percent of its value. */
export const ERROR_PERCENT = 0.8;

/** Whole numbers from 0 to 2^31 - 1, larger ones as that; 14 KB, however many. Minimum, maximum and mean are exact. */
export class Histogram {
  readonly #buckets = new Float64Array(indexOf(MAX) + 1);
  count = 0;
  sum = 0;
  min = Number.POSITIVE_INFINITY;
  max = 0;

  add(value: number): void {
    const index = indexOf(value > MAX ? MAX : value);
    this.#buckets[index] = (this.#buckets[index] ?? 0) + 1;
    this.count += 1;
    this.sum += value;
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
  }

  get mean(): number {
    return this.count === 0 ? 0 : this.sum / this.count;
  }

  /** The smallest value that `percent` of all do not exceed (nearest rank); 0 where there is none. */
  percentile(percent: number): number {
    const rank = Math.max(1, Math.ceil((percent / 100) * this.count));
    let seen = 0;
    for (let index = 0; index < this.#buckets.length; index++) {
      seen += this.#buckets[index] ?? 0;
      if (seen >= rank) return Math.max(this.min, Math.min(this.max, middleOf(index)));
    }
    return 0;
  }
}

/** Below 64 a bucket each; above, 64 to a power of two. */
function indexOf(value: number): number {
  if (value < SUB) return value;
  const shift = 31 - SUB_BITS - Math.clz32(value);
  return (shift + 1) * SUB + (value >> shift) - SUB;
}

function middleOf(index: number): number {
  if (index < SUB) return index;
  const shift = Math.floor(index / SUB) - 1;
  const low = ((index % SUB) + SUB) * 2 ** shift;
  return low + Math.floor((2 ** shift - 1) / 2);
}
