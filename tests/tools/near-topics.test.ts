import { describe, expect, test } from 'vitest';
import { nearTo } from '../../src/tools/near-topics.ts';

describe('topics near a filter', () => {
  test.each<[string, string, string[], object]>([
    ['another case', 'Home/lamp', ['home/lamp', 'x'], { caseTwins: ['home/lamp'] }],
    ['another case under wildcards', 'HOME/+/state', ['home/lamp/state'], { caseTwins: ['home/lamp/state'] }],
    ['a slash too many at the beginning', '/home/lamp', ['home/lamp'], { slashTwins: ['home/lamp'] }],
    ['a slash missing at the beginning', 'home/lamp', ['/home/lamp'], { slashTwins: ['/home/lamp'] }],
    ['a slash at the end', 'home/lamp', ['home/lamp/'], { slashTwins: ['home/lamp/'] }],
    ['a level too early', 'home/lamp', ['home/lamp/state'], { below: ['home/lamp/state'] }],
    ['a + where there are two levels', 'home/+', ['home/lamp/state'], { below: ['home/lamp/state'] }],
    ['a letter off', 'home/livngroom/lamp', ['home/livingroom/lamp'], { misspelled: ['home/livingroom/lamp'] }],
    ['two levels off is another topic', 'home/livngroom/lmp', ['home/livingroom/lamp'], { misspelled: [] }],
    ['short levels differ by nature', 'line/a1', ['line/a2'], { misspelled: [], siblings: ['line/a2'] }],
    ['numbers differ by nature', 'p/sensor3/t', ['p/sensor1/t', 'p/sensor12/t'], { misspelled: [], shared: 'p' }],
    ['a number is missing', 'p/sensor/t', ['p/sensor1/t'], { misspelled: ['p/sensor1/t'] }],
    ['addresses differ by nature', 'z/0x00158d0a/t', ['z/0x00158d0b/t'], { misspelled: [], shared: 'z' }],
    ['a word of hex letters is no address', 'z/facade/t', ['z/facad/t'], { misspelled: ['z/facad/t'] }],
    ['siblings, the nearest', 'a/b/c', ['a/x', 'a/b/d', 'a/b/e', 'z'], { siblings: ['a/b/d', 'a/b/e'], shared: 'a/b' }],
    ['nothing in common', 'a/b', ['x/y'], { siblings: [], shared: '' }],
    ['a wildcard in common is nothing in common', '+/b', ['x/y'], { siblings: [], shared: '' }],
    ['a leading wildcard and a $ topic', '+/broker/uptime', ['$SYS/broker/version'], { siblings: [], shared: '' }],
    ['a shared subscription', '$share/g/Home/lamp', ['home/lamp'], { caseTwins: ['home/lamp'] }],
    ['what the filter matches is not near it', 'a/#', ['a/b', 'a'], { caseTwins: [], below: [], siblings: [] }],
  ])('%s', (_what, filter, topics, expected) => {
    expect(nearTo(filter, topics)).toMatchObject(expected);
  });

  test('100,000 topics and a hostile one -> three named of a kind, at once', () => {
    const topics = Array.from({ length: 100_000 }, (_, i) => `HOME/${i}`);
    const near = nearTo('home/+', [...topics, 'x/'.repeat(30_000)]);
    expect(near.caseTwins).toHaveLength(3);
    expect(near.siblings.length).toBeLessThanOrEqual(10_000);
  });
});
