// Owns the bytes that are out of the socket and not understood yet: chunks, first in, first out. Must not know MQTT.
import { costOf, recycle } from './slabs.ts';

/** What a chunk costs beside its bytes, so that a flood of one-byte chunks is bounded too. */
const CHUNK_BYTES = 256;
const NONE = Buffer.alloc(0);

type Chunk = { bytes: Buffer; at: number };

/** Bytes that all connections of the process hold together, at most: five floods at once must not fill memory. */
const MAX_TOGETHER_BYTES = 16 * 1024 * 1024;
let together = 0;

export class Backlog {
  readonly #max: number;
  #chunks: Chunk[] = [];
  #head = 0;
  #bytes = 0;
  /** Chunks, since the beginning. */
  #added = 0;
  #gone = 0;
  #waiting: { until: number; resolve: () => void }[] = [];

  /** `max`: bytes of this one. */
  constructor(max = MAX_TOGETHER_BYTES) {
    this.#max = max;
  }

  /** Nothing more should be added for now. */
  get full(): boolean {
    return this.#bytes > this.#max || together > MAX_TOGETHER_BYTES;
  }

  /** There is room again, or nothing of its own that anyone could wait for. */
  get hasRoom(): boolean {
    return this.#bytes === 0 || (this.#bytes <= this.#max / 2 && together <= MAX_TOGETHER_BYTES / 2);
  }

  /** Bytes held, the cost of holding them included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Resolves once all that is held now is gone. One wait for each collection that ends: bounded as they are. */
  workedOff(): Promise<void> {
    if (this.#gone === this.#added) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push({ until: this.#added, resolve });
    });
  }

  get first(): Chunk | undefined {
    return this.#chunks[this.#head];
  }

  /** `at`: when it came, ms since the epoch. */
  add(bytes: Buffer, at: number): void {
    this.#chunks.push({ bytes, at });
    this.#added += 1;
    this.#grow(costOf(bytes) + CHUNK_BYTES);
  }

  /** `isFree`: nobody has a view of its bytes. */
  dropFirst(isFree: boolean): void {
    const { first } = this;
    if (!first) return;
    this.#grow(-costOf(first.bytes) - CHUNK_BYTES);
    if (isFree) recycle(first.bytes);
    first.bytes = NONE;
    this.#head += 1;
    // Moving what is left costs as much as taking out what is gone did.
    if (this.#head * 2 > this.#chunks.length) {
      this.#chunks.splice(0, this.#head);
      this.#head = 0;
    }
    this.#leave(this.#gone + 1);
  }

  clear(): void {
    this.#chunks = [];
    this.#head = 0;
    this.#grow(-this.#bytes);
    this.#leave(this.#added);
  }

  #leave(gone: number): void {
    this.#gone = gone;
    for (let next = this.#waiting[0]; next && next.until <= gone; next = this.#waiting[0]) {
      this.#waiting.shift();
      next.resolve();
    }
  }

  #grow(bytes: number): void {
    this.#bytes += bytes;
    together += bytes;
  }
}
