// test_connection and monitor_performance on the built program, with real brokers.
import { connectAsync } from 'mqtt';
import { beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { freePort, startMosquitto } from '../support/broker.ts';
import { certificate } from '../support/broker-cert.ts';
import { startMute } from '../support/fake-broker.ts';
import { prefix } from '../support/fake-caller.ts';
import { Script } from '../support/fake-host.ts';
import { dig } from '../support/streams.ts';

let url = '';
beforeAll(() => {
  url = inject('mqttUrl');
});

describe('test_connection', () => {
  test('five sessions are open -> a sixth broker can still be tested, and stays none', async () => {
    const script = new Script();
    for (const name of ['a', 'b', 'c', 'd', 'e']) await script.connect(name, url);
    const result = await script.result('test_connection', { connection_string: url, probe_topic: prefix() });
    expect(result).toMatchObject({ overall_health: 'healthy', status: 'success' });
    expect(result.summary).toBe('Everything tested works: dns, tcp, connack, subscribe, echo, sys.');
    expect(await script.result('list_active_connections')).toMatchObject({ total_count: 5 });
    const session = await script.result('test_connection', { session_id: 'a' });
    expect(session).toMatchObject({ overall_health: 'healthy' });
    await script.end();
  });

  test('nothing listens; a certificate that is not trusted -> the layer and the next step in the summary', async () => {
    const script = new Script();
    const dead = await script.result('test_connection', { connection_string: `mqtt://127.0.0.1:${await freePort()}` });
    expect(dead).toMatchObject({
      overall_health: 'unhealthy',
      summary: expect.stringMatching(/fails at tcp: .* Next: /),
    });
    const tls = await startMosquitto({ tls: certificate('localhost') });
    onTestFinished(tls.stop);
    const untrusted = await script.result('test_connection', { connection_string: tls.url });
    expect(untrusted.summary).toMatch(/fails at tls: .*self-signed.* Next: .*ca_file/);
    await script.end();
  });

  test('a port that says nothing -> progress meanwhile; cancelled, or the input ends -> over at once, sockets closed', async () => {
    const { port, sockets } = await startMute();
    const script = new Script();
    const args = { connection_string: `mqtt://127.0.0.1:${port}`, timeout_seconds: 30 };
    const call = { name: 'test_connection', arguments: args, _meta: { progressToken: 'p' } };
    const cancelled = script.send('tools/call', call);
    // Steps within one millisecond are one; the last is told again after a second.
    await expect.poll(() => script.daemon.received.join(), { timeout: 5_000 }).toContain('testing connack');
    await expect.poll(() => sockets.length).toBe(2);
    script.daemon.notify('notifications/cancelled', { requestId: cancelled });
    await expect.poll(() => sockets.every(({ closed }) => closed)).toBe(true);
    script.send('test_connection', args);
    await expect.poll(() => sockets.length).toBe(4);
    await script.end();
    await expect.poll(() => sockets.every(({ closed }) => closed)).toBe(true);
  });
});

describe('monitor_performance', () => {
  test('a burst through a real broker -> every message counted; pings are answered meanwhile; $SYS is told', async () => {
    const at = prefix();
    const script = new Script();
    await script.connect('lab', url);
    const running = script.send('monitor_performance', {
      session_id: 'lab',
      topic_pattern: `${at}/#`,
      duration_seconds: 4,
      qos: 1,
    });
    await script.subscribed('lab', `${at}/#`);
    const publisher = await connectAsync(url);
    onTestFinished(() => publisher.endAsync(true));
    for (let round = 0; round < 40; round += 1) {
      const sent = Array.from({ length: 50 }, (_, n) => publisher.publishAsync(`${at}/${n % 10}`, `${n}`, { qos: 1 }));
      await Promise.all(sent);
      expect(await script.result('ping')).toEqual({});
    }
    const result = await script.resultOf(running);
    expect(result).toMatchObject({
      stopped_by: 'duration',
      throughput_metrics: { messages: 2_000, bytes: 40 * 90, topics: 10, dup_flagged: 0, repeated_payloads: 0 },
      size_metrics: { min_bytes: 1, max_bytes: 2, p50_bytes: 2 },
      broker_metrics: { offered: true, metrics: { version: expect.stringContaining('mosquitto') } },
      process_metrics: { rss_bytes: expect.any(Number), cpu_percent: expect.any(Number) },
    });
    const topics = result.top_topics;
    expect(Array.isArray(topics) && topics.map(({ message_count }) => message_count)).toEqual(Array(10).fill(200));
    expect((await script.session('lab')).subscribed_topics).toEqual([]);
    await script.end();
  });

  test('with a probe topic -> the way back at each QoS, none lost, none counted; two at once keep apart', async () => {
    const at = prefix();
    const script = new Script();
    await script.connect('lab', url);
    const args = { session_id: 'lab', topic_pattern: `${at}/#`, probe_topic: `${at}/probe`, duration_seconds: 2 };
    const both = [script.send('monitor_performance', args), script.send('monitor_performance', args)];
    for (const id of both) {
      const result = await script.resultOf(id);
      const found = dig(result, 'latency_metrics', 'by_qos');
      expect(found).toMatchObject([0, 1, 2].map((qos) => ({ qos, lost: 0, copies: 0, p99_ms: expect.any(Number) })));
    }
    await script.end();
  });

  test('an ACL that withholds $SYS and drops in silence -> not offered, with why; every probe lost', async () => {
    const broker = await startMosquitto({ users: { me: 'x' }, acl: 'user me\ntopic write probe/#\ntopic read a/#' });
    onTestFinished(broker.stop);
    const script = new Script();
    await script.connect('lab', broker.url, { username: 'me', password: 'x' });
    const args = { session_id: 'lab', duration_seconds: 1, probe_topic: 'probe/a' };
    expect(await script.result('monitor_performance', args)).toMatchObject({
      broker_metrics: { offered: false, detail: expect.stringContaining('access rules') },
      latency_metrics: { detail: expect.stringContaining('No probe came back') },
      absence: { grade: 'unknown' },
    });
    await script.end();
  });

  test('cancelled, or its session closed -> over at once', async () => {
    const script = new Script();
    await script.connect('lab', url);
    const args = { session_id: 'lab', topic_pattern: `${prefix()}/#`, duration_seconds: 300 };
    const cancelled = script.send('monitor_performance', args);
    await script.subscribed('lab', args.topic_pattern);
    script.daemon.notify('notifications/cancelled', { requestId: cancelled });
    await expect.poll(async () => (await script.session('lab')).subscribed_topics).toEqual([]);
    const closed = script.send('monitor_performance', args);
    await script.subscribed('lab', args.topic_pattern);
    await script.result('close_connection', { session_id: 'lab' });
    expect(await script.resultOf(closed)).toMatchObject({ stopped_by: 'disconnected' });
    await script.end();
  });
});

test('--read-only -> both are there, neither takes a probe topic', async () => {
  const script = new Script({ args: ['--read-only'] });
  await script.connect('lab', url);
  const probing = { session_id: 'lab', probe_topic: prefix() };
  for (const name of ['test_connection', 'monitor_performance']) {
    expect((await script.errorBothWays(name, probing)).code).toBe('policy_denied');
  }
  expect(await script.result('test_connection', { session_id: 'lab' })).toMatchObject({ overall_health: 'healthy' });
  expect(await script.result('monitor_performance', { session_id: 'lab', duration_seconds: 1 })).toMatchObject({
    status: 'success',
  });
  await script.end();
});
