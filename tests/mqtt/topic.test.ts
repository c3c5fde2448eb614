import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ToolError } from '../../src/errors.ts';
import {
  checkFilter,
  checkTopicName,
  compileFilter,
  covers,
  matches,
  overlaps,
  parseFilter,
  quoteTopic,
} from '../../src/mqtt/topic.ts';

function refusal(check: () => void): ToolError {
  try {
    check();
  } catch (error) {
    if (error instanceof ToolError) return error;
    throw error;
  }
  throw new Error('was accepted');
}

const MAX = 65_535;

describe('checkTopicName', () => {
  test.each([
    'a',
    '/',
    '//',
    'a/b',
    ' ',
    '$SYS/x',
    '$share/g/a',
    'a b/ü/😀',
    '\xa0\ue000\ufeff\u{10fffd}',
    'x'.repeat(MAX),
    'ü'.repeat(32_767),
  ])('accepts a valid one, case %#', (topic) => expect(() => checkTopicName(topic)).not.toThrow());

  test.each([
    ['', '[MQTT-4.7.3-1]'],
    ['a/+', '[MQTT-4.7.0-1]'],
    ['a#', '[MQTT-4.7.0-1]'],
    ['a\0b', '[MQTT-1.5.4-2]'],
    ['a\x01', 'control character U+0001'],
    ['a\tb', 'control character U+0009'],
    ['\x1f', 'control character U+001F'],
    ['a\x7f', 'control character U+007F'],
    ['a\x9f', 'control character U+009F'],
    ['a\ufdd0', 'noncharacter U+FDD0'],
    ['a\uffff', 'noncharacter U+FFFF'],
    ['a\u{10fffe}', 'noncharacter U+10FFFE'],
    ['a\ud800', '[MQTT-1.5.4-1]'],
    ['\udc00a', '[MQTT-1.5.4-1]'],
    ['x'.repeat(MAX + 1), '[MQTT-4.7.3-3]'],
    ['ü'.repeat(32_768), '[MQTT-4.7.3-3]'],
  ])('case %# -> invalid_topic, naming the rule', (topic, clause) => {
    const { data } = refusal(() => checkTopicName(topic));
    expect(data.code).toBe('invalid_topic');
    expect(data.message).toContain(clause);
    expect(data.hint).not.toBe('');
    expect(data.message.length).toBeLessThan(800);
  });
});

describe('checkFilter', () => {
  test.each([
    '#',
    '+',
    '+/#',
    '/+',
    '+/',
    'a/+/b',
    'a//#',
    '$SYS/#',
    '$share',
    '$shared/a',
    '$share/g/#',
    '$share/g//',
  ])('accepts %j', (filter) => expect(() => checkFilter(filter)).not.toThrow());

  test.each([
    ['', '[MQTT-4.7.3-1]'],
    ['a\0', '[MQTT-1.5.4-2]'],
    ['a/\n/#', 'control character U+000A'],
    ['+/\x80', 'control character U+0080'],
    ['$share/g\x01/a', 'control character U+0001'],
    ['\u{1ffff}/#', 'noncharacter U+1FFFF'],
    ['a\udfff', '[MQTT-1.5.4-1]'],
    ['a/#/b', '[MQTT-4.7.1-1]'],
    ['##', '[MQTT-4.7.1-1]'],
    ['#/', '[MQTT-4.7.1-1]'],
    ['a#', '[MQTT-4.7.1-1]'],
    ['a+', '[MQTT-4.7.1-2]'],
    ['+a/b', '[MQTT-4.7.1-2]'],
    ['a/++', '[MQTT-4.7.1-2]'],
    ['$share/', '[MQTT-4.8.2-1]'],
    ['$share//a', '[MQTT-4.8.2-1]'],
    ['$share/g', '[MQTT-4.8.2-2]'],
    ['$share/g/', '[MQTT-4.8.2-2]'],
    ['$share/+/a', '[MQTT-4.8.2-2]'],
    ['$share/g#/a', '[MQTT-4.8.2-2]'],
    ['$share/#', '[MQTT-4.8.2-2]'],
    ['$share/g/$share/h/a', '[MQTT-4.8.2-2]'],
    ['$share/g/a#', '[MQTT-4.7.1-1]'],
    ['x'.repeat(MAX + 1), '[MQTT-4.7.3-3]'],
  ])('case %# -> invalid_topic, naming the rule', (filter, clause) => {
    const { data } = refusal(() => checkFilter(filter));
    expect(data.code).toBe('invalid_topic');
    expect(data.message).toContain(clause);
  });

  test('any string -> accepted, or a ToolError with printable text only', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom('a', '/', '+', '#', '$share/', '\ud800') }),
    );
    fc.assert(
      fc.property(text, (filter) => {
        for (const check of [checkFilter, checkTopicName]) {
          try {
            check(filter);
          } catch (error) {
            if (!(error instanceof ToolError)) throw error;
            expect(error.message).not.toMatch(/[\p{Cc}\p{Cs}\p{Cf}]/u);
          }
        }
      }),
    );
  });
});

