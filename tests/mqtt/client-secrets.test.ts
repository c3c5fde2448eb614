// After connecting, no plain credential is left in anything that can be reached from the client.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { inspect } from 'node:util';
import mqtt, { type MqttClient } from 'mqtt';
import { expect, inject, onTestFinished, test, vi } from 'vitest';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { startMosquitto } from '../support/broker.ts';
import { certificate } from '../support/broker-cert.ts';
import { startAedes } from '../support/fake-aedes.ts';
import { startFakeBroker } from '../support/fake-broker.ts';
import { open, prefix, publish } from '../support/fake-caller.ts';

const webSockets = vi.hoisted((): unknown[] => []);
vi.mock('ws', async (original) => {
  const real = await original<typeof import('ws')>();
  class Recorded extends real.default {
    constructor(...options: ConstructorParameters<typeof real.default>) {
      super(...options);
      // Those that a server makes have no address.
      if (options[0] !== null) webSockets.push(this);
    }
  }
  return { ...real, default: Recorded };
});

/** Where `marker` is in what can be reached from `root`: by own properties, symbols, Map, Set and event listeners. */
function findPlain(root: unknown, marker: string): string[] {
  const found: string[] = [];
  const seen = new Set<unknown>();
  const queue: { value: unknown; path: string }[] = [{ value: root, path: '' }];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const { value, path } = next;
    if (typeof value === 'string' ? value.includes(marker) : holdsBytes(value, marker)) found.push(path);
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) continue;
    seen.add(value);
    if (ArrayBuffer.isView(value) || value === globalThis || value === process) continue;
    for (const key of Reflect.ownKeys(value)) {
      const own = Object.getOwnPropertyDescriptor(value, key);
      if (own && 'value' in own) queue.push({ value: own.value, path: `${path}.${String(key)}` });
    }
    if (value instanceof Map || value instanceof Set) queue.push({ value: [...value], path: `${path}[entries]` });
  }
  return found;
}

const holdsBytes = (value: unknown, marker: string): boolean =>
  ArrayBuffer.isView(value) && Buffer.from(value.buffer, value.byteOffset, value.byteLength).includes(marker);

/** Every mqtt.js client that is made in this test. */
function clients(): MqttClient[] {
  const made: MqttClient[] = [];
  const original = mqtt.MqttClient.prototype.connect;
  const spy = vi.spyOn(mqtt.MqttClient.prototype, 'connect').mockImplementation(function (this: MqttClient) {
    made.push(this);
    return original.call(this);
  });
  onTestFinished(() => spy.mockRestore());
  return made;
}

const secret = (): string => `marker${randomBytes(6).toString('hex')}`;

test('findPlain: finds what it should', () => {
  const marker = secret();
  const hidden = { a: [new Map([['k', { s: `x${marker}` }]])], b: Buffer.from(marker), [Symbol('c')]: marker };
  expect(findPlain(hidden, marker)).toHaveLength(3);
});

test.each([5, 4] as const)(
  'version %i: user name and password -> nowhere in the client, before and after a reconnect',
  async (v) => {
    const [marker, user] = [secret(), secret()];
    const made = clients();
    const broker = await startFakeBroker();
    const one = await open(broker.url.replace('//', `//${user}:${marker}@`), { protocolVersion: v });
    await publish(one, prefix(), 'x');
    for (const round of [1, 2]) {
      expect(broker.packets.filter(({ cmd }) => cmd === 'connect')).toHaveLength(round);
      expect(broker.packets.findLast(({ cmd }) => cmd === 'connect')).toMatchObject({ password: Buffer.from(marker) });
      expect(made).toHaveLength(round);
      const reachable = { client: made, session: one, options: made.map(({ options }) => options) };
      expect(findPlain(reachable, marker)).toEqual([]);
      expect(findPlain(reachable, user)).toEqual([]);
      const shown = inspect(reachable, { depth: Number.POSITIVE_INFINITY, showHidden: true, maxArrayLength: null });
      expect(shown.includes(marker)).toBe(false);
      if (round === 2) return;
      broker.clients[0]?.socket.destroy();
      await expect.poll(() => one.state().reconnects).toBe(1);
    }
  },
);

