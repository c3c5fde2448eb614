import { describe, expect, test } from 'vitest';
import { ChangeLog } from '../../src/payload/change-log.ts';
import { mostTelling } from '../../src/payload/most-telling.ts';
import { room } from '../support/room.ts';

function logging(noise = { percent: 0, absolute: 0 }, bytes?: number) {
  const log = new ChangeLog(noise, room(bytes));
  let at = 0;
  const say = (topic: string, value: unknown, retain = false) => {
    const payload = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
    return log.take({ topic, payload, size: payload.length, qos: 0, retain, dup: false, at: at++ });
  };
  return { log, say };
}

describe('a log of changes', () => {
  test('the same payload again -> counted as unchanged', () => {
    const { log, say } = logging();
    say('a', { x: 1 });
    expect(say('a', { x: 1 })).toBeUndefined();
    expect(say('a', '{ "x": 1 }')).toBeUndefined();
    expect(log).toMatchObject({ messages: 3, unchanged: 2, entries: [{ appeared: true }] });
  });

  test('a stored message is what was there before, no change and no message', () => {
    const { log, say } = logging();
    expect(say('a', 'OFF', true)).toBeUndefined();
    expect(say('a', 'ON')).toEqual({
      topic: 'a',
      at: 1,
      changes: [{ path: '$', before: 'OFF', after: 'ON' }],
      appeared: false,
    });
    expect(log).toMatchObject({ messages: 1, unchanged: 0 });
  });

  test('steps within the noise -> folded and counted; a slow drift is told once it is more than noise', () => {
    const { log, say } = logging({ percent: 1, absolute: 0 });
    say('a', { t: 100 });
    for (let i = 1; i <= 30; i++) say('a', { t: 100 + i / 10 });
    const told = log.entries.flatMap(({ changes }) => changes).filter(({ path }) => path === '$.t');
    // From 100: 101.1 is the first more than 1 % away, from there 102.2.
    expect(told.map(({ before, after }) => [before, after])).toEqual([
      [100, 101.1],
      [101.1, 102.2],
    ]);
    expect([...log.fields()]).toMatchObject([{ path: '$.t', told: 2, folded: 28, minimum: 100, maximum: 103 }]);
  });

  test('an absolute threshold -> holds around zero, where a percentage means nothing', () => {
    const { log, say } = logging({ percent: 1, absolute: 0.5 });
    for (const value of [0, 0.4, -0.4, 0.3, 2]) say('a', value);
    expect(log.entries.slice(1).map(({ changes }) => changes[0]?.after)).toEqual([2]);
  });

  test('words are never noise', () => {
    const { log, say } = logging({ percent: 100, absolute: 1e9 });
    for (const value of ['ON', 'OFF', 'ON']) say('a', value);
    expect(log.entries).toHaveLength(3);
  });

  test('a field that rises each time is known as such; one that falls back is not', () => {
    const { log, say } = logging();
    for (let i = 0; i < 6; i++) say('a', { up: i, at: `2026-01-0${i + 1}T00:00:00Z`, back: i % 3 });
    const rising = Object.fromEntries([...log.fields()].map(({ path, rising }) => [path, rising]));
    expect(rising).toEqual({ '$.up': true, '$.at': true, '$.back': false });
  });

  test('a payload of a megabyte -> only whether it is another', () => {
    const { say } = logging();
    say('a', 'x'.repeat(100_000));
    expect(say('a', 'x'.repeat(100_001))?.changes).toEqual([
      { path: '$', before: '(100000 bytes)', after: '(100001 bytes)' },
    ]);
  });

  test('30,000 topics and 60,000 changes -> bounded, and what was dropped is counted', () => {
    const { log, say } = logging(undefined, 100 * 1024 * 1024);
    for (let round = 0; round < 2; round++) for (let i = 0; i < 30_000; i++) say(`t/${i}`, round);
    expect(log.topics).toBe(20_000);
    expect(log.entries).toHaveLength(20_000);
    expect(log.droppedTopics).toBe(20_000);
    expect(log.droppedEntries).toBe(20_000);
    expect(log.messages).toBe(60_000);
  });

  test('a room that is used up -> as many topics and changes as it has bytes for, and the rest counted', () => {
    const { log, say } = logging(undefined, 1024 * 1024);
    for (let i = 0; i < 5_000; i++) say('n', i);
    expect(log.entries.length).toBeGreaterThan(2_000);
    expect(log.entries.length + log.droppedEntries).toBe(5_000);
    expect(say('other', 'x'.repeat(1024))).toBeUndefined();
    expect(log.droppedTopics).toBe(1);
  });
});

describe('the most telling changes', () => {
  const numbers = (count: number) => {
    const { log, say } = logging();
    say('n', 0, true);
    for (let i = 1; i <= count; i++) say('n', i);
    return log.entries;
  };

  test('all fit -> all', () => {
    expect(mostTelling(numbers(5), 5, () => false)).toHaveLength(5);
  });

  test('exactly as many as asked for, in order, the first and the last change of a series among them', () => {
    const entries = numbers(100);
    const chosen = mostTelling(entries, 10, () => false);
    expect(chosen).toHaveLength(10);
    expect(chosen.map(({ at }) => at)).toEqual(chosen.map(({ at }) => at).toSorted((a, b) => a - b));
    expect(chosen[0]).toBe(entries[0]);
    expect(chosen.at(-1)).toBe(entries.at(-1));
  });

  test('what is near an event comes first, then words before numbers', () => {
    const { log, say } = logging();
    say('n', 0, true);
    say('w', 'a', true);
    for (let i = 1; i <= 100; i++) say('n', i);
    for (const word of ['b', 'c', 'd']) say('w', word);
    const near = log.entries[50];
    const chosen = mostTelling(log.entries, 6, (entry) => entry === near);
    expect(chosen).toContain(near);
    expect(chosen.filter(({ topic }) => topic === 'w')).toHaveLength(3);
  });
});
