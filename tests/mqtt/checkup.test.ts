// The check of a broker without TLS: every layer that can fail, what is said of it, and that nothing is left behind.
import { once } from 'node:events';
import { createServer as createWebServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect, createServer, type Server } from 'node:net';
import { beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { MAX_CHECKS } from '../../src/mqtt/checks.ts';
import { freePort, startMosquitto } from '../support/broker.ts';
import { certificate } from '../support/broker-cert.ts';
import { startFakeBroker, startMute } from '../support/fake-broker.ts';
import { failure, open, prefix, signal } from '../support/fake-caller.ts';
import { examine, examineOn, poolWith } from '../support/fake-checkup.ts';
import { request } from '../support/fake-connect.ts';
import { startProxy } from '../support/proxy.ts';

let url = '';
beforeAll(() => {
  url = inject('mqttUrl');
});

const behind = (name: string) => `Not tried: ${name} failed.`;

async function listening(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  return address !== null && typeof address === 'object' ? address.port : 0;
}

const webServer = () =>
  listening(createWebServer((_request, response) => void response.writeHead(404).end('not here')));

describe('a broker that is well', () => {
  test('without a probe topic -> all ok, nothing published, the version told', async () => {
    const { line, check } = await examine(url);
    expect(line).toBe('dns ok, tcp ok, tls skipped, connack ok, subscribe ok, echo skipped, sys ok');
    expect(check('tcp').addresses).toMatchObject([{ family: 4, outcome: 'connected', ms: expect.any(Number) }]);
    expect(check('connack')).toMatchObject({
      protocol_version: 5,
      client_id: expect.stringMatching(/^mqtt-mcp-check-/),
    });
    expect(check('subscribe').granted_qos).toBe(2);
    expect(check('sys').broker_version).toContain('mosquitto version');
  });

  test('with a probe topic -> one message at each QoS comes back', async () => {
    const probeTopic = prefix();
    const listener = await open(url);
    const seen: string[] = [];
    await listener.listen('#', { qos: 2, retained: 'exclude', signal }, ({ topic, retain }) => {
      if (topic === probeTopic) seen.push(`${retain}`);
    });
    const { line, check } = await examine(url, { probeTopic });
    expect(line).toContain('echo ok');
    expect(check('echo').round_trips).toMatchObject(
      [0, 1, 2].map((qos) => ({ qos, acknowledged: qos > 0, echo_ms: expect.any(Number) })),
    );
    await expect.poll(() => seen).toEqual(['false', 'false', 'false']);
  });

  test('what a broker is sent without a probe topic -> no PUBLISH, and DISCONNECT at the end', async () => {
    const broker = await startFakeBroker();
    await examine(broker.url);
    const sent = broker.packets.map(({ cmd }) => cmd);
    expect(sent).not.toContain('publish');
    expect(sent.at(-1)).toBe('disconnect');
    await expect.poll(() => broker.clients.every(({ socket }) => socket.closed)).toBe(true);
  });

  test('a client id in the string -> a random one is used, and that is said; nobody is thrown out', async () => {
    const pool = poolWith();
    const session = await pool.establish(request({ connectionString: url, clientId: 'mine' }), signal);
    const { check } = await examineOn(pool, { connectionString: `${url}/mine` });
    expect(check('connack').client_id).not.toBe('mine');
    expect(check('connack').detail).toContain('A session here uses that client id now');
    expect((await examineOn(pool, { connectionString: `${url}/other` })).check('connack').detail).not.toContain(
      'here uses',
    );
    expect(session.state()).toMatchObject({ isConnected: true, reconnects: 0 });
  });

  test('a broker that takes QoS 1 at most, and has no $SYS -> two probes, sys skipped', async () => {
    const topic = prefix();
    const broker = await startFakeBroker((packet, { send }) => {
      if (packet.cmd === 'connect') {
        send({ cmd: 'connack', sessionPresent: false, reasonCode: 0, properties: { maximumQoS: 1 } });
      } else if (packet.cmd === 'subscribe') {
        send({ cmd: 'suback', messageId: packet.messageId ?? 0, granted: [1] });
      } else if (packet.cmd === 'publish') {
        if (packet.qos === 1) send({ cmd: 'puback', messageId: packet.messageId ?? 0, reasonCode: 0 });
        const properties = { subscriptionIdentifier: 1 };
        send({ cmd: 'publish', topic, payload: packet.payload, qos: 0, retain: false, dup: false, properties });
      } else return false;
      return true;
    });
    const { line, check } = await examine(broker.url, { probeTopic: topic });
    expect(line).toMatch(/echo ok, sys skipped$/);
    expect(check('echo').round_trips?.map(({ qos }) => qos)).toEqual([0, 1]);
    expect(check('subscribe').detail).toContain('less than');
    expect(check('connack').limits).toEqual({ maximum_qos: 1 });
  });

  test('ws to a port that is no WebSocket, and a broker that speaks 3.1.1 only -> said', async () => {
    const broker = await startFakeBroker((packet, { send }) => {
      if (packet.cmd !== 'connect' || packet.protocolVersion !== 5) return false;
      send({ cmd: 'connack', sessionPresent: false, reasonCode: 0x84 });
      return true;
    });
    const { check } = await examine(broker.url);
    expect(check('connack')).toMatchObject({ status: 'ok', protocol_version: 4 });
    expect(check('connack').detail).toContain('refused MQTT 5');
    const { line } = await examine(url.replace('mqtt:', 'ws:'), { timeoutSeconds: 1 });
    expect(line).toContain('tls skipped, connack failed, subscribe skipped');
  });
});

test.each(['ws', 'wss'])(
  '%s:// to a broker behind WebSocket -> all ok; with mqtt:// the scheme is named',
  async (scheme) => {
    const ca = certificate('Web CA', { ca: true });
    const server = scheme === 'ws' ? createWebServer() : createSecureServer(certificate('localhost', {}, ca));
    const sockets = new WebSocketServer({ server, path: '/mqtt' });
    sockets.on('connection', (socket) => {
      const broker = connect({ host: '127.0.0.1', port: Number(new URL(url).port), noDelay: true });
      const stream = createWebSocketStream(socket);
      for (const one of [broker, stream]) one.on('error', () => {});
      stream.pipe(broker).pipe(stream);
    });
    const port = await listening(server);
    const tls = { ca: Buffer.from(ca.cert) };
    const { line } = await examine({ url: `${scheme}://localhost:${port}/mqtt`, tls }, { probeTopic: prefix() });
    const secured = scheme === 'ws' ? 'skipped' : 'ok';
    expect(line).toBe(`dns ok, tcp ok, tls ${secured}, connack ok, subscribe ok, echo ok, sys ok`);
    const plain = await examine({ url: `mqtt${scheme.slice(2)}://localhost:${port}`, tls });
    expect(plain.check('connack').hint).toContain(`${scheme}://`);
  },
);

describe('a layer that fails: its cause and next step, the later ones skipped', () => {
  test('dns: no such name', async () => {
    const { line, check } = await examine('mqtt://no-such-host.invalid');
    expect(line).toBe(
      'dns failed, tcp skipped, tls skipped, connack skipped, subscribe skipped, echo skipped, sys skipped',
    );
    expect(check('dns').code).toBe('dns_failure');
    expect(check('tcp').detail).toBe(behind('dns'));
  });

  test('tcp: nothing listens', async () => {
    const { line, check } = await examine(`mqtt://127.0.0.1:${await freePort()}`);
    expect(line).toMatch(/^dns ok, tcp failed, tls skipped, connack skipped/);
    expect(check('tcp')).toMatchObject({
      code: 'connection_refused',
      detail: expect.stringContaining('nothing listens'),
    });
    expect(check('connack').detail).toBe(behind('tcp'));
  });

  test('tcp: one of two addresses is dead -> both are told; localhost is no trouble', async () => {
    const { check } = await examine(url.replace('127.0.0.1', 'localhost'));
    const { addresses = [], status } = check('tcp');
    expect(status).toBe('ok');
    expect(addresses.filter(({ outcome }) => outcome === 'connected').map(({ family }) => family)).toEqual([4]);
    expect(addresses).toHaveLength(check('dns').addresses?.length ?? 0);
  });

  test('connack: wrong password -> the reason code in words', async () => {
    const broker = await startMosquitto({ users: { me: 'right' } });
    onTestFinished(broker.stop);
    const { line, check } = await examine(broker.url.replace('//', '//me:wrong@'));
    expect(line).toMatch(/tls skipped, connack failed, subscribe skipped/);
    expect(check('connack')).toMatchObject({ reason: expect.stringMatching(/not authorized/), reason_code: 0x87 });
    expect((await examine(broker.url.replace('//', '//me:right@'))).line).toContain('connack ok');
  });

  test.each([
    [5, 0x85, 'client id not valid'],
    [5, 0x8a, 'banned'],
    [4, 4, 'bad user name'],
  ] as const)('connack: version %i, code %i -> in words, with the client id remark', async (version, code, words) => {
    const broker = await startFakeBroker((packet, { send }) => {
      if (packet.cmd !== 'connect') return false;
      if (version === 4 && packet.protocolVersion === 5)
        send({ cmd: 'connack', sessionPresent: false, reasonCode: 0x84 });
      else send({ cmd: 'connack', sessionPresent: false, returnCode: code, reasonCode: code });
      return true;
    });
    const { check } = await examine(`${broker.url}/known-client`);
    expect(check('connack')).toMatchObject({ status: 'failed', reason_code: code });
    expect(check('connack').reason).toContain(words);
    expect(check('connack').hint).toContain('known client ids only');
  });

  test('connack: a port that accepts and says nothing -> connection_timeout, no socket left', async () => {
    const { port, sockets } = await startMute();
    const { line, check } = await examine(`mqtt://127.0.0.1:${port}`, { timeoutSeconds: 1 });
    expect(line).toContain('tcp ok, tls skipped, connack failed');
    expect(check('connack')).toMatchObject({
      code: 'connection_timeout',
      hint: expect.stringContaining('says nothing'),
    });
    expect(sockets.length).toBeGreaterThan(1);
    await expect.poll(() => sockets.every(({ closed }) => closed)).toBe(true);
  });

  test('connack: a web server -> ws:// is named; a WebSocket path that is none -> its HTTP status', async () => {
    const port = await webServer();
    const plain = await examine(`mqtt://127.0.0.1:${port}`);
    expect(plain.check('connack')).toMatchObject({ status: 'failed', hint: expect.stringContaining('ws://') });
    const socket = await examine(`ws://127.0.0.1:${port}/mqtt`);
    expect(socket.check('connack')).toMatchObject({ status: 'failed', detail: expect.stringContaining('HTTP 404') });
  });

  test('connack: another server that speaks first -> said what it is', async () => {
    const port = await listening(
      createServer((socket) => void socket.on('error', () => {}).end('SSH-2.0-OpenSSH_9.2\r\n')),
    );
    expect((await examine(`mqtt://127.0.0.1:${port}`)).check('connack').hint).toContain('SSH server');
  });

  test('subscribe: refused -> failed with the probe topic, a warning without', async () => {
    const broker = await startFakeBroker((packet, { send }) => {
      if (packet.cmd !== 'subscribe') return false;
      send({ cmd: 'suback', messageId: packet.messageId ?? 0, granted: [0x87] });
      return true;
    });
    const probed = await examine(broker.url, { probeTopic: 'a' });
    expect(probed.line).toContain('subscribe failed, echo skipped, sys skipped');
    expect(probed.check('subscribe')).toMatchObject({ code: 'subscribe_denied', reason_code: 0x87 });
    const plain = await examine(broker.url);
    expect(plain.line).toContain('subscribe warning, echo skipped, sys skipped');
  });

  test('subscribe: never answered -> timeout', async () => {
    const broker = await startFakeBroker(({ cmd }) => cmd === 'subscribe');
    const { check } = await examine(broker.url, { timeoutSeconds: 1 });
    expect(check('subscribe')).toMatchObject({ status: 'failed', code: 'timeout' });
  });

  test.each([
    [5, 'topic write probe/#', 'drop in silence'],
    [4, 'topic read probe/#', 'read or write'],
  ] as const)('echo: mosquitto, version %i, ACL "%s" -> acknowledged, never back', async (version, acl, words) => {
    const broker = await startMosquitto({ users: { me: 'x' }, acl: `user me\n${acl}\ntopic read $SYS/#` });
    onTestFinished(broker.stop);
    const profile = { url: broker.url, username: 'me', password: 'x', protocolVersion: version };
    const { line, check } = await examine(profile, { probeTopic: 'probe/a' });
    expect(line).toContain('subscribe ok, echo failed, sys skipped');
    expect(check('echo').detail + check('echo').hint).toContain(words);
    expect(check('echo').round_trips).toMatchObject(
      [0, 1, 2].map((qos) => ({ qos, echo_ms: null, acknowledged: qos > 0 })),
    );
  });

  test('echo: mosquitto, version 5, may not write -> the refusal in words', async () => {
    const broker = await startMosquitto({ users: { me: 'x' }, acl: 'user me\ntopic read probe/#' });
    onTestFinished(broker.stop);
    const { check } = await examine(broker.url.replace('//', '//me:x@'), { probeTopic: 'probe/a' });
    expect(check('echo')).toMatchObject({
      status: 'failed',
      detail: expect.stringContaining('not authorized to publish'),
    });
  });

  test('sys: an ACL that withholds it -> not offered, still healthy', async () => {
    const broker = await startMosquitto({ users: { me: 'x' }, acl: 'user me\ntopic readwrite a/#' });
    onTestFinished(broker.stop);
    const { line, check } = await examine(broker.url.replace('//', '//me:x@'));
    expect(line).toContain('subscribe ok, echo skipped, sys skipped');
    expect(check('sys').detail).toContain('No $SYS topic is offered');
  });
});

describe('an open session', () => {
  test('well -> looked at as it is, its broker beside it, and it stays', async () => {
    const pool = poolWith();
    const session = await pool.establish(request({ connectionString: url, name: 's' }), signal);
    const probeTopic = prefix();
    const { line, check } = await examineOn(pool, { session: 's', probeTopic });
    expect(line).toBe('dns ok, tcp ok, tls skipped, connack ok, subscribe ok, echo ok, sys ok');
    expect(check('connack')).toMatchObject({ client_id: session.facts.clientId, protocol_version: 5 });
    expect(session.state()).toMatchObject({ isConnected: true, subscribedTopics: [] });
    expect(pool.list()).toHaveLength(1);
  });

  test('thrown out by another client of its id -> recognised, with the way out', async () => {
    const broker = await startFakeBroker();
    const pool = poolWith();
    const session = await pool.establish(
      request({ connectionString: broker.url, name: 's', clientId: 'twin' }),
      signal,
    );
    broker.clients[0]?.send({ cmd: 'disconnect', reasonCode: 0x8e });
    await expect.poll(() => session.state().isConnected).toBe(false);
    const { line, check } = await examineOn(pool, { session: 's' });
    expect(line).toContain('tcp ok, tls skipped, connack failed, subscribe skipped');
    expect(check('connack')).toMatchObject({ client_id: 'twin', detail: expect.stringContaining('taken over') });
    expect(check('connack').hint).toMatch(/^Where another client uses the same client id/);
  });

  test('closed by a broker that does not say why -> a taken client id is among the causes', async () => {
    const broker = await startFakeBroker();
    const pool = poolWith();
    const session = await pool.establish(
      request({ connectionString: broker.url, name: 's', clientId: 'twin' }),
      signal,
    );
    broker.clients[0]?.socket.end();
    await expect.poll(() => session.state().isConnected).toBe(false);
    const { check } = await examineOn(pool, { session: 's' });
    expect(check('connack').hint).toContain('may come back by itself');
    expect(check('connack').hint).toContain('Where another client uses the same client id');
  });

  test('its broker is gone -> tcp says so', async () => {
    const broker = await startMosquitto();
    onTestFinished(broker.stop);
    const pool = poolWith();
    const session = await pool.establish(request({ connectionString: broker.url, name: 's' }), signal);
    await broker.kill();
    await expect.poll(() => session.state().isConnected).toBe(false);
    expect((await examineOn(pool, { session: 's' })).line).toMatch(/^dns ok, tcp failed, tls skipped, connack skipped/);
  });
});

test('an open session whose broker takes no second connection -> said, and the session is looked at all the same', async () => {
  const proxy = await startProxy(Number(new URL(url).port));
  onTestFinished(proxy.stop);
  const pool = poolWith();
  await pool.establish(request({ connectionString: proxy.url, name: 's' }), signal);
  await proxy.setMode({ kind: 'refuse' });
  const { line } = await examineOn(pool, { session: 's' });
  expect(line).toBe('dns ok, tcp failed, tls skipped, connack ok, subscribe ok, echo skipped, sys ok');
});

describe('who may check', () => {
  const asking = { timeoutSeconds: 1 };

  test('nothing, or two things to check -> invalid_arguments; an unknown profile or session -> named', async () => {
    const pool = poolWith();
    for (const given of [{}, { connectionString: url, session: 's' }]) {
      expect((await failure(pool.check({ ...asking, ...given }, signal, () => {}))).code).toBe('invalid_arguments');
    }
    const unknown = await failure(pool.check({ ...asking, profile: 'q' }, signal, () => {}));
    expect(unknown).toMatchObject({ code: 'invalid_arguments', problems: [{ path: '/profile' }] });
    expect((await failure(pool.check({ ...asking, session: 's' }, signal, () => {}))).code).toBe('session_not_found');
  });

  test('read-only -> no probe topic, and everything else', async () => {
    const pool = poolWith(undefined, true);
    const probing = { ...asking, connectionString: url, probeTopic: 'a' };
    expect((await failure(pool.check(probing, signal, () => {}))).code).toBe('policy_denied');
    expect((await examineOn(pool, { connectionString: url })).line).toContain('sys ok');
  });

  test('a check takes no session of the five; too many at once -> session_limit; cancelled -> all sockets closed', async () => {
    const { port, sockets } = await startMute();
    const pool = poolWith();
    const controllers = Array.from({ length: MAX_CHECKS }, () => new AbortController());
    const connectionString = `mqtt://127.0.0.1:${port}`;
    const checks = controllers.map((one) =>
      pool.check({ connectionString, timeoutSeconds: 30 }, one.signal, () => {}).catch((error: unknown) => error),
    );
    expect(pool.list()).toEqual([]);
    const more = await failure(pool.check({ connectionString, timeoutSeconds: 30 }, signal, () => {}));
    expect(more).toMatchObject({ code: 'session_limit', retryable: true });
    // Each has knocked once and gone, and now waits for CONNACK.
    await expect.poll(() => sockets.length).toBe(2 * MAX_CHECKS);
    const why = new Error('enough');
    for (const one of controllers) one.abort(why);
    expect(await Promise.all(checks)).toEqual(controllers.map(() => why));
    await expect.poll(() => sockets.every(({ closed }) => closed)).toBe(true);
    expect((await examineOn(pool, { connectionString: url })).line).toContain('connack ok');
  });
});
