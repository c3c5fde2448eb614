// Owns list_topics: which topics exist under a filter, by their retained messages and by what speaks meanwhile.
import type { ListTopicsResult } from '../generated/types.ts';
import { parseFilter } from '../mqtt/topic.ts';
import type { Message, RetainedEnd } from '../mqtt/types.ts';
import { affordable } from '../payload/affordable.ts';
import { boundedCounts } from '../payload/bounded-counts.ts';
import { nothingListed } from './absence.ts';
import { FELL_BEHIND } from './notes.ts';
import { iso, seconds } from './times.ts';
import type { Handler } from './tool.ts';
import { TopicTable } from './topic-table.ts';
import { waitFor } from './waiting.ts';

/** Longest wait for the retained messages beyond the window, ms; a broker that dribbles must not hold the call. */
const MAX_DUMP_MS = 60_000;

/** What topics and tree may take in a result, which is 4 MiB at most. */
const LIST_BYTES = 3 * 1024 * 1024;
const TREE_BYTES = 64 * 1024;

/** Where the messages stopped coming before they were known to be all. */
const unknownEnd: RetainedEnd = { complete: false, evidence: 'quiet_window' };

export const listTopics: Handler<'list_topics'> = async (args, context) => {
  const { session_id, pattern, duration_seconds, max_topics } = args;
  const session = await context.pool.get(session_id, context.signal);
  const table = new TopicTable();
  const began = Date.now();
  const take = (one: Message) => table.take(one);
  const message = () => `${table.size} topics so far`;
  const subscription = await session.listen(pattern, { qos: 0, retained: 'include', signal: context.signal }, take);
  try {
    const { retainedEnd, lost } = subscription;
    const window = waitFor({ ms: duration_seconds * 1000, until: [lost] }, context);
    const until = [Promise.all([retainedEnd, window]).then(([end]) => end), lost.then(() => unknownEnd)];
    const came = await waitFor({ ms: duration_seconds * 1000 + MAX_DUMP_MS, until, message }, context);
    const { fellBehind } = subscription;
    const end = came === 'duration' ? unknownEnd : { ...came, complete: came.complete && !fellBehind };
    const interrupted = subscription.gaps.length > 0;
    const result = resultOf(table, end, max_topics, Date.now() - began);
    if (result.topic_count < Math.min(max_topics, table.size)) {
      result.notes.push(
        `Fewer are listed than max_topics allows: their names are long, and an answer is at most 4 MiB.`,
      );
    }
    result.notes.push(...notesOn(pattern, end, interrupted, table), ...(fellBehind ? [FELL_BEHIND] : []));
    if (table.size === 0) result.absence = nothingListed(pattern, duration_seconds, end, interrupted);
    return result;
  } finally {
    subscription.close();
  }
};

function resultOf(table: TopicTable, end: RetainedEnd, max: number, tookMs: number): ListTopicsResult {
  const all = table.first(max).map(([topic, seen]) => ({
    topic,
    retained: seen.retained,
    message_count: seen.count,
    payload_bytes: seen.bytes,
    last_seen: iso(seen.at),
  }));
  const topics = affordable(all, LIST_BYTES);
  const truncated = table.size > topics.length;
  return {
    status: 'success',
    topics,
    topic_count: topics.length,
    total_topics: table.size,
    truncated,
    retained_complete: end.complete,
    retained_evidence: end.evidence,
    ...(truncated ? { tree: boundedCounts(Object.entries(table.tree()), TREE_BYTES) } : {}),
    discovery_duration_seconds: seconds(tookMs),
    notes: [],
  };
}

function notesOn(pattern: string, end: RetainedEnd, interrupted: boolean, table: TopicTable): string[] {
  const { share, filter } = parseFilter(pattern);
  const notes: string[] = [];
  if (filter === '#' || filter.startsWith('+')) {
    notes.push("Topics that begin with $ are not covered by a leading wildcard; list $SYS/# for the broker's own.");
  }
  if (share !== undefined)
    notes.push('A shared subscription gets no retained messages, and only its share of the live ones.');
  if (!end.complete) notes.push('Not all retained messages may have arrived: list narrower patterns to be sure.');
  if (interrupted) notes.push('The connection was lost meanwhile; what was published then is missing.');
  if (table.overflowed > 0) {
    notes.push(
      `More than ${TopicTable.LIMIT} topics: ${table.overflowed} messages of further ones were not counted as topics.`,
    );
  }
  return notes;
}
