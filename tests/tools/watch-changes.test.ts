import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { bench, type Fields, failing, LAB, problemsOf, toolError } from './bench.ts';

const at = { session_id: LAB, topic_patterns: ['a/#'] };

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 2) });
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

async function watching(args: Fields = {}) {
  const own = bench();
  const running = own.call('watch_changes', { ...at, ...args });
  await vi.dynamicImportSettled();
  await vi.advanceTimersByTimeAsync(0);
  const wait = (ms: number) => vi.advanceTimersByTimeAsync(ms);
  const over = async () => {
    await wait(300_000);
    return running;
  };
  return { ...own, wait, over };
}

describe('watch_changes', () => {
  test('only what changed, in order, with the time of each', async () => {
    const { session, wait, over } = await watching();
    session.speak('a/lamp', '{"state":"OFF","n":1}', { retain: true });
    await wait(1_000);
    session.speak('a/lamp', '{"state":"OFF","n":1}');
    await wait(500);
    session.speak('a/lamp', '{"state":"ON","n":1}');
    const result = await over();
    expect(result).toMatchObject({
      status: 'success',
      message_count: 2,
      unchanged_count: 1,
      change_count: 1,
      topic_count: 1,
      stopped_by: 'duration',
      watch_duration_seconds: 30,
      notes: [],
    });
    expect(result.timeline).toEqual([
      {
        offset_ms: 1_500,
        timestamp: '2026-01-02T00:00:01.500Z',
        topic: 'a/lamp',
        changes: [{ path: '$.state', before: 'OFF', after: 'ON' }],
      },
    ]);
  });

  test('noise, clocks and counters -> folded, counted, with their range', async () => {
    const { session, wait, over } = await watching({ noise_percent: 1 });
    for (let i = 0; i < 20; i++) {
      session.speak('a/t', JSON.stringify({ t: 20 + (i % 2) / 10, uptime: i, at: `2026-01-02T00:00:${10 + i}Z` }));
      await wait(1_000);
    }
    const result = await over();
    expect(result).toMatchObject({ change_count: 1, timeline: [{ appeared: true }] });
    expect(result.folded).toEqual(
      expect.arrayContaining([
        { topic: 'a/t', path: '$.t', kind: 'noise', count: 19, minimum: 20, maximum: 20.1 },
        { topic: 'a/t', path: '$.uptime', kind: 'clock', count: 19, minimum: 0, maximum: 19 },
        { topic: 'a/t', path: '$.at', kind: 'clock', count: 19 },
      ]),
    );
  });

  test('what happened in the 3 s after the button -> told with each press, with lags', async () => {
    const event = { topic_pattern: 'button', match: '^pressed$' };
    const { session, wait, over } = await watching({ duration_seconds: 120, event });
    session.speak('a/lamp', 'OFF', { retain: true });
    session.speak('a/fan', '0', { retain: true });
    for (const [i, pause] of [2_000, 11_000, 5_000, 17_000].entries()) {
      await wait(pause);
      session.speak('button', 'pressed');
      await wait(200 + i * 5);
      session.speak('a/lamp', i % 2 === 0 ? 'ON' : 'OFF');
      session.speak('button', 'released');
      await wait(4_000);
      session.speak('a/fan', String(i + 1));
    }
    const result = await over();
    expect(result.event_count).toBe(4);
    expect(result.events).toMatchObject([
      { topic: 'button', payload: 'pressed', change_count: 1, changes: [{ lag_ms: 200, topic: 'a/lamp' }] },
      { changes: [{ lag_ms: 205, topic: 'a/lamp' }] },
      { changes: [{ lag_ms: 210, topic: 'a/lamp' }] },
      { changes: [{ lag_ms: 215, topic: 'a/lamp' }] },
    ]);
    const lags: Fields[] = Object(result.lags);
    expect(lags).toContainEqual({
      leader: 'button',
      follower: 'a/lamp',
      pairs: 4,
      of: 4,
      median_ms: 205,
      min_ms: 200,
      max_ms: 215,
    });
    // Only watched filters have a timeline.
    expect(JSON.stringify(result.timeline)).not.toContain('button');
  });

  test('filters that overlap -> each message counts once', async () => {
    const { session, over } = await watching({ topic_patterns: ['a/#', 'a/+', '#'] });
    session.speak('a/b', '1');
    session.speak('c', '1');
    expect(await over()).toMatchObject({ message_count: 2, topic_count: 2 });
  });

  test('10,000 changes -> the most telling forty, the rest counted, in under 3,000 tokens', async () => {
    const { session, wait, over } = await watching();
    for (let i = 0; i < 10_000; i++) {
      session.speak(`a/${i % 50}`, JSON.stringify({ value: (i * 7919) % 1000, state: i % 3 === 0 ? 'on' : 'off' }));
      if (i % 100 === 0) await wait(100);
    }
    const result = await over();
    expect(Object(result.timeline)).toHaveLength(40);
    expect(result.message_count).toBe(10_000);
    expect(Object(result.notes)[0]).toContain('are not shown');
    // Four characters a token.
    expect(JSON.stringify(result).length / 4).toBeLessThan(3_000);
  });

  test('nothing comes -> absence', async () => {
    const { over } = await watching({ duration_seconds: 10 });
    expect(await over()).toMatchObject({
      summary: 'Nothing came within 10 s.',
      timeline: [],
      absence: { grade: 'unknown', verdict: expect.any(String) },
    });
  });

  test('a hostile topic and payload -> told as data, cut', async () => {
    const { session, over } = await watching();
    session.speak('a/x', JSON.stringify({ ['k'.repeat(5_000)]: 'v'.repeat(50_000) }));
    session.speak('a/x', JSON.stringify({ ['k'.repeat(5_000)]: 'w'.repeat(50_000) }));
    session.speak(`a/${'t'.repeat(60_000)}`, '1');
    expect(JSON.stringify(await over()).length).toBeLessThan(4_000);
  });

  test('the connection is lost for good -> what was seen, and that it ended early', async () => {
    const { session, over } = await watching();
    session.speak('a/b', '1');
    session.lose('the session was closed');
    expect(await over()).toMatchObject({ stopped_by: 'disconnected', message_count: 1 });
  });

  test('a bad match -> invalid_arguments before anything is subscribed', async () => {
    const { run, session } = bench();
    const event = { topic_pattern: 'b', match: '(' };
    expect(await problemsOf(run('watch_changes', { ...at, event }))).toMatchObject([{ path: '/match' }]);
    expect(session.listened).toEqual([]);
  });

  test('one filter is refused -> subscribe_denied, nothing left open', async () => {
    const { run, session } = bench();
    session.refusal = toolError('subscribe_denied');
    expect((await failing(run('watch_changes', at))).code).toBe('subscribe_denied');
  });
});

