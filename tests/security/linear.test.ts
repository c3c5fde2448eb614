// Texts of a broker's choice cost their length, whatever is looked for in them: counted in CPU time of the same work on
// a text four times as long, never in time that passes.
import { describe, expect, test } from 'vitest';
import { secretsOut } from '../../src/redact.ts';
import { looksLikeInstructions } from '../../src/suspects.ts';
import { examined } from '../../src/untrusted.ts';

/** What each pattern begins with, and what keeps it going without letting it end. */
const units = [
  'eyJ-',
  'eyJaaaaa',
  'aeyJ',
  'eyJaaaaaa.a ',
  'eyJ.',
  'a.',
  '-----BEGIN PRIVATE KEY-----x',
  '-----BEGIN ',
  '-----BEGIN A',
  '-',
  'basic ',
  'bearer \t',
  'bearer aaaaaaa ',
  'Authorization: ',
  'sk-',
  'xoxb-',
  'ghp_',
  'github_pat_',
  'AIza',
  'AKIA',
  'a-',
  'aaaaaaaaaaaaaaaaaaaa://',
  'a://:',
  '://a:a',
  'a:',
  '@',
  'password',
  'password=',
  'password="',
  'password=\\"',
  'password:    ',
  'secret_token_',
  '\\',
  '\\"',
  '"',
  "'",
  '"name":"password",',
  '{"a":',
  '[',
  '"{\\"a\\":',
  '0a',
  'QUJD',
  ' ',
  '\n',
  'ignore all the ',
  'ignore_',
  'forget all any the ',
  '忽略忽',
  'you are now ',
  'call the tool function ',
  'new system instructions for the ',
  '<|',
  '\nsystem ',
  '\u200b',
  '\u202e\u{e0041}',
  'i\u200bg',
];

/** Least of some runs: what else the machine does only adds. */
function cpuOf(work: () => void): number {
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 4; run++) {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, user + system);
  }
  return least;
}

/** Below and above the bounds that a pattern may have: up to its bound it may be quadratic all the same. */
const lengths = [1_000, 16_000];
/** Characters gone through in one measurement of the shorter text. */
const WORK = 64_000;
/** Linear: 4. A text read again from each of its places: 16. Microseconds below the floor are noise. */
const MARGIN = 9;
const FLOOR = 3_000;

function isLinear(unit: string, work: (text: string) => unknown): void {
  for (const length of lengths) {
    const small = unit.repeat(length / unit.length);
    const large = small.repeat(4);
    const times = (text: string) => () => {
      for (let i = 0; i < WORK / length; i++) work(text);
    };
    work(large);
    expect(cpuOf(times(large)), `${length}`).toBeLessThan(MARGIN * Math.max(FLOOR, cpuOf(times(small))));
  }
}

describe('a text four times as long costs about four times as much', () => {
  test.each(units)('secrets: %j', (unit) => isLinear(unit, (text) => secretsOut({ payload: text, note: text })));
  test.each(units)('orders: %j', (unit) => isLinear(unit, looksLikeInstructions));
  test.each(units)('all of it: %j', (unit) => isLinear(unit, (text) => examined({ payload: { [text]: text } }, true)));
});
