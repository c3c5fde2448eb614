// Owns what goes from mqtt.js into the socket, and that nobody waits for a socket that is gone. Must not know MQTT.
import type { Duplex } from 'node:stream';

/**
 * What is written to a socket that is gone is dropped without an error: an error would end the stream at once, and with
 * it what has come in and is not understood yet. The socket's own end or error tells the owner.
 */
export class Outlet {
  readonly #socket: Duplex;
  readonly #failed: (error: Error) => void;
  #waiting: (() => void) | undefined;

  constructor(socket: Duplex, failed: (error: Error) => void) {
    this.#socket = socket;
    this.#failed = failed;
  }

  /** One at a time: the next after `done`. */
  write(bytes: Buffer, done: () => void): void {
    if (!this.#socket.writable) {
      done();
      return;
    }
    this.#waiting = done;
    this.#socket.write(bytes, (error) => {
      if (error) this.#failed(error);
      // Not before mqtt.js is through with what it has: then the acknowledgements of a whole chunk leave in one write.
      else queueMicrotask(() => this.release());
    });
  }

  end(done: () => void): void {
    if (this.#socket.writable) this.#socket.end(() => done());
    else done();
  }

  /** Whoever waits for a write to be done waits no longer. */
  release(): void {
    const done = this.#waiting;
    this.#waiting = undefined;
    done?.();
  }
}
