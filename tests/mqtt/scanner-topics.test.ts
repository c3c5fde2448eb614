// The way from a topic's bytes to what is known about it.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TopicCache } from '../../src/mqtt/scan-topics.ts';

function start() {
  const asked: string[] = [];
  const cache = new TopicCache((topic) => {
    asked.push(topic);
    return { topic };
  });
  const get = (topic: string) => {
    const bytes = Buffer.from(`--${topic}--`);
    return cache.get(bytes, 2, bytes.length - 2);
  };
  return { asked, cache, get };
}

describe('TopicCache', () => {
  test('a topic again, in another chunk -> the same answer without asking', () => {
    const { asked, get } = start();
    const first = get('plant/7/state');
    expect(get('plant/8/state')).not.toBe(first);
    expect(get('plant/7/state')).toBe(first);
    expect(asked).toEqual(['plant/7/state', 'plant/8/state']);
  });

  test('a hundred topics -> each is asked for once', () => {
    const { asked, get } = start();
    for (let n = 0; n < 1000; n += 1) get(`plant/line/sensor-${n % 100}`);
    expect(asked).toHaveLength(100);
  });

  test('any topics in any order -> always the right one, cached or not', () => {
    const { get } = start();
    const parts = fc.constantFrom('a', 'b', '/', 'sensor', 'ü', '😀', '0000', '\u0000', 'x'.repeat(60));
    const topic = fc.array(parts, { minLength: 1, maxLength: 5 }).map((all) => all.join(''));
    fc.assert(
      fc.property(fc.array(topic, { minLength: 1, maxLength: 50 }), (topics) => {
        for (const one of topics) expect(get(one).topic).toBe(one);
      }),
      { numRuns: 500 },
    );
  });

  test('topics of one length whose hashes are the same -> each its own', () => {
    const { get } = start();
    const pairs = collisions(150_000);
    expect(pairs.length).toBeGreaterThan(0);
    for (const [one, other] of pairs) {
      for (const topic of [one, other, one, other]) expect(get(topic).topic).toBe(topic);
    }
  });

  test('100,000 topics -> always the right one', () => {
    const { get } = start();
    for (let n = 0; n < 200_000; n += 1) {
      const topic = `site/${n % 100_000}/state`;
      if (get(topic).topic !== topic) throw new Error(topic);
    }
  });

  test('not UTF-8 -> U+FFFD, as in mqtt.js', () => {
    const { cache } = start();
    expect(cache.get(Buffer.from([0x61, 0xff, 0x62, 0x63, 0x64]), 0, 5).topic).toBe('a\ufffdbcd');
  });

  test('cleared -> asks again', () => {
    const { asked, cache, get } = start();
    get('a/b/c');
    cache.clear();
    get('a/b/c');
    expect(asked).toHaveLength(2);
  });
});

/** Pairs of different topics of twelve bytes that the cache cannot tell apart by their hash. */
function collisions(among: number): [string, string][] {
  const mix = (hash: number, word: number) => {
    const product = Math.imul(hash ^ word, 0x9e3779b1);
    return product ^ (product >>> 15);
  };
  const found: [string, string][] = [];
  const seen = new Map<number, string>();
  for (let n = 0; n < among; n += 1) {
    const topic = `${(0x10000000 + n * 1021).toString(16)}/end`;
    const bytes = Buffer.from(topic);
    const hash = mix(mix(12, bytes.readInt32LE(0)), bytes.readInt32LE(4));
    const before = seen.get(hash);
    if (before !== undefined) found.push([before, topic]);
    seen.set(hash, topic);
  }
  return found;
}
