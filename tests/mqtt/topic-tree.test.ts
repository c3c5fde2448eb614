import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matches } from '../../src/mqtt/topic.ts';
import { topicTree } from '../../src/mqtt/topic-tree.ts';

describe('the tree of topics', () => {
  test('few topics -> each by itself', () => {
    expect(topicTree(['a/b', 'a/c', 'd'])).toEqual({ 'a/b': 1, 'a/c': 1, d: 1 });
    expect(topicTree([])).toEqual({});
    expect(topicTree(['one/two/three'])).toEqual({ 'one/#': 1 });
  });

  test('what all of a crowd share stands in its prefix', () => {
    const topics = Array.from({ length: 200 }, (_, i) => `site/hall/line${i % 2}/sensor${i}/value`);
    expect(topicTree(topics)).toEqual({ 'site/hall/line0/#': 100, 'site/hall/line1/#': 100 });
  });

  test('no room for all -> the most crowded are split, the rest are counted', () => {
    const topics = [
      ...Array.from({ length: 30 }, (_, i) => `big/${i % 3}/${i}`),
      ...Array.from({ length: 5 }, (_, i) => `small/${i}`),
      'alone',
    ];
    expect(topicTree(topics, 5)).toEqual({ 'big/0/#': 10, 'big/1/#': 10, 'big/2/#': 10, 'small/#': 5, alone: 1 });
    expect(topicTree(topics, 3)).toEqual({ 'big/#': 30, 'small/#': 5, alone: 1 });
  });

  test('all under one prefix with more below it than room -> the largest of those, the others are one', () => {
    const topics = Array.from({ length: 130 }, (_, i) => `site/${i % 100}/${i}`);
    const tree = topicTree(topics, 31);
    expect(Object.keys(tree)).toHaveLength(31);
    expect(tree).toMatchObject({ 'site/0/#': 2, 'site/29/#': 2, '(others)': 70 });
    expect(topicTree(['a/0', 'a/1', 'a/2'], 2)).toEqual({ 'a/#': 3 });
  });

  test('few topics under a prefix -> not split where only a crowd is to be', () => {
    const topics = ['big/a/1', 'big/a/2', 'big/b/1', 'small/1', 'small/2', 'alone/1'];
    expect(topicTree(topics, 60, 3)).toEqual({ 'big/a/#': 2, 'big/b/#': 1, 'small/#': 2, 'alone/#': 1 });
  });

  test('more beginnings than room -> the largest stay, the others are one', () => {
    const topics = Array.from({ length: 100 }, (_, i) => `${i % 40}/${i}`);
    const tree = topicTree(topics, 10);
    expect(Object.keys(tree)).toHaveLength(10);
    expect(tree['(others)']).toBe(100 - 27);
  });

  test('a topic with others below it -> counted with them, as the filter matches it too', () => {
    const topics = ['a', 'a/b', 'a/c', 'd'];
    expect(topicTree(topics, 2)).toEqual({ 'a/#': 3, d: 1 });
    expect(topicTree(topics)).toEqual({ a: 1, 'a/b': 1, 'a/c': 1, d: 1 });
  });

  test.each([
    [['/a/b', '/a/c'], { '/a/b': 1, '/a/c': 1 }],
    [['a', 'a/', 'a//', 'a//b'], { a: 1, 'a/': 1, 'a//': 1, 'a//b': 1 }],
    [['/', '//', '///'], { '/': 1, '//': 1, '///': 1 }],
    [['x/', 'x/y'], { 'x/': 1, 'x/y': 1 }],
    [['$SYS/a', 'é/1', 'é/2'], { '$SYS/#': 1, 'é/1': 1, 'é/2': 1 }],
  ])('slashes at either end, levels without a name: %j', (topics, tree) => {
    expect(topicTree(topics)).toEqual(tree);
  });

  test('whatever the topics: each is in one entry, each count is right, and there are no more entries than allowed', () => {
    const level = fc.constantFrom('a', 'b', '', 'ab', 'c');
    const topic = fc.array(level, { minLength: 1, maxLength: 6 }).map((levels) => levels.join('/'));
    const property = fc.property(
      fc.uniqueArray(topic, { maxLength: 80 }),
      fc.integer({ min: 1, max: 20 }),
      (all, most) => {
        const topics = all.filter((one) => one !== '');
        const tree = topicTree(topics, most);
        expect(Object.keys(tree).length).toBeLessThanOrEqual(most);
        expect(Object.values(tree).reduce((sum, count) => sum + count, 0)).toBe(topics.length);
        for (const [name, count] of Object.entries(tree)) {
          if (name === '(others)') continue;
          // A directed drill-down: who lists the entry gets as many as it says.
          expect(topics.filter((one) => matches(name, one))).toHaveLength(count);
        }
      },
    );
    fc.assert(property, { numRuns: 2_000 });
  });

  test('topics of 30,000 levels, which a broker may make up -> soon done', () => {
    const deep = 'a/'.repeat(30_000);
    const topics = Array.from({ length: 100 }, (_, i) => `${deep}${i}`);
    const began = performance.now();
    expect(topicTree(topics, 60)).toEqual({ [`${deep}#`]: 100 });
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});
