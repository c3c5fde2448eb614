// The pure parts of the view, where no browser is needed: text, JSON of a bounded length, trees, series, its weight.
import { describe, expect, test } from 'vitest';
import { jsonText } from '../../src/app/json.ts';
import { nearest, SeriesSet } from '../../src/app/series.ts';
import { age, bytes, inLine, number, visible } from '../../src/app/text.ts';
import { addListing, rowsOf, type Topic, treeOf } from '../../src/app/topics.ts';
import { html } from '../../src/generated/view.ts';

test('the document weighs less than 150 KB, and names no other place', () => {
  expect(Buffer.byteLength(html)).toBeLessThan(150_000);
  expect(html.match(/(?:https?:|\/\/)[a-z0-9.-]+\.[a-z]{2,}/gi) ?? []).toEqual([]);
  expect(html).toMatch(/^<!doctype html>/);
});

test.each([
  ['a\u202eb\u200bc', 'a\\u{202e}b\\u{200b}c'],
  ['\ud800x\u{e0041}', '\\u{d800}x\\u{e0041}'],
  ['line\nline\ttab\u2028', 'line\\u{a}line\\u{9}tab\\u{2028}'],
  ['20 °C, größer, 温度, 🌡️', '20 °C, größer, 温度, 🌡️'],
])('%j is shown as %s', (text, shown) => expect(visible(text)).toBe(shown));

test('a long text is cut, and says how long it was', () => {
  expect(visible('x'.repeat(1_000), 10)).toBe('xxxxxxxxxx… (1,000 characters)');
});

test.each([
  [[1, [2, { a: null, 'b"': 'c' }], []], 0],
  [{ a: { b: [true, 1.5] }, c: {}, d: '' }, 0],
  ['text', 0],
  [{ a: [1, { b: 2 }] }, 2],
])('%j as JSON is what JSON.stringify makes, indent %d', (value, indent) => {
  expect(jsonText(value, 1_000, ' '.repeat(indent))).toBe(JSON.stringify(value, null, indent));
});

test('of a large value only the beginning is made text, however deep or long it is', () => {
  let deep: unknown = 1;
  for (let i = 0; i < 100_000; i += 1) deep = [deep];
  expect(inLine(deep, 10)).toBe('[[[[[[[[[[…');
  expect(
    inLine(
      Array.from({ length: 1_000_000 }, () => 7),
      10,
    ),
  ).toBe('[7,7,7,7,7…');
  expect(inLine({ a: 'x'.repeat(1_000_000) }, 10)).toBe('{"a":"xxxx…');
});

test.each([
  [1234567.8912, '1,234,567.891'],
  [-1234.5, '-1,234.5'],
  [0.1 + 0.2, '0.3'],
  [1e21, '1e+21'],
  [Number.NaN, 'NaN'],
])('the number %d is %s', (value, shown) => expect(number(value)).toBe(shown));

test('sizes and ages take the unit that fits', () => {
  expect([0, 999, 1_000, 12_345, 5_000_000].map(bytes)).toEqual(['0 B', '999 B', '1.0 kB', '12 kB', '5.0 MB']);
  const now = Date.parse('2026-01-02T00:00:00Z');
  const at = (seconds: number) => age(new Date(now - seconds * 1_000).toISOString(), now);
  expect([-5, 3, 119, 7_200, 200_000].map(at)).toEqual(['0 s', '3 s', '1 min', '2 h', '2 d']);
});

describe('the tree', () => {
  const listed = (topic: string, message_count = 1, retained = true) => ({
    topic,
    message_count,
    retained,
    payload_bytes: 10,
    last_seen: '2026-01-01T00:00:00.000Z',
  });

  test('counts what is below; a topic may be a branch too, empty, or named as objects are', () => {
    const known = new Map<string, Topic>();
    addListing(known, [listed('a'), listed('a/b', 3, false), listed('/x'), listed('__proto__/constructor')]);
    const root = treeOf(known.values());
    const rows = rowsOf(root, () => true, '').map(({ level: { path, topics, messages } }) => [path, topics, messages]);
    expect(rows).toEqual([
      ['a', 2, 4],
      ['a/b', 1, 3],
      ['', 1, 1],
      ['/x', 1, 1],
      ['__proto__', 1, 1],
      ['__proto__/constructor', 1, 1],
    ]);
    expect(rowsOf(root, () => false, 'CONSTR').map(({ level }) => level.path)).toEqual([
      '__proto__',
      '__proto__/constructor',
    ]);
  });

  test('a topic of thirty thousand levels', () => {
    const known = new Map<string, Topic>();
    addListing(known, [listed('/'.repeat(30_000)), listed('b')]);
    const root = treeOf(known.values());
    expect(rowsOf(root, () => true, '')).toHaveLength(30_002);
    expect(rowsOf(root, () => false, 'B').map(({ level }) => level.path)).toEqual(['b']);
  });

  test('what the broker has stored counts once, however often it is listed; what was heard keeps its time', () => {
    const known = new Map<string, Topic>();
    addListing(known, [listed('a', 4)]);
    addListing(known, [{ ...listed('a', 1), last_seen: '2026-01-01T01:00:00.000Z' }]);
    expect(known.get('a')).toMatchObject({ messages: 4, heard: true, last_seen: '2026-01-01T00:00:00.000Z' });
  });
});

describe('series', () => {
  const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + seconds * 1_000).toISOString();
  const message = (payload: unknown, seconds: number, retain = false) => ({
    topic: 't',
    payload,
    retain,
    timestamp: at(seconds),
  });

  test('each number of a payload is one; stored messages, clocks and lone points are none', () => {
    const set = new SeriesSet();
    set.add(message({ v: 99 }, 0, true));
    for (const [i, v] of [1, 3, 2].entries()) {
      set.add(message({ v, list: [{ w: i }], ts: Date.UTC(2026, 0, 1) + i, name: 'x' }, i));
    }
    set.add(message({ once: 1 }, 9));
    expect(set.sorted().map(({ path, values, turns }) => [path, values, turns])).toEqual([
      ['.v', [1, 3, 2], 1],
      ['.list[0].w', [0, 1, 2], 0],
    ]);
  });

  test('a payload of nothing but numbers is looked at in part', () => {
    const set = new SeriesSet();
    for (const i of [0, 1])
      set.add(
        message(
          Array.from({ length: 5_000 }, () => i),
          i,
        ),
      );
    expect(set.sorted().length).toBeLessThan(100);
  });

  test('the nearest point in time', () => {
    expect([-1, 0.4, 0.6, 2, 9].map((time) => nearest([0, 1, 2], time))).toEqual([0, 0, 1, 2, 2]);
  });
});
