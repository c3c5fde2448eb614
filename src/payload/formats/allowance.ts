// Owns how much of a kind of work may be done in each second. Counted in the work, not in time, which a busy machine has
// less of: the same messages give the same result. Must not know the work.

export type Allowance = {
  /** Whether this second has some left. Work that crosses the line is done. */
  readonly left: boolean;
  spend(amount: number): void;
};

export function createAllowance(aSecond: number, now: () => number = () => performance.now()): Allowance {
  let second = Number.NEGATIVE_INFINITY;
  let spent = 0;
  return {
    get left() {
      const at = now();
      if (at < second || at - second >= 1000) {
        second = at;
        spent = 0;
      }
      return spent < aSecond;
    },
    spend(amount) {
      spent += amount;
    },
  };
}
