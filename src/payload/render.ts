// Owns the message as the assistant sees it: product.md, "A message". Must not know why it was chosen.

import { decodePayload } from './decode.ts';
import type { Decoded, KeptBecause, RawMessage, WireMessage } from './types.ts';

export { type Fitted, fitMessages, MESSAGES_BUDGET_BYTES } from './fit.ts';

/** `startedAt`: when the collection began, milliseconds since the epoch. `decoded`: where the caller has it already. */
export function renderMessage(
  message: RawMessage,
  startedAt: number,
  keptBecause?: KeptBecause,
  decoded: Decoded = decodePayload(message.payload, message.size, message.topic),
): WireMessage {
  const { topic, size, qos, retain, dup, at, properties } = message;
  return {
    topic,
    ...decoded,
    size_bytes: size,
    qos,
    retain,
    dup,
    timestamp: new Date(at).toISOString(),
    offset_ms: Math.max(0, Math.round(at - startedAt)),
    ...(properties !== undefined && Object.keys(properties).length > 0 ? { properties } : {}),
    ...(keptBecause === undefined ? {} : { kept_because: keptBecause }),
  };
}
