// Owns the grammar of topic names and topic filters: what is valid, what matches, what includes what.
// Must not know sessions, brokers or the network.

import { ToolError } from '../errors.ts';
import { troubleIn } from './text.ts';

const MAX_ECHO_CHARS = 100; // a topic of 64 KiB must not become an error message of 64 KiB
const SHARE = '$share/';

const SLASH = 47;
const PLUS = 43;
const HASH = 35;
const DOLLAR = 36;

type Kind = 'topic' | 'filter';

/**
 * Accepts a topic name, as in PUBLISH: 1 to 65535 bytes of UTF-8, without control characters, noncharacters, lone
 * surrogates and wildcards.
 * Throws ToolError('invalid_topic'), naming the rule. Source: MQTT 5.0, 1.5.4 and 4.7.
 */
export function checkTopicName(topic: string): void {
  checkText(topic, 'topic');
  if (topic.includes('+') || topic.includes('#')) {
    fail(
      topic,
      'topic',
      "'+' and '#' are wildcards and must not be in a topic that is published to [MQTT-4.7.0-1]",
      'Publish to one full topic; list_topics shows which exist.',
    );
  }
}

/**
 * Accepts a topic filter, as in SUBSCRIBE, `$share/{group}/{filter}` included: 1 to 65535 bytes of UTF-8, no control
 * characters, noncharacters and lone surrogates, '+' a whole level, '#' the whole last level.
 * Throws ToolError('invalid_topic'), naming the rule. Source: MQTT 5.0, 1.5.4, 4.7 and 4.8.2.
 */
export function checkFilter(filter: string): void {
  checkText(filter, 'filter');
  if (filter.startsWith(SHARE)) checkShare(filter);
  for (let i = filterStart(filter); i < filter.length; i++) {
    const code = filter.charCodeAt(i);
    if (code !== PLUS && code !== HASH) continue;
    const whole = isLevelStart(filter, i) && isLevelEnd(filter, i + 1);
    if (code === PLUS && !whole) {
      fail(
        filter,
        'filter',
        "'+' must stand alone between slashes [MQTT-4.7.1-2]",
        "Replace the whole level by '+', as in 'home/+/temperature'.",
      );
    }
    if (code === HASH && i + 1 < filter.length) {
      fail(
        filter,
        'filter',
        "'#' must be the last level [MQTT-4.7.1-1]",
        "Put '#' at the very end, as in 'home/#', or use '+' for one level in the middle.",
      );
    }
    if (code === HASH && !whole) {
      fail(
        filter,
        'filter',
        "'#' must be a level of its own, after a '/' [MQTT-4.7.1-1]",
        "Write 'home/#', not 'home#'.",
      );
    }
  }
}

/** Takes `$share/{group}/` off a filter; the filter is expected to have passed checkFilter. */
export function parseFilter(filter: string): { share?: string; filter: string } {
  const start = filterStart(filter);
  if (start === 0) return { filter };
  return { share: filter.slice(SHARE.length, start - 1), filter: filter.slice(start) };
}

/**
 * Whether a broker would deliver `topic` to a subscription of `filter` (a `$share/{group}/` before it is ignored).
 * Allocates nothing. A misplaced wildcard is an ordinary character here: it matches no valid topic.
 */
export function matches(filter: string, topic: string): boolean {
  return matchesFrom(filter, filterStart(filter), topic);
}

/** `matches` for one filter and many topics: the shapes 'a/b', '#' and 'a/b/#' get a test of their own. */
export function compileFilter(filter: string): (topic: string) => boolean {
  const { filter: plain } = parseFilter(filter);
  if (plain === '#') return (topic) => topic.charCodeAt(0) !== DOLLAR;
  if (!plain.includes('+') && !plain.includes('#')) return (topic) => topic === plain;
  if (plain.endsWith('/#') && !plain.includes('+') && plain.indexOf('#') === plain.length - 1) {
    const parent = plain.slice(0, -2);
    const prefix = plain.slice(0, -1);
    return (topic) => topic.startsWith(prefix) || topic === parent;
  }
  return (topic) => matchesFrom(plain, 0, topic);
}

/**
 * Whether every topic that `narrow` matches is matched by `wide` too. `covers('#', '$SYS/#')` is false [MQTT-4.7.2-1];
 * `covers('+/#', '#')` is true. Both are expected to have passed checkFilter; shares are ignored.
 */
export function covers(wide: string, narrow: string): boolean {
  const w = levelsOf(wide);
  const n = levelsOf(narrow);
  if (w[0] === '+' && n[0]?.startsWith('$')) return false; // [MQTT-4.7.2-1]
  for (let i = 0; ; i++) {
    if (w[i] === '#') return true; // also where narrow ends here: 'a/#' matches 'a'
    if (i === w.length || i === n.length) return w.length === n.length;
    if (n[i] === '#') return false; // narrow goes on without end, wide does not
    if (w[i] !== '+' && w[i] !== n[i]) return false;
  }
}

