import { connect as dial, type Socket } from 'node:net';
import mqtt, { type IClientOptions, type IConnackPacket, type MqttClient } from 'mqtt';
import { afterEach, expect, inject, test } from 'vitest';
import { freePort, type MosquittoOptions, startMosquitto } from './broker.ts';
import { certificate } from './broker-cert.ts';
import { type ProxyMode, startProxy } from './proxy.ts';

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of cleanup.splice(0).reverse()) await end();
});

const once$ = { reconnectPeriod: 0, connectTimeout: 5_000 } as const;

async function client(url: string, options: IClientOptions = {}): Promise<MqttClient> {
  const it = await mqtt.connectAsync(url, { ...once$, ...options }, false);
  it.on('error', () => {});
  cleanup.push(() => it.endAsync(true));
  return it;
}

const message = (it: MqttClient) =>
  new Promise<string>((resolve) => it.once('message', (_topic, payload) => resolve(payload.toString())));
const closed = (it: MqttClient) => new Promise<void>((resolve) => it.once('close', resolve));

async function broker(options?: MosquittoOptions) {
  const it = await startMosquitto(options);
  cleanup.push(it.stop);
  return it;
}

async function proxied(mode?: ProxyMode) {
  const target = await broker();
  const proxy = await startProxy(target.port, mode);
  cleanup.push(proxy.stop);
  return proxy;
}

/** A socket and how it ended. */
async function raw(port: number): Promise<{ socket: Socket; over: Promise<string> }> {
  const socket = dial(port, '127.0.0.1');
  let code = 'closed';
  socket.on('error', (error) => {
    code = 'code' in error ? String(error.code) : error.message;
  });
  cleanup.push(() => socket.destroy());
  const over = new Promise<string>((resolve) => socket.once('close', () => resolve(code)));
  await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve));
  return { socket, over };
}

test('the shared broker: anonymous, at mqttUrl', async () => {
  const it = await client(inject('mqttUrl'));
  const got = message(it);
  await it.subscribeAsync('support/shared');
  await it.publishAsync('support/shared', 'x');
  expect(await got).toBe('x');
});

test('startMosquitto: killed -> connections end, nobody listens; restart() -> the same port', async () => {
  const own = await broker();
  const before = own.pid;
  const it = await client(own.url);
  const over = closed(it);
  await own.kill();
  await over;
  await expect(client(own.url)).rejects.toMatchObject({ code: expect.stringMatching(/ECONNREFUSED|ECONNRESET/) });
  await own.restart();
  expect(own.pid).not.toBe(before);
  expect((await client(own.url)).connected).toBe(true);
});

test('startMosquitto: SIGSTOP -> accepts and never answers; SIGCONT -> answers', async () => {
  const own = await broker();
  await own.kill('SIGSTOP');
  await expect(client(own.url, { connectTimeout: 300 })).rejects.toThrow('connack timeout');
  await own.kill('SIGCONT');
  expect((await client(own.url)).connected).toBe(true);
});

test('startMosquitto: users -> a wrong password and nobody are refused', async () => {
  const { url } = await broker({ users: { ann: 'pä ss:wörd' } });
  expect((await client(url, { username: 'ann', password: 'pä ss:wörd' })).connected).toBe(true);
  await expect(client(url, { username: 'ann', password: 'no' })).rejects.toMatchObject({ code: 5 });
  await expect(client(url)).rejects.toMatchObject({ code: 5 });
});

test('startMosquitto: acl -> a publish that it does not allow is refused', async () => {
  const { url } = await broker({ acl: 'topic readwrite open/#' });
  const it = await client(url, { protocolVersion: 5 });
  await expect(it.publishAsync('open/a', '', { qos: 1 })).resolves.toBeDefined();
  await expect(it.publishAsync('shut/a', '', { qos: 1 })).rejects.toMatchObject({ code: 135 });
});

test('startMosquitto: config -> its lines count', async () => {
  const { url } = await broker({ config: 'max_keepalive 10\nmax_qos 1' });
  const it = mqtt.connect(url, { ...once$, protocolVersion: 5, keepalive: 60 });
  cleanup.push(() => it.endAsync(true));
  const connack = await new Promise<IConnackPacket>((resolve) => it.once('connect', resolve));
  expect(connack.properties).toMatchObject({ maximumQoS: 1, serverKeepAlive: 10 });
});

