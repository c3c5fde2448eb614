// Owns the topic tree as data: topics to nodes with counts, nodes to the rows that are open. Must not know elements.
import type { ListTopicsResult } from '../generated/types.ts';

type Listed = ListTopicsResult['topics'][number];

/** One topic, over all the listings that were made of it. */
export type Topic = Listed & { messages: number; heard: boolean };

export type Level = {
  name: string;
  path: string;
  depth: number;
  children: Map<string, Level>;
  topic: Topic | undefined;
  /** Of everything below, itself included. */
  topics: number;
  messages: number;
  bytes: number;
  /** The newest live message below, ISO 8601; empty where there was none. */
  heard: string;
};

export type Row = { level: Level; open: boolean; place: number; of: number };

/** Topics by name: a map, because a topic may be called __proto__. Counts add up from listing to listing. */
export function addListing(known: Map<string, Topic>, topics: readonly Listed[]): void {
  for (const one of topics) {
    const before = known.get(one.topic);
    // The broker sends what it has stored to every listing: that is one message, however often it is listed.
    const live = one.message_count - (one.retained ? 1 : 0);
    const heard = live > 0;
    const messages = before ? before.messages + live : one.message_count;
    const last_seen = before?.heard && !heard ? before.last_seen : one.last_seen;
    known.set(one.topic, { ...one, last_seen, messages, heard: heard || before?.heard === true });
  }
}

export function treeOf(topics: Iterable<Topic>): Level {
  const root = levelOf('', '', -1);
  for (const topic of topics) {
    const steps = topic.topic.split('/');
    let at = root;
    add(at, topic);
    for (const [depth, name] of steps.entries()) {
      const path = depth === 0 ? name : `${at.path}/${name}`;
      const next = at.children.get(name) ?? levelOf(name, path, depth);
      at.children.set(name, next);
      add(next, topic);
      at = next;
    }
    at.topic = topic;
  }
  return root;
}

function levelOf(name: string, path: string, depth: number): Level {
  const empty = { topics: 0, messages: 0, bytes: 0, heard: '' };
  return { name, path, depth, children: new Map(), topic: undefined, ...empty };
}

function add(level: Level, topic: Topic): void {
  level.topics += 1;
  level.messages += topic.messages;
  level.bytes += topic.payload_bytes;
  if (topic.heard && topic.last_seen > level.heard) level.heard = topic.last_seen;
}

/** What is to be seen, in order. With a text: whatever contains it, and the way there, all open. */
export function rowsOf(root: Level, isOpen: (level: Level) => boolean, text: string): Row[] {
  const rows: Row[] = [];
  const kept = text === '' ? undefined : matching(root, text.toLowerCase());
  const below = ({ children }: Level) => {
    const shown = [...children.values()].filter((child) => kept?.has(child) ?? true);
    return shown.map((level, i) => ({ level, place: i + 1, of: shown.length })).reverse();
  };
  // No recursion: a topic may have thousands of levels.
  const waiting = below(root);
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { level } = next;
    const open = level.children.size > 0 && (kept !== undefined || isOpen(level));
    rows.push({ ...next, open });
    if (open) waiting.push(...below(level));
  }
  return rows;
}

/** The levels whose path has the text, and the way to each. */
function matching(root: Level, wanted: string): Set<Level> {
  const all: { level: Level; above: Level | undefined }[] = [{ level: root, above: undefined }];
  for (const { level } of all) for (const child of level.children.values()) all.push({ level: child, above: level });
  const kept = new Set<Level>();
  for (const { level, above } of all.reverse()) {
    if (!kept.has(level) && !level.path.toLowerCase().includes(wanted)) continue;
    kept.add(level);
    if (above) kept.add(above);
  }
  return kept;
}
