// Profiles of a config, through the built program: TLS of every kind, a Unix socket, the last will, and what is said of
// a certificate that nobody verifies.
import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { definitions } from '../../src/generated/definitions.ts';
import { isObject } from '../../src/rpc/message.ts';
import { type Broker, freePort, type MosquittoOptions, startMosquitto } from '../support/broker.ts';
import { certificate, type Pem } from '../support/broker-cert.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { dig } from '../support/streams.ts';

const ca = certificate('ca', { ca: true });
const server = certificate('server', {}, ca);
const client = certificate('client', {}, ca);
const passphrase = 'marker-pass';

let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'profiles-test-'));
  const locked = createPrivateKey(client.key).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase,
  });
  const files = { 'ca.pem': ca.cert, 'me.pem': client.cert, 'me.key': client.key, 'locked.key': locked.toString() };
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text, { mode: 0o600 });
  await writeFile(join(dir, 'pass.txt'), `${passphrase}\n`, { mode: 0o600 });
});
afterAll(() => rm(dir, { recursive: true, force: true }));

let files = 0;
async function daemonWith(profiles: object, rest: object = {}, args: string[] = [], mode = 0o600): Promise<Daemon> {
  const file = join(dir, `config-${++files}.json`);
  await writeFile(file, JSON.stringify({ profiles, ...rest }), { mode });
  await chmod(file, mode);
  return startDaemon({ args: ['--config', file, ...args], env: { KEY_PASS: passphrase } });
}

let ids = 0;
async function call(daemon: Daemon, method: string, params: object = {}): Promise<unknown> {
  const answer = await daemon.call(`call-${++ids}`, method, params);
  return answer.result ?? dig(answer, 'error', 'data');
}

async function mosquitto(options: MosquittoOptions): Promise<Broker> {
  const broker = await startMosquitto(options);
  onTestFinished(() => broker.stop());
  return broker;
}

/** Ends TLS before the shared broker, and keeps what each connection asked for. */
async function tlsFront({ cert, key }: Pem, ALPNProtocols: string[]): Promise<{ port: number; sockets: TLSSocket[] }> {
  const sockets: TLSSocket[] = [];
  const { hostname, port } = new URL(inject('mqttUrl'));
  const front = createServer({ cert, key, ALPNProtocols }, (socket) => {
    sockets.push(socket);
    const behind = connect(Number(port), hostname);
    behind.pipe(socket).pipe(behind);
    for (const one of [socket, behind]) one.on('error', () => {});
  });
  await once(front.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    front.close();
  });
  const address = front.address();
  return { port: typeof address === 'object' && address ? address.port : 0, sockets };
}

describe('TLS', () => {
  test('a broker that wants a client certificate -> key plain, or encrypted and its passphrase from anywhere', async () => {
    const { port } = await mosquitto({ tls: { ...server, ca: ca.cert } });
    const url = `mqtts://localhost:${port}`;
    const mine = { url, ca_file: 'ca.pem', cert_file: 'me.pem' };
    const locked = { ...mine, key_file: 'locked.key' };
    const printing = [process.execPath, '-p', JSON.stringify(passphrase)];
    const daemon = await daemonWith({
      plain: { ...mine, key_file: 'me.key' },
      string: { ...locked, key_passphrase: passphrase },
      env: { ...locked, key_passphrase: { env: 'KEY_PASS' } },
      file: { ...locked, key_passphrase: { file: 'pass.txt' } },
      command: { ...locked, key_passphrase: { command: printing } },
      wrong: { ...locked, key_passphrase: 'marker-wrong' },
      none: locked,
      nobody: { url, ca_file: 'ca.pem' },
      stranger: { url, cert_file: 'me.pem', key_file: 'me.key' },
    });
    for (const profile of ['plain', 'string', 'env', 'file', 'command']) {
      expect(await call(daemon, 'establish_connection', { profile })).toMatchObject({ status: 'connected', tls: true });
    }
    for (const name of ['plain', 'string']) await call(daemon, 'close_connection', { session_id: name });
    for (const profile of ['wrong', 'none', 'nobody', 'stranger']) {
      const error = await call(daemon, 'establish_connection', { profile });
      expect([profile, error]).toMatchObject([profile, { code: 'tls_failure', hint: expect.any(String) }]);
    }
    expect(daemon.received.join() + daemon.stderr.join()).not.toContain('marker');
  });

  test('alpn and servername -> what the broker is asked for', async () => {
    const named = certificate('server', { names: ['broker.plant'], ips: [] }, ca);
    const { port, sockets } = await tlsFront(named, ['mqtt', 'http/1.1']);
    const common = { ca_file: 'ca.pem', servername: 'broker.plant' };
    const daemon = await daemonWith({
      asked: { url: `mqtts://127.0.0.1:${port}`, ...common, alpn: ['x-other', 'mqtt'] },
      plain: { url: `mqtts://127.0.0.1:${port}`, ...common },
      wrong: { url: `mqtts://127.0.0.1:${port}`, ca_file: 'ca.pem' },
    });
    for (const profile of ['asked', 'plain']) {
      expect(await call(daemon, 'establish_connection', { profile })).toMatchObject({ status: 'connected' });
    }
    expect(await call(daemon, 'establish_connection', { profile: 'wrong' })).toMatchObject({ code: 'tls_failure' });
    const seen = sockets.slice(0, 2).map((socket) => [socket.alpnProtocol, dig(socket, 'servername')]);
    expect(seen).toEqual([
      ['mqtt', 'broker.plant'],
      [false, 'broker.plant'],
    ]);
  });

  test('wss -> verified by ca_file; without it tls_failure', async () => {
    const port = await freePort();
    const config = `listener ${port}\nprotocol websockets\ncertfile ${dir}/server.pem\nkeyfile ${dir}/server.key`;
    await writeFile(join(dir, 'server.pem'), server.cert);
    await writeFile(join(dir, 'server.key'), server.key);
    await startedLocally({ config });
    const url = `wss://localhost:${port}/mqtt`;
    const daemon = await daemonWith({ known: { url, ca_file: 'ca.pem' }, unknown: { url } });
    const known = await call(daemon, 'establish_connection', { profile: 'known' });
    expect(known).toMatchObject({ status: 'connected', tls: true });
    expect(known).not.toHaveProperty('tls_verified');
    expect(await call(daemon, 'establish_connection', { profile: 'unknown' })).toMatchObject({ code: 'tls_failure' });
  });
});

