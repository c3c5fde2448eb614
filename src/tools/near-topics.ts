// Owns which topics are nearly under a filter: other case, other slashes, one level more, a letter off, the neighbours.
// Pure; must not know where the topics come from.
import { compileFilter, parseFilter } from '../mqtt/topic.ts';
import { areAddresses, areNumbered, edits } from './edits.ts';

export type Near = {
  /** Differ in upper and lower case alone. */
  caseTwins: string[];
  /** Differ by a slash at the beginning or the end. */
  slashTwins: string[];
  /** Are below the filter, which ends one or more levels too early. */
  below: string[];
  /** Have as many levels, one of them misspelled by a letter or two. */
  misspelled: string[];
  /** Stand beside it: the same beginning, as much of it as any other topic shares. */
  siblings: string[];
  /** The beginning that the siblings share with the filter; '' where they share nothing. */
  shared: string;
};

/** Named of each kind. */
const MOST = 3;
/** Siblings are kept in full: whether they spoke is asked of each. Stops a broker of a million. */
const MOST_SIBLINGS = 10_000;

/** `topics` that the filter itself matches are passed over. Linear in them. */
export function nearTo(pattern: string, topics: Iterable<string>): Near {
  const { filter } = parseFilter(pattern);
  const is = compileFilter(filter);
  const lower = compileFilter(filter.toLowerCase());
  const twins = slashed(filter).map(compileFilter);
  const isBelow = filter.endsWith('#') ? () => false : compileFilter(`${filter}/#`);
  const levels = filter.split('/');
  const near: Near = { caseTwins: [], slashTwins: [], below: [], misspelled: [], siblings: [], shared: '' };
  let best = 0;
  for (const topic of topics) {
    if (is(topic)) continue;
    if (lower(topic.toLowerCase())) push(near.caseTwins, topic, MOST);
    else if (twins.some((twin) => twin(topic))) push(near.slashTwins, topic, MOST);
    else if (isBelow(topic)) push(near.below, topic, MOST);
    else if (isMisspelled(levels, topic)) push(near.misspelled, topic, MOST);
    const shared = sharedLevels(levels, topic);
    if (shared > best) near.siblings.length = 0;
    best = Math.max(best, shared);
    if (shared === best && best > 0) push(near.siblings, topic, MOST_SIBLINGS);
  }
  return { ...near, shared: levels.slice(0, best).join('/') };
}

function push(list: string[], topic: string, most: number): void {
  if (list.length < most) list.push(topic);
}

function slashed(filter: string): string[] {
  const begun = filter.startsWith('/') ? filter.slice(1) : `/${filter}`;
  const ended = filter.endsWith('#') ? [] : [filter.endsWith('/') ? filter.slice(0, -1) : `${filter}/`];
  return [begun, ...ended].filter((one) => one !== '');
}

/** Levels at the beginning that are the same; a wildcard is the same as anything. */
function sharedLevels(levels: readonly string[], topic: string): number {
  // [MQTT-4.7.2-1]: a leading wildcard has nothing to do with topics that begin with $.
  if (topic.startsWith('$') && levels[0] !== topic.split('/', 1)[0]) return 0;
  const parts = topic.split('/', levels.length);
  let shared = 0;
  while (shared < levels.length - 1 && shared < parts.length) {
    const level = levels[shared];
    if (level === '#' || (level !== '+' && level !== parts[shared])) break;
    shared += 1;
  }
  // Nothing but wildcards in common is nothing in common.
  return levels.slice(0, shared).some((level) => level !== '+') ? shared : 0;
}

function isMisspelled(levels: readonly string[], topic: string): boolean {
  const parts = topic.split('/', levels.length + 1);
  if (parts.length !== levels.length || levels.includes('#')) return false;
  let wrong = 0;
  for (const [i, level] of levels.entries()) {
    const part = parts[i] ?? '';
    if (level === '+' || level === part) continue;
    wrong += 1;
    if (wrong > 1 || level.length < 4 || !isNear(level.toLowerCase(), part.toLowerCase())) return false;
  }
  return wrong === 1;
}

/** Whether one level may be the other, mistyped, and is not its neighbour. */
function isNear(a: string, b: string): boolean {
  if (areNumbered(a, b) || areAddresses(a, b)) return false;
  return Math.abs(a.length - b.length) <= 2 && a.length <= 64 && edits(a, b) <= 2;
}
