// How a session comes about, and every way in which it does not.

import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { Aedes } from 'aedes';
import { beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { createWebSocketStream, WebSocketServer } from 'ws';
import type { ToolErrorCode } from '../../src/errors.ts';
import { freePort, startMosquitto } from '../support/broker.ts';
import { certificate } from '../support/broker-cert.ts';
import { startAedes } from '../support/fake-aedes.ts';
import { type Script, startFakeBroker, startMute } from '../support/fake-broker.ts';
import { failure, open, prefix, publish } from '../support/fake-caller.ts';

let url = '';
beforeAll(() => {
  url = inject('mqttUrl');
});

const portOf = (server: Server): number => {
  const address = server.address();
  return address !== null && typeof address === 'object' ? address.port : 0;
};

const refusing =
  (code: number, version: 4 | 5): Script =>
  (packet, { send }) => {
    if (packet.cmd !== 'connect') return false;
    send({ cmd: 'connack', sessionPresent: false, ...(version === 5 ? { reasonCode: code } : { returnCode: code }) });
    return true;
  };

describe('facts', () => {
  test.each([5, 4] as const)('version %i, asked for -> spoken', async (protocolVersion) => {
    const { facts } = await open(url, { protocolVersion });
    expect(facts).toMatchObject({ protocolVersion, tls: false, broker: new URL(url).hostname, notes: [] });
    expect(facts.port).toBe(Number(new URL(url).port));
    expect(facts.connectMs).toBeGreaterThan(0);
  });

  test('no client id -> random, with our prefix', async () => {
    const ids = [(await open(url)).facts.clientId, (await open(url)).facts.clientId];
    for (const id of ids) expect(id).toMatch(/^mqtt-mcp-[0-9a-f]{12}$/);
    expect(ids[0]).not.toBe(ids[1]);
  });

  test.each([
    ['argument', {}, 'mine'],
    ['path of the connection string', { clientId: undefined }, 'from-path'],
  ] as const)('client id as %s -> used', async (_where, more, expected) => {
    const { facts } = await open(`${url}/from-path`, { clientId: 'mine', ...more });
    expect(facts.clientId).toBe(expected);
  });

  test('what CONNACK announces -> limits; what it does not -> absent', async () => {
    const properties = { receiveMaximum: 7, maximumQoS: 1, retainAvailable: false, maximumPacketSize: 9_000 };
    const broker = await startFakeBroker((packet, { send }) => {
      if (packet.cmd !== 'connect') return false;
      send({ cmd: 'connack', sessionPresent: false, reasonCode: 0, properties: { ...properties, serverKeepAlive: 9 } });
      return true;
    });
    expect((await open(broker.url)).facts.limits).toEqual({
      receive_maximum: 7,
      maximum_qos: 1,
      retain_available: false,
      maximum_packet_size: 9_000,
      server_keepalive_seconds: 9,
    });
  });

  test('a client id assigned by the broker -> is the one told', async () => {
    const broker = await startFakeBroker((packet, { send }) => {
      if (packet.cmd !== 'connect') return false;
      const properties = { assignedClientIdentifier: 'given' };
      send({ cmd: 'connack', sessionPresent: false, reasonCode: 0, properties });
      return true;
    });
    expect((await open(broker.url)).facts.clientId).toBe('given');
  });

  test('what is asked for -> is in CONNECT', async () => {
    const broker = await startFakeBroker();
    await open(broker.url, {
      clientId: 'c',
      username: 'u',
      password: 'p',
      keepaliveSeconds: 7,
      cleanStart: false,
      sessionExpirySeconds: 99,
    });
    expect(broker.packets[0]).toMatchObject({
      clientId: 'c',
      username: 'u',
      password: Buffer.from('p'),
      keepalive: 7,
      clean: false,
      properties: { sessionExpiryInterval: 99 },
    });
  });

  test('arguments -> win over the profile, the profile over the connection string', async () => {
    const broker = await startFakeBroker();
    const at = broker.url.replace('mqtt://', '');
    const openProfile = { url: `mqtt://a:b@${at}`, username: 'profile', password: 'profile' };
    await open('', { connectionString: undefined, profile: 'p', openProfile });
    await open('', { connectionString: undefined, profile: 'p', openProfile, username: 'argument' });
    const users = broker.packets.flatMap((packet) =>
      packet.cmd === 'connect' ? [`${packet.username}:${packet.password}`] : [],
    );
    expect(users).toEqual(['profile:profile', 'argument:profile']);
  });

  test('a user name without a password -> sent as such', async () => {
    const broker = await startFakeBroker();
    await open(broker.url.replace('//', '//me@'));
    expect(broker.packets[0]).toMatchObject({ username: 'me' });
    expect(broker.packets[0]).not.toHaveProperty('password');
  });
});

test('a password without a user name -> sent with an empty one', async () => {
  const broker = await startFakeBroker();
  await open(broker.url, { password: 'p' });
  await open(broker.url, { password: 'p', protocolVersion: 4 });
  expect(broker.packets.filter(({ cmd }) => cmd === 'connect')).toMatchObject([
    { protocolVersion: 5, username: '', password: Buffer.from('p') },
    { protocolVersion: 4, username: '', password: Buffer.from('p') },
  ]);
});

describe('a broker that speaks MQTT 3.1.1 only', () => {
  const note = 'The broker refused MQTT 5; the session speaks MQTT 3.1.1.';

  test('aedes -> version 4, and a note says so', async () => {
    const { url: own } = await startAedes();
    const one = await open(own);
    expect(one.facts).toMatchObject({ protocolVersion: 4, notes: [note] });
    await publish(one, prefix(), 'x');
  });

  test('aedes over WebSocket -> the same', async () => {
    const broker = await Aedes.createBroker();
    const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1', path: '/mqtt' });
    sockets.on('connection', (socket) => broker.handle(createWebSocketStream(socket)));
    await once(sockets, 'listening');
    onTestFinished(async () => {
      sockets.close();
      for (const socket of sockets.clients) socket.terminate();
      await new Promise<void>((resolve) => broker.close(resolve));
    });
    const address = sockets.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const one = await open(`ws://127.0.0.1:${port}/mqtt`);
    expect(one.facts).toMatchObject({ protocolVersion: 4, notes: [note] });
    await publish(one, prefix(), 'x');
  });

  test('version 5 asked for -> no fallback, protocol_error', async () => {
    const { url: own } = await startAedes();
    const error = await failure(open(own, { protocolVersion: 5 }));
    expect(error).toMatchObject({ code: 'protocol_error' });
    expect(error.hint).toMatch(/protocol_version|MQTT 3\.1\.1|scheme/);
  });

  test.each([
    ['return code 1', 1, 4],
    ['reason code 0x84', 0x84, 5],
  ] as const)('refuses with %s -> version 4', async (_how, code, version) => {
    const bytes = Buffer.from(version === 5 ? [0x20, 3, 0, code, 0] : [0x20, 2, 0, code]);
    const broker = await startFakeBroker((packet, { socket, version: spoken }) => {
      if (packet.cmd !== 'connect' || spoken === 4) return false;
      socket.end(bytes);
      return true;
    });
    expect((await open(broker.url)).facts.protocolVersion).toBe(4);
  });

  test('hangs up -> version 4', async () => {
    const broker = await startFakeBroker((packet, { version, socket }) => {
      if (packet.cmd !== 'connect' || version === 4) return false;
      socket.end();
      return true;
    });
    expect((await open(broker.url)).facts.protocolVersion).toBe(4);
  });
});

describe('CONNACK refusals', () => {
  test.each<[4 | 5, number, ToolErrorCode, boolean]>([
    [5, 0x86, 'auth_failed', false],
    [5, 0x87, 'not_authorized', false],
    [5, 0x88, 'connection_refused', true],
    [5, 0x89, 'connection_refused', true],
    [5, 0x8a, 'not_authorized', false],
    [5, 0x85, 'protocol_error', false],
    [5, 0x97, 'connection_refused', true],
    [4, 2, 'protocol_error', false],
    [4, 3, 'connection_refused', true],
    [4, 4, 'auth_failed', false],
    [4, 5, 'not_authorized', false],
  ])('version %i, code %i -> %s', async (version, reason_code, code, retryable) => {
    const broker = await startFakeBroker(refusing(reason_code, version));
    const error = await failure(open(broker.url, { protocolVersion: version }));
    expect(error).toMatchObject({ code, reason_code, retryable, reason: expect.any(String) });
    await expect.poll(() => broker.clients.every(({ socket }) => socket.closed)).toBe(true);
    expect(broker.clients).toHaveLength(1);
  });

  test.each([5, 4] as const)(
    'mosquitto, version %i, wrong password -> the right code; the right one -> in',
    async (protocolVersion) => {
      const broker = await startMosquitto({ users: { me: 'right' } });
      onTestFinished(broker.stop);
      for (const more of [{ username: 'me', password: 'wrong' }, {}]) {
        const { code } = await failure(open(broker.url, { protocolVersion, ...more }));
        expect(['auth_failed', 'not_authorized']).toContain(code);
      }
      expect((await open(broker.url, { protocolVersion, username: 'me', password: 'right' })).state().isConnected).toBe(
        true,
      );
    },
  );
});

describe('no broker', () => {
  async function listening(onSocket: Parameters<typeof createServer>[1]) {
    const server = createServer(onSocket).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    return `127.0.0.1:${portOf(server)}`;
  }

  test('a closed port -> connection_refused', async () => {
    const error = await failure(open(`mqtt://127.0.0.1:${await freePort()}`));
    expect(error).toMatchObject({ code: 'connection_refused', retryable: true });
  });

  test('a host that does not resolve -> dns_failure', async () => {
    const error = await failure(open('mqtt://no-such-host.invalid', { timeoutSeconds: 10 }));
    expect(error.code).toBe('dns_failure');
  });

  test.each(['mqtt', 'mqtts', 'ws', 'wss'])(
    '%s to a port that accepts and never answers -> connection_timeout, no socket left',
    async (scheme) => {
      const { port, sockets } = await startMute();
      const from = performance.now();
      const error = await failure(open(`${scheme}://127.0.0.1:${port}`, { timeoutSeconds: 1 }));
      expect(error).toMatchObject({ code: 'connection_timeout', retryable: true });
      expect(performance.now() - from).toBeLessThan(3_000);
      await expect.poll(() => sockets.every(({ closed }) => closed)).toBe(true);
    },
  );

  test('a port that hangs up -> connection_refused', async () => {
    const at = await listening((socket) => socket.end());
    expect((await failure(open(`mqtt://${at}`))).code).toBe('connection_refused');
  });

  test('a web server -> protocol_error that names the scheme', async () => {
    const at = await listening((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    });
    expect((await failure(open(`mqtt://${at}`))).code).toBe('protocol_error');
    expect((await failure(open(`ws://${at}`))).code).toBe('connection_refused');
  });

  test.each(['mqtts', 'wss', 'ws'])('%s to a plain MQTT port -> a failure that says so', async (scheme) => {
    const error = await failure(open(url.replace('mqtt:', `${scheme}:`), { timeoutSeconds: 3 }));
    // It hangs up without a word of TLS or HTTP; in which state of the handshake depends on who is in between.
    expect(['connection_refused', 'tls_failure']).toContain(error.code);
    expect(error.hint).toMatch(/plain (MQTT )?port|without TLS/);
  });

  test('cancelled -> its reason, and the socket is closed', async () => {
    const sockets: boolean[] = [];
    const at = await listening((socket) => {
      sockets.push(false);
      socket.on('error', () => {}).on('close', () => sockets.fill(true));
      socket.resume();
    });
    const controller = new AbortController();
    const opening = open(`mqtt://${at}`, { signal: controller.signal });
    await expect.poll(() => sockets).toEqual([false]);
    controller.abort(new Error('enough'));
    await expect(opening).rejects.toThrow('enough');
    await expect.poll(() => sockets).toEqual([true]);
    await expect(open(`mqtt://${at}`, { signal: controller.signal })).rejects.toThrow('enough');
  });
});

describe('TLS', () => {
  test('an unknown authority -> tls_failure; its CA in the profile -> in', async () => {
    const ca = certificate('test CA', { ca: true });
    const broker = await startMosquitto({ tls: certificate('broker', {}, ca) });
    onTestFinished(broker.stop);
    expect((await failure(open(broker.url))).code).toBe('tls_failure');
    const profile = { connectionString: undefined, profile: 'p' };
    const one = await open('', { ...profile, openProfile: { url: broker.url, tls: { ca: ca.cert } } });
    expect(one.facts).toMatchObject({ tls: true, protocolVersion: 5 });
    await publish(one, prefix(), 'x');
    const unverified = { url: broker.url, tls: { rejectUnauthorized: false } };
    expect((await open('', { ...profile, openProfile: unverified })).facts.tls).toBe(true);
  });
});

describe('broken arguments', () => {
  test.each([
    '',
    'broker',
    'http://broker',
    'mqtt://',
    'mqtt://host:99999',
    'mqtt://u:p@ss/w@host',
    'mqtt://[::1',
    'mqtt://h?x',
  ])('connection string %j -> invalid_arguments that points to it', async (text) => {
    expect(await failure(open(text))).toMatchObject({
      code: 'invalid_arguments',
      problems: [{ path: '/connection_string', expected: expect.any(String) }],
    });
  });
});