/** Whether some topic matches both filters. Both are expected to have passed checkFilter; shares are ignored. */
export function overlaps(a: string, b: string): boolean {
  const one = levelsOf(a);
  const two = levelsOf(b);
  if (one[0] === '+' && two[0]?.startsWith('$')) return false; // [MQTT-4.7.2-1]
  if (two[0] === '+' && one[0]?.startsWith('$')) return false;
  for (let i = 0; ; i++) {
    if (one[i] === '#' || two[i] === '#') return true;
    if (i === one.length || i === two.length) return one.length === two.length;
    if (one[i] !== '+' && two[i] !== '+' && one[i] !== two[i]) return false;
  }
}

/** A topic for an error message: JSON-quoted, at most 100 characters of it, nothing invisible left unescaped. */
export function quoteTopic(topic: string): string {
  return quoteText(topic, MAX_ECHO_CHARS);
}

/** The same for any text of strangers that a person or a model is to read. */
export function quoteText(text: string, most: number): string {
  let cut = Math.min(text.length, most);
  if (cut < text.length && /[\ud800-\udbff]/.test(text.charAt(cut - 1))) cut--;
  const quoted = JSON.stringify(text.slice(0, cut)).replace(INVISIBLE, escapeUnits);
  return cut < text.length ? `${quoted}…` : quoted;
}

/** Whether all of it can be seen, and stands where it is. */
export function isVisible(text: string): boolean {
  return text.search(INVISIBLE) === -1;
}

// Controls, zero-width and bidirectional characters, line separators, everything a terminal or a model does not show.
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

function escapeUnits(text: string): string {
  return [...Array(text.length).keys()].map((i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`).join('');
}

function matchesFrom(filter: string, start: number, topic: string): boolean {
  const first = filter.charCodeAt(start);
  if (topic.charCodeAt(0) === DOLLAR && (first === PLUS || first === HASH)) return false; // [MQTT-4.7.2-1]
  const filterEnd = filter.length;
  const topicEnd = topic.length;
  let f = start;
  let t = 0;
  for (;;) {
    const code = filter.charCodeAt(f);
    if (code === HASH && f + 1 === filterEnd) return true;
    if (code === PLUS && isLevelEnd(filter, f + 1)) {
      f++;
      while (t < topicEnd && topic.charCodeAt(t) !== SLASH) t++;
    } else {
      while (f < filterEnd && filter.charCodeAt(f) !== SLASH) {
        if (t === topicEnd || filter.charCodeAt(f) !== topic.charCodeAt(t)) return false;
        f++;
        t++;
      }
    }
    if (f === filterEnd) return t === topicEnd;
    // 'a/#' matches 'a' as well: '#' stands for the parent and any number of children (MQTT 5.0, 4.7.1.2)
    if (t === topicEnd) return f + 2 === filterEnd && filter.charCodeAt(f + 1) === HASH;
    if (topic.charCodeAt(t) !== SLASH) return false;
    f++;
    t++;
  }
}

/**
 * The levels of a filter without its share. '#' and '/#' become '+/#' and '/+/#', which match the same topics: the one
 * topic they would differ in is the empty one, and there is none [MQTT-4.7.3-1].
 */
function levelsOf(filter: string): string[] {
  const { filter: plain } = parseFilter(filter);
  if (plain === '#') return ['+', '#'];
  if (plain === '/#') return ['', '+', '#'];
  return plain.split('/');
}

/** Where the filter proper begins: after `$share/{group}/`, else at 0. */
function filterStart(filter: string): number {
  if (!filter.startsWith(SHARE)) return 0;
  return filter.indexOf('/', SHARE.length) + 1;
}

function checkText(text: string, kind: Kind): void {
  if (text === '') fail(text, kind, 'it must be at least one character long [MQTT-4.7.3-1]', `Give a ${kind}.`);
  const trouble = troubleIn(text);
  if (trouble) fail(text, kind, trouble.rule, trouble.hint);
}

function checkShare(filter: string): void {
  const hint = "Write '$share/GROUP/FILTER', as in '$share/workers/home/#'.";
  const slash = filter.indexOf('/', SHARE.length);
  const group = filter.slice(SHARE.length, slash === -1 ? filter.length : slash);
  if (group === '') fail(filter, 'filter', 'the group name after $share/ must not be empty [MQTT-4.8.2-1]', hint);
  if (group.includes('+') || group.includes('#')) {
    fail(filter, 'filter', "the group name after $share/ must not contain '+' or '#' [MQTT-4.8.2-2]", hint);
  }
  if (slash === -1 || slash + 1 === filter.length) {
    fail(filter, 'filter', "the group name after $share/ must be followed by '/' and a filter [MQTT-4.8.2-2]", hint);
  }
  // No broker gives a share inside a share a meaning; refused so that no policy can be talked past with it.
  if (filter.startsWith(SHARE, slash + 1)) {
    fail(filter, 'filter', 'the filter of a shared subscription must not be shared again [MQTT-4.8.2-2]', hint);
  }
}

function fail(text: string, kind: Kind, rule: string, hint: string): never {
  throw new ToolError(
    'invalid_topic',
    `${quoteTopic(text)} is not a valid topic ${kind === 'topic' ? 'name' : 'filter'}: ${rule}.`,
    hint,
  );
}

function isLevelStart(text: string, at: number): boolean {
  return at === 0 || text.charCodeAt(at - 1) === SLASH;
}

function isLevelEnd(text: string, at: number): boolean {
  return at === text.length || text.charCodeAt(at) === SLASH;
}