test('a program, a tank that fills, a step on the map, a set point -> told; an uptime -> folded as a clock', async () => {
  const { session, call } = bench();
  const running = call('watch_changes', { session_id: LAB, topic_patterns: ['g/#'], duration_seconds: 30 });
  const programs = ['1_fill', '2_heat', '3_soak', '4_wash', '5_rinse', '6_spin', '7_done'];
  for (let n = 0; n < 7; n += 1) {
    await vi.advanceTimersByTimeAsync(1_000);
    session.speak('g/wash', JSON.stringify({ program: programs[n], uptime: 60 + n }));
    session.speak('g/tank', JSON.stringify({ level: 10 + 30 * n }));
    session.speak('g/car', JSON.stringify({ lat: n < 3 ? 52.1 : 52.55 }));
    session.speak('g/thermo', JSON.stringify({ setpoint: n < 3 ? 21 : 21.2 }));
  }
  await vi.advanceTimersByTimeAsync(30_000);
  const result = await running;
  const told = JSON.stringify(result.timeline);
  for (const path of ['$.program', '$.level', '$.lat', '$.setpoint']) expect(told).toContain(`"${path}"`);
  expect(result.folded).toEqual([expect.objectContaining({ path: '$.uptime', kind: 'clock' })]);
  expect(result.summary).toMatch(/4 topics changed/);
});

test('nothing but noise moved -> the first line says what was folded', async () => {
  const { session, call } = bench();
  const running = call('watch_changes', { session_id: LAB, topic_patterns: ['g/#'], duration_seconds: 10 });
  for (let n = 0; n < 6; n += 1) {
    await vi.advanceTimersByTimeAsync(1_000);
    session.speak('g/t', JSON.stringify({ temperature: 21 + (n % 2) / 100 }));
  }
  await vi.advanceTimersByTimeAsync(10_000);
  expect((await running).summary).toMatch(
    /Only noise, clocks and counters moved: "\$\.temperature" of "g\/t" \(folded\)/,
  );
});

test('a field that first moves after the event -> told with it however small the step, whatever its name', async () => {
  const { session, call } = bench();
  const event = { topic_pattern: 'btn', after_seconds: 3 };
  const running = call('watch_changes', { session_id: LAB, topic_patterns: ['g/#'], duration_seconds: 10, event });
  await vi.advanceTimersByTimeAsync(500);
  session.speak('g/valve', '{"position":500}');
  session.speak('g/thermo/setpoint', '21.0');
  session.speak('g/late', '500');
  session.speak('g/jitter', '500');
  session.speak('g/jitter', '501');
  await vi.advanceTimersByTimeAsync(1_000);
  session.speak('btn', 'press');
  await vi.advanceTimersByTimeAsync(200);
  session.speak('g/valve', '{"position":504}');
  session.speak('g/thermo/setpoint', '21.2');
  session.speak('g/jitter', '500');
  await vi.advanceTimersByTimeAsync(4_000);
  session.speak('g/late', '501');
  await vi.advanceTimersByTimeAsync(10_000);
  const result = await running;
  const moved = ['g/valve', 'g/thermo/setpoint'].map((topic) => ({ lag_ms: 200, topic }));
  expect(result.events).toEqual([expect.objectContaining({ changes: moved })]);
  const folded = ['g/jitter', 'g/late'].map((topic) => expect.objectContaining({ topic, kind: 'noise' }));
  expect(result.folded).toEqual(folded);
});
