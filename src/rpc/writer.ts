// Owns lines -> output: whole lines, one write a turn, how far the reader is behind, writes under way.
// Must not know what a line means.
import type { Writable } from 'node:stream';

/** Characters that wait for the end of a turn; beyond it they are written at once, and a slow reader is noticed. */
const WRITE_CHARS = 1024 * 1024;
/** Bytes that a reader may be behind before notifications are dropped; stops one that never reads from filling memory. */
const MAX_UNREAD_BYTES = 16 * 1024 * 1024;

export type WriterEvents = {
  /** The reader has caught up: `blocked` is false again. */
  drained(): void;
  /** A write under way is done. */
  written(): void;
  /** Nobody reads any more. */
  gone(): void;
};

export class Writer {
  readonly #output: Writable;
  readonly #events: WriterEvents;
  #out: string[] = [];
  #outChars = 0;
  #flushScheduled = false;
  #together = false;
  #writing = 0;
  #blocked = false;
  #closed = false;

  constructor(output: Writable, events: WriterEvents) {
    this.#output = output;
    this.#events = events;
  }

  start(): void {
    this.#output.on('drain', () => {
      this.#blocked = false;
      this.#events.drained();
    });
    // An error is EPIPE, as a rule.
    for (const event of ['error', 'close']) this.#output.on(event, () => this.#events.gone());
  }

  /** The output's buffer is full: nothing more should be started until it is drained. */
  get blocked(): boolean {
    return this.#blocked;
  }

  /** The reader is so far behind that what may be dropped is to be dropped. */
  get tooFarBehind(): boolean {
    return this.#blocked && this.#output.writableLength > MAX_UNREAD_BYTES;
  }

  /** Lines that wait, and writes under way. */
  get size(): number {
    return this.#out.length + this.#writing;
  }

  /** Whole lines only; the lines of one turn of the event loop leave in one write, a great many in several. */
  write(line: string): void {
    if (this.#closed) return;
    this.#out.push(line);
    this.#outChars += line.length;
    if (this.#outChars >= WRITE_CHARS) this.#flush();
    else if (!this.#flushScheduled && !this.#together) {
      this.#flushScheduled = true;
      setImmediate(() => {
        this.#flushScheduled = false;
        this.#flush();
      });
    }
  }

  /** What is written while `work` runs leaves in one write right after it, and does not wait for the end of the turn. */
  together(work: () => void): void {
    this.#together = true;
    try {
      work();
    } finally {
      this.#together = false;
      // Not here: a stream may hand over several chunks in a row.
      if (this.#out.length > 0) queueMicrotask(this.#flushNow);
    }
  }

  /** Forgets what waits, and writes no more. */
  close(): void {
    this.#closed = true;
    this.#out = [];
  }

  readonly #flushNow = (): void => this.#flush();

  #flush(): void {
    if (this.#closed || this.#out.length === 0) return;
    const text = `${this.#out.join('\n')}\n`;
    this.#out = [];
    this.#outChars = 0;
    this.#writing += 1;
    const written = () => {
      this.#writing -= 1;
      this.#events.written();
    };
    if (!this.#output.write(text, written)) this.#blocked = true;
  }
}
