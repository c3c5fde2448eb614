// Owns a cheap look at a payload: is it one seen before, but for its numbers? Compared byte by byte, four at a time,
// without decoding. Telemetry whose numbers alone change is known, so what was found out about one message holds for it.

const BACKSLASH = 0x5c;
/** Wordings remembered of one topic: a miss costs a look at each of them. */
const MAX_WORDINGS = 8;
/** Longer payloads are not remembered. */
const MAX_LENGTH = 4096;
/** Bytes of all that is remembered: stops topics with ever new texts from filling memory. */
const MAX_BYTES = 4 * 1024 * 1024;
const FIRST_BYTES = 16 * 1024;

/** Where the wordings of one topic lie, the one that was seen last in front. */
export type Wording = { readonly start: number; readonly end: number };

/**
 * Two payloads have the same wording where each has a number in the places where the other has one, and else the same
 * bytes; a number is a row of digits and points. Neither the words of a payload nor whether it is suspicious depend on
 * its numbers, unless it has an escape, which may spell anything.
 */
export class Wordings {
  #bytes = Buffer.alloc(FIRST_BYTES);
  #own = viewOf(this.#bytes);
  #length = 0;
  /** Payloads come out of the same few buffers, one after the other. */
  #buffer: ArrayBufferLike = this.#bytes.buffer;
  #theirs = this.#own;

  has(known: Wording[], payload: Buffer): boolean {
    return this.find(known, payload, () => true) !== undefined;
  }

  /** The one of `known` that the payload has and that is accepted. */
  find<Known extends Wording>(
    known: Known[],
    payload: Buffer,
    accepts: (wording: Known) => boolean,
  ): Known | undefined {
    if (payload.buffer !== this.#buffer) {
      this.#buffer = payload.buffer;
      this.#theirs = new DataView(payload.buffer);
    }
    for (let i = 0; i < known.length; i += 1) {
      const wording = known[i];
      if (!wording || !this.#isSame(payload, wording) || !accepts(wording)) continue;
      if (i > 0) {
        known.splice(i, 1);
        known.unshift(wording);
      }
      return wording;
    }
    return undefined;
  }

  /** Remembers the wording of a payload, where there is room and it may be. */
  add(known: Wording[], payload: Buffer): void {
    const wording = this.copy(known, payload);
    if (wording) known.unshift(wording);
  }

  /** The same, without adding it to `known`. */
  copy(known: readonly Wording[], payload: Buffer): Wording | undefined {
    const { length } = payload;
    const start = this.#length;
    const end = start + length;
    const full = known.length >= MAX_WORDINGS || end > MAX_BYTES;
    if (full || length > MAX_LENGTH || payload.includes(BACKSLASH)) return undefined;
    if (end > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(end, 2 * this.#bytes.length));
      this.#bytes.copy(larger);
      this.#bytes = larger;
      this.#own = viewOf(larger);
    }
    payload.copy(this.#bytes, start);
    this.#length = end;
    return { start, end };
  }

  /** Goes through both at once; where they differ it steps over digits, as long as the other has some there too. */
  #isSame(payload: Buffer, { start, end: ownEnd }: Wording): boolean {
    const own = this.#own;
    const theirs = this.#theirs;
    const theirStart = payload.byteOffset;
    const end = theirStart + payload.length;
    let at = theirStart;
    let ownAt = start;
    while (at < end || ownAt < ownEnd) {
      while (at + 4 <= end && ownAt + 4 <= ownEnd && theirs.getInt32(at) === own.getInt32(ownAt)) {
        at += 4;
        ownAt += 4;
      }
      const byte = at < end ? theirs.getUint8(at) : -1;
      const ownByte = ownAt < ownEnd ? own.getUint8(ownAt) : -1;
      if (byte === ownByte) {
        if (byte === -1) return true;
        at += 1;
        ownAt += 1;
      } else if (isNumeric(byte)) {
        if (!isNumeric(ownByte) && (ownAt === start || !isNumeric(own.getUint8(ownAt - 1)))) return false;
        at += 1;
      } else if (isNumeric(ownByte)) {
        if (at === theirStart || !isNumeric(theirs.getUint8(at - 1))) return false;
        ownAt += 1;
      } else return false;
    }
    return true;
  }
}

function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
}

/** A digit or a point. */
export function isNumeric(byte: number): boolean {
  return (byte - 0x30) >>> 0 <= 9 || byte === 0x2e;
}
