// Owns subscribe_and_collect: listens for a while, or pages through what an earlier answer left out. Must not know what
// the answer looks like.
import { ToolError } from '../errors.ts';
import type { SubscribeAndCollectArgs, SubscribeAndCollectResult } from '../generated/types.ts';
import type { Message, Subscription } from '../mqtt/types.ts';
import type { Room } from '../payload/types.ts';
import { collected, type Listening, type StoppedBy } from './collected.ts';
import type { Collector } from './collector.ts';
import { type Drops, watchDrops } from './drops.ts';
import { Inbox, type Wanted } from './inbox.ts';
import { lookAround } from './look-around.ts';
import { nextPage } from './next-page.ts';
import { leavesUnread } from './settling.ts';
import type { Context, Handler } from './tool.ts';
import { waitFor } from './waiting.ts';
import { WindowInbox } from './window-inbox.ts';

export const subscribeAndCollect: Handler<'subscribe_and_collect'> = async (args, context) => {
  const { topic_pattern, cursor } = args;
  if (cursor !== undefined && topic_pattern === undefined) return nextPage(cursor, args, context);
  if (cursor !== undefined || topic_pattern === undefined) throw eitherOr();
  return collect({ ...args, topic_pattern }, context);
};

async function collect(args: Listening, context: Context): Promise<SubscribeAndCollectResult> {
  const { topic_pattern, duration_seconds, qos, retained } = args;
  const { signal } = context;
  // Loaded only where it is wanted: it brings a JSONPath and a regular expression engine.
  const wanted = args.match === undefined ? undefined : (await import('../payload/match.ts')).compileMatch(args.match);
  const session = await context.pool.get(args.session_id, signal);
  const inbox = inboxFor(args, wanted, context.room);
  let drops: Drops | undefined;
  let beyond = 0;
  const take = (message: Message) => {
    if (retained === 'only' && !message.retain) return;
    drops?.saw(message.at);
    const before = inbox.received;
    inbox.take(message);
    if (inbox.received === before) beyond += 1;
  };
  const subscription = await session.listen(topic_pattern, { qos, retained, signal }, take);
  const began = Date.now();
  // Where a broker is busy it may drop messages; where it is not, one more subscription is not worth it.
  drops = args.whole_window ? watchDrops(session, signal) : undefined;
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
    const tookMs = Date.now() - began;
    const reading = { readers: [subscription], count: () => inbox.received, enough: inbox.full };
    const unread = stopped === 'duration' && (await leavesUnread(reading, context));
    await subscription.leave();
    const ending = {
      began,
      tookMs,
      unread,
      stopped: stillDown(subscription) ? 'disconnected' : stopped,
      reason,
      dropped: drops?.count(),
      unknownSince: drops?.unknownSince(),
    };
    const silent = inbox.received === 0 && ending.stopped === 'duration' && subscription.gaps.length === 0;
    const look = silent ? await lookAround(session, context) : undefined;
    const result = collected(
      { ...args, session_id: session.facts.id },
      { inbox, subscription, ending, look },
      context.held,
    );
    if (beyond > 0 && topic_pattern.startsWith('$share/')) result.notes.push(lostToGroup(beyond));
    return result;
  } finally {
    drops?.close();
    subscription.close();
  }
}

/** What a member is given is given to nobody else. */
function lostToGroup(count: number): string {
  return `Beyond max_messages the broker gave this member ${count} more of the group's messages before it had left; they are in no answer. End by duration_seconds to lose none.`;
}

function inboxFor(
  { whole_window, max_messages }: SubscribeAndCollectArgs,
  wanted: Wanted | undefined,
  room: Room,
): Collector {
  return whole_window ? new WindowInbox(wanted, room) : new Inbox(max_messages, wanted, room);
}

/** The window ended while the connection was away. */
function stillDown({ gaps }: Subscription): boolean {
  const last = gaps.at(-1);
  return last !== undefined && last.to === undefined;
}

function eitherOr(): ToolError {
  const problems = [{ path: '/topic_pattern', expected: 'this argument is required, unless cursor is given instead' }];
  const hint = 'Give topic_pattern to listen, or the next_cursor of an earlier answer to page on.';
  return new ToolError('invalid_arguments', 'Expected exactly one of topic_pattern and cursor.', hint, { problems });
}
