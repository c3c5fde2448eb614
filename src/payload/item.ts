// Owns the step from a message to what the digest needs to know of it. Each payload is decoded once, here.

import { decodePayload } from './decode.ts';
import { severityOf } from './errors-in.ts';
import { type Level, type LevelField, levelsOf } from './level.ts';
import { shapeOf } from './shape.ts';
import type { Decoded, RawMessage, Severity } from './types.ts';

export type DigestItem = {
  topic: string;
  /** Milliseconds. */
  at: number;
  /** The order of arrival where it is known: it tells messages of one millisecond apart. */
  seq?: number;
  severity?: Severity | undefined;
  shape: string;
  /** The level of a scalar payload ... */
  value?: Level | undefined;
  /** ... or the levels within a JSON one. */
  levels?: readonly LevelField[] | undefined;
  /** Anything that tells this content from another: a fingerprint, a text. */
  key?: number | string | undefined;
};

/** `seq`: the place in the order of arrival. `decoded`: where the caller has it already. */
export function itemOf(
  message: RawMessage,
  seq: number,
  decoded: Decoded = decodePayload(message.payload, message.size, message.topic),
): DigestItem {
  const { topic, at } = message;
  const { payload, payload_type: type } = decoded;
  return {
    topic,
    at,
    seq,
    severity: message.severity ?? severityOf({ topic, payload, payload_type: type }),
    shape: shapeOf(payload, type),
    levels: levelsOf(payload, type),
  };
}
