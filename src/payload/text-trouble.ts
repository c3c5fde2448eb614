// Owns the judgement of a text: does it report trouble? By meaning: negations, zero counts, settings and things that
// are over are told from the real thing. Must not know topics or JSON. Linear; long texts are judged by their ends.

import { logLevel } from './log-level.ts';
import { suspiciousText } from './suspicious.ts';
import type { Severity } from './types.ts';
import * as words from './words.ts';

/** "12 passed", not "12 failed": the worst trouble a text reports, if any. */
export function judgeText(text: string): Severity | undefined {
  return suspiciousText(text) ? judgeSuspicious(text) : undefined;
}

/** Lines that a log says are no trouble are passed over, up to this many. */
const MAX_QUIET_LINES = 1000;

function judgeSuspicious(text: string): Severity | undefined {
  let rest = text;
  for (let line = 0; line < MAX_QUIET_LINES; line++) {
    const level = logLevel(rest);
    if (level !== 'quiet') return level ?? judgeTokens(words.tokenize(rest));
    const end = rest.indexOf('\n');
    if (end < 0) return undefined;
    rest = rest.slice(end + 1);
  }
  return undefined;
}

/** Like judgeText, but of a value that may be one word: "bad" says nothing in a sentence and much alone. */
export function judgeState(text: string): Severity | undefined {
  if (!suspiciousText(text)) return undefined;
  const trimmed = text.trim();
  if (trimmed.length <= 24 && words.areLetters(trimmed)) {
    const alone = words.troubleAlone(words.fold(trimmed));
    if (alone !== undefined) return alone;
  }
  return judgeSuspicious(text);
}

/** Whether the text under a trouble noun (`error: …`) says that there is none: "none", "0x00", "no errors", "07:30". */
export function saysFine(text: string): boolean {
  const plain = text.trim();
  if (plain === '' || Number(plain) === 0 || TIME.test(plain)) return true;
  if (logLevel(plain) === 'quiet') return true;
  const tokens = words.tokenize(plain);
  if (tokens.every((token) => isFine(token) || token === '.' || token === ':')) return true;
  if (judgeTokens(tokens) !== undefined) return false;
  const first = tokens[0] ?? '';
  return FINE_START.has(first) || isZero(first) || tokens.some((token) => words.troubleOf(token) !== undefined);
}

const TIME = /^(?:\d{4}-\d\d-\d\d(?:[T ][\d:.,+-]{4,20}Z?)?|\d{1,2}:\d\d(?::\d\d)?)$/;
const FINE_START: ReadonlySet<string> = new Set(['ok', 'okay', 'normal', 'success', 'good', 'kein', 'keine']);

function judgeTokens(tokens: readonly string[]): Severity | undefined {
  let worst: Severity | undefined;
  for (let i = 0; i < tokens.length; i++) {
    const severity = judgeAt(tokens, i);
    if (severity === 'error') return 'error';
    worst ??= severity;
  }
  return worst;
}

function judgeAt(tokens: readonly string[], i: number): Severity | undefined {
  const word = tokens[i] ?? '';
  const single = words.troubleOf(word);
  if (single !== undefined && !isHarmless(tokens, i)) return single;
  if (words.GOOD_STATES.has(word) && isDenied(tokens, i)) return 'error';
  return judgePhrase(tokens, i) ?? judgePair(tokens, i);
}

/** "not ok", "is not currently reachable". */
function isDenied(tokens: readonly string[], i: number): boolean {
  const before = tokens[i - 1] ?? '';
  const denied = isNot(before) || (isNot(tokens[i - 2] ?? '') && before !== '.' && before !== ':');
  return denied && !isEnded(tokens, i);
}

function isNot(word: string): boolean {
  return word === 'not' || word === 'nicht';
}

function judgePhrase(tokens: readonly string[], i: number): Severity | undefined {
  const first = tokens[i];
  for (const [a, b, severity] of words.PHRASES) {
    if (first !== a) continue;
    const at = tokens[i + 1] === b ? i + 1 : tokens[i + 2] === b && isWord(tokens[i + 1]) ? i + 2 : -1;
    if (at < 0 || isPluralTrouble(tokens[at + 1]) || isEnded(tokens, at)) continue;
    if (!isNegated(tokens, i)) return severity;
  }
  return undefined;
}

/** "no connection errors": the phrase is only the front of another one. */
function isPluralTrouble(word: string | undefined): boolean {
  if (word === undefined) return false;
  return (
    word === 'loss' || word === 'lost' || word === 'issues' || (isPlural(word) && words.troubleOf(word) !== undefined)
  );
}

function judgePair(tokens: readonly string[], i: number): Severity | undefined {
  const first = tokens[i];
  for (const [a, b, severity] of words.PAIRS) {
    const other = first === a ? b : first === b ? a : undefined;
    if (other === undefined) continue;
    for (let j = i + 1; j <= i + 4 && isWord(tokens[j]); j++) {
      if (tokens[j] === other && !isNegated(tokens, i) && !isNegated(tokens, j) && !isEnded(tokens, j)) return severity;
    }
  }
  return undefined;
}

