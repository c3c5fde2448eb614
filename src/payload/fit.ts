// Owns the limit on the bytes of a result's messages. Must not know how the messages were chosen.

import type { WireMessage } from './types.ts';
import { headWithin, wireCost } from './wire-cost.ts';

/** "4 MiB a JSON-RPC line" (product.md, Limits), less what stands around the messages: counts, notes, the envelope. */
export const MESSAGES_BUDGET_BYTES = 4 * 1024 * 1024 - 256 * 1024;

/** `cut`: payloads; `properties_dropped` and `topics_cut`: messages whose other content had to give way too. */
export type Fitted = { messages: WireMessage[]; cut: number; properties_dropped: number; topics_cut: number };

/** `,"payload_truncated":true` and a comma, twice; `"payload":`, twice. */
const MARK_COST = 64;
const PAYLOAD_KEY_COST = 26;
/** For the brackets of the list, twice, and the odd byte. */
const LIST_COST = 16;

/**
 * Cuts what is largest until both copies of the messages take no more than `budget` bytes. A cut payload keeps its
 * beginning, JSON as text, base64 whole groups; it says payload_truncated. Only where topics and properties alone are
 * more than half of the budget, properties are dropped from the largest messages, then the end of long topics.
 * The budget must have some 1,000 bytes a message.
 */
export function fitMessages(messages: readonly WireMessage[], budget = MESSAGES_BUDGET_BYTES): Fitted {
  const whole = sum(messages.map((message) => wireCost(message, budget) + 2)) + LIST_COST;
  if (whole <= budget) return { messages: [...messages], cut: 0, properties_dropped: 0, topics_cut: 0 };
  const slim = slimDown(messages, Math.floor(budget / 2));
  const fixed = sum(slim.messages.map(fixedCost));
  const costs = slim.messages.map((message) => wireCost(message.payload, budget));
  const most = evenLimit(costs, budget - fixed - LIST_COST);
  let cut = 0;
  const fitted = slim.messages.map((message, i) => {
    if ((costs[i] ?? 0) <= most) return message;
    cut++;
    return cutPayload(message, most);
  });
  return { ...slim, messages: fitted, cut };
}

/** Everything but the payload, and the mark that it may get. */
function fixedCost({ payload: _, ...rest }: WireMessage): number {
  return wireCost(rest) + PAYLOAD_KEY_COST + MARK_COST;
}

/** The largest limit for each that keeps the sum of all within `budget`. */
export function evenLimit(costs: readonly number[], budget: number): number {
  const sorted = costs.toSorted((a, b) => a - b);
  let left = budget;
  for (let i = 0; i < sorted.length; i++) {
    const share = left / (sorted.length - i);
    const cost = sorted[i] ?? 0;
    if (cost > share) return Math.floor(share);
    left -= cost;
  }
  return Number.POSITIVE_INFINITY;
}

function cutPayload(message: WireMessage, most: number): WireMessage {
  const { payload } = message;
  if (message.payload_type === 'binary' && typeof payload === 'string') {
    const head = headWithin(payload, most);
    return { ...message, payload: head.slice(0, head.length - (head.length % 4)), payload_truncated: true };
  }
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
  return { ...message, payload: headWithin(text, most), payload_type: 'text', payload_truncated: true };
}

/** Bounds what is not payload: first properties, then topics, the largest first. */
function slimDown(messages: readonly WireMessage[], budget: number): Omit<Fitted, 'cut'> {
  let slim = [...messages];
  let dropped = 0;
  let cut = 0;
  const most = evenLimit(slim.map(fixedCost), budget);
  slim = slim.map((message) => {
    if (message.properties === undefined || fixedCost(message) <= most) return message;
    dropped++;
    const { properties: _, ...rest } = message;
    return rest;
  });
  const left = evenLimit(slim.map(fixedCost), budget);
  slim = slim.map((message) => {
    const over = fixedCost(message) - left;
    if (over <= 0) return message;
    cut++;
    const most = Math.max(0, wireCost(message.topic) - over - wireCost('…'));
    return { ...message, topic: `${headWithin(message.topic, most)}…` };
  });
  return { messages: slim, properties_dropped: dropped, topics_cut: cut };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
