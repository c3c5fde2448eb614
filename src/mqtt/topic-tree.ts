// Owns the prefix tree of a set of topics: where the many are, so that someone can drill down. Pure.

/** Entries of a tree. */
const MAX_ENTRIES = 60;

type Group = { prefix: string; topics: string[]; depth: number; leaf: boolean };

/**
 * Topic prefix, written as a filter (`plant/line1/#`), to the number of topics below it. The most crowded prefixes are
 * split further as long as there is room; the counts add up to the number of topics, and each topic is in one entry.
 */
export function topicTree(topics: Iterable<string>, maxEntries = MAX_ENTRIES): Record<string, number> {
  let entries = split([...topics], 0);
  if (entries.length > maxEntries) entries = foldRest(entries, maxEntries);
  for (;;) {
    const crowded = entries.filter(({ topics: own, leaf }) => own.length > 1 && !leaf);
    crowded.sort((a, b) => b.topics.length - a.topics.length);
    const room = maxEntries - entries.length + 1;
    const found = firstSplit(crowded, room);
    if (!found) break;
    entries = entries.filter((entry) => entry !== found.entry).concat(found.parts);
  }
  const rows = entries.map(({ prefix, topics: own }) => [prefix, own.length] satisfies [string, number]);
  return Object.fromEntries(rows.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function firstSplit(crowded: Group[], room: number): { entry: Group; parts: Group[] } | undefined {
  for (const entry of crowded) {
    const parts = split(entry.topics, entry.depth, room);
    if (parts.length <= room) return { entry, parts };
    // Asked again, it would not fit either.
    entry.leaf = true;
  }
  return undefined;
}

/** Splits topics that share their first `depth` levels by the next one; gives up once there are more than `most`. */
function split(topics: string[], depth: number, most = Number.POSITIVE_INFINITY): Group[] {
  const groups = new Map<string, string[]>();
  for (const topic of topics) {
    const end = levelEnd(topic, depth);
    const prefix = end === -1 ? topic : `${topic.slice(0, end)}/#`;
    const same = groups.get(prefix);
    if (same) same.push(topic);
    else groups.set(prefix, [topic]);
    if (groups.size > most) break;
  }
  return [...groups].map(([prefix, own]) => ({ prefix, topics: own, depth: depth + 1, leaf: !prefix.endsWith('/#') }));
}

/** More first levels than entries: the largest stay, the others become one. */
function foldRest(entries: Group[], maxEntries: number): Group[] {
  const bySize = [...entries].sort((a, b) => b.topics.length - a.topics.length);
  const rest = bySize.slice(maxEntries - 1).flatMap(({ topics }) => topics);
  return [...bySize.slice(0, maxEntries - 1), { prefix: '(others)', topics: rest, depth: 1, leaf: true }];
}

/** Index of the slash that ends level `depth`, -1 where the topic ends there. */
function levelEnd(topic: string, depth: number): number {
  let at = topic.indexOf('/');
  for (let level = 0; level < depth && at !== -1; level += 1) at = topic.indexOf('/', at + 1);
  return at;
}
