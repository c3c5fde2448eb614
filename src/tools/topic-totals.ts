// Owns what a result says of each topic: messages and bytes, of the loudest topics; the others are added up.
import { most } from '../payload/most.ts';
import { OTHER_TOPICS } from '../payload/omitted.ts';
import { tokens } from '../payload/tokens.ts';
import { wireCost } from '../payload/wire-cost.ts';

/** What one column may take in a result, bytes: a name may be 65,535 long [MQTT-1.5.4]. */
const COLUMN_BYTES = 64 * 1024;
/** Topics counted apart, and the characters of their names: a broker of endless topics must not fill memory. */
export const MAX_TOPICS = 1_000_000;
export const MAX_TOPIC_CHARS = 64 * 1024 * 1024;
/** What came of topics that are not counted apart, as their names are too many or too long. */
export function notToldApart(messages: number, topics: number): string {
  return `${messages} messages came of topics beyond the ${topics} that are told apart, whose names are at most 64 Mi characters and a million: they are in (other topics).`;
}

/** Of a number, in both copies of a result. */
const NUMBER_COST = 2 * 12;
/** Tokens of a number with its quotes, colon and comma. */
const FIGURE_TOKENS = 4;

export type Total = {
  /** Messages that arrived. */
  count: number;
  /** Of their payloads. */
  bytes: number;
  /** Those of them that `match` let through. */
  matched: number;
};

export type Totals = {
  /** In order of the names; of those that are not named, under "(other topics)". Adds up to all that arrived. */
  named: Map<string, Total>;
  /** Topics that are not named. */
  unnamed: number;
};

/** Names at most `limit`, those with the most messages. `beyond`: what arrived of topics that are not in `topics`. */
export function totalsOf(topics: ReadonlyMap<string, Total>, limit: number, beyond: Total = NOTHING): Totals {
  const others = { ...beyond };
  for (const total of topics.values()) add(others, total, 1);
  let left = COLUMN_BYTES;
  const chosen: [string, Total][] = [];
  for (const entry of most(topics, limit, ([, { count }]) => count)) {
    const cost = wireCost(entry[0], left) + NUMBER_COST;
    if (cost > left) continue;
    left -= cost;
    chosen.push(entry);
    add(others, entry[1], -1);
  }
  chosen.sort(([a], [b]) => (a < b ? -1 : 1));
  const named = new Map(chosen);
  if (others.count > 0) named.set(OTHER_TOPICS, sum(named.get(OTHER_TOPICS), others));
  return { named, unnamed: topics.size - chosen.length };
}

/** Of those named, the loudest whose names and figures, in so many columns, an assistant has room for, and `least` anyway. */
export function within({ named, unnamed }: Totals, columns: number, room: number, least = 0): Totals {
  const topics = new Map(named);
  const others = topics.get(OTHER_TOPICS);
  if (unnamed > 0) topics.delete(OTHER_TOPICS);
  let left = room;
  let limit = 0;
  for (const [name] of most(topics, topics.size, ([, { count }]) => count)) {
    left -= columns * (tokens(name) + FIGURE_TOKENS);
    if (left < 0 && limit >= least) break;
    limit += 1;
  }
  if (limit === topics.size) return { named, unnamed };
  const fewer = totalsOf(topics, limit, unnamed > 0 ? others : NOTHING);
  return { named: fewer.named, unnamed: fewer.unnamed + unnamed };
}

const NOTHING: Total = { count: 0, bytes: 0, matched: 0 };

/** One of the three, by topic. */
export function column({ named }: Totals, figure: keyof Total): Record<string, number> {
  return Object.fromEntries([...named].map(([name, total]) => [name, total[figure]]));
}

function add(to: Total, one: Total, times: 1 | -1): void {
  to.count += times * one.count;
  to.bytes += times * one.bytes;
  to.matched += times * one.matched;
}

function sum(one: Total | undefined, other: Total): Total {
  const total = { ...other };
  if (one) add(total, one, 1);
  return total;
}