function isHarmless(tokens: readonly string[], i: number): boolean {
  return isNegated(tokens, i) || isEnded(tokens, i);
}

/** "no", "without any", "0", "recovered from" in front of the word at `i`, within its clause. */
function isNegated(tokens: readonly string[], i: number): boolean {
  for (let back = 1; back <= 3; back++) {
    const word = tokens[i - back];
    if (!isWord(word)) return false;
    if (words.NEGATORS.has(word)) return true;
    if (words.RESOLVED.has(word)) return !words.NEGATORS.has(tokens[i - back - 1] ?? '');
    if ((word === 'of' || word === 'from') && tokens[i - back - 1] === 'free') return true;
    if (word === 'of' && isZero(tokens[i - back - 1] ?? '')) return true; // "0 of 12 tests failed"
    if (back === 1 && word === 'if') return true;
    if (back === 1 && words.CONJUNCTIONS.has(word) && words.troubleOf(tokens[i - 2] ?? '') !== undefined) {
      return isNegated(tokens, i - 2);
    }
    if (back === 1 && word === 'the' && tokens[i] === 'exception' && tokens[i + 1] === 'of') return true;
    if (back <= 2 && isZero(word)) return isQuantity(tokens, i, back);
    if (/^\d/.test(word) && tokens[i - back - 1] !== 'of') return false; // "no errors 3 warnings"
  }
  return false;
}

/** "0 errors" and "with 0 new alarms", not "channel 0 error". */
function isQuantity(tokens: readonly string[], i: number, back: number): boolean {
  const before = tokens[i - back - 1];
  if (!isWord(before) || words.BEFORE_QUANTITY.has(before)) return true;
  return back === 1 && (isPlural(tokens[i] ?? '') || tokens[i + 1] === 's');
}

function isPlural(word: string): boolean {
  return word.endsWith('s') || word.endsWith('en') || word === 'failed' || word === 'fehler';
}

/** ": 0", "= none", "handling", "has been cleared" behind the word at `i`, within its clause. */
function isEnded(tokens: readonly string[], i: number): boolean {
  let next = i + 1;
  while (next <= i + 2 && words.VALUE_NOUNS.has(tokens[next] ?? '')) next++;
  const word = tokens[next];
  if (next > i + 1 && words.COUNTERS.has(tokens[next - 1] ?? '') && isWord(word) && !/^\d/.test(word)) return true;
  if (word === undefined) return false;
  if (word === ':') return isFineValue(tokens, next + 1) || isMeasure(tokens, i, next + 1);
  if (isZero(word) || isMeasure(tokens, i, next)) return true;
  const ends = !isWord(tokens[next + 1]);
  if (words.DEFUSED_AT_END.has(word) && ends) return true;
  if (words.DEFUSED.has(word)) return !(words.MEASURES.has(word) && followedBy(words.BREACHED, tokens, next));
  return isResolved(tokens, i);
}

function isResolved(tokens: readonly string[], i: number): boolean {
  for (let ahead = 1; ahead <= 3; ahead++) {
    const word = tokens[i + ahead];
    if (!isWord(word) || word === 'to' || words.NEGATORS.has(word)) return false;
    if (words.RESOLVED.has(word)) return true;
  }
  return false;
}

function followedBy(set: ReadonlySet<string>, tokens: readonly string[], i: number): boolean {
  for (let ahead = 1; ahead <= 3; ahead++) {
    const word = tokens[i + ahead];
    if (!isWord(word)) return false;
    if (set.has(word)) return true;
  }
  return false;
}

/** The value at `j` is none, and the whole value: "errors: 0 warnings: 3", not "error: no route to host". */
function isFineValue(tokens: readonly string[], j: number): boolean {
  const value = tokens[j];
  if (value === '.') return !isWord(tokens[j + 1]) || tokens[j + 2] === ':';
  if (value === undefined || !isFine(value)) return false;
  return !isWord(tokens[j + 1]) || tokens[j + 2] === ':';
}

/** `timeout=30` is a setting, `error: 0.35` a deviation: no report of trouble. */
function isMeasure(tokens: readonly string[], i: number, j: number): boolean {
  const value = tokens[j] ?? '';
  const word = tokens[i] ?? '';
  if (word.startsWith('timeout')) return value === 'set' || /^\d/.test(value);
  return words.CODED.has(word) && /^\d+[.,]\d+$/.test(value);
}

function isFine(token: string): boolean {
  return words.FINE.has(token) || isZero(token);
}

function isZero(token: string): boolean {
  return token.startsWith('0') && Number(token.replace(',', '.')) === 0;
}

function isWord(token: string | undefined): token is string {
  return token !== undefined && token !== '.' && token !== ':';
}
