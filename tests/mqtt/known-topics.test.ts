import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KnownTopics } from '../../src/mqtt/known-topics.ts';

describe('the topics a session has seen', () => {
  test('a topic is new once, and its last time is kept to the second', () => {
    const known = new KnownTopics();
    const now = Date.now();
    expect(known.add('a/b', now)).toBe(true);
    expect(known.add('a/b', now + 61_000)).toBe(false);
    expect(known.size).toBe(1);
    expect(Math.abs((known.lastSeen('a/b') ?? 0) - (now + 61_000))).toBeLessThanOrEqual(1_000);
    expect(known.lastSeen('a')).toBeUndefined();
  });

  test('by prefix: sorted, at most so many, the exact total', () => {
    const known = new KnownTopics();
    for (const topic of ['b', 'a/2', 'a/10', 'a', 'ab', '', 'A/1', 'a/é', 'a/\u{10ffff}']) known.add(topic, 0);
    expect(known.startingWith('a/', 10)).toEqual({ values: ['a/10', 'a/2', 'a/é', 'a/\u{10ffff}'], total: 4 });
    expect(known.startingWith('a', 2)).toEqual({ values: ['a', 'a/10'], total: 6 });
    expect(known.startingWith('c', 10)).toEqual({ values: [], total: 0 });
    expect(known.startingWith('', 1)).toEqual({ values: [''], total: 9 });
  });

  test('whatever comes in whatever order -> as if all had been sorted at once', () => {
    const level = fc.constantFrom('a', 'b', 'ab', '', 'é', 'z9');
    const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'));
    const property = fc.property(fc.array(topic, { maxLength: 60 }), topic, fc.nat(5), (topics, prefix, repeat) => {
      const known = new KnownTopics();
      // More than a tail's worth, so that merges happen in between.
      const all = new Set<string>();
      for (let i = 0; i <= repeat; i += 1) {
        for (const one of topics) {
          for (let n = 0; n < 20; n += 1) {
            all.add(`${one}/${i}/${n}`);
            known.add(`${one}/${i}/${n}`, 0);
          }
        }
      }
      const expected = [...all].filter((one) => one.startsWith(prefix)).sort();
      expect(known.startingWith(prefix, 25)).toEqual({ values: expected.slice(0, 25), total: expected.length });
      expect([...known.topics()]).toEqual([...all]);
    });
    fc.assert(property, { numRuns: 60 });
  });

  test('an iterator goes on with what is seen while it is in use', () => {
    const known = new KnownTopics();
    known.add('a', 0);
    const topics = known.topics()[Symbol.iterator]();
    expect(topics.next().value).toBe('a');
    known.add('b', 0);
    expect(topics.next().value).toBe('b');
  });

  test('a hundred thousand topics -> no more, and those there are go on', () => {
    const known = new KnownTopics();
    for (let i = 0; i < 100_000; i += 1) known.add(`t/${i}`, 0);
    expect(known.add('one/more', 0)).toBe(false);
    expect(known.size).toBe(100_000);
    expect(known.lastSeen('one/more')).toBeUndefined();
    known.add('t/7', 5_000_000_000_000);
    expect(known.lastSeen('t/7')).toBeGreaterThan(4_000_000_000_000);
    expect(known.startingWith('t/99', 3)).toEqual({ values: ['t/99', 't/990', 't/9900'], total: 1_111 });
  });

  test('topics of 65,535 bytes -> some are kept, not a hundred thousand of them', () => {
    const known = new KnownTopics();
    const long = 'x'.repeat(65_500);
    for (let i = 0; i < 1_000; i += 1) known.add(`${i}/${long}`, 0);
    expect(known.size).toBeGreaterThan(200);
    expect(known.size).toBeLessThan(300);
    expect(known.add('short', 0)).toBe(true);
  });
});
