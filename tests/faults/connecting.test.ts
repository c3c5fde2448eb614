// A network that is bad while a connection is made: what the caller is told, and that nothing is left of the attempt.
import { expect, test } from 'vitest';
import type { Fields, Script } from '../support/fake-host.ts';
import { scene, wellWithin } from '../support/faults.ts';
import type { ProxyMode } from '../support/proxy.ts';

const failed = (script: Script, url: string, more: Fields = {}) =>
  script.error('establish_connection', { connection_string: url, name: 'faulty', timeout_seconds: 1, ...more });

/** The attempt fails in these words; on a good network the same name connects at once. */
async function failsThenConnects(mode: ProxyMode, wanted: Fields): Promise<void> {
  const { script, proxy, well } = await scene();
  await proxy.setMode(mode);
  const attempt = failed(script, proxy.url);
  expect(await script.result('ping')).toEqual({});
  expect(await attempt).toMatchObject(wanted);
  expect((await script.result('list_active_connections')).total_count).toBe(1);
  await proxy.setMode({ kind: 'reset' });
  await proxy.setMode({});
  await script.connect('faulty', proxy.url);
  await script.goesOn('faulty');
  await well('faulty');
}

const timeout = { code: 'connection_timeout', retryable: true, hint: expect.stringMatching(/firewall/) };

test('connect: refused -> connection_refused, nothing listens', () =>
  failsThenConnects(
    { kind: 'refuse' },
    { code: 'connection_refused', retryable: true, message: expect.stringMatching(/nothing listens on this port/) },
  ));

test('connect: accepted, then silence -> connection_timeout', () => failsThenConnects({ kind: 'blackhole' }, timeout));

test('connect: CONNECT gets through, CONNACK does not -> connection_timeout', () =>
  failsThenConnects({ kind: 'blackhole', deaf_to: 'broker' }, timeout));

test('connect: reset -> connection_refused', () =>
  failsThenConnects({ kind: 'reset' }, { code: 'connection_refused', retryable: true }));

test('connect: cut in the middle of CONNECT -> connection_refused', () =>
  failsThenConnects({ cut: { after: 5, of: 'client' } }, { code: 'connection_refused' }));

test('connect: cut in the middle of CONNACK -> connection_refused', () =>
  failsThenConnects({ cut: { after: 3, of: 'broker' } }, { code: 'connection_refused' }));

test('connect: 20 bytes a second, one second of patience -> connection_timeout', () =>
  failsThenConnects({ bytes_per_second: 20 }, timeout));

test('connect: 20 bytes a second, time enough -> connected, messages arrive whole', async () => {
  const { script, proxy, well } = await scene();
  await proxy.setMode({ bytes_per_second: 20 });
  const connected = await script.connect('faulty', proxy.url, { timeout_seconds: 30 });
  expect(connected.connect_ms).toBeLessThan(wellWithin());
  await proxy.setMode({});
  await script.goesOn('faulty');
  await well('faulty');
});

test('connect: 2 s of latency, one second of patience -> connection_timeout', () =>
  failsThenConnects({ latency_ms: 2_000 }, timeout));

test('connect: 2 s of latency, time enough -> connected', async () => {
  const { script, proxy, well } = await scene();
  await proxy.setMode({ latency_ms: 2_000 });
  expect((await script.connect('faulty', proxy.url)).connect_ms).toBeLessThan(wellWithin());
  await proxy.setMode({});
  await script.goesOn('faulty');
  await well('faulty');
});
