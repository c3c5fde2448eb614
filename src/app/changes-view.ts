// Owns what is shown of watch_changes: a lane a topic with a mark a change, the timeline, events, what moves together.
// Must not know the host.
import type { WatchChangesResult } from '../generated/types.ts';
import { isList, isRecord } from '../payload/types.ts';
import { type Child, el, raw, section, table } from './dom.ts';
import { fresh } from './message-list.ts';
import { clock, count, inLine, milliseconds, number, visible } from './text.ts';
import { absencePart, notesPart, stopState, type View } from './view.ts';
import { VirtualList } from './virtual-list.ts';

type Entry = WatchChangesResult['timeline'][number];
type Field = Entry['changes'][number];
/** One field of one entry: a row. */
type Line = { entry: Entry; field: Field | undefined; first: boolean };

/** Lanes and marks that are drawn; the timeline below has them all. */
const MAX_LANES = 12;
const MAX_MARKS = 1_000;

export function isChanges(result: unknown): result is WatchChangesResult {
  return isRecord(result) && isList(result.timeline) && typeof result.change_count === 'number';
}

export function changesView(result: WatchChangesResult): View {
  const { change_count, message_count, topic_count, watch_duration_seconds, stopped_by } = result;
  const seen = `${count(message_count, 'message')} on ${count(topic_count, 'topic')}`;
  return {
    tool: 'watch_changes',
    title: 'Changes',
    facts: `${count(change_count, 'change')} in ${seen}, ${number(watch_duration_seconds)} s`,
    ...stopState(stopped_by),
    body: [
      el('p', {}, visible(result.summary)),
      lanesPart(result),
      timelinePart(result.timeline),
      ...(result.events ?? []).map((event) => eventPart(event, result.timeline)),
      lagsPart(result.lags),
      foldedPart(result.folded),
      absencePart(result.absence),
      notesPart(result.notes),
    ],
  };
}

/** Where in time each topic moved: for the eye; the timeline says the same in words. */
function lanesPart({ timeline, events, watch_duration_seconds }: WatchChangesResult): HTMLElement | undefined {
  if (timeline.length === 0) return undefined;
  const byTopic = new Map<string, Entry[]>();
  for (const entry of timeline.slice(0, MAX_MARKS)) {
    const lane = byTopic.get(entry.topic);
    if (lane) lane.push(entry);
    else byTopic.set(entry.topic, [entry]);
  }
  const end = Math.max(watch_duration_seconds * 1_000, timeline.at(-1)?.offset_ms ?? 1);
  const at = (offset: number) => `${(Math.min(Math.max(offset / end, 0), 1) * 100).toFixed(2)}%`;
  const lines = (events ?? []).map(({ offset_ms }) => mark('event', at(offset_ms)));
  const busiest = [...byTopic].sort(([, a], [, b]) => b.length - a.length).slice(0, MAX_LANES);
  const lanes = busiest.map(([topic, entries]) => {
    const track = el('div', { class: 'track' }, ...lines.map((line) => line.cloneNode()));
    track.append(...entries.map(({ offset_ms }) => mark('mark', at(offset_ms))));
    return el('div', { class: 'lane' }, raw(topic, 'topic'), track);
  });
  const scale = el(
    'div',
    { class: 'lane scale' },
    el('span', {}),
    el('div', { class: 'ends' }, '0 s', el('span', {}, `${number(end / 1_000)} s`)),
  );
  const label = `${count(byTopic.size, 'topic')} over ${number(end / 1_000)} s; the timeline below has each change`;
  return el('div', { class: 'lanes', role: 'img', 'aria-label': label }, ...lanes, scale);
}

function mark(kind: string, left: string): HTMLElement {
  const node = el('i', { class: kind });
  node.style.left = left;
  return node;
}

