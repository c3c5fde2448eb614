import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FakeSession } from '../support/fake-pool.ts';
import { bench, type Fields, failing, LAB, toolError } from './bench.ts';

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 2) });
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

/** A measurement under way: `over(ms)` lets time pass and gives the result. */
async function measuring(args: Fields = {}, session = new FakeSession()) {
  const own = bench('allow', session);
  const running = own.call('monitor_performance', { session_id: LAB, ...args });
  running.catch(() => {});
  await vi.advanceTimersByTimeAsync(0);
  const speak = (topic: string, payload: string | Buffer, more = {}) =>
    own.session.speak(topic, payload, { at: Date.now(), ...more });
  const over = async (ms: number) => {
    await vi.advanceTimersByTimeAsync(ms);
    return running;
  };
  return { ...own, running, speak, over };
}

describe('monitor_performance', () => {
  test('defaults -> everything for 10 s at QoS 0, beside $SYS; nothing is published; all is closed', async () => {
    const { session, over } = await measuring();
    expect(session.listened).toMatchObject([
      { filter: '$SYS/#', options: { qos: 0 } },
      { filter: '#', options: { qos: 0, retained: 'include' } },
    ]);
    await over(10_000);
    expect(session.listened.every(({ closed }) => closed)).toBe(true);
    expect(session.published).toEqual([]);
  });

  test('what came -> rates, sizes, gaps, topics; the sentence first', async () => {
    const { speak, over } = await measuring();
    speak('old', 'stored', { retain: true });
    for (let n = 0; n < 100; n += 1) {
      speak('loud', 'x'.repeat(n + 1));
      if (n % 4 === 0) speak('quiet', 'same');
      await vi.advanceTimersByTimeAsync(100);
    }
    const result = await over(0);
    expect(Object.keys(result)[0]).toBe('summary');
    expect(result.summary).toBe(
      '12.5 messages/s (515 bytes/s) on 3 topics over 10 s, 13 in the busiest second; the busiest topic sends 80 %.',
    );
    expect(result).toMatchObject({
      status: 'success',
      stopped_by: 'duration',
      duration_seconds: 10,
      throughput_metrics: {
        messages: 125,
        bytes: 5_150,
        window: { messages_per_second: 12.5, bytes_per_second: 515 },
        last_1s: { messages_per_second: 12 },
        last_10s: { messages_per_second: 12.5 },
        peak_second: { messages: 13 },
        silent_seconds: 0,
        retained_messages: 1,
        retained_share_percent: 0.8,
        repeated_payloads: 24,
        copies_within_100ms: 0,
      },
      inter_arrival_metrics: { gaps: 124, max_ms: 100, p50_ms: 100 },
      size_metrics: { messages: 125, min_bytes: 1, max_bytes: 100, p50_bytes: expect.any(Number) },
      top_topics: [
        { topic: 'loud', message_count: 100, share_percent: 80, mean_gap_ms: 100, jitter_ms: 0 },
        { topic: 'quiet', message_count: 25, bytes: 100, repeated_payloads: 24 },
      ],
      process_metrics: { rss_bytes: 1 },
      notes: [],
    });
    expect(result.throughput_metrics).not.toHaveProperty('dup_flagged');
    expect(result).not.toHaveProperty('absence');
    expect(result).not.toHaveProperty('latency_metrics');
  });

  test('$SYS -> metrics, and drops in the summary and the notes; without -> why not', async () => {
    const { speak, over } = await measuring({ topic_pattern: 'a' });
    speak('$SYS/broker/publish/messages/dropped', '5', { retain: true });
    speak('$SYS/broker/publish/messages/dropped', '8');
    const result = await over(10_000);
    expect(result).toMatchObject({
      broker_metrics: { offered: true, metrics: { publishes_dropped_total: 8 }, in_window: { publishes_dropped: 3 } },
      notes: [expect.stringContaining('dropped 3 messages')],
    });
    const without = await (await measuring()).over(10_000);
    expect(without.broker_metrics).toEqual({
      offered: false,
      detail: expect.stringContaining('Not offered: nothing came'),
    });
  });

  test('nothing came -> absence; only stored ones -> said in the sentence', async () => {
    const silent = await (await measuring()).over(10_000);
    expect(silent).toMatchObject({ summary: 'No message came live within 10 s.', absence: { grade: 'unknown' } });
    const { speak, over } = await measuring();
    speak('a', 'x', { retain: true });
    const stored = await over(10_000);
    expect(stored.summary).toBe('No message came live within 10 s. What is stored came: 1 messages.');
    expect(stored).not.toHaveProperty('absence');
  });

  test('qos 1 -> dup flags are counted; top -> as many topics', async () => {
    const { session, speak, over } = await measuring({ qos: 1, top: 1, duration_seconds: 1 });
    speak('a', 'x', { qos: 1, dup: true });
    speak('b', 'x', { qos: 1 });
    const result = await over(1_000);
    expect(session.listened[1]?.options.qos).toBe(1);
    expect(result).toMatchObject({ throughput_metrics: { dup_flagged: 1 }, top_topics: [{ topic: 'a' }] });
    expect(result.top_topics).toHaveLength(1);
  });

  test('the connection is lost -> what came so far, and how it ended', async () => {
    const { session, speak, over } = await measuring();
    speak('a', 'x');
    session.lose('gone');
    expect(await over(0)).toMatchObject({
      stopped_by: 'disconnected',
      throughput_metrics: { messages: 1 },
      summary: expect.stringContaining('The connection was lost meanwhile'),
    });
  });

  test('topic names of any length -> cut, and said; a thousand topics -> still a short answer', async () => {
    const { speak, over } = await measuring({ top: 50 });
    for (let n = 0; n < 1_000; n += 1) speak(`${n}/${'x'.repeat(60_000)}`, 'x');
    const result = await over(10_000);
    expect(JSON.stringify(result).length).toBeLessThan(40_000);
    expect(result.notes).toEqual([expect.stringContaining('not in top_topics'), expect.stringContaining('cut to 300')]);
  });

  test('an ordinary answer with probes -> under 3,000 tokens', async () => {
    const { session, speak, over } = await measuring({ probe_topic: 'p' });
    for (let n = 0; n < 20; n += 1) speak(`plant/line${n}/some/longer/topic/name/temperature`, '21.5');
    for (let n = 0; n < 30; n += 1) speak('$SYS/broker/uptime', `${n} seconds`);
    for (const { payload } of session.published) speak('p', payload);
    expect(JSON.stringify(await over(12_000)).length / 3).toBeLessThan(3_000);
  });
});

