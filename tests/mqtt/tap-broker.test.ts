// mqtt.js over the tap, on real brokers and over real sockets.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { generate, parser } from 'mqtt-packet';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { type Tap, tap } from '../../src/mqtt/tap.ts';
import { startMosquitto } from '../support/broker.ts';
import { startFakeBroker } from '../support/fake-broker.ts';

type Seen = { topic: string; payload: string; by: 'tap' | 'mqtt.js' };

/** A connected mqtt.js over a tap, all messages in the order in which they come, and the order they have on the wire. */
async function start(url: string, protocolVersion: 4 | 5, options: IClientOptions = {}) {
  const seen: Seen[] = [];
  const taps: Tap[] = [];
  const wire: string[] = [];
  const { hostname, port } = new URL(url);
  const build = () => {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    listenIn(socket, protocolVersion, wire);
    const stream = tap(socket, {
      version: protocolVersion,
      take: ({ bytes, topicStart, topicEnd, payloadStart, payloadEnd }) => {
        const topic = bytes.toString('utf8', topicStart, topicEnd);
        seen.push({ topic, payload: bytes.toString('utf8', payloadStart, payloadEnd), by: 'tap' });
      },
    });
    taps.push(stream);
    return stream;
  };
  const client = new mqtt.MqttClient(build, {
    protocolId: 'MQTT',
    protocolVersion,
    clientId: randomUUID().slice(0, 20),
    clean: true,
    reconnectPeriod: 0,
    resubscribe: false,
    log: () => {},
    ...options,
  });
  onTestFinished(() => {
    client.end(true);
  });
  client.on('error', () => {});
  client.on('message', (topic, payload) => seen.push({ topic, payload: payload.toString(), by: 'mqtt.js' }));
  await heard(client, 'connect');
  return { client, seen, taps, wire };
}

describe.each([5, 4] as const)('MQTT version %i', (version) => {
  test('20,000 messages at QoS 0, 1 and 2 -> each once, in wire order, those at QoS 0 by the tap', async () => {
    const broker = await startMosquitto({ config: 'max_queued_messages 0' });
    onTestFinished(broker.stop);
    const { client, seen, wire } = await start(broker.url, version);
    const sender = await start(broker.url, version);
    await client.subscribeAsync('mixed/#', { qos: 2 });
    const count = 20_000;
    const sent: string[] = [];
    // Twenty of them to be acknowledged at once: more than that mosquitto refuses.
    for (let from = 0; from < count; from += 100) {
      const block = Array.from({ length: 100 }, (_, n) => from + n);
      const all = block.map((n) => {
        const qos = n % 10 === 3 ? 1 : n % 10 === 7 ? 2 : 0;
        sent.push(`mixed/${qos}/${n % 7}=${n}`);
        return sender.client.publishAsync(`mixed/${qos}/${n % 7}`, `${n}`, { qos });
      });
      await Promise.all(all);
    }
    await expect.poll(() => seen.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(count);
    const received = seen.map(({ topic, payload }) => `${topic}=${payload}`);
    expect(received.toSorted()).toEqual(sent.toSorted());
    // Mosquitto itself turns some around when its window of 20 is full.
    expect(received).toEqual(wire);
    expect(seen.every(({ topic, by }) => (by === 'tap') === topic.startsWith('mixed/0/'))).toBe(true);
  });

  test('100,000 retained topics on a mosquitto with its default queue -> all of them, before the answer behind them', async () => {
    const broker = await startMosquitto();
    onTestFinished(broker.stop);
    const count = 100_000;
    await retain(broker.url, count);
    // Where the machine gives this process no time during the dump, the broker drops: such an attempt tells nothing.
    let whole: { seen: Seen[]; fellBehind: number | undefined } | undefined;
    for (let attempt = 1; attempt <= 5 && whole?.seen.length !== count; attempt += 1) {
      const { client, seen, taps } = await start(broker.url, version);
      const granted = client.subscribeAsync('site/#', { qos: 0 });
      await client.unsubscribeAsync('nothing');
      whole = { seen: [...seen], fellBehind: taps[0]?.state.fellBehind };
      await granted;
      await client.endAsync();
    }
    expect(new Set(whole?.seen.map(({ topic }) => topic)).size).toBe(count);
    expect(whole?.seen).toHaveLength(count);
    expect(whole?.fellBehind).toBe(0);
  });

  test('a retained message that is larger than a chunk -> whole', async () => {
    const url = inject('mqttUrl');
    const topic = `tap/${randomUUID()}`;
    const { client, seen } = await start(url, version);
    const payload = 'x'.repeat(900_000);
    await client.publishAsync(topic, payload, { retain: true, qos: 1 });
    await client.subscribeAsync(topic);
    await expect.poll(() => seen.length).toBe(1);
    expect(seen[0]?.by).toBe('tap');
    expect(seen[0]?.payload === payload).toBe(true);
    await client.publishAsync(topic, '', { retain: true, qos: 1 });
  });

  test('the broker is killed -> one close, and the next connection works', async () => {
    const broker = await startMosquitto();
    onTestFinished(broker.stop);
    const { client, seen, taps } = await start(broker.url, version, { reconnectPeriod: 20 });
    let closes = 0;
    taps[0]?.on('close', () => {
      closes += 1;
    });
    const closed = heard(client, 'close');
    await broker.kill();
    await closed;
    expect(taps[0]?.destroyed).toBe(true);
    expect(closes).toBe(1);
    const back = heard(client, 'connect');
    await broker.restart();
    await back;
    await client.subscribeAsync('again');
    await client.publishAsync('again', 'here');
    await expect.poll(() => seen).toEqual([{ topic: 'again', payload: 'here', by: 'tap' }]);
    await client.endAsync();
  });
});

describe('between mqtt.js and a scripted broker', () => {
  test('nothing but QoS 0 comes for three keep-alive times -> pinged, and still connected', async () => {
    const broker = await startFakeBroker();
    const { client, seen } = await start(broker.url, 4, { keepalive: 1 });
    const socket = broker.clients[0]?.socket;
    const timer = setInterval(() => socket?.write(frame('a', '0')), 10);
    onTestFinished(() => clearInterval(timer));
    await broker.received('pingreq', 3);
    expect(client.connected).toBe(true);
    expect(seen.length).toBeGreaterThan(50);
    expect(seen.every(({ by }) => by === 'tap')).toBe(true);
  });

  test('CONNACK and messages of every QoS in one segment -> in wire order, after the connect event', async () => {
    const inOrder = Array.from({ length: 300 }, (_, n) => n);
    const broker = await startFakeBroker(({ cmd }, { socket }) => {
      if (cmd !== 'connect') return false;
      const connack = generate({ cmd: 'connack', sessionPresent: false, returnCode: 0 });
      socket.write(
        Buffer.concat([connack, ...inOrder.map((n) => frame(`t/${n % 3}`, `${n}`, n % 3 === 1 ? 1 : 0, n + 1))]),
      );
      return true;
    });
    const { seen } = await start(broker.url, 4);
    expect(seen).toEqual([]);
    await expect.poll(() => seen.length).toBe(inOrder.length);
    expect(seen.map(({ payload }) => Number(payload))).toEqual(inOrder);
    await broker.received('puback', 100);
  });

  test('malformed framing -> mqtt.js reports it', async () => {
    const broker = await startFakeBroker();
    const { client, taps } = await start(broker.url, 4);
    const failed = heard(client, 'error');
    broker.clients[0]?.socket.write(Buffer.concat([frame('a', '0'), Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff])]));
    expect(String(await failed)).toContain('Invalid variable byte integer');
    expect(taps[0]?.state.aside).toBe(true);
  });

  test('DISCONNECT with a reason, right before the socket closes -> mqtt.js gets it', async () => {
    const broker = await startFakeBroker();
    const { client } = await start(broker.url, 5);
    const told = heard(client, 'disconnect');
    const socket = broker.clients[0]?.socket;
    socket?.end(generate({ cmd: 'disconnect', reasonCode: 0x8b }, { protocolVersion: 5 }));
    expect(await told).toMatchObject({ reasonCode: 0x8b });
  });

  test('messages and DISCONNECT, then a reset -> mqtt.js has dealt with all of it before it hears of the reset', async () => {
    const broker = await startFakeBroker();
    const { client, seen } = await start(broker.url, 5);
    const order: string[] = [];
    client.on('disconnect', () => order.push(`disconnect after ${seen.length}`));
    client.on('close', () => order.push('close'));
    const disconnect = generate({ cmd: 'disconnect', reasonCode: 0x8b }, { protocolVersion: 5 });
    const messages = Array.from({ length: 50 }, (_, n) => frame('a', `${n}`, n % 2 === 0 ? 1 : 0, n + 1, 5));
    const socket = broker.clients[0]?.socket;
    socket?.write(Buffer.concat([...messages, disconnect]));
    await broker.received('puback', 1);
    socket?.resetAndDestroy();
    await expect.poll(() => order).toEqual(['disconnect after 50', 'close']);
  });
});

