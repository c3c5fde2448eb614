// Owns how often something costly may be done: so many times a second, spread over it, by the clock of its caller.

/** How long after a refusal there still is more asked for than can be had, ms. */
const PRESSURE_MS = 1_000;

export class Allowance {
  readonly #perSecond: number;
  readonly #underPressure: number;
  #left = 0;
  #at = Number.NEGATIVE_INFINITY;
  #refusedAt = Number.NEGATIVE_INFINITY;

  /** `underPressure`: a second's worth while more is asked for, so that a flood is sampled and not slowed down. */
  constructor(perSecond: number, underPressure = perSecond) {
    this.#perSecond = perSecond;
    this.#underPressure = underPressure;
  }

  /** Takes one at `at`, ms; false where none is left. A second's worth can be saved up. */
  take(at: number): boolean {
    if (at > this.#at) {
      const rate = at - this.#refusedAt < PRESSURE_MS ? this.#underPressure : this.#perSecond;
      this.#left = Math.min(this.#perSecond, this.#left + ((at - this.#at) / 1000) * rate);
      this.#at = at;
    }
    if (this.#left < 1) {
      this.#refusedAt = at;
      return false;
    }
    this.#left -= 1;
    return true;
  }
}
