// Owns how much is under way at once, and the queue of what has to wait for room. Must not know what it is.

export class Window {
  readonly #size: number;
  readonly #queue: Waiting[] = [];
  #used = 0;

  constructor(size: number) {
    this.#size = size;
  }

  /** Takes room for `cost`, which one alone always gets; false where there is none, or others wait for it. */
  admit(cost = 1): boolean {
    if (this.#queue.length > 0 || !this.#fits(cost)) return false;
    this.#used += cost;
    return true;
  }

  /** Calls `start` at once where there is room, else when there is; order is kept. Returns a way out of the queue. */
  enter(start: () => void, cost = 1): () => void {
    if (this.admit(cost)) {
      start();
      return () => {};
    }
    const waiting: Waiting = { start, cost };
    this.#queue.push(waiting);
    return () => {
      const at = this.#queue.indexOf(waiting);
      if (at === -1) return;
      this.#queue.splice(at, 1);
      this.#admitNext();
    };
  }

  /** One that was started is done. */
  leave(cost = 1): void {
    this.#used -= cost;
    this.#admitNext();
  }

  #fits(cost: number): boolean {
    return this.#used === 0 || this.#used + cost <= this.#size;
  }

  #admitNext(): void {
    for (let next = this.#queue[0]; next && this.#fits(next.cost); next = this.#queue[0]) {
      this.#queue.shift();
      this.#used += next.cost;
      next.start();
    }
  }
}

type Waiting = { start: () => void; cost: number };
