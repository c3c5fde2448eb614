// Owns a bounded sample of a stream that stays spread over its whole length: deterministic, no random numbers.

/** Holds at most `limit`: when full, every second one is let go and only every other further one is taken. */
export class Thinned<T> {
  #limit: number;
  #items: T[] = [];
  #every = 1;
  #newest: T | undefined;
  /** How many there were. */
  seen = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The most it can hold by now, the newest among them. */
  get most(): number {
    return this.#limit === 0 ? 0 : Math.min(this.seen, this.#limit + 1);
  }

  /** Holds at most so many from now on; with 0, nothing ever again. */
  narrow(limit: number): void {
    if (limit >= this.#limit) return;
    this.#limit = limit;
    this.#thin();
  }

  add(item: T): void {
    this.offer(() => item);
    if (this.#limit > 0) this.#newest = item;
  }

  /** The same without a claim to be there as the newest: `copy` is called only where it is taken. */
  offer(copy: () => T): void {
    if (this.#limit > 0 && this.seen % this.#every === 0) this.#items.push(copy());
    this.seen += 1;
    this.#thin();
  }

  /** In their order, the newest always among them. */
  items(): T[] {
    const newest = this.#newest;
    if (newest === undefined || this.#items.at(-1) === newest) return this.#items;
    return [...this.#items, newest];
  }

  #thin(): void {
    if (this.#limit === 0) {
      this.#items = [];
      this.#newest = undefined;
    }
    while (this.#items.length > this.#limit) {
      this.#items = this.#items.filter((_, index) => index % 2 === 0);
      this.#every *= 2;
    }
  }
}
