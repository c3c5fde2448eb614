// Topics grouped into templates: corpora of real conventions, and what holds for any topics.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { covers } from '../../src/payload/schema/baseline.ts';
import { groupTopics } from '../../src/payload/schema/groups.ts';
import { type Outline, outlineOf } from '../../src/payload/schema/outline.ts';

type Expected = { template: string; payload: unknown; topics: string[] };
const sets: { name: string; groups: Expected[] }[] = JSON.parse(
  readFileSync(join(import.meta.dirname, '../data/topic-sets.json'), 'utf8'),
);

function outlined(payload: unknown): Outline {
  const payload_type = typeof payload === 'object' ? 'json' : typeof payload;
  return outlineOf([{ payload, payload_type }]);
}

/** Of topics that all say a number. */
function templatesOf(topics: readonly string[], payload: unknown = 21.5): string[] {
  const outlines = new Map(topics.map((topic) => [topic, outlined(payload)]));
  return groupTopics(topics, outlines).map(({ template }) => template);
}

describe('corpora', () => {
  test('there are at least twenty', () => {
    expect(sets.length).toBeGreaterThanOrEqual(20);
  });

  test.each(sets)('$name', ({ groups }) => {
    const outlines = new Map(groups.flatMap(({ topics, payload }) => topics.map((one) => [one, outlined(payload)])));
    const found = groupTopics([...outlines.keys()].reverse(), outlines);
    const line = ({ template, topics }: { template: string; topics: string[] }) =>
      `${template}: ${topics.toSorted().join(' ')}`;
    expect(found.map(line).sort()).toEqual(groups.map(line).sort());
  });
});

const words = fc.constantFrom(
  ...'plant line1 line2 line10 temperature humidity kitchen hall kitchen_lamp 1 2 17 0x00158d0001a2b3c4 B1E31C'.split(
    ' ',
  ),
  ...'041531 a4cf12f03e9c 0e37df36-f698-11e6-8dd4-cb9ced3df976 zigbee2mqtt tele STATE pm10 2026-01-02 {n} rooms'.split(
    ' ',
  ),
  ...['', '$SYS', 'küche', 'a b', 'facade', '123456', 'cab001'],
);
const topics = fc.uniqueArray(
  fc
    .array(
      fc.oneof(
        { weight: 9, arbitrary: words },
        { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 12 }) },
      ),
      {
        minLength: 1,
        maxLength: 5,
      },
    )
    .map((levels) => levels.join('/'))
    .filter((topic) => topic !== ''),
  { maxLength: 25 },
);
const payloads = fc.constantFrom<unknown>(
  1,
  'on',
  true,
  { a: 1, b: 2 },
  { a: 1, c: 2 },
  { value: 1, unit: '%' },
  { value: 1, unit: 'C' },
);
const world = topics.chain((names) =>
  fc.tuple(fc.constant(names), fc.array(payloads, { minLength: names.length, maxLength: names.length })),
);

describe('any topics', () => {
  test('each is in exactly one group, and its template covers it', () => {
    fc.assert(
      fc.property(world, ([names, says]) => {
        const groups = groupTopics(names, new Map(names.map((name, i) => [name, outlined(says[i])])));
        expect(groups.flatMap((group) => group.topics).sort()).toEqual([...names].sort());
        for (const { template, topics: own } of groups) {
          for (const topic of own)
            expect(template === topic || covers(template, topic), `${template}: ${topic}`).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('their order does not matter', () => {
    fc.assert(
      fc.property(world, fc.nat(), ([names, says], turn) => {
        const outlines = new Map(names.map((name, i) => [name, outlined(says[i])]));
        const turned = [
          ...names.slice(turn % (names.length + 1)),
          ...names.slice(0, turn % (names.length + 1)),
        ].reverse();
        expect(groupTopics(turned, outlines)).toEqual(groupTopics(names, outlines));
      }),
      { numRuns: 200 },
    );
  });

  test('words of meaning at one place -> never one template', () => {
    const meant = fc.constantFrom(
      ...'temperature humidity pressure state set availability pm1 pm10 co2 voltage feuchte 1min 5min'.split(' '),
    );
    fc.assert(
      fc.property(
        fc.uniqueArray(meant, { minLength: 2, maxLength: 6 }),
        fc.constantFrom('a/', 'rooms/', 'tele/'),
        payloads,
        (some, before, says) => {
          for (const after of ['', '/x', '/temperature', '/state']) {
            const names = some.map((word) => `${before}${word}${after}`);
            expect(templatesOf(names, says).sort()).toEqual([...names].sort());
          }
        },
      ),
    );
  });
});

describe('limits', () => {
  test('a hundred thousand devices -> three templates', () => {
    const leaves = ['temperature', 'humidity', 'state'];
    const names = Array.from({ length: 100_000 }, (_, i) => `plant/line${i % 50}/device${i}/${leaves[i % 3]}`);
    expect(groupTopics(names, new Map()).map(({ template, topics: own }) => [template, own.length])).toEqual([
      ['plant/line{n}/device{n}/humidity', 33_333],
      ['plant/line{n}/device{n}/state', 33_333],
      ['plant/line{n}/device{n}/temperature', 33_334],
    ]);
  });

  test('twenty thousand words -> as many templates', () => {
    const names = Array.from(
      { length: 20_000 },
      (_, i) => `x/${i.toString(26).replace(/\d/g, (d) => 'qrstuvwxyz'[Number(d)] ?? '')}`,
    );
    expect(groupTopics(names, new Map()).length).toBe(new Set(names).size);
  });

  test('topics of 65,535 bytes -> grouped too', () => {
    const names = ['/'.repeat(65_535), 'a'.repeat(65_535), '1-'.repeat(32_000), 'a1'.repeat(32_000)];
    expect(
      groupTopics(names, new Map())
        .flatMap((group) => group.topics)
        .sort(),
    ).toEqual([...names].sort());
  });

  test('a fleet that says something else in every topic -> a dozen groups', () => {
    const names = Array.from({ length: 300 }, (_, i) => `dev/${i}`);
    const outlines = new Map(
      names.map((name, i) => [name, outlined({ [`k${'abcdefghij'[i % 10]}${i}`]: 1, [`z${i}x`]: 2 })]),
    );
    expect(groupTopics(names, outlines).length).toBe(12);
  });
});