describe('probes', () => {
  test('published in turn at each QoS, five a second; their echoes timed and not counted as traffic', async () => {
    const { session, speak, over } = await measuring({ probe_topic: 'p', duration_seconds: 2.9 });
    let answered = 0;
    speak('p', 'of somebody else');
    for (let n = 0; n < 29; n += 1) {
      await vi.advanceTimersByTimeAsync(100);
      for (const { topic, payload, qos } of session.published.slice(answered)) speak(topic, payload, { qos });
      answered = session.published.length;
    }
    const result = await over(0);
    expect(session.published.slice(0, 4).map(({ qos }) => qos)).toEqual([0, 1, 2, 0]);
    expect(session.published.every(({ topic, retain }) => topic === 'p' && !retain)).toBe(true);
    expect(new Set(session.published.map(({ payload }) => payload.toString())).size).toBe(session.published.length);
    expect(session.published.length).toBe(15);
    expect(result.latency_metrics).toMatchObject({
      by_qos: [0, 1, 2].map((qos) => ({
        qos,
        sent: 5,
        received: 5,
        lost: 0,
        reordered: 0,
        p50_ms: expect.any(Number),
      })),
    });
    expect(result.throughput_metrics).toMatchObject({ messages: 1 });
    expect(result.summary).toContain('none lost');
  });

  test('none comes back -> losses after a bounded wait, and the likely cause', async () => {
    const { over } = await measuring({ probe_topic: 'p', duration_seconds: 1.1 });
    const result = await over(3_200);
    expect(result.latency_metrics).toMatchObject({
      by_qos: [{ lost: 2, received: 0 }, { lost: 2 }, { lost: 2 }],
      detail: expect.stringContaining('test_connection'),
    });
    expect(result.summary).toContain('No probe came back');
  });

  test('two at once on one topic -> each counts its own', async () => {
    const session = new FakeSession();
    const one = await measuring({ probe_topic: 'p', duration_seconds: 1.1 }, session);
    const two = await measuring({ probe_topic: 'p', duration_seconds: 1.1 }, session);
    await vi.advanceTimersByTimeAsync(1_050);
    for (const { payload } of session.published) session.speak('p', payload);
    for (const running of [one, two]) {
      const { latency_metrics } = await running.over(100);
      expect(latency_metrics).toMatchObject({ by_qos: [{ copies: 0, lost: 0 }, { copies: 0, lost: 0 }, { lost: 0 }] });
    }
  });

  test('refused by the broker -> probing ends, the rest is measured, and it is said', async () => {
    const session = new FakeSession();
    session.ack = toolError('publish_denied');
    const { speak, over } = await measuring({ probe_topic: 'p', duration_seconds: 2 }, session);
    speak('a', 'x');
    const result = await over(2_000);
    expect(session.published).toHaveLength(1);
    expect(result).toMatchObject({ latency_metrics: { by_qos: [], detail: expect.stringContaining('ended early') } });
    expect(result.throughput_metrics).toMatchObject({ messages: 1 });
  });

  test('not allowed to publish -> refused before anything is measured', async () => {
    const session = new FakeSession();
    vi.spyOn(session, 'checkPublish').mockImplementation(() => {
      throw toolError('policy_denied');
    });
    const { run } = bench('allow', session);
    const probing = { session_id: LAB, probe_topic: 'p' };
    expect((await failing(run('monitor_performance', probing))).code).toBe('policy_denied');
    expect((await failing(run('monitor_performance', { ...probing, probe_topic: '$SYS/x' }))).code).toBe(
      'policy_denied',
    );
    expect(session.listened).toEqual([]);
  });

  test('cancelled, also while it waits for the last echoes -> at once, nothing left', async () => {
    for (const ms of [500, 1_500]) {
      const session = new FakeSession();
      const { run, abort } = bench('allow', session);
      const running = failing(run('monitor_performance', { session_id: LAB, probe_topic: 'p', duration_seconds: 1 }));
      await vi.advanceTimersByTimeAsync(ms);
      abort('enough');
      expect((await running).code).toBe('cancelled');
      expect(session.listened.every(({ closed }) => closed)).toBe(true);
    }
  });

  test('a refused subscription -> told, nothing left', async () => {
    const session = new FakeSession();
    session.refusal = toolError('subscribe_denied');
    const { run } = bench('allow', session);
    const probing = { session_id: LAB, probe_topic: 'p' };
    expect((await failing(run('monitor_performance', probing))).code).toBe('subscribe_denied');
    expect(session.published).toEqual([]);
  });
});
