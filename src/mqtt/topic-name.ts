// Owns the name under which a topic is known from here on: its own, but for endless ones. Must not know filters.
import { createHash } from 'node:crypto';

/**
 * Characters. V8 hashes no more of a string: thousands of longer topics, alike in length, would all be compared with
 * each other in every Map, 3,000 of them for half a minute.
 */
const MAX_CHARS = 16_383;
const SHOWN_CHARS = 1_000;

/** A longer topic is told by its beginning, its length and a hash of the whole. */
export function topicName(wire: string): string {
  if (wire.length <= MAX_CHARS) return wire;
  const hash = createHash('sha256').update(wire).digest('hex');
  // By way of bytes: a slice would keep the whole of it in memory.
  const beginning = Buffer.from(wire.slice(0, SHOWN_CHARS)).toString();
  return `${beginning}… (${wire.length} characters, SHA-256 ${hash})`;
}