test('as arguments, on a broker of another kind, after a fallback -> nowhere in either client', async () => {
  const marker = secret();
  const made = clients();
  const { url } = await startAedes();
  const one = await open(url, { username: 'u', password: marker });
  await publish(one, prefix(), 'x');
  expect(made.length).toBeGreaterThan(1);
  expect(findPlain(made, marker)).toEqual([]);
});

test('a connect that fails -> nowhere in the client, nor in the error', async () => {
  const marker = secret();
  const made = clients();
  const broker = await startFakeBroker((packet, { send }) => {
    if (packet.cmd !== 'connect') return false;
    send({ cmd: 'connack', sessionPresent: false, reasonCode: 0x86 });
    return true;
  });
  const error: unknown = await open(broker.url, { username: 'u', password: marker }).catch((reason: unknown) => reason);
  expect(made).toHaveLength(1);
  expect(findPlain(made, marker)).toEqual([]);
  expect(findPlain(error, marker)).toEqual([]);
});

test('a token in the path of a WebSocket -> nowhere in the client, and there again at a reconnect', async () => {
  const marker = secret();
  const made = clients();
  const paths: string[] = [];
  const { port } = await startAedes();
  const server = createServer().listen(0, '127.0.0.1');
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', async (socket, { url = '' }) => {
    paths.push(url);
    const { connect } = await import('node:net');
    const stream = createWebSocketStream(socket);
    stream.on('error', () => {});
    stream.pipe(connect(port, '127.0.0.1')).pipe(stream);
  });
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.close();
  });
  const address = server.address();
  const at = address !== null && typeof address === 'object' ? address.port : 0;
  const one = await open(`ws://127.0.0.1:${at}/mqtt?token=${marker}`, { protocolVersion: 4 });
  await publish(one, prefix(), 'x');
  expect(webSockets).toHaveLength(1);
  expect(findPlain([made, webSockets], marker)).toEqual([]);
  for (const socket of sockets.clients) socket.terminate();
  await expect.poll(() => one.state().reconnects, { timeout: 5_000 }).toBe(1);
  expect(paths).toEqual([`/mqtt?token=${marker}`, `/mqtt?token=${marker}`]);
  expect(findPlain([made, webSockets], marker)).toEqual([]);
});

test('a client key and its passphrase -> nowhere in the client', async () => {
  const passphrase = secret();
  const made = clients();
  const ca = certificate('test CA', { ca: true });
  const { cert, key: plainKey } = certificate('me', {}, ca);
  const { createPrivateKey } = await import('node:crypto');
  const key = createPrivateKey(plainKey).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase });
  const broker = await startMosquitto({ tls: { ...certificate('broker', {}, ca), ca: ca.cert } });
  onTestFinished(broker.stop);
  const openProfile = { url: broker.url, tls: { ca: ca.cert, cert, key, passphrase } };
  const one = await open('', { connectionString: undefined, profile: 'p', openProfile });
  await publish(one, prefix(), 'x');
  const body = `${key}`.split('\n')[2] ?? '';
  expect(body.length).toBeGreaterThan(40);
  for (const marker of [passphrase, body]) expect(findPlain(made, marker)).toEqual([]);
});

test('a key that does not fit -> a failure in words', async () => {
  const { cert } = certificate('me');
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  const openProfile = { url: inject('mqttUrl').replace('mqtt', 'mqtts'), tls: { cert, key: `${other}` } };
  const opening = open('', { connectionString: undefined, profile: 'p', openProfile });
  await expect(opening).rejects.toMatchObject({ data: { code: 'tls_failure' } });
});
