// Found by a review: queued messages, resets, brokers that do not read, and what CONNACK says is not to be had.
import { randomUUID } from 'node:crypto';
import { generate, type Packet } from 'mqtt-packet';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startMosquitto } from '../support/broker.ts';
import { type FakeClient, type Script, startFakeBroker } from '../support/fake-broker.ts';
import { failure, listen, open, publish } from '../support/fake-caller.ts';

const MIB = 1024 * 1024;
const kept = { cleanStart: false, sessionExpirySeconds: 300 };

const queued = (topic: string, payload: string, qos: 0 | 1, ids?: number): Packet => ({
  cmd: 'publish',
  topic,
  payload,
  qos,
  dup: false,
  retain: false,
  ...(qos === 0 ? {} : { messageId: Number(payload) }),
  ...(ids === undefined ? {} : { properties: { subscriptionIdentifier: ids } }),
});

/** CONNACK that announces `properties`, and `more` in the same segment. */
function greet({ socket }: FakeClient, properties: object, more: Packet[] = []): void {
  const connack: Packet = { cmd: 'connack', sessionPresent: more.length > 0, reasonCode: 0, properties };
  socket.write(Buffer.concat([connack, ...more].map((packet) => generate(packet, { protocolVersion: 5 }))));
}

const greeting =
  (properties: object, more: Packet[] = []): Script =>
  (packet, client) => {
    if (packet.cmd === 'connect') greet(client, properties, more);
    return packet.cmd === 'connect';
  };

describe('messages that the broker had queued', () => {
  test.each([0, 1] as const)(
    'QoS %i, in the segment of CONNACK -> counted, and handed to the first listener that matches',
    async (qos) => {
      const waiting = [queued('a', '1', qos), queued('b', '2', qos), queued('a', '3', qos, 7)];
      const broker = await startFakeBroker(greeting({}, waiting));
      const one = await open(broker.url, { clientId: 'kept', ...kept });
      await expect.poll(() => one.state().messagesReceived).toBe(3);
      const other = await listen(one, 'none');
      const first = await listen(one, 'a');
      const second = await listen(one, 'a');
      await listen(one, 'b').then((ear) => expect(ear.texts()).toEqual(['b=2']));
      expect([other, first, second].map((ear) => ear.texts())).toEqual([[], ['a=1', 'a=3'], []]);
      expect(one.state().messagesReceived).toBe(3);
    },
  );

  test('with the identifier of an earlier life, while the first listener subscribes -> they are its own', async () => {
    const broker = await startFakeBroker((packet, client) => {
      if (packet.cmd === 'connect') greet(client, {}, [queued('a', '1', 1, 7)]);
      if (packet.cmd === 'subscribe' && packet.subscriptions[0]?.topic === 'a') {
        client.send(queued('a', '2', 1, 7));
        client.send({ cmd: 'suback', messageId: packet.messageId ?? 0, granted: [1] });
        client.send(queued('a', '3', 1, 7));
        return true;
      }
      return packet.cmd === 'connect';
    });
    const one = await open(broker.url, { clientId: 'kept', ...kept });
    const ear = await listen(one, 'a', { qos: 1 });
    await expect.poll(() => one.state().messagesReceived).toBe(3);
    expect(ear.texts()).toEqual(['a=1', 'a=2', 'a=3']);
  });

  test.each([5, 4] as const)('version %i: 100, more than fly at once -> all, in order, once', async (v) => {
    const broker = await startMosquitto();
    onTestFinished(broker.stop);
    const mine = { clientId: randomUUID(), protocolVersion: v, ...kept };
    const gone = await open(broker.url, mine);
    await listen(gone, 'a/#', { qos: 1 });
    await gone.end('it goes');
    const other = await open(broker.url);
    const texts = Array.from({ length: 100 }, (_, n) => `a/b=${n}`);
    for (const [n] of texts.entries()) await publish(other, 'a/b', `${n}`);
    const back = await open(broker.url, mine);
    const ear = await listen(back, 'a/#', { qos: 1 });
    await expect.poll(() => back.state().messagesReceived).toBeGreaterThanOrEqual(100);
    expect(ear.texts()).toEqual(texts);
  });

  test.each([0, 1] as const)('a wider filter that the broker kept, live ones -> each once, QoS %i', async (qos) => {
    const broker = await startMosquitto();
    onTestFinished(broker.stop);
    const mine = { clientId: randomUUID(), ...kept };
    const gone = await open(broker.url, mine);
    await listen(gone, 'a/#', { qos: 1 });
    await gone.end('it goes');
    const back = await open(broker.url, mine);
    const ear = await listen(back, 'a/b', { qos });
    for (const text of ['1', '2', '3']) await publish(back, 'a/b', text);
    await publish(back, 'a/b', 'last', { qos: 2 });
    await expect.poll(() => ear.texts()).toContain('a/b=last');
    expect(ear.texts()).toEqual(['a/b=1', 'a/b=2', 'a/b=3', 'a/b=last']);
  });
});

