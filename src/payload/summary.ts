// Owns the way from received messages to the ones a result shows: decoded once, digested, rendered, fitted.

import { decodePayload } from './decode.ts';
import { digest } from './digest.ts';
import { fitMessages, MESSAGES_BUDGET_BYTES } from './fit.ts';
import { itemOf } from './item.ts';
import type { Omitted } from './omitted.ts';
import { renderMessage } from './render.ts';
import type { RawMessage, WireMessage } from './types.ts';

/** `cut`: payloads that were cut so that the result fits its line, see fitMessages. */
export type Summary = {
  kept: WireMessage[];
  /** Which of the messages given they are. */
  kept_indices: number[];
  omitted: Omitted;
  cut: number;
  properties_dropped: number;
  topics_cut: number;
};

/**
 * The `target` messages most worth reading, in time order. `messages` are in order of arrival, `startedAt` is when the
 * collection began. kept_because is there only where something was left out, here or, with `pruned`, before.
 */
export function summarise(
  messages: readonly RawMessage[],
  target: number,
  startedAt: number,
  budget = MESSAGES_BUDGET_BYTES,
  pruned = false,
): Summary {
  const decoded = messages.map((message) => decodePayload(message.payload, message.size, message.topic));
  const items = messages.map((message, seq) => itemOf(message, seq, decoded[seq]));
  const { kept, omitted } = digest(items, target);
  const rendered = kept.flatMap(({ index, reason }) => {
    const message = messages[index];
    if (message === undefined) return [];
    return [renderMessage(message, startedAt, pruned || omitted.count > 0 ? reason : undefined, decoded[index])];
  });
  const { messages: fitted, ...given } = fitMessages(rendered, budget);
  return { kept: fitted, kept_indices: kept.map(({ index }) => index), omitted, ...given };
}
