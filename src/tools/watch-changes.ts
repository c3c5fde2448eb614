// Owns watch_changes: listens to several filters and tells only what changed, in order, also around an event.
import { compileFilter, parseFilter } from '../mqtt/topic.ts';
import type { Message } from '../mqtt/types.ts';
import { ChangeLog } from '../payload/change-log.ts';
import { nothingCollected, nothingOnAny } from './absence.ts';
import { listenAll } from './ears.ts';
import { Happenings } from './happenings.ts';
import { lookAround } from './look-around.ts';
import { endedEarly } from './notes.ts';
import { leavesUnread, UNREAD } from './settling.ts';
import { timelineOf } from './timeline.ts';
import { afterMsOf } from './timeline-lines.ts';
import type { Handler } from './tool.ts';
import { upBetween } from './up-time.ts';
import { waitFor } from './waiting.ts';

export const watchChanges: Handler<'watch_changes'> = async (args, context) => {
  const { topic_patterns, duration_seconds, qos, event } = args;
  const { signal } = context;
  const test = event?.match === undefined ? undefined : (await import('../payload/match.ts')).compileMatch(event.match);
  const session = await context.pool.get(args.session_id, signal);
  const log = new ChangeLog({ percent: args.noise_percent, absolute: args.noise_absolute }, context.room);
  const happenings = new Happenings();
  const isWatched = topic_patterns.map((pattern) => compileFilter(parseFilter(pattern).filter));
  const isEvent = event ? compileFilter(parseFilter(event.topic_pattern).filter) : () => false;
  const take = (message: Message) => {
    if (!message.retain && isEvent(message.topic) && (test?.test(message.payload, message.topic) ?? true))
      happenings.take(message);
    if (isWatched.some((matches) => matches(message.topic)))
      log.take(message, happenings.precedes(message.at, afterMsOf(event)));
  };
  const filters = [...topic_patterns, ...(event ? [event.topic_pattern] : [])];
  const ears = await listenAll(session, filters, { qos, retained: 'include', signal }, take);
  const began = Date.now();
  try {
    const lost = ears.lost.then(() => 'disconnected' as const);
    const ms = duration_seconds * 1000;
    const message = () => `${log.messages} messages, ${log.entries.length} changes so far`;
    const stopped_by = await waitFor({ ms, totalMs: ms, until: [lost], message }, context);
    const tookMs = Date.now() - began;
    const reading = { readers: [ears], count: () => log.messages };
    const unread = stopped_by === 'duration' && (await leavesUnread(reading, context));
    ears.close();
    const result = timelineOf(args, log, happenings, { began, tookMs, stopped_by, ears });
    if (unread) result.notes.push(UNREAD);
    if (stopped_by === 'disconnected') result.notes.push(endedEarly(await ears.lost));
    if (log.messages > 0) return result;
    const interrupted = stopped_by === 'disconnected' || ears.gaps.length > 0;
    const ended = began + result.watch_duration_seconds * 1000;
    const upSeconds = upBetween(began, ended, ears.gaps);
    const look = interrupted ? undefined : await lookAround(session, context);
    const absences = topic_patterns.map((pattern) => {
      const grantedQos = ears.grantedQos[pattern] ?? 0;
      const listened = { pattern, seconds: duration_seconds, grantedQos, retained: 'exclude' as const };
      return nothingCollected({ ...listened, interrupted, upSeconds, look });
    });
    return { ...result, absence: nothingOnAny(absences) };
  } finally {
    ears.close();
  }
};
