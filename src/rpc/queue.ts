// Owns waiting in line: first in, first out, at constant cost. Must not know what waits.

export class Queue<T> {
  #entries: T[] = [];
  #next = 0;

  get size(): number {
    return this.#entries.length - this.#next;
  }

  get first(): T | undefined {
    return this.#entries[this.#next];
  }

  push(entries: T[]): void {
    this.#entries = this.size === 0 ? entries : this.#entries.slice(this.#next).concat(entries);
    this.#next = 0;
  }

  shift(): T | undefined {
    const entry = this.#entries[this.#next];
    if (this.#next < this.#entries.length) this.#next += 1;
    if (this.size === 0) this.clear();
    return entry;
  }

  clear(): void {
    this.#entries = [];
    this.#next = 0;
  }
}
