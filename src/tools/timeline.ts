// Owns the answer of watch_changes: the changes that tell most, what followed each event, what moves together.
import type { WatchChangesArgs, WatchChangesResult } from '../generated/types.ts';
import { quoteText } from '../mqtt/topic.ts';
import type { ChangeLog, Entry, Field } from '../payload/change-log.ts';
import { decodePayload } from '../payload/decode.ts';
import { shown } from '../payload/difference.ts';
import { lagsOf } from '../payload/lags.ts';
import { mostTelling } from '../payload/most-telling.ts';
import type { Ears } from './ears.ts';
import type { Happening, Happenings } from './happenings.ts';
import { FELL_BEHIND } from './notes.ts';
import { iso, seconds } from './times.ts';

/** Shown of one message, of one event, and in all. */
const MAX_CHANGES = 8;
const MAX_EVENTS = 10;
const MAX_FOLLOWING = 8;
const MAX_FOLDED = 20;
const MAX_LAGS = 10;
/** Of a topic, characters: a name may have 65,535. */
const MAX_TOPIC = 500;
/** Topics that move together do so within this, ms. */
const LAG_WITHIN_MS = 5_000;
/** The schema's default of event.after_seconds: defaults within an optional object are not in its type. */
const AFTER_SECONDS = 3;
/** A field that rises in this share of its topic's messages, and this often, is a clock or a counter. */
const CLOCK_SHARE = 0.9;
const CLOCK_MIN = 5;

export type Window = { began: number; tookMs: number; stopped_by: WatchChangesResult['stopped_by']; ears: Ears };

export function timelineOf(
  args: WatchChangesArgs,
  log: ChangeLog,
  happenings: Happenings,
  { began, tookMs, stopped_by, ears }: Window,
): WatchChangesResult {
  const clocks = clocksOf(log);
  const entries = withoutClocks(log.entries, clocks);
  const near = nearnessTo(happenings.kept, args);
  const chosen = mostTelling(entries, args.return_changes, (entry) => near(entry.at));
  const events = eventsOf(args, happenings, entries, began);
  const lags = lagsOf(seriesOf(log, entries, happenings), LAG_WITHIN_MS, MAX_LAGS);
  return {
    status: 'success',
    summary: summaryOf(args, log, entries, happenings, lags),
    timeline: chosen.map((entry) => lineOf(entry, began)),
    change_count: entries.length,
    message_count: log.messages,
    unchanged_count: log.unchanged,
    topic_count: log.topics,
    ...(args.event ? { events, event_count: happenings.count } : {}),
    lags,
    folded: foldedOf(log, clocks),
    stopped_by,
    watch_duration_seconds: seconds(tookMs),
    notes: notesOn(log, entries, chosen, ears),
  };
}

/** Uptimes, sequence numbers and timestamps change in every message and tell nothing: by topic, their paths. */
function clocksOf(log: ChangeLog): Map<string, Set<string>> {
  const clocks = new Map<string, Set<string>>();
  for (const field of log.fields()) {
    if (!isClock(field, log)) continue;
    const paths = clocks.get(field.topic) ?? new Set();
    clocks.set(field.topic, paths.add(field.path));
  }
  return clocks;
}

function isClock({ topic, path, told, folded, rising }: Field, log: ChangeLog): boolean {
  const steps = told + folded;
  return path !== '$' && rising && steps >= CLOCK_MIN && steps >= CLOCK_SHARE * (log.messagesOn(topic) - 1);
}

function withoutClocks(entries: readonly Entry[], clocks: Map<string, Set<string>>): Entry[] {
  return entries.flatMap((entry) => {
    const paths = clocks.get(entry.topic);
    if (!paths) return [entry];
    const changes = entry.changes.filter(({ path }) => !paths.has(path));
    return changes.length === 0 ? [] : [{ ...entry, changes }];
  });
}

function lineOf({ topic, at, changes, appeared }: Entry, began: number) {
  const more = changes.length - MAX_CHANGES;
  return {
    offset_ms: Math.max(0, at - began),
    timestamp: iso(at),
    topic: named(topic),
    changes: changes.slice(0, MAX_CHANGES),
    ...(more > 0 ? { more_changes: more } : {}),
    ...(appeared ? { appeared: true as const } : {}),
  };
}

/** Whether a moment is within the time around any event. */
function nearnessTo(events: readonly Happening[], { event }: WatchChangesArgs): (at: number) => boolean {
  const before = (event?.before_seconds ?? 0) * 1000;
  const after = (event?.after_seconds ?? AFTER_SECONDS) * 1000;
  return (at) => events.some((one) => at >= one.at - before && at <= one.at + after);
}

