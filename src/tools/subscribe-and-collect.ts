// Owns subscribe_and_collect: listen, keep, and return the most telling messages; or the next page of what was left out.
import { ToolError } from '../errors.ts';
import type { SubscribeAndCollectArgs, SubscribeAndCollectResult } from '../generated/types.ts';
import { parseFilter } from '../mqtt/topic.ts';
import type { Message, Subscription } from '../mqtt/types.ts';
import { boundedCounts } from '../payload/bounded-counts.ts';
import { MESSAGES_BUDGET_BYTES } from '../payload/fit.ts';
import { withRaw } from '../payload/raw.ts';
import { type Summary, summarise } from '../payload/summary.ts';
import type { WireMessage } from '../payload/types.ts';
import { nothingCollected } from './absence.ts';
import { COUNTS_BYTES, type Collector } from './collector.ts';
import type { Held } from './held.ts';
import { Inbox, type Wanted } from './inbox.ts';
import { nextPage } from './next-page.ts';
import { FELL_BEHIND, notesOnFit } from './notes.ts';
import { seconds } from './times.ts';
import type { Context, Handler } from './tool.ts';
import { waitFor } from './waiting.ts';
import { WindowInbox } from './window-inbox.ts';

type StoppedBy = NonNullable<SubscribeAndCollectResult['stopped_by']>;
/** Arguments of a collection that listens. */
type Listening = SubscribeAndCollectArgs & { topic_pattern: string };

export const subscribeAndCollect: Handler<'subscribe_and_collect'> = async (args, context) => {
  const { topic_pattern, cursor } = args;
  if (cursor !== undefined && topic_pattern === undefined) return nextPage(cursor, args, context.held);
  if (cursor !== undefined || topic_pattern === undefined) throw eitherOr();
  return collect({ ...args, topic_pattern }, context);
};

async function collect(args: Listening, context: Context): Promise<SubscribeAndCollectResult> {
  const { topic_pattern, duration_seconds, qos, retained } = args;
  const { signal } = context;
  // Loaded only where it is wanted: it brings a JSONPath and a regular expression engine.
  const wanted = args.match === undefined ? undefined : (await import('../payload/match.ts')).compileMatch(args.match);
  const session = await context.pool.get(args.session_id, signal);
  const inbox = inboxFor(args, wanted);
  const take = (message: Message) => {
    if (retained !== 'only' || message.retain) inbox.take(message);
  };
  const subscription = await session.listen(topic_pattern, { qos, retained, signal }, take);
  const began = Date.now();
  try {
    let reason: string | undefined;
    const lost = subscription.lost.then((why): StoppedBy => {
      reason = why;
      return 'disconnected';
    });
    const full = inbox.full.then((): StoppedBy => 'max_messages');
    const message = () => `${inbox.received} messages so far`;
    const ms = duration_seconds * 1000;
    const stopped = await waitFor({ ms, totalMs: ms, until: [full, lost], message }, context);
    subscription.close();
    const ending = { began, tookMs: Date.now() - began, stopped: stillDown(subscription) ? 'disconnected' : stopped };
    const result = resultOf(args, inbox, subscription, ending, context.held);
    if (reason !== undefined) result.notes.push(`It ended early: ${reason}.`);
    return result;
  } finally {
    subscription.close();
  }
}

function inboxFor({ whole_window, max_messages }: SubscribeAndCollectArgs, wanted: Wanted | undefined): Collector {
  return whole_window ? new WindowInbox(wanted) : new Inbox(max_messages, wanted);
}

/** The window ended while the connection was away. */
function stillDown({ gaps }: Subscription): boolean {
  const last = gaps.at(-1);
  return last !== undefined && last.to === undefined;
}

type Ending = { began: number; tookMs: number; stopped: StoppedBy };

function resultOf(
  args: Listening,
  inbox: Collector,
  subscription: Subscription,
  { began, tookMs, stopped }: Ending,
  held: Held,
): SubscribeAndCollectResult {
  const messages = inbox.messages();
  const summary = summarise(messages, args.return_messages, began, args.raw ? HALF_BUDGET : MESSAGES_BUDGET_BYTES);
  const pruned = inbox.matched > summary.kept.length;
  const rest = new Set(summary.kept_indices);
  const next_cursor = held.keep({ messages: messages.filter((_, index) => !rest.has(index)), began });
  const result: SubscribeAndCollectResult = {
    status: 'success',
    messages: args.raw ? rawOf(summary, messages) : summary.kept,
    message_count: summary.kept.length,
    original_message_count: inbox.received,
    ...(args.match === undefined ? {} : { matched_count: inbox.matched }),
    stopped_by: stopped,
    granted_qos: subscription.grantedQos,
    topics: inbox.counts(),
    pruning_applied: pruned,
    ...(pruned ? { pruning: pruningOf(inbox, summary) } : {}),
    ...(next_cursor === undefined ? {} : { next_cursor }),
    collection_duration_seconds: seconds(tookMs),
    notes: [...notesOn(args, subscription), ...inbox.notes(), ...notesOnFit(summary)],
  };
  if (inbox.received > 0) return result;
  const interrupted = subscription.gaps.length > 0 || stopped === 'disconnected';
  const { topic_pattern: pattern, retained, duration_seconds } = args;
  const { grantedQos } = subscription;
  return {
    ...result,
    absence: nothingCollected({ pattern, seconds: duration_seconds, grantedQos, retained, interrupted }),
  };
}

/** With raw, what was decoded and the bytes share the room evenly. */
const HALF_BUDGET = MESSAGES_BUDGET_BYTES / 2;

function rawOf({ kept, kept_indices }: Summary, messages: readonly Message[]): WireMessage[] {
  const originals = kept_indices.flatMap((index) => messages[index] ?? []);
  return withRaw(kept, originals, HALF_BUDGET);
}

/** What is not among the returned ones, by topic and kind; what was counted but never held has a kind of its own. */
function pruningOf(inbox: Collector, { kept, omitted }: Summary) {
  const omittedInAll = inbox.matched - kept.length;
  const notHeld = omittedInAll - omitted.count;
  if (notHeld === 0) return { omitted: omittedInAll, by_topic: omitted.by_topic, by_kind: omitted.by_kind };
  const left = new Map(Object.entries(inbox.counts()));
  for (const { topic } of kept) if (left.has(topic)) left.set(topic, (left.get(topic) ?? 0) - 1);
  const by_topic = boundedCounts([...left].filter(([, count]) => count > 0).slice(0, 100), COUNTS_BYTES);
  return { omitted: omittedInAll, by_topic, by_kind: { ...omitted.by_kind, not_held: notHeld } };
}

function notesOn({ topic_pattern, qos }: Listening, { grantedQos, gaps, fellBehind }: Subscription): string[] {
  const notes: string[] = [];
  if (fellBehind) notes.push(FELL_BEHIND);
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
  return notes;
}

function eitherOr(): ToolError {
  const problems = [{ path: '/topic_pattern', expected: 'this argument is required, unless cursor is given instead' }];
  const hint = 'Give topic_pattern to listen, or the next_cursor of an earlier answer to page on.';
  return new ToolError('invalid_arguments', 'Expected exactly one of topic_pattern and cursor.', hint, { problems });
}
