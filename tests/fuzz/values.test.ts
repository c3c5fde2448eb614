// Payloads, topics and names of any kind through what compares, judges, groups and identifies them.
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { createIdentity } from '../../src/conventions/identity.ts';
import { ToolError } from '../../src/errors.ts';
import { checkFilter, matches } from '../../src/mqtt/topic.ts';
import { ChangeLog } from '../../src/payload/change-log.ts';
import { loadFormats } from '../../src/payload/decode.ts';
import { differences, MAX_CHANGES } from '../../src/payload/difference.ts';
import { compileExpectation } from '../../src/payload/expectation.ts';
import { familiesOf, filterOf, templateOf } from '../../src/payload/schema/templates.ts';
import { room } from '../support/room.ts';
import { cases, fuzz, fuzzAsync, patience } from './cases.ts';

const FILE = 'values';
const LOGS = cases(1_000, 20);
const PAIRS = cases(3_000, 60);
const EXPECTATIONS = cases(2_000, 40);
const SETS = cases(1_000, 20);
const NAMES = cases(4_000, 60);
/** Characters of JSON that one change may be: a path of sixteen cut keys, each escaped, and two cut values. */
const MAX_CHANGE_CHARS = 16 * 2_200 + 2 * 2_200;

beforeAll(loadFormats);

const number = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, -0, 1e308, -1e308, 5e-324, 2 ** 53),
);
const key = fc.constantFrom('a', 'b', '__proto__', 'constructor', "it's", '', '😀', 'x'.repeat(300), '\\', '\u202e');
const scalar = fc.oneof(
  number,
  fc.boolean(),
  fc.constant(null),
  fc.string({ unit: 'binary' }),
  fc.constant('😀'.repeat(99)),
);
const json = fc.letrec<{ any: unknown; list: unknown[]; record: object; deep: unknown }>((tie) => ({
  any: fc.oneof({ maxDepth: 5, depthSize: 'small' }, scalar, tie('list'), tie('record'), tie('deep')),
  list: fc.array(tie('any'), { maxLength: 5 }),
  record: fc
    .array(fc.tuple(key, tie('any')), { maxLength: 5 })
    .map((entries) => JSON.parse(JSON.stringify(Object.fromEntries(entries)))),
  deep: fc.nat(40).map((depth) => JSON.parse(`${'{"a":['.repeat(depth)}1${']}'.repeat(depth)}`)),
})).any;
const payload = fc.oneof(
  json.map((value) => Buffer.from(JSON.stringify(value))),
  fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
  number.map((value) => Buffer.from(String(value))),
  fc.constant(Buffer.alloc(70_000, 'x')),
  fc.constantFrom(60, 5_000, 30_000).map((depth) => Buffer.from(`${'['.repeat(depth)}1${']'.repeat(depth)}`)),
);
const topic = fc.constantFrom('a', 'a/b', 'spBv1.0/g/DDATA/n/d', '$x', '__proto__');
const message = fc.record({ topic, payload, retain: fc.boolean(), at: fc.nat() });
const noise = fc.record({
  percent: fc.double({ min: 0, max: 100, noNaN: true }),
  absolute: fc.double({ min: 0, noNaN: true }),
});

test(`${LOGS} series of messages -> a log that counts each and tells no more than fits`, patience(LOGS, 20), () =>
  fuzz(FILE, LOGS, fc.tuple(noise, fc.array(message, { maxLength: 25 })), ([threshold, messages]) => {
    const log = new ChangeLog(threshold, room());
    for (const one of messages) log.take({ size: one.payload.length, qos: 0, dup: false, ...one });
    const live = messages.filter(({ retain }) => !retain).length;
    expect(log.messages).toBe(live);
    expect(log.entries.length + log.unchanged).toBe(live);
    expect(log.topics).toBe(new Set(messages.map((one) => one.topic)).size);
    for (const { changes } of log.entries) {
      expect(changes.length).toBeLessThanOrEqual(MAX_CHANGES);
      for (const change of changes) bounded(change);
    }
    for (const { minimum, maximum, told, folded } of log.fields()) {
      expect(minimum <= maximum || told + folded > 0).toBe(true);
    }
  }),
);

test(`${PAIRS} pairs of values -> their differences, both ways, none of a value to itself`, patience(PAIRS), () =>
  fuzz(FILE, PAIRS, fc.tuple(json, json), ([one, other]) => {
    const there = differences(one, other);
    const back = differences(other, one);
    expect(there.changes.length).toBeLessThanOrEqual(MAX_CHANGES);
    expect(back.changes.length).toBe(there.changes.length);
    expect(differences(one, JSON.parse(JSON.stringify(one))).changes).toEqual([]);
    if (there.changes.length === 0 && !there.more)
      expect(JSON.stringify(sorted(one))).toBe(JSON.stringify(sorted(other)));
    for (const change of there.changes) bounded(change);
  }),
);

