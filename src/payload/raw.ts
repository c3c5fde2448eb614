// Owns the bytes of messages as received, beside what was read out of them. Must not know how they were decoded.

import { evenLimit } from './fit.ts';
import type { RawBytes, RawMessage, WireMessage } from './types.ts';

/** Bytes shown in hexadecimal: a header, to the eye. */
const HEAD_BYTES = 64;
/** Of `"raw":{"base64":"","hex_head":"","truncated":true},` and of the head, in both copies of a result. */
const FIXED_COST = 2 * 64 + 2 * 2 * HEAD_BYTES;

/**
 * Each message with `raw`, within `budget` bytes of a result: the largest are cut first. `originals` are those that the
 * messages were made of, in the same order. truncated: not all that was sent is here.
 */
export function withRaw(
  messages: readonly WireMessage[],
  originals: readonly RawMessage[],
  budget: number,
): WireMessage[] {
  const costs = originals.map(({ payload }) => 2 * 4 * Math.ceil(payload.length / 3));
  const most = evenLimit(costs, budget - messages.length * FIXED_COST);
  const bytes = Math.max(0, Math.floor(most / 8) * 3);
  return messages.map((message, i) => {
    const original = originals[i];
    return original === undefined ? message : { ...message, raw: rawOf(original, bytes) };
  });
}

function rawOf({ payload, size }: RawMessage, most: number): RawBytes {
  const shown = payload.subarray(0, most);
  return {
    base64: shown.toString('base64'),
    hex_head: payload.toString('hex', 0, HEAD_BYTES),
    ...(shown.length < size ? { truncated: true } : {}),
  };
}
