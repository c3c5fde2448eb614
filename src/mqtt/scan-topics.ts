// Owns topic strings made from bytes: the same topic is not decoded twice as long as few enough are in use.
// Must not know messages.

/**
 * Slots; a power of two. A topic has two to choose from, so the cache never holds more than this many and never needs
 * clearing. 16 bytes a slot, and the topics themselves, which whoever counts topics holds anyway.
 */
const SLOTS = 8192;
/** Longer topics are decoded each time: 65,535 bytes are allowed, and a cache of such would be 512 MB. */
const MAX_CACHED_BYTES = 512;

export class TopicCache {
  readonly #topics: string[] = new Array(SLOTS).fill('');

  /** The topic in bytes `start` to `end`, decoded as UTF-8; what is not UTF-8 becomes U+FFFD, as in mqtt.js. */
  get(bytes: Buffer, start: number, end: number): string {
    if (end - start > MAX_CACHED_BYTES) return bytes.toString('utf8', start, end);
    const slot = hash(bytes, start, end) & (SLOTS - 1);
    const found = this.#topics[slot] ?? '';
    if (isSame(found, bytes, start, end)) return found;
    const second = this.#topics[slot ^ 1] ?? '';
    if (isSame(second, bytes, start, end)) return second;
    const topic = bytes.toString('utf8', start, end);
    this.#topics[slot ^ 1] = found;
    this.#topics[slot] = topic;
    return topic;
  }
}

/** A string as long as its bytes is ASCII, or has a U+FFFD that no byte equals: topics beyond ASCII are never found. */
function isSame(topic: string, bytes: Buffer, start: number, end: number): boolean {
  const { length } = topic;
  if (length !== end - start) return false;
  for (let index = 0; index < length; index += 1) {
    if (topic.charCodeAt(index) !== bytes[start + index]) return false;
  }
  return true;
}

/** Four bytes a step, since the multiplications wait for each other. */
function hash(bytes: Buffer, start: number, end: number): number {
  let sum = end - start;
  let at = start;
  for (; at + 3 < end; at += 4) {
    const word =
      (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
    sum = Math.imul(sum ^ word, 0x9e3779b1);
    sum ^= sum >>> 15;
  }
  for (; at < end; at += 1) sum = Math.imul(sum ^ (bytes[at] ?? 0), 0x9e3779b1);
  return sum ^ (sum >>> 15);
}
