// Owns the answer of a collection: the most telling messages within what an assistant has room for, and the counts, which
// are exact. Must not know how the messages came.
import type { SubscribeAndCollectArgs, SubscribeAndCollectResult } from '../generated/types.ts';
import { parseFilter } from '../mqtt/topic.ts';
import type { Message, Subscription } from '../mqtt/types.ts';
import { boundedCounts } from '../payload/bounded-counts.ts';
import { MESSAGES_BUDGET_BYTES } from '../payload/fit.ts';
import { most } from '../payload/most.ts';
import { MAX_OMITTED_TOPICS, OTHER_TOPICS } from '../payload/omitted.ts';
import { withRaw } from '../payload/raw.ts';
import { leastTokens, shortenPayloads } from '../payload/shorten.ts';
import { type Summary, summarise } from '../payload/summary.ts';
import { tokens } from '../payload/tokens.ts';
import type { WireMessage } from '../payload/types.ts';
import { nothingCollected } from './absence.ts';
import type { Collector } from './collector.ts';
import type { Held } from './held.ts';
import type { Look } from './look-around.ts';
import { endedEarly, FELL_BEHIND, notesOnFit } from './notes.ts';
import { UNREAD } from './settling.ts';
import { seconds } from './times.ts';
import { column, type Totals, within } from './topic-totals.ts';
import { upBetween } from './up-time.ts';

/**
 * What an answer may cost, tokens, for up to 50 messages; where messages are left out, each further one that was asked
 * for adds more than a message of 200 bytes costs whole. The fields that every message has are more than half of the 50.
 */
const ANSWER_TOKENS = 5_900;
const USUAL_MESSAGES = 50;
const MESSAGE_TOKENS = 200;
/** Of it the topics that are named may take so much, and less where the messages need it. */
const NAMES_TOKENS = 1_200;
const LEAST_NAMES_TOKENS = 600;
/** Topics that a whole window names whatever that costs, some 1,500 tokens. */
const WHOLE_WINDOW_NAMES = 40;
/** What the names of all topics left out may take in a result, bytes. */
const OMITTED_BYTES = 32 * 1024;

export type StoppedBy = NonNullable<SubscribeAndCollectResult['stopped_by']>;
/** Arguments of a collection that listens. */
export type Listening = SubscribeAndCollectArgs & { topic_pattern: string };
/** `reason`: why it ended early. `dropped`: what the broker says it dropped meanwhile, where it was asked and tells. */
export type Ending = {
  began: number;
  tookMs: number;
  stopped: StoppedBy;
  reason: string | undefined;
  dropped: number | undefined;
  /** When the broker last told that, where many messages came after it, ms since the epoch. */
  unknownSince: number | undefined;
  /** Messages were read from the socket and not counted when the wait for them was up. */
  unread: boolean;
};
/** `look`: what else is there, where nothing came. */
type Collection = { inbox: Collector; subscription: Subscription; ending: Ending; look: Look | undefined };

