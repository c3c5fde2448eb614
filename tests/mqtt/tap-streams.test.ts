// The tap over what src/mqtt/stream.ts opens beside TCP: TLS and WebSocket.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Aedes } from 'aedes';
import mqtt from 'mqtt';
import { expect, onTestFinished, test } from 'vitest';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { type Endpoint, openStream, tlsContext } from '../../src/mqtt/stream.ts';
import { type Tap, tap } from '../../src/mqtt/tap.ts';
import { startMosquitto } from '../support/broker.ts';
import { certificate } from '../support/broker-cert.ts';

const COUNT = 5000;

/** Sends itself messages, takes them all off its tap, and ends. */
async function talk(endpoint: Endpoint): Promise<void> {
  const taken: string[] = [];
  const passed: string[] = [];
  let stream: Tap | undefined;
  const build = () => {
    stream = tap(openStream(endpoint), {
      version: 4,
      take: ({ bytes, payloadStart, payloadEnd }) => taken.push(bytes.toString('latin1', payloadStart, payloadEnd)),
    });
    return stream;
  };
  const options = { protocolId: 'MQTT', protocolVersion: 4, clientId: randomUUID().slice(0, 20) } as const;
  const client = new mqtt.MqttClient(build, { ...options, clean: true, reconnectPeriod: 0, log: () => {} });
  client.on('message', (_topic, payload) => passed.push(payload.toString()));
  const failed = new Promise<never>((_resolve, reject) => {
    client.on('error', reject);
  });
  failed.catch(() => {});
  await Promise.race([failed, new Promise((resolve) => client.once('connect', resolve))]);
  await client.subscribeAsync('self/#', { qos: 1 });
  const payloads = Array.from({ length: COUNT }, (_, n) => `${n}${'x'.repeat(n % 500)}`);
  for (let from = 0; from < COUNT; from += 100) {
    const block = payloads.slice(from, from + 100);
    await Promise.all(block.map((payload) => client.publishAsync('self/a', payload)));
    await client.publishAsync('self/b', `${from}`, { qos: 1 });
  }
  await expect.poll(() => taken.length + passed.length, { timeout: 20_000 }).toBe(COUNT + COUNT / 100);
  expect(taken).toEqual(payloads);
  expect(passed.map(Number)).toEqual(Array.from({ length: COUNT / 100 }, (_, n) => n * 100));
  await client.endAsync();
  await expect.poll(() => stream?.closed).toBe(true);
  expect(stream?.errored).toBe(null);
}

test('TLS -> all messages, and a clean end', async () => {
  const ca = certificate('ca', { ca: true });
  const broker = await startMosquitto({ tls: certificate('broker', {}, ca), config: 'max_queued_messages 0' });
  onTestFinished(broker.stop);
  await talk({ transport: 'tls', host: 'localhost', port: broker.port, path: '/', tls: tlsContext({ ca: ca.cert }) });
});

test('WebSocket -> all messages, and a clean end', async () => {
  const broker = await Aedes.createBroker();
  const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  sockets.on('connection', (socket) => broker.handle(createWebSocketStream(socket)));
  await once(sockets, 'listening');
  onTestFinished(async () => {
    sockets.close();
    await new Promise<void>((resolve) => broker.close(resolve));
  });
  const address = sockets.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  await talk({ transport: 'ws', host: '127.0.0.1', port, path: '/', tls: {} });
});

test('nobody listens -> one error and one close, over each', async () => {
  for (const transport of ['tcp', 'tls', 'ws'] as const) {
    const events: string[] = [];
    const stream = tap(openStream({ transport, host: '127.0.0.1', port: 1, path: '/', tls: {} }), {
      version: 5,
      take: () => {},
    });
    stream.on('error', (error) => events.push('code' in error ? String(error.code) : error.message));
    stream.on('close', () => events.push('close'));
    stream.resume();
    stream.write('CONNECT');
    await expect.poll(() => events).toEqual(['ECONNREFUSED', 'close']);
  }
});
