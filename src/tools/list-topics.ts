// Owns list_topics: which topics exist under a filter, by their retained messages and by what speaks meanwhile.
import type { ListTopicsArgs, ListTopicsResult } from '../generated/types.ts';
import { parseFilter } from '../mqtt/topic.ts';
import type { Message, RetainedEnd } from '../mqtt/types.ts';
import { affordable } from '../payload/affordable.ts';
import { boundedCounts } from '../payload/bounded-counts.ts';
import { tokens } from '../payload/tokens.ts';
import { nothingListed } from './absence.ts';
import { lookAround } from './look-around.ts';
import { MAX_PARTS, partsOf, type Settled, settle } from './relisting.ts';
import { iso, seconds } from './times.ts';
import type { Handler } from './tool.ts';
import { TopicTable } from './topic-table.ts';
import { upBetween } from './up-time.ts';
import { waitFor } from './waiting.ts';

/** Longest wait for the retained messages beyond the window, ms; a broker that dribbles must not hold the call. */
const MAX_DUMP_MS = 60_000;

/** What topics and tree may take in a result, which is 4 MiB at most. */
const LIST_BYTES = 3 * 1024 * 1024;
const TREE_BYTES = 64 * 1024;
/** An answer that costs more tokens says so. */
const USUAL_TOKENS = 6_000;
/** Topics it is reckoned by. */
const SAMPLE = 100;
/** Narrower filters that are named where messages are missing, and what they may take. */
const NARROWER = 5;
const NARROWER_BYTES = 4 * 1024;

/** Where the messages stopped coming before they were known to be all. */
const unknownEnd: Settled = { end: { complete: false, evidence: 'quiet_window' }, notes: [] };

export const listTopics: Handler<'list_topics'> = async (args, context) => {
  const { session_id, pattern, duration_seconds, max_topics } = args;
  const session = await context.pool.get(session_id, context.signal);
  const over = new AbortController();
  const signal = AbortSignal.any([context.signal, over.signal]);
  const table = new TopicTable();
  const began = Date.now();
  const take = (one: Message) => table.take(one);
  const message = () => `${table.size} topics so far`;
  // Asked first, and sent in one write with the SUBSCRIBE: what was dropped before is none of ours.
  const before = /[+#]/.test(pattern) ? session.census(false, signal) : Promise.resolve(undefined);
  const subscription = await session.listen(pattern, { qos: 0, retained: 'include', signal: context.signal }, take);
  try {
    const { lost } = subscription;
    const window = waitFor({ ms: duration_seconds * 1000, until: [lost] }, context);
    const settled = subscription.retainedEnd.then((end) => {
      const doubted = subscription.fellBehind ? doubtedAsWell(end) : end;
      return settle({ session, pattern, table, before, signal, durationMs: duration_seconds * 1000 }, doubted);
    });
    const until = [Promise.all([settled, window]).then(([end]) => end), lost.then(() => unknownEnd)];
    const came = await waitFor({ ms: duration_seconds * 1000 + MAX_DUMP_MS, until, message }, context);
    const { end, notes } = came === 'duration' ? unknownEnd : came;
    const interrupted = subscription.gaps.length > 0;
    const result = resultOf(args, table, end, Date.now() - began);
    if (result.topic_count < Math.min(max_topics, table.size)) {
      result.notes.push(
        `Fewer are listed than max_topics allows: their names are long, and an answer is at most 4 MiB.`,
      );
    }
    result.notes.push(...notesOn(pattern, end, interrupted, table), ...notes);
    const cost = costOf(result);
    if (cost > USUAL_TOKENS) result.notes.push(longAnswer(cost));
    if (table.size === 0) {
      const ended = Date.now();
      subscription.close();
      // Beside everything there is nothing to look at.
      const look = interrupted || pattern === '#' ? undefined : await lookAround(session, context);
      const up = { seconds: seconds(ended - began), upSeconds: upBetween(began, ended, subscription.gaps) };
      result.absence = nothingListed(pattern, duration_seconds, end, interrupted, look, up);
    }
    return result;
  } finally {
    over.abort();
    subscription.close();
  }
};

/** What it costs an assistant, tokens, by the first of its topics. */
function costOf({ topics }: ListTopicsResult): number {
  const some = topics.slice(0, SAMPLE);
  return (tokens(JSON.stringify(some)) * topics.length) / Math.max(1, some.length);
}

function longAnswer(cost: number): string {
  const thousands = Math.round(cost / 1_000);
  return `This answer is long, some ${thousands},000 tokens: a narrower pattern or a smaller max_topics shortens it.`;
}

/** More came than could be read: the broker may have dropped some. */
function doubtedAsWell(end: RetainedEnd): RetainedEnd {
  return end.complete ? { ...end, complete: false, doubt: 'many' } : end;
}

function resultOf(
  { pattern, max_topics }: ListTopicsArgs,
  table: TopicTable,
  end: RetainedEnd,
  tookMs: number,
): ListTopicsResult {
  const all = table.first(max_topics).map(([topic, seen]) => ({
    topic,
    retained: seen.retained,
    message_count: seen.count,
    payload_bytes: seen.bytes,
    last_seen: iso(seen.at),
  }));
  const topics = affordable(all, LIST_BYTES);
  const truncated = table.size > topics.length;
  const narrower = end.complete ? [] : narrowerOf(pattern, table);
  return {
    status: 'success',
    topics,
    topic_count: topics.length,
    total_topics: table.size,
    truncated,
    retained_complete: end.complete,
    retained_evidence: end.evidence,
    ...(truncated ? { tree: boundedCounts(Object.entries(table.tree()), TREE_BYTES) } : {}),
    ...(narrower.length > 0 ? { narrower_filters: narrower } : {}),
    discovery_duration_seconds: seconds(tookMs),
    notes: [],
  };
}

/** Where most topics are, most is missing. */
function narrowerOf(pattern: string, table: TopicTable): string[] {
  const few = partsOf(pattern, table);
  const parts = few.length > 0 ? few : partsOf(pattern, table, MAX_PARTS);
  return affordable(parts.slice(0, NARROWER), NARROWER_BYTES);
}

function notesOn(pattern: string, end: RetainedEnd, interrupted: boolean, table: TopicTable): string[] {
  const { share, filter } = parseFilter(pattern);
  const notes: string[] = [];
  if (filter === '#' || filter.startsWith('+')) {
    notes.push("Topics that begin with $ are not covered by a leading wildcard; list $SYS/# for the broker's own.");
  }
  if (share !== undefined)
    notes.push('A shared subscription gets no retained messages, and only its share of the live ones.');
  if (!end.complete) notes.push('Not all retained messages may have arrived: list narrower filters to be sure.');
  if (interrupted) notes.push('The connection was lost meanwhile; what was published then is missing.');
  if (table.overflowed > 0) {
    notes.push(
      `total_topics is a lower bound: ${table.overflowed} messages of topics beyond the first ${table.size} were not counted.`,
    );
  }
  return notes;
}
