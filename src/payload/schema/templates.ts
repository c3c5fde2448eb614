// Owns the templates of a set of topics by what looks like an identifier: uuids, MACs, hex ids, numbers that differ
// among siblings. Pure, linear in the characters, the same in whatever order the topics come. Knows no payloads.
import { push } from './push.ts';
import { alike } from './siblings.ts';

/** One level of a template; `varies`: it holds a placeholder, as `line{n}` does. */
export type Level = { readonly text: string; readonly varies: boolean };

/** Topics of one template. */
export type Family = { levels: readonly Level[]; topics: string[] };

/** Levels looked at; what is deeper is one level. A broker may make 65,535 of them [MQTT-1.5.4]. */
const MAX_LEVELS = 32;

type Open = { topic: string; rest: string[] };
type Branch = { levels: readonly Level[]; open: Open[] };

/** Each topic is in exactly one family; topics that differ in a word are in different ones. */
export function familiesOf(topics: Iterable<string>): Family[] {
  const families: Family[] = [];
  const all = [...new Set(topics)].sort().map((topic) => ({ topic, rest: levelsOf(topic) }));
  const branches: Branch[] = [{ levels: [], open: all }];
  for (let branch = branches.pop(); branch; branch = branches.pop()) {
    const { levels, open } = branch;
    const ended: string[] = [];
    const byWord = new Map<string, Open[]>();
    for (const one of open) {
      const word = one.rest[levels.length];
      if (word === undefined) ended.push(one.topic);
      else push(byWord, word, one);
    }
    if (ended.length > 0) families.push({ levels, topics: ended });
    for (const { text, varies, words } of alike(byWord.keys())) {
      const inner = words.length === 1 ? byWord.get(words[0] ?? '') : undefined;
      branches.push({
        levels: [...levels, { text, varies }],
        open: inner ?? words.flatMap((word) => byWord.get(word) ?? []),
      });
    }
  }
  return families;
}

export function templateOf(levels: readonly Level[]): string {
  return levels.map(({ text }) => text).join('/');
}

/** The topic filter that covers a template. */
export function filterOf(levels: readonly Level[]): string {
  return levels.map(({ text, varies }) => (varies ? '+' : text)).join('/');
}

export function levelsOf(topic: string): string[] {
  const levels = topic.split('/', MAX_LEVELS);
  if (levels.length < MAX_LEVELS) return levels;
  const head = levels.slice(0, -1);
  return [...head, topic.slice(head.join('/').length + 1)];
}
