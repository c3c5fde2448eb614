import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { RetainedEnd } from '../../src/mqtt/types.ts';
import { bench, type Fields, LAB } from './bench.ts';

const proof: RetainedEnd = { complete: true, evidence: 'ordered' };
const at = { session_id: LAB };

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 2) });
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

/** A listing under way: `over(ms)` lets time pass and gives the result. */
async function listing(args: Fields = {}) {
  const own = bench();
  const running = own.call('list_topics', { ...at, ...args });
  await vi.advanceTimersByTimeAsync(0);
  const over = async (ms = 0) => {
    await vi.advanceTimersByTimeAsync(ms);
    // Where nothing came, a look at what else is there.
    await vi.advanceTimersByTimeAsync(1_500);
    return running;
  };
  return { ...own, over };
}

describe('list_topics', () => {
  test('retained and live ones -> sorted by topic, counted, each with its latest size and time', async () => {
    const { session, over } = await listing();
    session.speak('b', '12345', { retain: true });
    session.speak('a', '1');
    await vi.advanceTimersByTimeAsync(1_000);
    session.speak('a', '123');
    session.speak('b', '12');
    session.endRetained(proof);
    const result = await over(4_000);
    expect(result.topics).toEqual([
      { topic: 'a', retained: false, message_count: 2, payload_bytes: 3, last_seen: '2026-01-02T00:00:01.000Z' },
      { topic: 'b', retained: true, message_count: 2, payload_bytes: 2, last_seen: '2026-01-02T00:00:01.000Z' },
    ]);
    expect(result).toMatchObject({
      topic_count: 2,
      total_topics: 2,
      truncated: false,
      retained_complete: true,
      retained_evidence: 'ordered',
      discovery_duration_seconds: 5,
    });
    expect(result).not.toHaveProperty('tree');
    expect(result).not.toHaveProperty('absence');
    expect(session.listened).toEqual([
      { filter: '#', options: expect.objectContaining({ qos: 0, retained: 'include' }), closed: true },
    ]);
  });

  test('duration 0 -> answers as soon as the retained messages are in', async () => {
    const { session, over } = await listing({ duration_seconds: 0 });
    session.speak('a', 'x', { retain: true });
    session.endRetained(proof);
    expect(await over()).toMatchObject({ topic_count: 1, discovery_duration_seconds: 0 });
  });

  test('the retained messages take longer than the window -> it waits for them', async () => {
    const { session, over } = await listing({ duration_seconds: 1 });
    await vi.advanceTimersByTimeAsync(3_000);
    session.speak('late', 'x', { retain: true });
    session.endRetained({ complete: true, evidence: 'quiet_window' });
    expect(await over()).toMatchObject({ topic_count: 1, retained_evidence: 'quiet_window' });
  });

  test('they never end -> a minute more, then incomplete, said in a note', async () => {
    const { over } = await listing({ duration_seconds: 0 });
    const result = await over(60_000);
    expect(result).toMatchObject({ retained_complete: false, retained_evidence: 'quiet_window' });
    expect(result.notes).toContainEqual(expect.stringMatching(/not all retained/i));
  });

  test('more topics than max_topics -> the first ones, the exact total, a tree that adds up', async () => {
    const { session, over } = await listing({ max_topics: 3 });
    for (const topic of ['z/1', 'b/1', 'b/2', 'a/x/1', 'a/x/2', 'a/y']) session.speak(topic);
    session.endRetained(proof);
    const result = await over(5_000);
    expect(result).toMatchObject({ topic_count: 3, total_topics: 6, truncated: true });
    expect(result.topics).toMatchObject([{ topic: 'a/x/1' }, { topic: 'a/x/2' }, { topic: 'a/y' }]);
    const counts = Object.values(result.tree ?? {}).map(Number);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(6);
  });

  test('names of Object.prototype, and long names -> topics like others', async () => {
    const { session, over } = await listing();
    const topics = ['__proto__', 'constructor', 'toString/x', 'é'.repeat(30_000)];
    for (const topic of topics) session.speak(topic);
    session.endRetained(proof);
    const result = await over(5_000);
    expect(result.topics).toMatchObject(topics.map((topic) => ({ topic, message_count: 1 })));
  });

  test('nothing, proven -> certain for duration 0, likely for a window', async () => {
    for (const [duration_seconds, grade] of [
      [0, 'certain'],
      [2, 'likely'],
    ] as const) {
      const { session, over } = await listing({ duration_seconds, pattern: 'a/+' });
      session.endRetained(proof);
      const result = await over(duration_seconds * 1_000);
      expect(result).toMatchObject({
        topic_count: 0,
        absence: { grade, verdict: expect.stringMatching(/^[^\n]+\.$/) },
      });
    }
  });

  test('the connection is lost -> what came is there, and it says so', async () => {
    const { session, over } = await listing();
    session.speak('a', 'x', { retain: true });
    session.gaps.push({ from: Date.now(), to: undefined });
    session.lose('the broker closed the connection');
    const result = await over();
    expect(result).toMatchObject({ topic_count: 1, retained_complete: false });
    expect(result.notes).toContainEqual(expect.stringMatching(/connection was lost/));
  });

  test('lost before anything came -> absence unknown', async () => {
    const { session, over } = await listing();
    session.gaps.push({ from: Date.now(), to: undefined });
    session.lose('the broker closed the connection');
    expect(await over()).toMatchObject({ absence: { grade: 'unknown' } });
  });

  test('cancelled -> cancelled, and nobody listens any more', async () => {
    const { run, session, abort } = bench();
    const running = run('list_topics', at);
    await vi.advanceTimersByTimeAsync(100);
    abort('cancelled by the caller');
    expect(await running).toMatchObject({ error: { code: 'cancelled' } });
    expect(session.listened[0]?.closed).toBe(true);
  });

  test('a long one -> progress that rises', async () => {
    const { session, steps, over } = await listing();
    session.endRetained(proof);
    await over(5_000);
    const numbers = steps.map(({ progress }) => progress);
    expect(numbers.length).toBeGreaterThan(2);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  });

  test.each([
    [350, true],
    [30, false],
  ])('%i topics of long names -> a note that the answer is long: %j', async (count, noted) => {
    const { session, over } = await listing({ pattern: 'site/#' });
    for (let n = 0; n < count; n += 1) session.speak(`site/${'long'.repeat(35)}/${n}/state`, 'x', { retain: true });
    session.endRetained(proof);
    const { notes, topic_count } = await over(5_000);
    expect(topic_count).toBe(count);
    const long = expect.stringMatching(
      /^This answer is long, some \d\d,000 tokens: a narrower pattern or .*max_topics/,
    );
    if (noted) expect(notes).toContainEqual(long);
    else expect(notes).not.toContainEqual(long);
  });

  test.each([
    ['#', /begin with \$/],
    ['$share/g/a', /shared subscription/i],
  ])('pattern %s -> a note on what it does not cover', async (pattern, note) => {
    const { session, over } = await listing({ pattern });
    session.endRetained(proof);
    expect((await over(5_000)).notes).toContainEqual(expect.stringMatching(note));
  });
});