/** Not in a container, which would not see the files of a test. */
async function startedLocally(options: MosquittoOptions): Promise<Broker> {
  const way = process.env.MQTT_TEST_BROKER;
  process.env.MQTT_TEST_BROKER = 'local';
  try {
    return await mosquitto(options);
  } finally {
    if (way === undefined) delete process.env.MQTT_TEST_BROKER;
    else process.env.MQTT_TEST_BROKER = way;
  }
}

describe('verification turned off', () => {
  const filter = 'unverified/#';
  const session = { session_id: 'open' };
  const calls: Record<string, object> = {
    establish_connection: { profile: 'open', name: 'open' },
    list_active_connections: {},
    list_topics: { ...session, pattern: filter, duration_seconds: 0 },
    subscribe_and_collect: { ...session, topic_pattern: filter, duration_seconds: 10, max_messages: 1 },
    publish_message: { ...session, topic: 'unverified/a', payload: 1, retain: true },
    send_and_verify: { ...session, topic: 'unverified/b', payload: 1, expect: { topic_pattern: 'unverified/b' } },
    get_topic_schema: { ...session, topic_pattern: filter, duration_seconds: 1 },
    debug_device: { ...session, device_id: 'unverified', duration_seconds: 10 },
    monitor_performance: { ...session, topic_pattern: filter, duration_seconds: 1 },
    watch_changes: { ...session, topic_patterns: [filter], duration_seconds: 1 },
    test_connection: session,
  };

  test('every result of that session says so, of every tool that there is; no other session does', async () => {
    const { port } = await mosquitto({ tls: server });
    const url = `mqtts://localhost:${port}`;
    const daemon = await daemonWith({ open: { url, verify: false }, safe: { url, ca_file: 'ca.pem' } });
    expect(await call(daemon, 'establish_connection', { profile: 'safe' })).not.toHaveProperty('tls_verified');
    // Pipelined: they are asked for before the session is there.
    const published = call(daemon, 'establish_connection', calls.establish_connection);
    const results = await Promise.all(
      Object.entries(calls)
        .slice(1)
        .map(async ([name, args]) => [name, await call(daemon, name, args)]),
    );
    results.push(['establish_connection', await published]);
    results.push(['close_connection', await call(daemon, 'close_connection', session)]);
    expect(results.map(([name]) => name).sort()).toEqual(Object.keys(definitions).sort());
    for (const [name, result] of results) {
      expect(`${name} ${dig(result, 'code')} ${dig(result, 'message')}`).toBe(`${name} undefined undefined`);
      if (name !== 'list_active_connections') expect([name, result]).toMatchObject([name, { tls_verified: false }]);
    }
    const safe = await call(daemon, 'list_topics', { session_id: 'safe', pattern: filter, duration_seconds: 0 });
    expect(safe).not.toHaveProperty('tls_verified');
  });

  test('test_connection by profile -> says so too, whatever the certificate is', async () => {
    const { port } = await mosquitto({ tls: server });
    const url = `mqtts://localhost:${port}`;
    const safe = { url, ca_file: 'ca.pem' };
    const daemon = await daemonWith({ open: { url, verify: false }, known: { ...safe, verify: false }, safe });
    for (const profile of ['open', 'known']) {
      expect(await call(daemon, 'test_connection', { profile })).toMatchObject({ tls_verified: false });
    }
    expect(await call(daemon, 'test_connection', { profile: 'safe' })).not.toHaveProperty('tls_verified');
  });

  test('list_active_connections -> by session', async () => {
    const { port } = await mosquitto({ tls: server });
    const url = `mqtts://localhost:${port}`;
    const daemon = await daemonWith({ open: { url, verify: false }, safe: { url, ca_file: 'ca.pem' } });
    for (const profile of ['open', 'safe']) await call(daemon, 'establish_connection', { profile });
    const connections = dig(await call(daemon, 'list_active_connections'), 'active_connections');
    const trusts = Array.isArray(connections) ? connections.map((one) => dig(one, 'tls_verified')) : [];
    expect(trusts).toEqual([false, undefined]);
  });

  test('no argument turns it off', async () => {
    const answer = await call(await daemonWith({}), 'establish_connection', {
      connection_string: 'mqtts://127.0.0.1:1',
      verify: false,
    });
    expect(answer).toMatchObject({ code: 'invalid_arguments', problems: [{ path: '/verify' }] });
  });
});

