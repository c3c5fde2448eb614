// Owns the nudging of a broker that holds back the end of an answer. Must not know what is nudged, nor with what.

/** Between two nudges, ms: a dump of minutes must not become a flood of them. */
const PAUSE_MS = 2;

/**
 * A broker's socket with Nagle's algorithm on keeps a small rest back until what it sent is acknowledged, and the kernel
 * on our side acknowledges after 40 ms, or with whatever we write. So where someone is in a hurry something is written
 * after what came: `poke` it for every chunk, and it sends one, and one more after a pause where more came meanwhile.
 */
export class Nudge {
  readonly #send: () => void;
  #hurried = 0;
  #timer: NodeJS.Timeout | undefined;
  #more = false;

  constructor(send: () => void) {
    this.#send = send;
  }

  /** Returns how to stop; idempotent. */
  hurry(): () => void {
    this.#hurried += 1;
    let over = false;
    return () => {
      if (!over) this.#hurried -= 1;
      over = true;
    };
  }

  poke(): void {
    if (this.#hurried === 0) return;
    if (this.#timer) {
      this.#more = true;
      return;
    }
    this.#more = false;
    this.#send();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#more) this.poke();
    }, PAUSE_MS).unref();
  }
}
