// Owns the bytes of one frame that came in several chunks. Must not know what a frame is.

const MIN_BYTES = 4 * 1024;
/** A larger buffer goes when its frame is done, so that one large message does not stay in memory. */
const MAX_IDLE_BYTES = 256 * 1024;

export class Carry {
  /** Its content ends at `length`. */
  bytes = Buffer.allocUnsafeSlow(MIN_BYTES);
  length = 0;

  /** Copies from `chunk`, from offset `from` on, until it has `wanted` bytes or the chunk is out; returns the offset reached. */
  fill(chunk: Buffer, from: number, wanted: number): number {
    const to = Math.min(chunk.length, from + wanted - this.length);
    const length = this.length + to - from;
    if (length > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.bytes.length));
      this.bytes.copy(larger, 0, 0, this.length);
      this.bytes = larger;
    }
    chunk.copy(this.bytes, this.length, from, to);
    this.length = length;
    return to;
  }

  clear(): void {
    this.length = 0;
    if (this.bytes.length > MAX_IDLE_BYTES) this.bytes = Buffer.allocUnsafeSlow(MIN_BYTES);
  }

  /** A copy of what it holds, which is then no longer held. */
  release(): Buffer {
    const bytes = Buffer.from(this.bytes.subarray(0, this.length));
    this.clear();
    return bytes;
  }
}
