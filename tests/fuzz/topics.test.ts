// Topics and filters against a straightforward model, and the model's answers against a real mosquitto's.
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { ToolError } from '../../src/errors.ts';
import {
  checkFilter,
  checkTopicName,
  compileFilter,
  covers,
  matches,
  overlaps,
  parseFilter,
} from '../../src/mqtt/topic.ts';
import { startMosquitto } from '../support/broker.ts';
import { open, signal } from '../support/fake-caller.ts';
import { cases, fuzz, patience, tally } from './cases.ts';

const word = fc.constantFrom('a', 'b', 'ab', '', '$x', '$', 'ö', '😀', ' ', 'A');
const topic = fc
  .array(word, { minLength: 1, maxLength: 6 })
  .map((levels) => levels.join('/'))
  .filter((one) => one !== '');
const plain = fc
  .tuple(fc.array(fc.oneof(word, fc.constant('+')), { maxLength: 5 }), fc.boolean())
  .map(([levels, open]) => [...levels, ...(open ? ['#'] : [])].join('/'))
  .filter((one) => one !== '');
const filter = fc.tuple(plain, fc.nat(9)).map(([one, share]) => (share === 0 ? `$share/g/${one}` : one));

const FILE = 'topics';
const MODEL = cases(4_000, 100);
const TEXTS = cases(4_000, 50);
const PAIRS = cases(4_000, 20);

test(`${MODEL} topics and filters -> a match is what the model says`, patience(MODEL), () =>
  fuzz(FILE, MODEL, fc.tuple(filter, topic), ([one, name]) => {
    const wanted = modelMatches(bare(one), name);
    if (matches(one, name) !== wanted || compileFilter(one)(name) !== wanted) expect([one, name]).toEqual(wanted);
  }),
);

test(`${MODEL} pairs of filters -> covered and overlapping are what the model says`, patience(MODEL), () =>
  fuzz(FILE, MODEL, fc.tuple(filter, filter), ([one, other]) => {
    const [wide, narrow] = [bare(one), bare(other)];
    const covered = instances(narrow, wide.split('/').length + 1).every((name) => modelMatches(wide, name));
    const both = meetings(wide, narrow).some((name) => modelMatches(wide, name) && modelMatches(narrow, name));
    if (covers(one, other) !== covered) expect(['covers', one, other]).toEqual(covered);
    if (overlaps(one, other) !== both) expect(['overlaps', one, other]).toEqual(both);
  }),
);

test(`${TEXTS} texts -> a topic, a filter or invalid_topic, in a short sentence`, patience(TEXTS), () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('a', '/', '+', '#', '$share/', '$SYS', '\ud800', '\0', '\ufdd0', '\u202e') }),
    fc.constantFrom('x', '/', '😀').map((unit) => unit.repeat(65_536)),
  );
  return fuzz(FILE, TEXTS, text, (one) => {
    const name = accepted(() => checkTopicName(one));
    const pattern = accepted(() => checkFilter(one));
    if (name && !one.startsWith('$share/')) expect(pattern).toBe(true);
    if (name && pattern) expect(matches(one, one)).toBe(!one.startsWith('$share/'));
    if (pattern) expect(covers(one, one)).toBe(true);
  });
});

test(`${PAIRS} pairs on a mosquitto -> it delivers what matches, and nothing else`, patience(PAIRS, 5), async () => {
  const broker = await startMosquitto();
  onTestFinished(() => broker.stop());
  const session = await open(broker.url, { protocolVersion: 5 });
  const { seed = 0 } = fc.readConfigureGlobal();
  for (let done = 0, batch = 0; done < PAIRS; batch += 1) {
    const filters = [...new Set(fc.sample(plain, { numRuns: 30, seed: seed + batch }))];
    const names = [...new Set(fc.sample(topic, { numRuns: 70, seed: seed - 1 - batch }))];
    const heard = filters.map(() => new Set<string>());
    const options = { qos: 0, retained: 'exclude', signal } as const;
    let arrived: () => void = () => {};
    const sentinel = await session.listen('sentinel/end', options, () => arrived());
    const ears = await Promise.all(
      filters.map((one, n) => session.listen(one, options, (message) => void heard[n]?.add(message.topic))),
    );
    // A mosquitto holds a thousand messages for a client: few at a time, each lot awaited.
    for (let from = 0; from < names.length; from += 10) {
      const over = new Promise<void>((resolve) => {
        arrived = resolve;
      });
      for (const name of [...names.slice(from, from + 10), 'sentinel/end']) {
        await session.publish({ topic: name, payload: Buffer.from('x'), qos: 0, retain: false, signal });
      }
      await over;
    }
    for (const [n, one] of filters.entries()) {
      const delivered = names.filter((name) => heard[n]?.has(name));
      expect({ filter: one, names: delivered }).toEqual({ filter: one, names: names.filter((t) => matches(one, t)) });
    }
    for (const ear of [sentinel, ...ears]) ear.close();
    done += filters.length * names.length;
    tally(FILE, filters.length * names.length);
  }
});

function bare(one: string): string {
  return parseFilter(one).filter;
}

/** MQTT 5.0, 4.7, a level at a time. */
function modelMatches(one: string, name: string): boolean {
  if (/^[+#]/.test(one) && name.startsWith('$')) return false;
  return levelsMatch(one.split('/'), name.split('/'));
}

function levelsMatch([first, ...others]: string[], levels: string[]): boolean {
  if (first === '#') return true;
  if (first === undefined) return levels.length === 0;
  const [level, ...rest] = levels;
  return level !== undefined && (first === '+' || first === level) && levelsMatch(others, rest);
}

/** The topics that tell a filter from a narrower one: an unheard-of word for each '+', up to `most` of them for '#'. */
function instances(one: string, most: number): string[] {
  const levels = one.split('/').map((level) => (level === '+' ? 'new' : level));
  if (levels.at(-1) !== '#') return [levels.join('/')];
  const head = levels.slice(0, -1);
  const tails = Array.from({ length: most + 1 }, (_, n) => Array.from({ length: n }, () => 'new'));
  return tails.map((tail) => [...head, ...tail].join('/')).filter((name) => name !== '');
}

/** For each length the topic that both match if they match any of that length. */
function meetings(one: string, other: string): string[] {
  const [a, b] = [one.split('/'), other.split('/')];
  const literal = (level: string | undefined) => (level === '+' || level === '#' ? undefined : level);
  return Array.from({ length: Math.max(a.length, b.length) + 1 }, (_, n) =>
    Array.from({ length: n + 1 }, (_, at) => literal(a[at]) ?? literal(b[at]) ?? 'new').join('/'),
  ).filter((name) => name !== '');
}

function accepted(check: () => void): boolean {
  try {
    check();
    return true;
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    expect(error.data.code).toBe('invalid_topic');
    expect(error.data.message.length).toBeLessThan(1_200);
    return false;
  }
}
