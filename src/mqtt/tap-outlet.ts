// Owns what goes from mqtt.js into the socket, and that nobody waits for a socket that is gone. Must not know MQTT.
import type { Duplex } from 'node:stream';

export class Outlet {
  readonly #socket: Duplex;
  readonly #failed: (error: Error) => void;
  #closed = false;
  #waiting: (() => void) | undefined;

  /** `failed`: a write did not work; the socket tells about everything else itself. */
  constructor(socket: Duplex, failed: (error: Error) => void) {
    this.#socket = socket;
    this.#failed = failed;
  }

  /** One at a time: the next after `done`. */
  write(bytes: Buffer, done: () => void): void {
    if (this.#isGone) {
      done();
      return;
    }
    this.#waiting = done;
    this.#socket.write(bytes, (error) => {
      if (error) this.#failed(error);
      // Not before mqtt.js is through with what it has: then the acknowledgements of a whole chunk leave in one write.
      else queueMicrotask(() => this.#release());
    });
  }

  end(done: () => void): void {
    if (this.#isGone) done();
    else this.#socket.end(() => done());
  }

  /**
   * The socket takes nothing more. What is written is dropped without an error, since that would cut off what has come
   * in and is not understood yet; the stream's own end follows when it is.
   */
  close(): void {
    this.#closed = true;
    this.#release();
  }

  get #isGone(): boolean {
    return this.#closed || !this.#socket.writable;
  }

  #release(): void {
    const done = this.#waiting;
    this.#waiting = undefined;
    done?.();
  }
}