function timelinePart(timeline: readonly Entry[]): HTMLElement | undefined {
  const lines: Line[] = timeline.flatMap((entry): Line[] =>
    entry.changes.length === 0
      ? [{ entry, field: undefined, first: true }]
      : entry.changes.map((field, i) => ({ entry, field, first: i === 0 })),
  );
  if (lines.length === 0) return undefined;
  const list = new VirtualList({
    label: 'Timeline of changes',
    role: 'listbox',
    draw: (index, row) => {
      const line = lines[index];
      if (line) row.append(...lineOf(line));
      row.classList.add('change');
    },
  });
  list.reset(lines.length);
  return section('Timeline', list.node);
}

function lineOf({ entry, field, first }: Line): HTMLElement[] {
  const when = el(
    'span',
    { class: 'time', title: clock(entry.timestamp) },
    `+${(entry.offset_ms / 1_000).toFixed(3)} s`,
  );
  const told = el('span', { class: 'payload' }, ...wordsOf(field));
  if (entry.appeared && first) told.prepend(el('span', { class: 'tag good' }, 'new topic'), ' ');
  if (entry.more_changes && first) told.append(el('span', { class: 'dim' }, ` and ${number(entry.more_changes)} more`));
  // Whoever listens hears the time and the topic with every field; whoever looks sees them once.
  const kind = first ? '' : 'again';
  when.classList.toggle('again', !first);
  return [when, raw(entry.topic, `topic ${kind}`), told];
}

function wordsOf(field: Field | undefined): Child[] {
  if (!field) return [];
  const path = field.path === '$' ? [] : [raw(field.path.replace(/^\$\.?/, ''), 'path'), ' '];
  const before = 'before' in field ? [el('del', {}, raw(inLine(field.before, 80))), ' → '] : [];
  return [...path, ...before, 'after' in field ? fresh(field) : el('span', { class: 'tag bad' }, 'gone')];
}

/** The fields that changed stand in the timeline. */
function eventPart(
  event: NonNullable<WatchChangesResult['events']>[number],
  timeline: WatchChangesResult['timeline'],
): HTMLElement {
  const rows = event.changes.flatMap(({ lag_ms, topic }) => {
    const entry = timeline.find((one) => one.topic === topic && one.offset_ms === event.offset_ms + lag_ms);
    const fields: (Field | undefined)[] = entry?.changes ?? [undefined];
    return fields.map((field) => [milliseconds(lag_ms), raw(topic, 'topic'), el('span', {}, ...wordsOf(field))]);
  });
  const heading = `Event at +${(event.offset_ms / 1_000).toFixed(3)} s`;
  const what = el('p', {}, raw(event.topic, 'topic'), ' ', raw(inLine(event.payload)));
  return section(
    heading,
    what,
    table(`Changes around the ${heading.toLowerCase()}`, ['After', 'Topic', 'Change'], rows),
  );
}

function lagsPart(lags: WatchChangesResult['lags']): HTMLElement | undefined {
  if (lags.length === 0) return undefined;
  const rows = lags.map(({ leader, follower, pairs, of, median_ms, min_ms, max_ms }) => [
    raw(leader, 'topic'),
    raw(follower, 'topic'),
    `${number(pairs)} of ${number(of)}`,
    milliseconds(median_ms),
    `${number(min_ms)} to ${milliseconds(max_ms)}`,
  ]);
  return section(
    'Moves together',
    table('Moves together', ['First', 'Then', 'Times', 'After (median)', 'Range'], rows),
  );
}

function foldedPart(folded: WatchChangesResult['folded']): HTMLElement | undefined {
  if (folded.length === 0) return undefined;
  const rows = folded.map(({ topic, path, kind, count: times, minimum, maximum }) => [
    raw(topic, 'topic'),
    raw(path, 'path'),
    kind,
    number(times),
    minimum === undefined ? '–' : `${number(minimum)} to ${number(maximum)}`,
  ]);
  const head = ['Topic', 'Field', 'As', 'Times', 'Range'];
  const summary = el('summary', {}, `${count(folded.length, 'field')} folded away as noise or a clock`);
  return el('details', {}, summary, table('Folded away', head, rows));
}
