// Owns how often something costly may be done: so many times a second, spread over it, by the clock of its caller.

export class Allowance {
  readonly #perSecond: number;
  #left = 0;
  #at = Number.NEGATIVE_INFINITY;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Takes one at `at`, ms; false where none is left. A second's worth can be saved up. */
  take(at: number): boolean {
    if (at > this.#at) {
      this.#left = Math.min(this.#perSecond, this.#left + ((at - this.#at) / 1000) * this.#perSecond);
      this.#at = at;
    }
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
