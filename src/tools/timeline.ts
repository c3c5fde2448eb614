// Owns the answer of watch_changes: the changes that tell most, what moves together, what is folded, in what room there is.
import type { WatchChangesArgs, WatchChangesResult } from '../generated/types.ts';
import { quoteText } from '../mqtt/topic.ts';
import type { ChangeLog, Entry, Field } from '../payload/change-log.ts';
import { lagsOf } from '../payload/lags.ts';
import { isClockName } from '../payload/ticking.ts';
import type { Ears } from './ears.ts';
import type { Happenings } from './happenings.ts';
import { FELL_BEHIND } from './notes.ts';
import { bytesOf, eventsOf, linesOf, named, nearnessTo, within } from './timeline-lines.ts';
import { seconds } from './times.ts';

/**
 * An answer is under 3,000 tokens, four bytes each, for up to 40 changes; each further one asked for adds what one costs.
 * Of it events, folded fields and lags may take so much, so that names of 65,535 characters leave room for changes.
 */
const ANSWER_BYTES = 11_600;
const USUAL_CHANGES = 40;
const CHANGE_BYTES = 400;
const EVENTS_BYTES = 2_800;
const FOLDED_BYTES = 1_400;
const LAGS_BYTES = 1_400;
/** Notes, of which there may be more than one. */
const NOTES_BYTES = 400;
const MAX_LAGS = 10;
const MAX_FOLDED = 20;
/** Topics that move together do so within this, ms. */
const LAG_WITHIN_MS = 5_000;
/** A field that rises in this share of its topic's messages, and this often, may be a clock or a counter ... */
const CLOCK_SHARE = 0.9;
const CLOCK_MIN = 5;
/** ... and is one where its name says so, or this share of its steps are those of one. A tank that fills is none. */
const TICK_SHARE = 0.8;

export type Window = { began: number; tookMs: number; stopped_by: WatchChangesResult['stopped_by']; ears: Ears };

export function timelineOf(
  args: WatchChangesArgs,
  log: ChangeLog,
  happenings: Happenings,
  { began, tookMs, stopped_by, ears }: Window,
): WatchChangesResult {
  const clocks = clocksOf(log);
  const entries = withoutClocks(log.entries, clocks);
  const lags = within(lagsOf(seriesOf(log, entries, happenings), LAG_WITHIN_MS, MAX_LAGS), LAGS_BYTES);
  const around = args.event
    ? { events: within(eventsOf(args.event, happenings, entries, began), EVENTS_BYTES), event_count: happenings.count }
    : {};
  const rest = {
    change_count: entries.length,
    message_count: log.messages,
    unchanged_count: log.unchanged,
    topic_count: log.topics,
    ...around,
    lags,
    folded: within(foldedOf(log, clocks), FOLDED_BYTES),
    stopped_by,
    watch_duration_seconds: seconds(tookMs),
  };
  const summary = summaryOf(args, log, entries, happenings, rest);
  const asked = ANSWER_BYTES + Math.max(0, args.return_changes - USUAL_CHANGES) * CHANGE_BYTES;
  const room = asked - bytesOf({ summary, ...rest }) - NOTES_BYTES;
  const timeline = linesOf(entries, {
    most: args.return_changes,
    room,
    began,
    near: nearnessTo(happenings.kept, args),
  });
  return { status: 'success', summary, timeline, ...rest, notes: notesOn(log, entries, timeline.length, ears) };
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

function isClock({ topic, path, told, folded, rising, ticks }: Field, log: ChangeLog): boolean {
  const steps = told + folded;
  const often = steps >= CLOCK_MIN && steps >= CLOCK_SHARE * (log.messagesOn(topic) - 1);
  return path !== '$' && rising && often && (isClockName(path) || ticks >= TICK_SHARE * steps);
}

function withoutClocks(entries: readonly Entry[], clocks: Map<string, Set<string>>): Entry[] {
  return entries.flatMap((entry) => {
    const paths = clocks.get(entry.topic);
    if (!paths) return [entry];
    const changes = entry.changes.filter(({ path }) => !paths.has(path));
    return changes.length === 0 ? [] : [{ ...entry, changes }];
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

function summaryOf(
  { duration_seconds, event }: WatchChangesArgs,
  log: ChangeLog,
  entries: readonly Entry[],
  { count }: Happenings,
  { lags: [lag], folded }: Pick<WatchChangesResult, 'lags' | 'folded'>,
): string {
  if (log.messages === 0) return `Nothing came within ${duration_seconds} s.`;
  const changed = new Set(entries.filter(({ appeared }) => !appeared).map(({ topic }) => topic));
  const first = `${counted(log.messages, 'message')} on ${counted(log.topics, 'topic')}; ${counted(changed.size, 'topic')} changed, ${counted(entries.length, 'entry', 'entries')} in all, ${entries.filter(({ appeared }) => appeared).length} of them a topic heard for the first time.`;
  const happened =
    foldedWords(folded, changed.size) + (event ? ` The event came ${count === 1 ? 'once' : `${count} times`}.` : '');
  if (!lag) return first + happened;
  const [leader, follower] = [quoteText(lag.leader, 80), quoteText(lag.follower, 80)];
  return `${first}${happened} ${follower} followed ${leader} ${lag.pairs} of ${lag.of} times, after ${lag.median_ms} ms (median).`;
}

/** Where nothing is told although something moved, the reader is told what. */
function foldedWords([largest, ...others]: WatchChangesResult['folded'], changed: number): string {
  if (changed > 0 || !largest) return '';
  const more = others.length === 0 ? '' : ` and ${counted(others.length, 'more field')}`;
  return ` Only noise, clocks and counters moved: ${quoteText(largest.path, 80)} of ${quoteText(largest.topic, 80)}${more} (folded); noise_percent 0 tells them.`;
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

function notesOn(log: ChangeLog, entries: readonly Entry[], shown: number, ears: Ears): string[] {
  const notes: string[] = [];
  if (ears.fellBehind) notes.push(FELL_BEHIND);
  if (shown < entries.length) {
    notes.push(
      `${entries.length - shown} of ${entries.length} changes are not shown: narrow the filters, raise the noise threshold or return_changes.`,
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
