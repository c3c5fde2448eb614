// Owns the doubt about a listing: whether all retained messages came, how that is known, and listing again where some may
// be missing. Must not know how a result looks.

import { compileFilter } from '../mqtt/topic.ts';
import { topicTree } from '../mqtt/topic-tree.ts';
import type { Census, Message, RetainedEnd, Session } from '../mqtt/types.ts';
import type { TopicTable } from './topic-table.ts';

/** Listing again begins no further part after that, ms; counts of the broker are waited for beyond. */
const MAX_PARTS_MS = 10_000;
/** Narrower filters that one listing is done again by. */
export const MAX_PARTS = 400;
/** Topics of a part that is not parted further: a broker holds so many for us, and more that are missing. */
const PART_TOPICS = 300;
/** Wait for a new count where nothing speaks for a loss, ms. */
const MIN_PATIENCE_MS = 2_500;
/** How often it is all listed again. */
const MAX_ROUNDS = 2;

export type Listing = {
  session: Session;
  pattern: string;
  table: TopicTable;
  /** What the broker counted before it was asked for the messages. */
  before: Promise<Census | undefined>;
  signal: AbortSignal;
  /** How long the call lasts anyway, ms: so long a new count is waited for where nothing speaks for a loss. */
  durationMs: number;
};

export type Settled = { end: RetainedEnd; notes: string[] };

/**
 * The end of a listing whose messages are in. In doubt, any of these makes it complete:
 * - its retained topics are as many as the broker holds in all (`$SYS/broker/retained messages/count`);
 * - the broker dropped nothing for anybody (`$SYS/broker/publish/messages/dropped`) from a count before to one after.
 * Where nothing speaks for a loss, a new count is waited for only as long as the call lasts anyway, or 2.5 s. Otherwise
 * it is listed again, by narrower filters and as a whole, and counted anew. Takes up to half a minute.
 */
export async function settle(listing: Listing, first: RetainedEnd): Promise<Settled> {
  const { doubt } = first;
  if (first.complete || doubt === undefined) return { end: first, notes: [] };
  if (doubt === 'none') return { end: first, notes: [WHY[doubt]] };
  const had = listing.table.retained;
  const unproven: Proof = { proven: false, notes: [] };
  const { proven, notes } = await proof(listing, doubt !== 'many').catch(() => unproven);
  const found = listing.table.retained - had;
  const again = found > 0 ? [`The broker dropped messages at first: ${found} topics were found by listing again.`] : [];
  if (proven) return { end: { complete: true, evidence: 'ordered' }, notes: again };
  return { end: first, notes: [...(notes.length > 0 ? notes : [WHY[doubt]]), ...again] };
}

const WHY = {
  none: 'Nothing retained came, and not every broker sends retained messages to a filter with wildcards (RabbitMQ does not): list a full topic name to find out.',
  unanswered: 'The broker did not answer what was asked behind the retained messages: it may have dropped some.',
  many: 'More came at once than brokers are sure to hold for a client, and this one does not tell whether it dropped any.',
  dropped: 'The broker dropped an answer to us, so maybe retained messages too.',
};

const NOT_COUNTED =
  'More came at once than brokers are sure to hold for a client, and the broker has not counted anew yet what it dropped: with duration_seconds 12 a listing waits for that.';

type Proof = { proven: boolean; notes: string[] };

async function proof(listing: Listing, dropped: boolean): Promise<Proof> {
  const { table, session, signal } = listing;
  const before = await listing.before;
  let last = before ?? (await session.census(false, signal));
  if (!last) return { proven: false, notes: [] };
  if (fits(listing, last)) return { proven: true, notes: [] };
  // Where the answer to the first question was dropped, only what is listed again can be proven.
  if (dropped || !before || lacks(listing, last)) {
    const counted = last;
    await listAgain(listing, () => fits(listing, counted));
    if (fits(listing, last)) return { proven: true, notes: [] };
  }
  // A mosquitto counts anew every 10 s by default: too long for who only has many topics.
  const patient = dropped || lacks(listing, last);
  const short = AbortSignal.any([signal, AbortSignal.timeout(Math.max(MIN_PATIENCE_MS, listing.durationMs))]);
  const notes: string[] = [];
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    const now = await session.census(true, patient || round > 1 ? signal : short);
    if (!now) {
      if (!patient && !signal.aborted) notes.push(NOT_COUNTED);
      break;
    }
    const none = now.dropped !== undefined && now.dropped === last.dropped;
    if (none || fits(listing, now)) return { proven: true, notes: [] };
    notes.splice(0, notes.length, ...whatCounts(listing, last, now));
    if (round < MAX_ROUNDS) await listAgain(listing, () => fits(listing, now));
    last = now;
    if (table.overflowed > 0) break;
  }
  return { proven: false, notes };
}

function whatCounts(listing: Listing, last: Census, now: Census): string[] {
  const notes: string[] = [];
  if (last.dropped !== undefined && now.dropped !== undefined) {
    const counter = '$SYS/broker/publish/messages/dropped';
    const many = now.dropped - last.dropped;
    notes.push(
      `The broker dropped ${many} messages meanwhile, perhaps some of these (${counter} went from ${last.dropped} to ${now.dropped}).`,
    );
  }
  if (lacks(listing, now)) {
    notes.push(`The broker holds ${now.retained} retained messages outside $SYS, ${listing.table.retained} came.`);
  }
  return notes;
}

/** As many as the broker holds: then these are all, as none of them is counted twice. */
function fits({ pattern, table }: Listing, { retained }: Census): boolean {
  return !pattern.startsWith('$') && retained !== undefined && table.retained === retained;
}

/** Fewer than the broker holds, where the filter is for all of them. */
function lacks({ pattern, table }: Listing, { retained }: Census): boolean {
  return pattern === '#' && retained !== undefined && table.retained < retained;
}

/** By narrower filters first, each of which the broker is more likely to answer in full; then as a whole. */
async function listAgain({ session, pattern, table, signal }: Listing, all: () => boolean): Promise<void> {
  const until = Date.now() + MAX_PARTS_MS;
  const match = compileFilter(pattern);
  const take = (message: Message) => {
    if (match(message.topic)) table.takeMissing(message);
  };
  for (const filter of [...partsOf(pattern, table, MAX_PARTS), pattern]) {
    if (all()) return;
    if (filter !== pattern && Date.now() > until) continue;
    const part = await session.listen(filter, { qos: 0, retained: 'only', signal }, take);
    try {
      await part.retainedEnd;
    } finally {
      part.close();
    }
  }
}

/** Filters within the pattern that have its topics seen so far between them, single ones left out; most crowded first. */
export function partsOf(pattern: string, table: TopicTable, most?: number): string[] {
  if (!pattern.endsWith('#') || pattern.includes('+')) return [];
  const entries = Object.entries(topicTree(table.topics(), most, PART_TOPICS));
  const parts = entries.filter(([name]) => name.endsWith('/#') && name !== pattern);
  return parts.sort(([, a], [, b]) => b - a).map(([name]) => name);
}
