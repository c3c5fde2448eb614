// Owns the cutting of payloads down to what an assistant has room for. What is left of a JSON payload is JSON: whole
// fields, the shortest first, as a reading costs less than a name, a time or a text. Must not know why a message was chosen.

import { evenLimit } from './fit.ts';
import { tokens } from './tokens.ts';
import { isList, isRecord, type WireMessage } from './types.ts';

/** Tokens of a message beside topic, payload and properties: its other fields and all the keys, measured. */
const FIELDS_TOKENS = 58;
/** Of `"payload_truncated":true,`. */
const MARK_TOKENS = 6;
const NUMBER_TOKENS = 3;
/** Characters of a payload that are a token, at most: a row of one letter is no word, and costs what others do. */
const MOST_CHARS = 4;
/** What a payload is left with, however little room there is. */
const LEAST_TOKENS = 14;

/** `shortened`: the indices of those that are shown in part, which say payload_truncated. */
export type Shortened = { messages: WireMessage[]; shortened: number[] };

/** Shortens the longest payloads until the messages cost about `budget` tokens; those of trouble last. */
export function shortenPayloads(messages: readonly WireMessage[], budget: number): Shortened {
  const all = messages.map((message, place) => ({ message, place, cost: jsonTokens(message.payload) }));
  const fixed = messages.reduce((sum, message) => sum + fixedTokens(message), 0);
  if (fixed + costOf(all) <= budget) return { messages: [...messages], shortened: [] };
  const room = Math.max(budget - fixed - all.length * MARK_TOKENS, all.length * LEAST_TOKENS);
  const trouble = all.filter(({ message }) => message.kept_because === 'error');
  const others = all.filter(({ message }) => message.kept_because !== 'error');
  const first = cutTo(trouble, room - others.length * LEAST_TOKENS);
  const cut = [...first, ...cutTo(others, room - costOf(first))].sort((a, b) => a.place - b.place);
  const shortened = cut.filter(({ message }, place) => message !== messages[place]).map(({ place }) => place);
  return { messages: cut.map(({ message }) => message), shortened };
}

/** What messages cost with payloads as short as they get, tokens. */
export function leastTokens(messages: readonly WireMessage[]): number {
  return messages.reduce((sum, message) => sum + fixedTokens(message) + MARK_TOKENS + LEAST_TOKENS, 0);
}

type Costed = { message: WireMessage; place: number; cost: number };

/** How often what whole fields leave of the room is shared out again. */
const ROUNDS = 3;

/** All with payloads of one largest cost, so that they have room. */
function cutTo(all: readonly Costed[], room: number): Costed[] {
  const costs = all.map(({ cost }) => cost);
  let most = evenLimit(costs, room);
  let best: Costed[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const cut = all.map((one) => (one.cost <= most ? one : shortened(one, most)));
    const spare = room - costOf(cut);
    if (best.length > 0 && spare < 0) break;
    best = cut;
    const count = cut.filter((one, i) => one !== all[i]).length;
    if (count === 0 || spare < count) break;
    most += Math.floor(spare / count);
  }
  return best;
}

function shortened({ message, place }: Costed, most: number): Costed {
  const payload = shortPayload(message, most);
  return { message: { ...message, payload, payload_truncated: true }, place, cost: jsonTokens(payload) };
}

function costOf(all: readonly Costed[]): number {
  return all.reduce((sum, { cost }) => sum + cost, 0);
}

function fixedTokens({ topic, properties }: WireMessage): number {
  return FIELDS_TOKENS + tokens(topic) + (properties === undefined ? 0 : jsonTokens(properties));
}

function shortPayload({ payload, payload_type }: WireMessage, most: number): unknown {
  if (typeof payload !== 'string') return shortJson(payload, most);
  const head = headWithin(payload, most);
  return payload_type === 'binary' ? head.slice(0, head.length - (head.length % 4)) : head;
}

/** A part of a JSON value that costs no more than `most`, or next to nothing. */
function shortJson(value: unknown, most: number): unknown {
  if (typeof value === 'string') return headWithin(value, most);
  if (isList(value)) return shortList(value, most);
  return isRecord(value) ? shortRecord(value, most) : value;
}

/** The first elements. */
function shortList(list: readonly unknown[], most: number): unknown[] {
  const short: unknown[] = [];
  let left = most - 1;
  for (const element of list) {
    const cost = jsonTokens(element) + 1;
    if (cost > left) {
      if (short.length === 0 && left > 1) short.push(shortJson(element, left - 1));
      break;
    }
    left -= cost;
    short.push(element);
  }
  return short;
}

/** The fields that cost least, in their order; and a part of the next one where that holds others, or nothing else fits. */
function shortRecord(record: Record<string, unknown>, most: number): Record<string, unknown> {
  const fields = Object.entries(record).map(([key, value], place) => {
    const keyCost = tokens(key) + 3;
    const cost = keyCost + jsonTokens(value);
    // By its digits a number would be in one message and not in the next.
    return { key, value, place, keyCost, cost, rank: typeof value === 'number' ? keyCost + NUMBER_TOKENS : cost };
  });
  fields.sort((a, b) => a.rank - b.rank || a.place - b.place);
  const short: typeof fields = [];
  let left = most - 1;
  for (const field of fields) {
    if (field.cost <= left) short.push(field);
    else {
      const room = left - field.keyCost;
      const nested = typeof field.value === 'object';
      if (room > 1 && (nested || short.length === 0)) short.push({ ...field, value: shortJson(field.value, room) });
      break;
    }
    left -= field.cost;
  }
  short.sort((a, b) => a.place - b.place);
  // fromEntries makes own keys, also of one named `__proto__`.
  return Object.fromEntries(short.map(({ key, value }) => [key, value]));
}

function headWithin(text: string, most: number): string {
  let low = 0;
  let high = Math.max(0, Math.min(text.length, most * MOST_CHARS));
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (costOfText(text.slice(0, middle)) <= most) low = middle;
    else high = middle - 1;
  }
  const last = text.charCodeAt(low - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? low - 1 : low);
}

function jsonTokens(value: unknown): number {
  return costOfText(JSON.stringify(value) ?? '');
}

function costOfText(text: string): number {
  return Math.max(tokens(text), Math.ceil(text.length / MOST_CHARS));
}
