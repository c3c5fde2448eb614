// Owns subscribe_and_collect: listen, keep, and return the most telling messages.
import type { SubscribeAndCollectArgs, SubscribeAndCollectResult } from '../generated/types.ts';
import { parseFilter } from '../mqtt/topic.ts';
import type { Subscription } from '../mqtt/types.ts';
import { type Summary, summarise } from '../payload/summary.ts';
import { nothingCollected } from './absence.ts';
import { Inbox } from './inbox.ts';
import { seconds } from './times.ts';
import type { Handler } from './tool.ts';
import { waitFor } from './waiting.ts';

type StoppedBy = SubscribeAndCollectResult['stopped_by'];

export const subscribeAndCollect: Handler<'subscribe_and_collect'> = async (args, context) => {
  const { session_id, topic_pattern, duration_seconds, qos, retained } = args;
  const session = await context.pool.get(session_id, context.signal);
  const inbox = new Inbox(args.max_messages, retained);
  const { signal } = context;
  const subscription = await session.listen(topic_pattern, { qos, retained, signal }, (message) => inbox.take(message));
  const began = Date.now();
  try {
    const lost = subscription.lost.then((): StoppedBy => 'disconnected');
    const full = inbox.full.then((): StoppedBy => 'max_messages');
    const message = () => `${inbox.messages.length} messages so far`;
    const ms = duration_seconds * 1000;
    const stopped = await waitFor({ ms, totalMs: ms, until: [full, lost], message }, context);
    subscription.close();
    return resultOf(args, inbox, subscription, { began, stopped: stillDown(subscription) ? 'disconnected' : stopped });
  } finally {
    subscription.close();
  }
};

/** The window ended while the connection was away. */
function stillDown({ gaps }: Subscription): boolean {
  const last = gaps.at(-1);
  return last !== undefined && last.to === undefined;
}

type Ending = { began: number; stopped: StoppedBy };

function resultOf(args: SubscribeAndCollectArgs, inbox: Inbox, subscription: Subscription, { began, stopped }: Ending) {
  const tookMs = Date.now() - began;
  const summary = summarise(inbox.messages, args.return_messages, began);
  const { kept, omitted } = summary;
  const pruned = omitted.count > 0;
  const result: SubscribeAndCollectResult = {
    status: 'success',
    messages: kept,
    message_count: kept.length,
    original_message_count: inbox.messages.length,
    stopped_by: stopped,
    granted_qos: subscription.grantedQos,
    topics: inbox.counts(),
    pruning_applied: pruned,
    ...(pruned ? { pruning: { omitted: omitted.count, by_topic: omitted.by_topic, by_kind: omitted.by_kind } } : {}),
    collection_duration_seconds: seconds(tookMs),
    notes: notesOn(args, inbox, subscription, summary),
  };
  if (inbox.messages.length > 0) return result;
  const interrupted = subscription.gaps.length > 0 || stopped === 'disconnected';
  const { topic_pattern: pattern, retained } = args;
  const listened = {
    pattern,
    seconds: args.duration_seconds,
    grantedQos: subscription.grantedQos,
    retained,
    interrupted,
  };
  return { ...result, absence: nothingCollected(listened) };
}

function notesOn(args: SubscribeAndCollectArgs, inbox: Inbox, subscription: Subscription, summary: Summary): string[] {
  const { topic_pattern, qos } = args;
  const notes: string[] = [];
  if (subscription.grantedQos < qos) notes.push(`QoS ${qos} was asked for, QoS ${subscription.grantedQos} granted.`);
  for (const { from, to } of subscription.gaps) {
    if (to === undefined)
      notes.push('The connection was lost and did not come back; what was collected before is here.');
    else
      notes.push(`The connection was down for ${seconds(to - from)} s; messages published meanwhile may be missing.`);
  }
  if (inbox.oversized > 0) notes.push(`${inbox.oversized} payloads over ${Inbox.MAX_PAYLOAD_BYTES} bytes were cut.`);
  const { cut, properties_dropped, topics_cut } = summary;
  if (cut > 0) notes.push(`${cut} payloads were cut to keep the answer under 4 MiB.`);
  if (properties_dropped > 0) notes.push(`${properties_dropped} messages lost their properties to keep it there.`);
  if (topics_cut > 0) notes.push(`${topics_cut} topic names were cut to keep it there.`);
  if (parseFilter(topic_pattern).share !== undefined) {
    notes.push('A shared subscription gets no retained messages, and only its share of the live ones.');
  }
  return notes;
}