test(`${EXPECTATIONS} expectations -> a verdict, or a refusal of the expectation`, patience(EXPECTATIONS, 10), () => {
  const path = fc.oneof(
    fc.constantFrom('$', '$.a', '$..*', '$[?@.a>1]', '$[0]', '$[-1]', "$['__proto__']", '$.a.b.c', '$..a', '$[::-1]'),
    fc
      .array(fc.constantFrom('$', '.', '..', '[', ']', '*', '?', '@', "'", 'a', '0', '-', ':', ',', '(', ')', '=='))
      .map(join),
    fc.string({ unit: 'binary' }),
  );
  const matching = fc.oneof(
    fc.constantFrom('a', '^\\d+$', '(?i)on', '.*', '(a+)+$', '(?=a)', '\\1', '[', 'a{1000}{1000}'),
    fc.string({ unit: fc.constantFrom(...'ab()[]{}*+?.^$|\\1-,:=!<') }),
  );
  const option = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: undefined, freq: 2 });
  const expected = fc.record({
    path: option(path),
    equals: option(json),
    changes: option(fc.boolean()),
    matches: option(matching),
    minimum: option(number),
    maximum: option(number),
  });
  return fuzzAsync(FILE, EXPECTATIONS, fc.tuple(expected, json, option(json)), async ([wanted, value, before]) => {
    try {
      const { words, judge } = await compileExpectation(wanted);
      expect(words.length).toBeLessThan(10_000);
      const verdict = judge(value, before === undefined ? undefined : { payload: before });
      expect(['met', 'not_met', 'unknown']).toContain(verdict);
      const whole = wanted.path === undefined && wanted.equals !== undefined;
      if (whole) expect(judge(wanted.equals, undefined)).toBe('met');
    } catch (error) {
      if (!(error instanceof ToolError)) throw error;
      expect(error.data.code).toBe('invalid_arguments');
    }
  });
});

const level = fc.oneof(
  fc.constantFrom('a', 'line1', 'line2', '0x00158d0001a2b3c4', '7', '8', '', ' ', '{n}', '__proto__', 'Ü'),
  fc.uuid(),
  fc.string({ unit: 'binary', maxLength: 6 }).map((one) => one.replace(/[/+#\0-\u{1f}\u{7f}-\u{9f}]/gu, '')),
);
const path = fc.oneof(
  fc.array(level, { minLength: 1, maxLength: 6 }).map((levels) => levels.join('/')),
  fc.constantFrom('/', 'a/').map((one) => one.repeat(200)),
);

test(`${SETS} sets of topics -> each in one family, whose filter finds it`, patience(SETS, 20), () =>
  fuzz(FILE, SETS, fc.array(path.filter(Boolean), { maxLength: 25 }), (names) => {
    const families = familiesOf(names);
    expect(families.flatMap(({ topics }) => topics).sort()).toEqual([...new Set(names)].sort());
    for (const { levels, topics } of families) {
      const filter = filterOf(levels);
      if (accepted(filter) && !filter.startsWith('$share/')) {
        const missed = topics.filter((one) => !matches(filter, one) && !one.startsWith('$'));
        expect({ filter, missed }).toEqual({ filter, missed: [] });
      }
      expect(templateOf(levels).split('/').length).toBe(filter.split('/').length);
    }
  }),
);

test(`${NAMES} device ids -> each finds itself, and nothing throws`, patience(NAMES), () => {
  const id = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 24 }),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
    fc.string({ unit: fc.constantFrom(...'aZ0f:.-_/ İıſKé\\[]()*+?{}|^$#', 'e\u0301', '0x', 'ß'), minLength: 1 }),
    fc.constantFrom('00:15:8d:00:01:a2:b3:c4', '0x00158d0001a2b3c4', 'AA-BB-CC-DD-EE-FF', 'x'.repeat(256)),
  );
  return fuzz(FILE, NAMES, fc.tuple(id, id), ([one, other]) => {
    const identity = createIdentity(one);
    const { given } = identity;
    for (const text of [one, other, `a/${one}/b`, `${one}_${other}`]) {
      expect(['exact', 'partial', undefined]).toContain(identity.inTopic(text));
      expect(['exact', 'partial', undefined]).toContain(identity.inName(text));
    }
    if (given === '') return;
    if (identity.inName(given) !== 'exact') expect(given).toBe('found by its own name');
    if (identity.inTopic(`home/${given}/state`) !== 'exact') expect(given).toBe('found in a topic');
  });
});

function bounded(change: object): void {
  const { length } = JSON.stringify(change);
  if (length > MAX_CHANGE_CHARS) expect(length).toBeLessThan(MAX_CHANGE_CHARS);
}

/** Of no order among keys, and 0 is -0. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, inner]) => [name, sorted(inner)]);
}

function join(pieces: string[]): string {
  return pieces.join('');
}

function accepted(filter: string): boolean {
  try {
    checkFilter(filter);
    return true;
  } catch {
    return false;
  }
}