describe('quoteTopic', () => {
  test.each([
    ['a"b\n', '"a\\"b\\n"'],
    ['\u200b\u202e\u007f\u2028\ufeff', '"\\u200b\\u202e\\u007f\\u2028\\ufeff"'],
    ['\u{e0041}', '"\\udb40\\udc41"'],
    ['x'.repeat(101), `"${'x'.repeat(100)}"…`],
    [`${'x'.repeat(99)}😀`, `"${'x'.repeat(99)}"…`],
    ['ü/😀', '"ü/😀"'],
  ])('is JSON, cut to 100 characters and visible, case %#', (topic, quoted) => expect(quoteTopic(topic)).toBe(quoted));
});

test('parseFilter takes the share off', () => {
  expect(parseFilter('$share/g/a/#')).toEqual({ share: 'g', filter: 'a/#' });
  expect(parseFilter('$share/g//')).toEqual({ share: 'g', filter: '/' });
  expect(parseFilter('a/#')).toEqual({ filter: 'a/#' });
  expect(parseFilter('$shared/a')).toEqual({ filter: '$shared/a' });
});

describe('matches', () => {
  test.each([
    // MQTT 5.0, 4.7.1.2 to 4.7.2 (the examples of the specification)
    ['sport/tennis/player1/#', 'sport/tennis/player1', true],
    ['sport/tennis/player1/#', 'sport/tennis/player1/ranking', true],
    ['sport/tennis/player1/#', 'sport/tennis/player1/score/wimbledon', true],
    ['sport/#', 'sport', true],
    ['sport/tennis/+', 'sport/tennis/player1', true],
    ['sport/tennis/+', 'sport/tennis/player1/ranking', false],
    ['sport/+', 'sport', false],
    ['sport/+', 'sport/', true],
    ['+/+', '/finance', true],
    ['/+', '/finance', true],
    ['+', '/finance', false],
    ['#', '$SYS/broker', false],
    ['+/monitor/Clients', '$SYS/monitor/Clients', false],
    ['$SYS/#', '$SYS/monitor', true],
    ['$SYS/monitor/+', '$SYS/monitor/Clients', true],
    // empty levels, case, prefixes, shares
    ['a//b', 'a/b', false],
    ['a/+/b', 'a//b', true],
    ['a/', 'a', false],
    ['a', 'a/', false],
    ['+/', 'a/', true],
    ['#', '/', true],
    ['Accounts', 'ACCOUNTS', false],
    ['ab/#', 'a', false],
    ['a/#', 'ab', false],
    ['a/b', 'a/bc', false],
    ['a/bc', 'a/b', false],
    ['+/#', 'a', true],
    ['a/+/#', 'a', false],
    ['$share/g/a/+', 'a/b', true],
    ['$share/g/#', '$SYS/x', false],
    ['$share/g/$SYS/#', '$SYS/x', true],
    ['x/#', 'x/$SYS', true],
  ])('%s %s -> %s', (filter, topic, expected) => {
    expect(matches(filter, topic)).toBe(expected);
    expect(compileFilter(filter)(topic)).toBe(expected);
  });

  test('agrees with the model on every short filter and topic, compiled or not', () => {
    for (const filter of filters) {
      const compiled = compileFilter(filter);
      for (const topic of topics) {
        const expected = modelMatches(filter, topic);
        if (matches(filter, topic) !== expected || compiled(topic) !== expected) {
          expect.fail(`${filter} ${topic}: model says ${expected}`);
        }
      }
    }
  });

  test('a misplaced wildcard matches no valid topic and ends', () => {
    for (const filter of ['#/a', 'a+', '+a', '##', 'a#', '+/a#', '$share', '$share/g', '$share/g/', '']) {
      for (const topic of topics) {
        expect(matches(filter, topic)).toBe(false);
        expect(compileFilter(filter)(topic)).toBe(false);
      }
    }
  });

  test('long random filters agree with the model', () => {
    fc.assert(
      fc.property(longFilter, longTopic, (filter, topic) => {
        expect(matches(filter, topic)).toBe(modelMatches(filter, topic));
        expect(compileFilter(filter)(topic)).toBe(modelMatches(filter, topic));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('covers and overlaps', () => {
  test.each([
    ['#', '#', true, true],
    ['#', 'a/b', true, true],
    ['#', '$SYS/#', false, false],
    ['+/x', '$SYS/x', false, false],
    ['$SYS/#', '#', false, false],
    ['$SYS/#', '$SYS/+/x', true, true],
    ['+/#', '#', true, true],
    ['a/#', 'a', true, true],
    ['a/+/#', 'a/#', false, true],
    ['a/+', 'a/#', false, true],
    ['a/#', 'a/+/#', true, true],
    ['a/+', '+/b', false, true],
    ['a/+', 'b/+', false, false],
    ['a', 'a/+', false, false],
    ['/#', '+', false, false],
    ['/+/#', '/#', true, true],
    ['+/+/#', '/#', true, true],
    ['$share/g/a/#', 'a/b', true, true],
    ['a/#', '$share/g/a/b', true, true],
  ])('%s and %s -> covers %s, overlaps %s', (wide, narrow, covered, overlapping) => {
    expect(covers(wide, narrow)).toBe(covered);
    expect(overlaps(wide, narrow)).toBe(overlapping);
    expect(overlaps(narrow, wide)).toBe(overlapping);
  });

  test('agree with brute force over every pair of short filters', () => {
    // 'z' stands for every level that no filter names; topics are two levels deeper than any filter.
    const sets = filters.map((filter) => topics.map((topic) => modelMatches(filter, topic)));
    for (const [i, a] of filters.entries()) {
      for (const [j, b] of filters.entries()) {
        const one = sets[i] ?? [];
        const two = sets[j] ?? [];
        const covered = two.every((hit, k) => !hit || one[k]);
        const overlapping = two.some((hit, k) => hit && one[k]);
        if (covers(a, b) !== covered) expect.fail(`covers(${a}, ${b}) should be ${covered}`);
        if (overlaps(a, b) !== overlapping) expect.fail(`overlaps(${a}, ${b}) should be ${overlapping}`);
      }
    }
  });

  test('covers is reflexive, and covered topics match', () => {
    fc.assert(
      fc.property(longFilter, longFilter, longTopic, (a, b, topic) => {
        expect(covers(a, a)).toBe(true);
        if (covers(a, b) && matches(b, topic)) expect(matches(a, topic)).toBe(true);
        if (matches(a, topic) && matches(b, topic)) expect(overlaps(a, b)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

/** MQTT 5.0, 4.7, level by level and as slow as it reads. */
function modelMatches(filter: string, topic: string): boolean {
  const f = filter.replace(/^\$share\/[^/]+\//, '').split('/');
  const t = topic.split('/');
  if (topic.startsWith('$') && (f[0] === '+' || f[0] === '#')) return false;
  const last = f.at(-1) === '#';
  const fixed = last ? f.slice(0, -1) : f;
  if (last ? t.length < fixed.length : t.length !== fixed.length) return false;
  return fixed.every((level, i) => level === '+' || level === t[i]);
}

function sequences(alphabet: string[], length: number): string[][] {
  if (length === 0) return [[]];
  return sequences(alphabet, length - 1).flatMap((head) => alphabet.map((one) => [...head, one]));
}

const plain = [1, 2, 3].flatMap((n) => sequences(['a', '$b', '', '+'], n)).map((levels) => levels.join('/'));
const filters = [
  ...plain,
  ...plain.slice(0, 20).map((filter) => `${filter}/#`),
  '#',
  ...plain.map((f) => `$share/g/${f}`),
]
  .filter((filter, i, all) => filter !== '' && filter !== '$share/g/' && all.indexOf(filter) === i)
  .filter((filter) => !filter.startsWith('$share') || filter.length < 13);
const topics = [1, 2, 3, 4, 5]
  .flatMap((n) => sequences(n > 3 ? ['a', 'z', ''] : ['a', '$b', '', 'z'], n))
  .map((levels) => levels.join('/'))
  .filter((topic) => topic !== '');

const level = fc.constantFrom('a', 'b', 'ab', '', '$x', '😀');
const longTopic = fc.array(level, { minLength: 1, maxLength: 7 }).map((levels) => levels.join('/') || 'a');
const longFilter = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { minLength: 1, maxLength: 6 }), fc.boolean(), fc.boolean())
  .map(([levels, open, share]) => `${share ? '$share/g/' : ''}${levels.join('/') || 'a'}${open ? '/#' : ''}`);