export function collected(args: Listening, collection: Collection, held: Held): SubscribeAndCollectResult {
  const { inbox, subscription, ending } = collection;
  const { began, tookMs, stopped } = ending;
  const messages = inbox.messages();
  const budget = args.raw ? HALF_BUDGET : MESSAGES_BUDGET_BYTES;
  const summary = summarise(messages, args.return_messages, began, budget, inbox.matched > messages.length);
  const pruned = inbox.matched > summary.kept.length;
  const all = inbox.totals();
  const pruning = pruned ? { pruning: pruningOf(inbox, all, summary) } : {};
  const totals = pruned ? namedOf(all, args, namesRoom(args, summary, pruning)) : all;
  const counts = {
    original_message_count: inbox.received,
    ...(args.match === undefined ? {} : { matched_count: inbox.matched }),
    stopped_by: stopped,
    granted_qos: subscription.grantedQos,
    topics: column(totals, 'count'),
    ...(args.whole_window ? { topic_bytes: column(totals, 'bytes') } : {}),
    pruning_applied: pruned,
    ...pruning,
    collection_duration_seconds: seconds(tookMs),
  };
  const notes = [...notesOn(args, collection, totals), ...inbox.notes(), ...notesOnFit(summary)];
  const { shown, in_part } = isWhole(args, pruned)
    ? { shown: summary.kept, in_part: [] }
    : shownOf(args, summary, { counts, notes });
  const kept = new Set(summary.kept_indices);
  const cursors = held.keep({
    left_out: messages.filter((_, index) => !kept.has(index)),
    in_part: messages.filter((_, index) => in_part.includes(index)),
    began,
    session_id: args.session_id,
  });
  if (in_part.length > 0) notes.push(shownInPart(in_part.length, cursors.in_part !== undefined));
  if (cursors.lost > 0) {
    notes.push(
      `${cursors.lost} of the messages left out or shown in part are out of reach of the cursors: 8 MiB are held in all. Narrow the filter.`,
    );
  }
  const result: SubscribeAndCollectResult = {
    status: 'success',
    messages: args.raw ? rawOf(summary, messages) : shown,
    message_count: shown.length,
    ...counts,
    ...(cursors.left_out === undefined ? {} : { next_cursor: cursors.left_out }),
    ...(cursors.in_part === undefined ? {} : { whole_cursor: cursors.in_part }),
    notes,
  };
  return inbox.received > 0 ? result : { ...result, absence: absenceOf(args, collection) };
}

/** With raw, what was decoded and the bytes share the room evenly. */
const HALF_BUDGET = MESSAGES_BUDGET_BYTES / 2;

function rawOf({ kept, kept_indices }: Summary, messages: readonly Message[]): WireMessage[] {
  const originals = kept_indices.flatMap((index) => messages[index] ?? []);
  return withRaw(kept, originals, HALF_BUDGET);
}

/** Who asked for the bytes, or for more messages than usual and got all, has asked for what they cost. */
function isWhole({ raw, return_messages }: Listening, pruned: boolean): boolean {
  return raw || (!pruned && return_messages > USUAL_MESSAGES);
}

/** The kept ones as far as there is room beside the rest of the answer, and which of all are cut. */
function shownOf({ return_messages }: Listening, { kept, kept_indices }: Summary, rest: object) {
  const { messages: shown, shortened } = shortenPayloads(
    kept,
    roomFor(return_messages) - tokens(JSON.stringify(rest)) - ENVELOPE_TOKENS,
  );
  return { shown, in_part: shortened.flatMap((place) => kept_indices[place] ?? []) };
}

function roomFor(count: number): number {
  return ANSWER_TOKENS + Math.max(0, count - USUAL_MESSAGES) * MESSAGE_TOKENS;
}

/** A whole window tells two figures of each topic, and is asked for them. */
function namedOf(all: Totals, { whole_window }: Listening, room: number): Totals {
  return whole_window ? within(all, 2, room, WHOLE_WINDOW_NAMES) : within(all, 1, room);
}

/** What messages, even with the shortest payloads, leave of an answer for the names of topics. */
function namesRoom({ return_messages }: Listening, { kept }: Summary, pruning: object): number {
  const others = leastTokens(kept) + tokens(JSON.stringify(pruning)) + ENVELOPE_TOKENS + NOTES_TOKENS;
  return Math.min(NAMES_TOKENS, Math.max(LEAST_NAMES_TOKENS, roomFor(return_messages) - others));
}

/** status, message_count, the cursors and the note on what is shown in part. */
const ENVELOPE_TOKENS = 150;
/** The counts that are no names, and usual notes. */
const NOTES_TOKENS = 150;

function shownInPart(count: number, held: boolean): string {
  const whole = held ? '; call with cursor: whole_cursor for them whole' : '';
  const are = count === 1 ? '1 payload is' : `${count} payloads are`;
  return `${are} shown in part, without the longest fields or the end of a text, to keep the answer short${whole}.`;
}