function eventsOf({ event }: WatchChangesArgs, { kept }: Happenings, entries: readonly Entry[], began: number) {
  if (!event) return [];
  return kept.slice(0, MAX_EVENTS).map((one, i) => {
    const until = Math.min(
      one.at + (event.after_seconds ?? AFTER_SECONDS) * 1000,
      kept[i + 1]?.at ?? Number.POSITIVE_INFINITY,
    );
    const from = one.at - (event.before_seconds ?? 0) * 1000;
    const around = entries.filter(
      ({ at, topic }) => at >= from && at <= until && !(topic === one.topic && at === one.at),
    );
    const { payload } = decodePayload(one.payload, one.size, one.topic);
    return {
      offset_ms: Math.max(0, one.at - began),
      timestamp: iso(one.at),
      topic: named(one.topic),
      payload: shown(payload),
      changes: around.slice(0, MAX_FOLLOWING).map(({ topic, at, changes }) => ({
        lag_ms: at - one.at,
        topic: named(topic),
        changes: changes.slice(0, 3),
      })),
      change_count: around.length,
    };
  });
}

function seriesOf(log: ChangeLog, entries: readonly Entry[], { kept }: Happenings) {
  const times = new Map<string, number[]>();
  const add = (topic: string, at: number) => {
    const list = times.get(topic);
    if (!list) times.set(topic, [at]);
    else if (list.at(-1) !== at) list.push(at);
  };
  const eventTopics = new Set(kept.map(({ topic }) => topic));
  for (const { topic, at } of kept) add(topic, at);
  for (const { topic, at } of entries) if (!eventTopics.has(topic)) add(topic, at);
  return [...times].map(([topic, moments]) => ({
    name: named(topic),
    times: moments,
    arrivals: log.arrivalsOn(topic),
  }));
}

function foldedOf(log: ChangeLog, clocks: Map<string, Set<string>>): WatchChangesResult['folded'] {
  const folded: WatchChangesResult['folded'] = [];
  for (const field of log.fields()) {
    const { topic, path, told, folded: noise, minimum, maximum } = field;
    const range = Number.isFinite(minimum) ? { minimum, maximum } : {};
    if (clocks.get(topic)?.has(path))
      folded.push({ topic: named(topic), path, kind: 'clock', count: told + noise, ...range });
    else if (noise > 0) folded.push({ topic: named(topic), path, kind: 'noise', count: noise, ...range });
  }
  return folded.toSorted((a, b) => b.count - a.count).slice(0, MAX_FOLDED);
}

function named(topic: string): string {
  return topic.length <= MAX_TOPIC ? topic : `${topic.slice(0, MAX_TOPIC).replace(/[\ud800-\udbff]$/, '')}…`;
}

function summaryOf(
  { duration_seconds, event }: WatchChangesArgs,
  log: ChangeLog,
  entries: readonly Entry[],
  { count }: Happenings,
  [lag]: WatchChangesResult['lags'],
): string {
  if (log.messages === 0) return `Nothing came within ${duration_seconds} s.`;
  const changed = new Set(entries.filter(({ appeared }) => !appeared).map(({ topic }) => topic));
  const first = `${counted(log.messages, 'message')} on ${counted(log.topics, 'topic')}; ${counted(changed.size, 'topic')} changed, ${counted(entries.length, 'entry', 'entries')} in all, ${entries.filter(({ appeared }) => appeared).length} of them a topic heard for the first time.`;
  const happened = event ? ` The event came ${count === 1 ? 'once' : `${count} times`}.` : '';
  if (!lag) return first + happened;
  const [leader, follower] = [quoteText(lag.leader, 80), quoteText(lag.follower, 80)];
  return `${first}${happened} ${follower} followed ${leader} ${lag.pairs} of ${lag.of} times, after ${lag.median_ms} ms (median).`;
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

function notesOn(log: ChangeLog, entries: readonly Entry[], chosen: readonly Entry[], ears: Ears): string[] {
  const notes: string[] = [];
  if (ears.fellBehind) notes.push(FELL_BEHIND);
  if (chosen.length < entries.length) {
    notes.push(
      `${entries.length - chosen.length} of ${entries.length} changes are not shown: narrow the filters, raise the noise threshold or return_changes.`,
    );
  }
  if (log.droppedEntries > 0) notes.push(`${log.droppedEntries} changes were not kept: there is a limit.`);
  if (log.droppedTopics > 0) notes.push(`${log.droppedTopics} messages came on more topics than can be followed.`);
  for (const { from, to } of ears.gaps) {
    const back =
      to === undefined
        ? 'was lost and did not come back'
        : `was down for ${seconds(to - from)} s; changes meanwhile may be missing`;
    notes.push(`The connection ${back}.`);
  }
  return notes;
}
