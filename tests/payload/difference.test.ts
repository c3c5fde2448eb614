import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { differences, MAX_CHANGES, shown } from '../../src/payload/difference.ts';

const changes = (before: unknown, after: unknown) => differences(before, after).changes;

describe('differences', () => {
  test.each([
    ['equal scalars', 1, 1, []],
    ['a scalar', 'OFF', 'ON', [{ path: '$', before: 'OFF', after: 'ON' }]],
    [
      'a number -> its delta, without the noise of doubles',
      21.5,
      21.6,
      [{ path: '$', before: 21.5, after: 21.6, delta: 0.1 }],
    ],
    ['a field', { a: 1, b: 2 }, { a: 1, b: 3 }, [{ path: '$.b', before: 2, after: 3, delta: 1 }]],
    ['a new field -> no before', {}, { a: null }, [{ path: '$.a', after: null }]],
    ['a field that is gone -> no after', { a: 'x' }, {}, [{ path: '$.a', before: 'x' }]],
    [
      'deep',
      { a: { b: [1, { c: true }] } },
      { a: { b: [1, { c: false }] } },
      [{ path: '$.a.b[1].c', before: true, after: false }],
    ],
    ['lists of other lengths -> as a whole', [1], [1, 2], [{ path: '$', before: [1], after: [1, 2] }]],
    ['a list and an object of the same text', [], {}, [{ path: '$', before: [], after: {} }]],
    ['a number and its text', 1, '1', [{ path: '$', before: 1, after: '1' }]],
    [
      'a name that JSONPath wants in brackets',
      { "it's": 1 },
      { "it's": 2 },
      [{ path: "$['it\\'s']", before: 1, after: 2, delta: 1 }],
    ],
  ])('%s', (_what, before, after, expected) => {
    expect(changes(before, after)).toEqual(expected);
  });

  test('a __proto__ field -> told as any other', () => {
    expect(changes(JSON.parse('{"__proto__":1}'), JSON.parse('{"__proto__":2}'))).toEqual([
      { path: '$.__proto__', before: 1, after: 2, delta: 1 },
    ]);
  });

  test('more changes than are told -> the first ones, and that there are more', () => {
    const wide = (value: number) => Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`k${i}`, value]));
    const { changes, more } = differences(wide(1), wide(2));
    expect(changes).toHaveLength(MAX_CHANGES);
    expect(more).toBe(true);
  });

  test('a long text -> cut, with its length; never in the middle of a character', () => {
    expect(shown('é'.repeat(500))).toBe(`${'é'.repeat(160)}… (500 characters)`);
    expect(String(shown(`${'a'.repeat(159)}😀b`.repeat(2)))).not.toMatch(/[\ud800-\udfff](?![\udc00-\udfff])…/);
  });

  test('any two values: none exactly where they are the same JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        expect(changes(a, structuredClone(a))).toEqual([]);
        const [one, other] = [JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b))];
        const same = isSame(one, other);
        expect(changes(one, other).length === 0).toBe(same);
      }),
    );
  });
});

/** Equal whatever the order of keys. */
function isSame(a: unknown, b: unknown): boolean {
  try {
    expect(a).toEqual(b);
    return true;
  } catch {
    return false;
  }
}