/** Messages as mqtt.js by itself would hand them out: at QoS 2 when PUBREL comes. */
function listenIn(socket: Socket, protocolVersion: 4 | 5, wire: string[]): void {
  const unreleased = new Map<number, string>();
  const decoder = parser({ protocolVersion });
  decoder.on('packet', (packet) => {
    const { messageId = 0 } = packet;
    if (packet.cmd === 'pubrel') wire.push(unreleased.get(messageId) ?? 'released twice');
    if (packet.cmd !== 'publish') return;
    const message = `${packet.topic}=${packet.payload}`;
    if (packet.qos === 2) unreleased.set(messageId, message);
    else wire.push(message);
  });
  decoder.on('error', () => {});
  socket.on('data', (chunk) => decoder.parse(chunk));
}

function frame(topic: string, payload: string, qos: 0 | 1 = 0, messageId = 1, protocolVersion: 4 | 5 = 4): Buffer {
  return generate({ cmd: 'publish', topic, payload, qos, dup: false, retain: false, messageId }, { protocolVersion });
}

/** Writes the frames at once: a client would take long. Resolves when the broker has them. */
async function retain(url: string, count: number): Promise<void> {
  const { port } = new URL(url);
  const socket = connect({ host: '127.0.0.1', port: Number(port), noDelay: true });
  const plain = { cmd: 'publish', qos: 0, dup: false, retain: true } as const;
  const message = (n: number) =>
    generate({
      ...plain,
      topic: `site/${n % 100}/line/${n % 7}/sensor-${n}`,
      payload: `{"value":${n},"unit":"celsius"}`,
    });
  socket.write(generate({ cmd: 'connect', clientId: 'retainer', protocolVersion: 4, clean: true, keepalive: 0 }));
  await once(socket, 'data');
  socket.write(Buffer.concat(Array.from({ length: count }, (_, n) => message(n))));
  socket.write(generate({ cmd: 'pingreq' }));
  await once(socket, 'data');
  socket.destroy();
}

function heard(client: MqttClient, event: 'connect' | 'close' | 'disconnect' | 'error'): Promise<unknown> {
  return new Promise((resolve) => client.once(event, (...about: unknown[]) => resolve(about[0])));
}
