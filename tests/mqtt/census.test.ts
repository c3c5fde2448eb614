// What a broker says of itself, and dumps on brokers that are none of mosquitto's kind.
import { randomUUID } from 'node:crypto';
import type { IPublishPacket } from 'mqtt-packet';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { startMosquitto } from '../support/broker.ts';
import { startAedes } from '../support/fake-aedes.ts';
import { type Script, startFakeBroker } from '../support/fake-broker.ts';
import { listen, open, publish, signal } from '../support/fake-caller.ts';

describe.each([5, 4] as const)('a mosquitto, MQTT version %i', (protocolVersion) => {
  test('census -> what it holds outside $SYS and what it dropped, as of its next count', async () => {
    const broker = await startMosquitto();
    onTestFinished(broker.stop);
    const one = await open(broker.url, { protocolVersion });
    for (let n = 0; n < 7; n += 1) await publish(one, `a/${n}`, 'kept', { retain: true });
    await one.census(true, signal);
    expect(await one.census(true, signal)).toEqual({ retained: 7, dropped: 0 });
    expect(await one.census(false, signal)).toEqual({ retained: 7, dropped: 0 });
    expect(one.state().messagesReceived).toBe(0);
  });

  test('several dumps and censuses at once -> each its own', async () => {
    const broker = await startMosquitto();
    onTestFinished(broker.stop);
    const one = await open(broker.url, { protocolVersion });
    for (let n = 0; n < 7; n += 1) await publish(one, `a/${n}`, 'kept', { retain: true });
    await one.census(true, signal);
    await one.census(true, signal);
    const three = [0, 1, 2].map(async () => {
      const census = one.census(false, signal);
      const ear = await listen(one, 'a/#');
      const end = await ear.retainedEnd;
      return [await census, end, ear.messages.length];
    });
    const expected = [{ retained: 7, dropped: 0 }, { complete: true, evidence: 'ordered' }, 7];
    expect(await Promise.all(three)).toEqual([expected, expected, expected]);
  });
});

test('census: $SYS is not readable -> undefined, and a dump has to do with a silence', async () => {
  const broker = await startMosquitto({ users: { a: 'b' }, acl: 'user a\ntopic readwrite a/#' });
  onTestFinished(broker.stop);
  const one = await open(broker.url, { username: 'a', password: 'b' });
  await publish(one, 'a/1', 'kept', { retain: true });
  expect(await one.census(false, signal)).toBeUndefined();
  const ear = await listen(one, 'a/#');
  expect(await ear.retainedEnd).toEqual({ complete: true, evidence: 'quiet_window' });
});

test('census: cancelled, or the connection is gone -> undefined at once, nobody listens any more', async () => {
  const one = await open(inject('mqttUrl'));
  const cancel = new AbortController();
  const waiting = one.census(true, cancel.signal);
  cancel.abort();
  expect(await waiting).toBeUndefined();
  const next = one.census(true, signal);
  await one.end('the test is over');
  expect(await next).toBeUndefined();
  expect(one.busy).toBe(false);
});

test('aedes -> no census; many at once are all there, but that is not claimed', async () => {
  const { url } = await startAedes();
  const at = randomUUID();
  const one = await open(url);
  for (let n = 0; n < 1_000; n += 1) await publish(one, `${at}/${n}`, 'kept', { retain: true });
  expect(await one.census(false, signal)).toBeUndefined();
  const ear = await listen(one, `${at}/#`);
  expect(await ear.retainedEnd).toEqual({ complete: false, evidence: 'quiet_window', doubt: 'many' });
  expect(ear.messages).toHaveLength(1_000);
  const some = await listen(one, `${at}/7`);
  expect(await some.retainedEnd).toEqual({ complete: true, evidence: 'quiet_window' });
});

const stored = (topic: string, payload = 'x', id?: number | number[]): IPublishPacket => ({
  cmd: 'publish',
  topic,
  payload,
  qos: 0,
  dup: false,
  retain: true,
  ...(id === undefined ? {} : { properties: { subscriptionIdentifier: id } }),
});

test('a broker that sends them before SUBACK, some twice, as NATS -> each once, by a silence', async () => {
  const script: Script = (packet, { send }) => {
    if (packet.cmd === 'subscribe' && packet.subscriptions[0]?.topic === 'a/#')
      for (const topic of ['a/1', 'a/2', 'a/1', 'a/3', 'a/2']) send(stored(topic));
    return false;
  };
  const broker = await startFakeBroker(script);
  const one = await open(broker.url, { protocolVersion: 4 });
  const ear = await listen(one, 'a/#');
  expect(await ear.retainedEnd).toEqual({ complete: true, evidence: 'quiet_window' });
  expect(ear.texts()).toEqual(['a/1=x stored', 'a/2=x stored', 'a/3=x stored']);
});

test('a broker that sends none for wildcards, as RabbitMQ -> not claimed; for a full name, it is', async () => {
  const script: Script = (packet, { send }) => {
    if (packet.cmd === 'subscribe' && packet.subscriptions[0]?.topic === 'a/1') send(stored('a/1'));
    return false;
  };
  const broker = await startFakeBroker(script);
  const one = await open(broker.url, { protocolVersion: 4 });
  const all = await listen(one, 'a/#');
  expect(await all.retainedEnd).toEqual({ complete: false, evidence: 'quiet_window', doubt: 'none' });
  const ear = await listen(one, 'a/1');
  expect(await ear.retainedEnd).toEqual({ complete: true, evidence: 'quiet_window' });
  expect(ear.texts()).toEqual(['a/1=x stored']);
});

test('an answer that the broker dropped -> seen by the next one, and never claimed to be complete', async () => {
  let barriers = 0;
  const script: Script = (packet, { send }) => {
    if (packet.cmd === 'unsubscribe' && packet.unsubscriptions[0]?.startsWith('bitsperity')) {
      barriers += 1;
      return barriers === 1;
    }
    if (packet.cmd !== 'subscribe') return false;
    const { topic = '' } = packet.subscriptions[0] ?? {};
    const id = packet.properties?.subscriptionIdentifier;
    send({ cmd: 'suback', messageId: packet.messageId ?? 0, granted: [0] });
    if (topic === 'a/#') send(stored('a/1', 'x', id));
    // The first mark finds the queue full.
    if (topic === '$SYS/broker/version' && barriers > 0) send(stored(topic, 'mosquitto version 2.0.18', id));
    return true;
  };
  const broker = await startFakeBroker(script);
  const one = await open(broker.url);
  const ear = await listen(one, 'a/#');
  expect(await ear.retainedEnd).toEqual({ complete: false, evidence: 'ordered', doubt: 'dropped' });
});
