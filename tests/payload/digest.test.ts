import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Digest, digest } from '../../src/payload/digest.ts';
import type { DigestItem } from '../../src/payload/item.ts';
import { OTHER_TOPICS } from '../../src/payload/omitted.ts';

function item(at: number, more: Partial<DigestItem> = {}): DigestItem {
  return { topic: 't', at, shape: 'number', ...more };
}

function series(count: number, more: (i: number) => Partial<DigestItem> = () => ({})): DigestItem[] {
  return Array.from({ length: count }, (_, i) => item(i * 100, more(i)));
}

function indices({ kept }: Digest): number[] {
  return kept.map(({ index }) => index);
}

/** Items of few topics, times and kinds, so that everything that can meet does. */
const items = fc.array(
  fc.record({
    topic: fc.constantFrom('a', 'b', 'c', '__proto__'),
    at: fc.nat(12),
    severity: fc.constantFrom(undefined, undefined, undefined, undefined, 'warning' as const, 'error' as const),
    shape: fc.constantFrom('number', 'text', '{a:number}'),
    value: fc.constantFrom(1, 2, 50, 'on', 'off', true, undefined),
    key: fc.nat(3),
  }),
  { maxLength: 60 },
);
const target = fc.nat(40);

describe('properties', () => {
  test('exactly min(target, n), each once, in time order, the same each time', () => {
    fc.assert(
      fc.property(items, target, (list, size) => {
        const result = digest(list, size);
        expect(result.kept).toHaveLength(Math.min(size, list.length));
        expect(new Set(indices(result)).size).toBe(result.kept.length);
        for (let i = 1; i < result.kept.length; i++) {
          const [a = 0, b = 0] = [result.kept[i - 1]?.index, result.kept[i]?.index];
          const [before = 0, after = 0] = [list[a]?.at, list[b]?.at];
          expect(before < after || (before === after && a < b)).toBe(true);
        }
        expect(digest(list, size)).toEqual(result);
      }),
      { numRuns: 2000 },
    );
  });

  test('no error is lost while the target allows, then no warning', () => {
    fc.assert(
      fc.property(items, target, (list, size) => {
        const kept = new Set(indices(digest(list, size)));
        const lost = (severity: string) => list.some((one, i) => one.severity === severity && !kept.has(i));
        const count = (severity: string) => list.filter((one) => one.severity === severity).length;
        if (size >= 2 && count('error') <= size - 2) expect(lost('error')).toBe(false);
        if (size >= 2 && count('error') + count('warning') <= size - 2) expect(lost('warning')).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  test('the first and the last in order of arrival stay from a target of 2 on', () => {
    fc.assert(
      fc.property(items, fc.integer({ min: 2, max: 40 }), (list, size) => {
        const arrived = list.toSorted((a, b) => a.at - b.at).map((one, seq) => ({ ...one, seq }));
        const kept = indices(digest(arrived, size));
        if (arrived.length > 0) expect([kept[0], kept.at(-1)]).toEqual([0, arrived.length - 1]);
      }),
      { numRuns: 2000 },
    );
  });

  test('the order of items of one millisecond chooses nothing', () => {
    const shuffled = items.chain((list) =>
      fc.record({ list: fc.constant(list), other: fc.shuffledSubarray(list, { minLength: list.length }) }),
    );
    fc.assert(
      fc.property(shuffled, target, ({ list, other }, size) => {
        const chosen = (all: DigestItem[]) =>
          digest(all, size)
            .kept.map(({ index, reason }) => JSON.stringify([all[index], reason]))
            .sort();
        expect(chosen(other)).toEqual(chosen(list));
      }),
      { numRuns: 2000 },
    );
  });

  test('what was left out is counted, by topic and by kind', () => {
    fc.assert(
      fc.property(items, target, (list, size) => {
        const { kept, omitted } = digest(list, size);
        const sum = (counts: Record<string, number>) => Object.values(counts).reduce((a, b) => a + b, 0);
        expect(omitted.count).toBe(list.length - kept.length);
        expect(sum(omitted.by_topic)).toBe(omitted.count);
        expect(sum(omitted.by_kind)).toBe(omitted.count);
        for (const [topic, count] of Object.entries(omitted.by_topic)) {
          const of = (index: number) => list[index]?.topic === topic;
          expect(count).toBe(
            list.filter((one) => one.topic === topic).length - indices({ kept, omitted }).filter(of).length,
          );
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('errors', () => {
  test('more than the target: first and last, and errors over all of the time with the newest', () => {
    const list = series(500, (i) => (i > 10 && i < 490 ? { severity: 'error' } : {}));
    const result = digest(list, 20);
    expect(result.kept[0]).toEqual({ index: 0, reason: 'first' });
    expect(result.kept.at(-1)).toEqual({ index: 499, reason: 'last' });
    expect(result.kept.at(-2)).toEqual({ index: 489, reason: 'error' });
    const kept = indices(result);
    for (let i = 1; i < kept.length; i++) expect((kept[i] ?? 0) - (kept[i - 1] ?? 0)).toBeLessThan(60);
  });

  test('an error goes before a thousand warnings', () => {
    const list = series(1000, (i) => ({ severity: i === 333 ? 'error' : 'warning' }));
    expect(indices(digest(list, 5))).toContain(333);
  });

  test('the one error of a quiet topic goes before the flood of another', () => {
    const list = series(1000, (i) => ({ severity: 'error', topic: i === 500 ? 'quiet' : 'loud' }));
    expect(indices(digest(list, 10))).toContain(500);
  });

  test('a target of 1 is the newest error, or the last message', () => {
    expect(
      digest(
        series(10, (i) => (i === 4 ? { severity: 'error' } : {})),
        1,
      ).kept,
    ).toEqual([{ index: 4, reason: 'error' }]);
    expect(digest(series(10), 1).kept).toEqual([{ index: 9, reason: 'last' }]);
    expect(digest(series(10), 0).kept).toEqual([]);
    expect(digest([], 5).kept).toEqual([]);
  });
});

describe('shapes, changes, samples', () => {
  test('one of every shape of every topic', () => {
    const list = series(1000, (i) => ({ topic: `t${i % 3}`, shape: i % 100 === 99 ? `odd${i}` : 'usual' }));
    const shown = new Set(digest(list, 30).kept.map(({ index }) => `${list[index]?.topic} ${list[index]?.shape}`));
    expect(shown.size).toBe(3 + 10);
  });

  test('a step of a number and a change of state', () => {
    const list = series(500, (i) => ({ value: i < 250 ? 20 + (i % 3) / 10 : 30 + (i % 3) / 10 }));
    expect(digest(list, 20).kept).toContainEqual({ index: 250, reason: 'change' });
    const json = series(500, (i) => ({ levels: [['pump.state', i < 123 ? 'on' : 'off']] }));
    expect(digest(json, 20).kept).toContainEqual({ index: 123, reason: 'change' });
  });

  test('the rest is even over time', () => {
    const kept = indices(digest(series(1000), 50));
    for (let i = 1; i < kept.length; i++) expect((kept[i] ?? 0) - (kept[i - 1] ?? 0)).toBeLessThanOrEqual(40);
  });

  test('a burst does not take the places of the quiet time', () => {
    const quiet = series(100, (i) => ({ at: i * 1000 }));
    const burst = series(5000, (i) => ({ at: 50_000 + i / 10 }));
    const list = [...quiet, ...burst].sort((a, b) => a.at - b.at);
    const times = digest(list, 22).kept.map(({ index }) => list[index]?.at ?? 0);
    expect(times.filter((at) => at < 49_000).length).toBeGreaterThan(7);
    expect(times.filter((at) => at > 51_000).length).toBeGreaterThan(7);
  });

  test('fair to topics: one message is not drowned by ten thousand', () => {
    const list = series(10_000, (i) => ({ topic: i % 1000 === 7 ? `rare${i}` : 'flood' }));
    const topics = digest(list, 20).kept.map(({ index }) => list[index]?.topic);
    expect(new Set(topics).size).toBe(11);
  });

  test('many topics with a message or two: the chosen ones are even over time', () => {
    const list = series(1000, (i) => ({ topic: `t${i % 500}` }));
    const kept = indices(digest(list, 50));
    for (const quarter of [0, 250, 500, 750]) {
      expect(kept.filter((i) => i >= quarter && i < quarter + 250).length).toBeGreaterThan(7);
    }
  });
});

test('by_topic names twenty topics, the rest together', () => {
  const { by_topic: named } = digest(
    series(3000, (i) => ({ topic: `t${i % 300}` })),
    50,
  ).omitted;
  expect(Object.keys(named)).toHaveLength(21);
  expect(Object.values(named).reduce((a, b) => a + b, 0)).toBe(2950);
  expect(named[OTHER_TOPICS]).toBeGreaterThan(1000);
});

test('topics of 65,535 bytes do not swell the account', () => {
  const { by_topic: named } = digest(
    series(300, (i) => ({ topic: `${i % 30}${'x'.repeat(65_000)}` })),
    10,
  ).omitted;
  expect(JSON.stringify(named).length).toBeLessThan(40_000);
});
