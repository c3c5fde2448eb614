// Owns the lines of a watch's answer: the changes that tell most and what came around each event, as far as there is room.
// Must not know what else the answer says.
import type { WatchChangesArgs, WatchChangesResult } from '../generated/types.ts';
import type { Entry } from '../payload/change-log.ts';
import { decodePayload } from '../payload/decode.ts';
import { shown } from '../payload/difference.ts';
import { mostTelling } from '../payload/most-telling.ts';
import type { Happening, Happenings } from './happenings.ts';
import { iso } from './times.ts';

/** Fields shown of one message, and where there is no room for all messages. */
const MAX_CHANGES = 8;
const FEW_CHANGES = 3;
/** Events shown, and changes of one. */
const MAX_EVENTS = 10;
const MAX_FOLLOWING = 8;
/** Of a topic, characters: a name may have 65,535. */
const MAX_TOPIC = 500;
/** Of the lines that would fit by their mean size, how many are tried: they are not all of one size. */
const CAUTION = 0.95;
/** The schema's default of event.after_seconds: defaults within an optional object are not in its type. */
const AFTER_SECONDS = 3;

type Event = NonNullable<WatchChangesArgs['event']>;
type Room = { most: number; room: number; began: number; near: (at: number) => boolean };

/** At most `most`, within `room` bytes: first fewer fields of each, then fewer of them; one at least. */
export function linesOf(entries: readonly Entry[], { most, room, began, near }: Room): WatchChangesResult['timeline'] {
  let count = Math.min(most, entries.length);
  let fields = MAX_CHANGES;
  for (;;) {
    const chosen = mostTelling(entries, count, ({ at }) => near(at));
    const lines = chosen.map((entry) => lineOf(entry, began, fields));
    const bytes = bytesOf(lines);
    if (bytes <= room || (count <= 1 && fields === 1)) return lines;
    if (fields === MAX_CHANGES) fields = FEW_CHANGES;
    else if (count > 1) count = Math.max(1, Math.min(count - 1, Math.floor((count * room * CAUTION) / bytes)));
    else fields = 1;
  }
}

/** As many from the front as `room` bytes hold. */
export function within<T>(list: readonly T[], room: number): T[] {
  let left = room;
  const end = list.findIndex((one) => {
    left -= bytesOf(one) + 1;
    return left < 0;
  });
  return list.slice(0, end === -1 ? list.length : end);
}

export function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

export function named(topic: string): string {
  return topic.length <= MAX_TOPIC ? topic : `${topic.slice(0, MAX_TOPIC).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** How long after an event a change is looked at as its own, ms. */
export function afterMsOf(event: Event | undefined): number {
  return (event?.after_seconds ?? AFTER_SECONDS) * 1000;
}

/** Whether a moment is within the time around any event. */
export function nearnessTo(events: readonly Happening[], { event }: WatchChangesArgs): (at: number) => boolean {
  const before = (event?.before_seconds ?? 0) * 1000;
  const after = afterMsOf(event);
  return (at) => events.some((one) => at >= one.at - before && at <= one.at + after);
}

/** What changed is in the timeline, which has those around events first: here only where and when. */
export function eventsOf(event: Event, { kept }: Happenings, entries: readonly Entry[], began: number) {
  return kept.slice(0, MAX_EVENTS).map((one, i) => {
    const next = kept[i + 1]?.at ?? Number.POSITIVE_INFINITY;
    const until = Math.min(one.at + afterMsOf(event), next);
    const from = one.at - (event.before_seconds ?? 0) * 1000;
    const isIt = ({ at, topic }: Entry) => topic === one.topic && at === one.at;
    const around = entries.filter((entry) => entry.at >= from && entry.at <= until && !isIt(entry));
    const { payload } = decodePayload(one.payload, one.size, one.topic);
    return {
      offset_ms: Math.max(0, one.at - began),
      timestamp: iso(one.at),
      topic: named(one.topic),
      payload: shown(payload),
      changes: around.slice(0, MAX_FOLLOWING).map(({ topic, at }) => ({ lag_ms: at - one.at, topic: named(topic) })),
      change_count: around.length,
    };
  });
}

function lineOf({ topic, at, changes, appeared }: Entry, began: number, fields: number) {
  const more = changes.length - fields;
  return {
    offset_ms: Math.max(0, at - began),
    timestamp: iso(at),
    topic: named(topic),
    changes: changes.slice(0, fields),
    ...(more > 0 ? { more_changes: more } : {}),
    ...(appeared ? { appeared: true as const } : {}),
  };
}