describe('a Unix socket', () => {
  test('of a profile -> connected, and all that it can do; not as a connection_string', async () => {
    const path = join(dir, 'mosquitto.sock');
    await startedLocally({ config: `listener 0 ${path}` });
    const daemon = await daemonWith({ here: { url: `unix://${path}` }, gone: { url: `unix://${dir}/none.sock` } });
    const one = await call(daemon, 'establish_connection', { profile: 'here' });
    expect(one).toMatchObject({ status: 'connected', broker: path, port: 0, tls: false, protocol_version: 5 });
    const args = { session_id: 'here', topic: 'unix/a', payload: 21, qos: 1, retain: true };
    expect(await call(daemon, 'publish_message', args)).toMatchObject({ acknowledged: true });
    const listing = { session_id: 'here', pattern: 'unix/#', duration_seconds: 0 };
    expect(await call(daemon, 'list_topics', listing)).toMatchObject({ total_topics: 1 });
    expect(await call(daemon, 'test_connection', { profile: 'here' })).toMatchObject({ overall_health: 'healthy' });
    const gone = await call(daemon, 'establish_connection', { profile: 'gone' });
    expect(gone).toMatchObject({ code: 'connection_refused', message: expect.stringContaining(`${dir}/none.sock `) });
    const asked = await call(daemon, 'establish_connection', { connection_string: `unix://${path}` });
    expect(asked).toMatchObject({ code: 'invalid_arguments' });
  });
});

describe('a last will', () => {
  const will = (topic: string) => ({ url: inject('mqttUrl'), will: { topic, payload: 'gone', qos: 1, retain: true } });

  /** What comes of `act` on the topic of the will, and of a message behind it. */
  async function heard(topic: string, act: () => Promise<unknown>): Promise<unknown> {
    const listener = await daemonWith({});
    await call(listener, 'establish_connection', { connection_string: inject('mqttUrl'), name: 'ear' });
    const hearing = { session_id: 'ear', topic_pattern: topic, qos: 1, max_messages: 1, duration_seconds: 10 };
    listener.request('heard', 'subscribe_and_collect', hearing);
    await call(listener, 'publish_message', { session_id: 'ear', topic: 'will-test/nothing', payload: 1, qos: 1 });
    await act();
    return dig(await listener.answer('heard'), 'result', 'messages', 0);
  }

  test.each([4, 5])('kill -9, MQTT version %i -> the broker publishes it', async (protocol_version) => {
    const topic = `will-test/killed-${protocol_version}`;
    const daemon = await daemonWith({ p: { ...will(topic), protocol_version } });
    expect(await call(daemon, 'establish_connection', { profile: 'p' })).toMatchObject({ status: 'connected' });
    const message = await heard(topic, async () => {
      daemon.kill('SIGKILL');
      await daemon.exit;
    });
    expect(message).toMatchObject({ topic, payload: 'gone', qos: 1 });
    const ear = await daemonWith({});
    await call(ear, 'establish_connection', { connection_string: inject('mqttUrl'), name: 'ear' });
    const kept = { session_id: 'ear', pattern: topic, duration_seconds: 0 };
    expect(await call(ear, 'list_topics', kept)).toMatchObject({ topics: [{ topic, retained: true }] });
  });

  test.each(['close_connection', 'SIGTERM', 'the end of the input'])('%s -> it does not', async (end) => {
    const topic = `will-test/closed-${end.length}`;
    const daemon = await daemonWith({ p: will(topic) });
    await call(daemon, 'establish_connection', { profile: 'p' });
    const message = await heard(topic, async () => {
      if (end === 'close_connection') await call(daemon, end, { session_id: 'p' });
      else {
        if (end === 'SIGTERM') daemon.kill(end);
        else daemon.end();
        await daemon.exit;
      }
      const marker = await daemonWith({});
      await call(marker, 'establish_connection', { connection_string: inject('mqttUrl'), name: 'm' });
      await call(marker, 'publish_message', { session_id: 'm', topic, payload: 'behind', qos: 1 });
    });
    expect(message).toMatchObject({ payload: 'behind' });
  });

  test.each<[string, object, string[], RegExp]>([
    ['denied by the policy', { publish: { deny: ['will-test/#'] } }, [], /will .* left out.*denied by "will-test\/#"/],
    ['of a read-only server', {}, ['--read-only'], /will .* left out.*read-only/],
  ])('%s -> left out, and a note says so', async (_what, policy, args, note) => {
    const topic = 'will-test/denied';
    const daemon = await daemonWith({ p: will(topic) }, { policy }, args);
    const one = await call(daemon, 'establish_connection', { profile: 'p' });
    expect(one).toMatchObject({ status: 'connected', notes: [expect.stringMatching(note)] });
    const message = await heard(topic, async () => {
      daemon.kill('SIGKILL');
      await daemon.exit;
      const marker = await daemonWith({});
      await call(marker, 'establish_connection', { connection_string: inject('mqttUrl'), name: 'm' });
      await call(marker, 'publish_message', { session_id: 'm', topic, payload: 'behind', qos: 1 });
    });
    expect(message).toMatchObject({ payload: 'behind' });
  });
});