test('startMosquitto: persistence -> a retained message outlives restart()', async () => {
  const own = await broker({ persistence: true });
  await (await client(own.url)).publishAsync('kept', 'yes', { retain: true, qos: 1 });
  await own.restart();
  const it = await client(own.url);
  const got = message(it);
  await it.subscribeAsync('kept');
  expect(await got).toBe('yes');
});

test('startMosquitto: tls -> only who knows the CA gets in; with its ca, only who has a certificate', async () => {
  const ca = certificate('test CA', { ca: true });
  const server = certificate('broker', {}, ca);
  const { url } = await broker({ tls: server });
  expect((await client(url, { ca: ca.cert })).connected).toBe(true);
  await expect(client(url)).rejects.toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
  const strict = await broker({ tls: { ...server, ca: ca.cert } });
  const me = certificate('me', {}, ca);
  expect((await client(strict.url, { ca: ca.cert, ...me })).connected).toBe(true);
  await expect(client(strict.url, { ca: ca.cert })).rejects.toThrow();
});

test('startMosquitto: a config it cannot read -> fails with what mosquitto said', async () => {
  await expect(startMosquitto({ config: 'no_such_option 1' })).rejects.toThrow(/no_such_option/);
});

test('proxy: latency -> later, in order', async () => {
  const proxy = await proxied({ latency_ms: 100 });
  const it = await client(proxy.url);
  const got: string[] = [];
  it.on('message', (_topic, payload) => got.push(payload.toString()));
  await it.subscribeAsync('t', { qos: 1 });
  const from = performance.now();
  await Promise.all(['1', '2', '3'].map((n) => it.publishAsync('t', n, { qos: 1 })));
  expect(performance.now() - from).toBeGreaterThan(190);
  await expect.poll(() => got).toEqual(['1', '2', '3']);
});

test('proxy: bandwidth -> takes as long as the line is slow', async () => {
  const proxy = await proxied();
  const it = await client(proxy.url);
  await proxy.setMode({ bytes_per_second: 100_000 });
  const from = performance.now();
  await it.publishAsync('t', Buffer.alloc(50_000), { qos: 1 });
  expect(performance.now() - from).toBeGreaterThan(450);
});

test('proxy: blackhole -> connects, no answer; pass again -> answers', async () => {
  const proxy = await proxied({ kind: 'blackhole' });
  await expect(client(proxy.url, { connectTimeout: 300 })).rejects.toThrow('connack timeout');
  await proxy.setMode({});
  expect((await client(proxy.url)).connected).toBe(true);
});

test('proxy: reset -> RST to open and new connections; dropAll() -> to the open ones', async () => {
  const proxy = await proxied();
  const first = await raw(proxy.port);
  await expect.poll(() => proxy.connections().open).toBe(1);
  proxy.dropAll();
  expect(await first.over).toBe('ECONNRESET');
  await proxy.setMode({ kind: 'reset' });
  const second = await raw(proxy.port);
  expect(await second.over).toBe('ECONNRESET');
  await proxy.setMode({});
  expect((await client(proxy.url)).connected).toBe(true);
});

test('proxy: refuse -> nobody listens, open connections live; pass -> the same port', async () => {
  const proxy = await proxied();
  const it = await client(proxy.url);
  await proxy.setMode({ kind: 'refuse' });
  await expect(client(proxy.url)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await it.publishAsync('t', '', { qos: 1 });
  await proxy.setMode({});
  expect((await client(proxy.url)).connected).toBe(true);
});

test('proxy: cut -> so many bytes, then the end', async () => {
  const proxy = await proxied();
  const it = await client(proxy.url);
  await it.subscribeAsync('t');
  await proxy.setMode({ cut: { after: 10, of: 'broker' } });
  const over = closed(it);
  let got = 0;
  it.stream.on('data', (chunk: Buffer) => {
    got += chunk.length;
  });
  it.on('message', () => expect.unreachable());
  it.publish('t', 'more than ten bytes');
  await over;
  expect(got).toBe(10);
});

test('freePort: somebody can listen there', async () => {
  const own = await broker({ port: await freePort() });
  expect(new URL(own.url).port).toBe(String(own.port));
});
