// Owns the bytes that are out of the socket and not understood yet: chunks, first in, first out. Must not know MQTT.

/** What a chunk costs beside its bytes, so that a flood of one-byte chunks is bounded too. */
const CHUNK_BYTES = 256;
const NONE = Buffer.alloc(0);

type Chunk = { bytes: Buffer; at: number };

export class Backlog {
  #chunks: Chunk[] = [];
  #head = 0;
  #bytes = 0;

  /** Bytes held, the cost of holding them included. */
  get bytes(): number {
    return this.#bytes;
  }

  get first(): Chunk | undefined {
    return this.#chunks[this.#head];
  }

  /** `at`: when it came, ms since the epoch. */
  add(bytes: Buffer, at: number): void {
    this.#chunks.push({ bytes, at });
    this.#bytes += bytes.length + CHUNK_BYTES;
  }

  dropFirst(): void {
    const { first } = this;
    if (!first) return;
    this.#bytes -= first.bytes.length + CHUNK_BYTES;
    first.bytes = NONE;
    this.#head += 1;
    // Moving what is left costs as much as taking out what is gone did.
    if (this.#head * 2 > this.#chunks.length) {
      this.#chunks.splice(0, this.#head);
      this.#head = 0;
    }
  }

  clear(): void {
    this.#chunks = [];
    this.#head = 0;
    this.#bytes = 0;
  }
}
