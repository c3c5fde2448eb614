// Owns what a kept message costs beside its payload: a topic has up to 64 KiB, properties 128. Must not know who keeps it.
import type { Message } from './types.ts';

/** The object itself, bytes, roughly. */
const OBJECT_BYTES = 300;

/** In memory, bytes, roughly. */
export function bytesBeside({ topic, properties }: Pick<Message, 'topic' | 'properties'>): number {
  return OBJECT_BYTES + sizeOf(topic) + (properties === undefined ? 0 : sizeOf(properties));
}

/** A text may take two bytes a character. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string') return 2 * value.length;
  if (typeof value !== 'object' || value === null) return 8;
  return Object.entries(value).reduce((sum, [key, one]) => sum + 2 * key.length + 50 + sizeOf(one), 0);
}
