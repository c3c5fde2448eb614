// Owns how many acknowledged publishes are under way at once: past the broker's receive maximum it disconnects us
// [MQTT-3.3.4-9], and past a few dozen mqtt.js only gets slower.

export class Window {
  readonly #size: number;
  readonly #queue: (() => void)[] = [];
  #used = 0;

  constructor(size: number) {
    this.#size = size;
  }

  /** Calls `start` at once where there is room, else when there is; order is kept. Returns a way out of the queue. */
  enter(start: () => void): () => void {
    if (this.#used < this.#size) {
      this.#used += 1;
      start();
      return () => {};
    }
    this.#queue.push(start);
    return () => {
      const at = this.#queue.indexOf(start);
      if (at !== -1) this.#queue.splice(at, 1);
    };
  }

  /** One that was started is done. */
  leave(): void {
    const next = this.#queue.shift();
    if (next) next();
    else this.#used -= 1;
  }
}