test.each([5, 4] as const)('version %i: a live connection is reset -> connection_error says just that', async (v) => {
  const broker = await startFakeBroker();
  const one = await open(broker.url, { protocolVersion: v });
  broker.clients[0]?.socket.resetAndDestroy();
  await expect.poll(() => one.state().connectionError, { interval: 5 }).not.toBe(null);
  expect(one.state()).toMatchObject({ isConnected: false, connectionError: 'the connection was reset' });
});

describe('a broker that stops reading, QoS 0', () => {
  /** Sent `most` MiB, or until one is refused: what the sockets take, 4 MiB not written, and those that wait. */
  async function full(most: number) {
    const broker = await startFakeBroker((packet, client) => {
      if (packet.cmd !== 'connect') return false;
      greet(client, {});
      client.socket.pause();
      return true;
    });
    const one = await open(broker.url);
    const payload = Buffer.alloc(MIB);
    const refused: unknown[] = [];
    const sent: Promise<unknown>[] = [];
    while (refused.length === 0 && sent.length < most) {
      const call = publish(one, 'a', payload, { qos: 0 }).catch((reason: unknown) => refused.push(reason));
      sent.push(call);
      await Promise.race([call, new Promise((resolve) => setImmediate(resolve))]);
    }
    return { broker, one, payload, refused, sent };
  }

  test('a burst waits; once 16 MiB wait -> timeout at once, nothing sent, and no more is held', async () => {
    const { one, payload, refused, sent } = await full(200);
    expect(refused).toHaveLength(1);
    for (let n = 0; n < 100; n += 1) {
      expect(await failure(publish(one, 'a', payload, { qos: 0 }))).toMatchObject({
        code: 'timeout',
        retryable: true,
        message: expect.stringContaining('not reading'),
        hint: expect.stringContaining('Nothing of this one was sent'),
      });
    }
    // 16 that wait and 4 that are not written, beside what the sockets of both sides have taken.
    expect(sent.length).toBeGreaterThan(20);
    expect(sent.length).toBeLessThan(48);
  });

  test('it reads again -> what waited is sent, each once', async () => {
    const { broker, sent } = await full(200);
    broker.clients[0]?.socket.resume();
    await Promise.all(sent);
    await broker.received('publish', sent.length - 1);
    expect(broker.packets.filter(({ cmd }) => cmd === 'publish')).toHaveLength(sent.length - 1);
  });

  test('cancelled while it waits -> never sent', async () => {
    const { broker, one, sent } = await full(12);
    const controller = new AbortController();
    const call = publish(one, 'cancelled', 'x', { qos: 0, signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(call).rejects.toThrow('enough');
    broker.clients[0]?.socket.resume();
    await Promise.all(sent);
    await publish(one, 'mark', 'x');
    const topics = broker.packets.flatMap((packet) => (packet.cmd === 'publish' ? [packet.topic] : []));
    expect(new Set(topics)).toEqual(new Set(['a', 'mark']));
  });
});

describe('what CONNACK says is not to be had -> subscribe_denied, nothing sent', () => {
  test.each([
    ['wildcards', { wildcardSubscriptionAvailable: false }, ['#', 'a/+', '$share/g/a/#'], ['a', '$share/g/a']],
    ['shared subscriptions', { sharedSubscriptionAvailable: false }, ['$share/g/a', '$share/g/#'], ['a', '#']],
  ])('%s', async (_what, properties, denied, granted) => {
    const broker = await startFakeBroker(greeting(properties));
    const one = await open(broker.url);
    for (const filter of denied) expect((await failure(listen(one, filter))).code).toBe('subscribe_denied');
    expect(broker.packets.map(({ cmd }) => cmd)).toEqual(['connect']);
    for (const filter of granted) await listen(one, filter);
    expect(one.state()).toMatchObject({ isConnected: true, subscribedTopics: granted.toSorted() });
  });
});
