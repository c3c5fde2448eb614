// Owns the way from the bytes of a topic to what is known about it, without making the string again each time.
// Must not know messages.

/** Each topic has two slots to choose from and pushes out who is there, so this many are held at most; a power of two. */
const SLOTS = 4096;
/** Longer topics are decoded each time: the slots are reserved at this size, 512 KiB in all. A power of two. */
const SLOT_WORDS = 32;
const MIN_BYTES = 4;
const MAX_BYTES = 4 * SLOT_WORDS;

/**
 * A third of the time of decoding the topic and looking it up in a Map while fewer than about 2,000 topics are in use, and
 * the same with any number. It may ask for any topic again, so `resolve` must remember who got what.
 */
export class TopicCache<Value> {
  readonly #resolve: (topic: string) => Value;
  readonly #values: (Value | undefined)[] = new Array(SLOTS).fill(undefined);
  readonly #hashes = new Int32Array(SLOTS);
  readonly #lengths = new Uint8Array(SLOTS);
  readonly #words = new Int32Array(SLOTS * SLOT_WORDS);
  #turn = 0;
  #bytes: Buffer = Buffer.alloc(0);
  #view: DataView = new DataView(this.#bytes.buffer);

  constructor(resolve: (topic: string) => Value) {
    this.#resolve = resolve;
  }

  /** For the topic in `bytes` from `start` to `end`: UTF-8, where what is none becomes U+FFFD, as in mqtt.js. */
  get(bytes: Buffer, start: number, end: number): Value {
    const length = end - start;
    if (length < MIN_BYTES || length > MAX_BYTES) return this.#resolve(bytes.toString('utf8', start, end));
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    const hash = this.#hash(start, end);
    const slot = hash & (SLOTS - 1);
    if (this.#isAt(slot, hash, start, end)) {
      const value = this.#values[slot];
      if (value !== undefined) return value;
    }
    if (this.#isAt(slot ^ 1, hash, start, end)) {
      const value = this.#values[slot ^ 1];
      if (value !== undefined) return value;
    }
    const value = this.#resolve(bytes.toString('utf8', start, end));
    this.#put(this.#room(slot), hash, value, start, end);
    return value;
  }

  /** Forgets everything: what `resolve` gave is no longer valid. */
  clear(): void {
    this.#values.fill(undefined);
    this.#lengths.fill(0);
    this.#bytes = Buffer.alloc(0);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Four bytes a step; the last step goes over some again rather than over what is behind the topic. */
  #hash(start: number, end: number): number {
    const view = this.#view;
    let hash = end - start;
    for (let at = start; at < end - 4; at += 4) hash = mix(hash, view.getInt32(at, true));
    return mix(hash, view.getInt32(end - 4, true));
  }

  #isAt(slot: number, hash: number, start: number, end: number): boolean {
    if (this.#hashes[slot] !== hash || this.#lengths[slot] !== end - start) return false;
    const view = this.#view;
    const words = this.#words;
    let word = slot * SLOT_WORDS;
    for (let at = start; at < end - 4; at += 4, word += 1) if (words[word] !== view.getInt32(at, true)) return false;
    return words[word] === view.getInt32(end - 4, true);
  }

  /** A free one of the two, else each in turn. */
  #room(slot: number): number {
    if (this.#lengths[slot] === 0) return slot;
    if (this.#lengths[slot ^ 1] === 0) return slot ^ 1;
    this.#turn ^= 1;
    return slot ^ this.#turn;
  }

  #put(slot: number, hash: number, value: Value, start: number, end: number): void {
    this.#values[slot] = value;
    this.#hashes[slot] = hash;
    this.#lengths[slot] = end - start;
    let word = slot * SLOT_WORDS;
    for (let at = start; at < end - 4; at += 4, word += 1) this.#words[word] = this.#view.getInt32(at, true);
    this.#words[word] = this.#view.getInt32(end - 4, true);
  }
}

function mix(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, 0x9e3779b1);
  return product ^ (product >>> 15);
}
