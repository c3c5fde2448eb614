// Owns the prefix tree of a set of topics: where the many are, so that someone can drill down. Pure.

/** Entries of a tree. */
const MAX_ENTRIES = 60;
const SLASH = 47;

/**
 * Topics whose first levels are the first `from` characters, without the slash behind: `a` and `a/b` share `a`, as `a/#`
 * matches both [MQTT-4.7.1-2]. At the root `from` is -1. Or a single topic, where `name` says so.
 */
type Group = { topics: string[]; count: number; from: number; name: string | undefined; final: boolean };

/**
 * Topic prefix, written as a filter (`plant/line1/#`), to the number of topics below it. The most crowded prefixes are
 * split further as long as there is room; the counts add up to the number of topics, and each topic is in one entry,
 * and is matched by that one alone: who lists an entry gets as many topics as it says.
 * Only prefixes with `crowd` topics or more are split. Each character of a topic is looked at once, however many levels
 * a broker makes of it.
 */
export function topicTree(topics: Iterable<string>, maxEntries = MAX_ENTRIES, crowd = 2): Record<string, number> {
  let entries = split([...topics], -1);
  if (entries.length > maxEntries) entries = foldRest(entries, maxEntries);
  for (;;) {
    const crowded = entries.filter(({ count, final }) => count >= crowd && !final);
    crowded.sort((a, b) => b.count - a.count);
    const found = firstSplit(crowded, maxEntries - entries.length + 1);
    if (!found) break;
    entries = entries.filter((entry) => entry !== found.entry).concat(found.parts);
  }
  // One with too many below it to be split says nothing: better the largest of those.
  const [only] = entries;
  if (entries.length === 1 && only && only.count >= crowd && maxEntries > 1) {
    const parts = split(only.topics, only.from);
    const prefixes = parts.some(({ count }) => count > 1);
    if (prefixes && parts.length > maxEntries) entries = foldRest(parts, maxEntries);
  }
  const rows = entries.map((entry) => [nameOf(entry), entry.count] satisfies [string, number]);
  return Object.fromEntries(rows.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function firstSplit(crowded: Group[], room: number): { entry: Group; parts: Group[] } | undefined {
  for (const entry of crowded) {
    const parts = split(entry.topics, entry.from, room);
    if (parts.length <= room) return { entry, parts };
    // Asked again, it would not fit either.
    entry.final = true;
  }
  return undefined;
}

/** Splits topics that share their first `from` characters by the next level; gives up with more than `most` parts. */
function split(topics: string[], from: number, most = Number.POSITIVE_INFINITY): Group[] {
  const groups = new Map<string | undefined, Group>();
  for (const topic of topics) {
    const slash = topic.indexOf('/', from + 1);
    const end = slash === -1 ? topic.length : slash;
    // The topic that all the others are below.
    const level = topic.length === from ? undefined : topic.slice(from + 1, end);
    const same = groups.get(level);
    if (same) {
      same.topics.push(topic);
      same.count += 1;
      continue;
    }
    groups.set(level, { topics: [topic], count: 1, from: end, name: undefined, final: false });
    if (groups.size > most) break;
  }
  const parts = [...groups.values()];
  for (const part of parts) {
    const [only] = part.topics;
    if (part.count > 1) part.from = commonLevels(part);
    else if (only !== undefined && only.length === part.from) Object.assign(part, { name: only, final: true });
  }
  return parts;
}

/** Where the levels end that all topics of a group share. */
function commonLevels({ topics, from }: Group): number {
  const first = topics[0] ?? '';
  let end = first.length;
  for (const topic of topics) {
    let at = from;
    while (at < end && topic.charCodeAt(at) === first.charCodeAt(at)) at += 1;
    end = at;
  }
  const ends = (topic: string) => topic.length === end || topic.charCodeAt(end) === SLASH;
  if (topics.every(ends)) return end;
  const slash = first.lastIndexOf('/', end - 1);
  return Math.max(slash, from);
}

/** More first levels than entries: the largest stay, the others become one. */
function foldRest(entries: Group[], maxEntries: number): Group[] {
  const bySize = entries.sort((a, b) => b.count - a.count);
  const rest = bySize.slice(maxEntries - 1).reduce((sum, { count }) => sum + count, 0);
  return [...bySize.slice(0, maxEntries - 1), { topics: [], count: rest, from: 0, name: '(others)', final: true }];
}

function nameOf({ topics, from, name }: Group): string {
  return name ?? `${(topics[0] ?? '').slice(0, from)}/#`;
}