function absenceOf(
  { topic_pattern, retained, duration_seconds }: Listening,
  { subscription, ending, look }: Collection,
) {
  const interrupted = subscription.gaps.length > 0 || ending.stopped === 'disconnected';
  const { grantedQos } = subscription;
  return nothingCollected({
    pattern: topic_pattern,
    seconds: duration_seconds,
    grantedQos,
    retained,
    interrupted,
    upSeconds: upBetween(ending.began, ending.began + ending.tookMs, subscription.gaps),
    look,
  });
}

/** What is not among the returned ones, by topic and kind; what was counted but never held has a kind of its own. */
function pruningOf(inbox: Collector, totals: Totals, { kept, omitted }: Summary) {
  const omittedInAll = inbox.matched - kept.length;
  const notHeld = omittedInAll - omitted.count;
  if (notHeld === 0) return { omitted: omittedInAll, by_topic: omitted.by_topic, by_kind: omitted.by_kind };
  const by_topic = leftOutOf(totals, kept);
  return { omitted: omittedInAll, by_topic, by_kind: { ...omitted.by_kind, not_held: notHeld } };
}

/** The topics that lost most, the others added up. */
function leftOutOf(totals: Totals, kept: readonly WireMessage[]): Record<string, number> {
  const left = new Map([...totals.named].map(([topic, { matched }]) => [topic, matched]));
  for (const { topic } of kept) {
    const name = left.has(topic) ? topic : OTHER_TOPICS;
    left.set(name, (left.get(name) ?? 0) - 1);
  }
  let others = left.get(OTHER_TOPICS) ?? 0;
  left.delete(OTHER_TOPICS);
  const named = most(left, MAX_OMITTED_TOPICS, ([, count]) => count).filter(([, count]) => count > 0);
  const all = [...left.values()].reduce((sum, count) => sum + count, 0);
  others += all - named.reduce((sum, [, count]) => sum + count, 0);
  named.sort(([a], [b]) => (a < b ? -1 : 1));
  return boundedCounts(others > 0 ? [...named, [OTHER_TOPICS, others]] : named, OMITTED_BYTES);
}

function notesOn(
  { topic_pattern, qos }: Listening,
  { subscription: { grantedQos, sharedQos, gaps, fellBehind }, ending }: Collection,
  { named, unnamed }: Totals,
): string[] {
  const notes: string[] = [];
  const { reason } = ending;
  if (sharedQos > qos) {
    notes.push(
      `Another collection of the filter on this session asked for QoS ${sharedQos}, so some came with more than QoS ${qos}.`,
    );
  }
  if (fellBehind) notes.push(FELL_BEHIND);
  notes.push(...notesOnLoss(ending));
  if (unnamed > 0) {
    notes.push(
      `topics names the ${named.size - 1} loudest topics; ${unnamed} more are added up in (other topics): a narrower topic_pattern tells them apart.`,
    );
  }
  if (grantedQos < qos) notes.push(`QoS ${qos} was asked for, QoS ${grantedQos} granted.`);
  for (const { from, to } of gaps) {
    const back =
      to === undefined
        ? undefined
        : `was down for ${seconds(to - from)} s; messages published meanwhile may be missing`;
    notes.push(`The connection ${back ?? 'was lost and did not come back; what was collected before is here'}.`);
  }
  if (parseFilter(topic_pattern).share !== undefined) {
    notes.push('A shared subscription gets no retained messages, and only its share of the live ones.');
  }
  if (reason !== undefined) notes.push(endedEarly(reason));
  return notes;
}

function notesOnLoss({ began, tookMs, dropped, unknownSince, unread }: Ending): string[] {
  const notes: string[] = [];
  if (unread) {
    notes.push(UNREAD);
  }
  if (dropped !== undefined && dropped > 0) {
    notes.push(
      `The broker says ($SYS) that it dropped ${dropped} messages to slow readers in this time, this one or others: some may be missing here. Narrow the filter or use QoS 1.`,
    );
  }
  if (unknownSince !== undefined) {
    const ago = seconds(Math.max(0, began + tookMs - unknownSince));
    notes.push(`The broker last told its drop counter ${ago} s before the end: messages dropped since are not known.`);
  }
  return notes;
}