test('a last will with an audit_file -> on record, with what was decided', async () => {
  const p = { url: inject('mqttUrl'), will: { topic: 'will-test/audited', payload: 'gone' } };
  const q = { ...p, will: { topic: 'will-test/denied' } };
  const rest = { audit_file: 'audit.ndjson', policy: { publish: { deny: ['will-test/denied'] } } };
  const daemon = await daemonWith({ p, q }, rest);
  for (const profile of ['p', 'q']) {
    expect(await call(daemon, 'establish_connection', { profile })).toMatchObject({ status: 'connected' });
  }
  const lines = (await readFile(join(dir, 'audit.ndjson'), 'utf8')).trim().split('\n');
  expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([
    { name: 'p', topic: 'will-test/audited', will: true, size_bytes: 4, decision: 'allowed' },
    { name: 'p', topic: 'will-test/audited', will: true, outcome: 'sent' },
    { name: 'q', topic: 'will-test/denied', will: true, decision: 'denied', outcome: 'refused' },
  ]);
});

describe('establish_connection', () => {
  test('neither profile nor connection_string -> names the profiles that there are, secrets in none', async () => {
    const plant = { url: 'mqtt://user:marker-a@plant', password: 'marker-b' };
    const daemon = await daemonWith({ plant, lab: { url: 'mqtt://lab' } });
    const error = await call(daemon, 'establish_connection');
    expect(error).toMatchObject({ code: 'invalid_arguments', hint: expect.stringContaining('Profiles: plant, lab.') });
    expect(JSON.stringify(error)).not.toContain('marker');
  });
});

describe('file modes', () => {
  const warnings = (daemon: Daemon) => daemon.stderr.map((line): unknown => JSON.parse(line)).filter(isObject);

  test('config, key and password open to others -> a warning each; for the owner alone none', async () => {
    for (const name of ['wide.key', 'wide.txt']) await writeFile(join(dir, name), client.key);
    for (const name of ['wide.key', 'wide.txt']) await chmod(join(dir, name), 0o644);
    const url = 'mqtt://127.0.0.1:1';
    const wide = { url, cert_file: 'me.pem', key_file: 'wide.key', password: { file: 'wide.txt' } };
    const close = { url, cert_file: 'me.pem', key_file: 'me.key', password: { file: 'pass.txt' } };
    const literal = { url, password: 'said' };
    const daemon = await daemonWith({ wide, close, literal }, {}, [], 0o640);
    await call(daemon, 'establish_connection', { profile: 'close' });
    expect(warnings(daemon)).toMatchObject([{ level: 'warn', file: 'config', mode: '0640' }]);
    await call(daemon, 'establish_connection', { profile: 'wide' });
    expect(warnings(daemon).slice(1)).toMatchObject([
      { level: 'warn', file: 'password', mode: '0644' },
      { level: 'warn', file: 'key_file', mode: '0644' },
    ]);
    const quiet = await daemonWith({ close }, {}, [], 0o644);
    await call(quiet, 'establish_connection', { profile: 'close' });
    expect(quiet.stderr).toEqual([]);
  });
});
