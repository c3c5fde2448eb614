// A broker whose packets are well-formed and which does not do what it should: it does not release, answer or acknowledge,
// answers too much, or ends the connection with a reason.
import { expect, test } from 'vitest';
import { type FakeBroker, startFakeBroker } from '../support/fake-broker.ts';
import type { Script } from '../support/fake-host.ts';
import { becomes, collecting, programBeside, told } from '../support/faults.ts';

const up = { is_connected: true, connection_error: null };
const say = (broker: FakeBroker, payload: string) =>
  broker.clients.at(-1)?.send({ cmd: 'publish', topic: 'a/b', payload, qos: 0, retain: false, dup: false });
const publish = (script: Script, payload: string, qos = 1) =>
  script.send('publish_message', { session_id: 'faulty', topic: 'p', payload, qos });

for (const version of [4, 5]) {
  test(`a broker that releases nothing at QoS 2, version ${version} -> cut off; no more than 4 MiB are held`, async () => {
    const broker = await startFakeBroker();
    const { script, well, peak } = await programBeside();
    await script.connect('faulty', broker.url, { protocol_version: version });
    const id = await collecting(script, 'faulty', 'a/#', { qos: 2, max_messages: 1, retained: 'exclude' });
    await broker.received('subscribe');
    const [client] = broker.clients;
    const message = { cmd: 'publish', topic: 'a/b', payload: Buffer.alloc(20_000), qos: 2, retain: false } as const;
    const down = becomes(script, 'faulty', {
      is_connected: false,
      connection_error: 'the broker leaves too many messages at QoS 2 unreleased',
    });
    for (let messageId = 1; messageId <= 10_000 && client?.socket.destroyed === false; messageId += 1) {
      client.send({ ...message, dup: false, messageId });
      if (messageId % 50 === 0) await new Promise(setImmediate);
    }
    await down;
    expect(broker.packets.filter(({ cmd }) => cmd === 'pubrec').length).toBeLessThan((4 * 1024 * 1024) / 20_000);
    await becomes(script, 'faulty', { ...up, reconnects: 1 });
    await broker.received('subscribe', 2);
    say(broker, 'after');
    expect(told(await script.resultOf(id))).toEqual(['after']);
    expect(peak()).toBeLessThan(64 * 1024);
    await well('faulty');
  });
}

const reasons = {
  0: 'normal disconnection',
  139: 'broker shutting down',
  141: 'keep alive timeout',
  147: 'receive maximum exceeded',
  151: 'quota exceeded',
  152: 'administrative action',
  156: 'use another server',
  157: 'server moved',
  160: 'maximum connect time',
};

test('collection: DISCONNECT of any reason but a takeover -> said in words, then back', async () => {
  const broker = await startFakeBroker();
  const { script, well } = await programBeside();
  for (const [code, words] of Object.entries(reasons)) {
    await script.connect('faulty', broker.url);
    const id = await collecting(script, 'faulty', 'a/#', { qos: 1, max_messages: 2, retained: 'exclude' });
    const before = broker.packets.length;
    say(broker, 'before');
    broker.clients.at(-1)?.send({ cmd: 'disconnect', reasonCode: Number(code) });
    await becomes(script, 'faulty', { is_connected: false, connection_error: `the broker sent DISCONNECT: ${words}` });
    await becomes(script, 'faulty', { ...up, reconnects: 1 });
    await expect.poll(() => broker.packets.slice(before).some(({ cmd }) => cmd === 'subscribe')).toBe(true);
    say(broker, 'after');
    const result = await script.resultOf(id);
    expect(told(result)).toEqual(['before', 'after']);
    expect(result.notes).toContainEqual(expect.stringMatching(/connection was down for/));
    await script.result('close_connection', { session_id: 'faulty' });
  }
  await well();
});

test('SUBACK with no code or with two -> the call fails or goes on after a reconnect; nothing counts as granted', async () => {
  let codes: number[] | undefined = [];
  const broker = await startFakeBroker((packet, { socket }) => {
    if (packet.cmd !== 'subscribe' || codes === undefined) return false;
    const id = packet.messageId ?? 0;
    socket.write(Buffer.from([0x90, 3 + codes.length, id >> 8, id & 255, 0, ...codes]));
    return true;
  });
  const { script, well } = await programBeside();
  const ask = { session_id: 'faulty', topic_pattern: 'a/#', duration_seconds: 10, retained: 'exclude' };
  for (codes of [[], [0, 0], [0, 0x80]]) {
    await script.connect('faulty', broker.url);
    const { code } = await script.error('subscribe_and_collect', ask);
    expect(['protocol_error', 'not_connected'], `${codes}`).toContain(code);
    await becomes(script, 'faulty', { ...up, reconnects: 1, subscribed_topics: [] });
    await script.result('close_connection', { session_id: 'faulty' });
  }
  codes = undefined;
  await script.connect('faulty', broker.url);
  const id = await collecting(script, 'faulty', 'a/#', { max_messages: 1, retained: 'exclude' });
  say(broker, 'well');
  expect(told(await script.resultOf(id))).toEqual(['well']);
  await well('faulty');
});

test('UNSUBACK never comes -> collections end all the same, what comes after them is told to nobody', async () => {
  const broker = await startFakeBroker(({ cmd }) => cmd === 'unsubscribe');
  const { script, well } = await programBeside();
  await script.connect('faulty', broker.url);
  for (const filter of ['a/#', '$share/g/a/#', 'a/b']) {
    const subscribed = broker.packets.filter(({ cmd }) => cmd === 'subscribe').length;
    const id = await collecting(script, 'faulty', filter, { max_messages: 1, retained: 'exclude' });
    await broker.received('subscribe', subscribed + 1);
    say(broker, filter);
    expect(told(await script.resultOf(id))).toEqual([filter]);
    say(broker, 'to nobody');
    await script.result('ping');
  }
  expect(await script.session('faulty')).toMatchObject({ ...up, reconnects: 0, subscribed_topics: [] });
  await well('faulty');
});

test('the broker asks for a keep-alive of 1 s -> kept, and its silence is found by it', async () => {
  let mute = false;
  const broker = await startFakeBroker((packet, client) => {
    if (packet.cmd === 'pingreq') return mute;
    if (packet.cmd !== 'connect') return false;
    client.send({
      cmd: 'connack',
      sessionPresent: false,
      returnCode: 0,
      reasonCode: 0,
      properties: { serverKeepAlive: 1 },
    });
    return true;
  });
  const { script, well } = await programBeside();
  await script.connect('faulty', broker.url);
  await broker.received('pingreq', 2);
  mute = true;
  await becomes(script, 'faulty', { is_connected: false, connection_error: expect.stringMatching(/keep-alive/) });
  mute = false;
  await becomes(script, 'faulty', { ...up, reconnects: 1 });
  await well('faulty');
});

test('publish: a broker that reads and acknowledges nothing -> timeout; what waits behind 20 is never sent', async () => {
  let mute = true;
  const broker = await startFakeBroker(({ cmd }) => cmd === 'publish' && mute);
  const { script, well } = await programBeside();
  await script.connect('faulty', broker.url);
  const sent = Array.from({ length: 20 }, (_, n) => publish(script, `sent ${n}`, n % 2 === 0 ? 1 : 2));
  const waiting = Array.from({ length: 5 }, (_, n) => publish(script, `waits ${n}`));
  await script.result('list_topics', { session_id: 'beside', pattern: 'nothing/#', duration_seconds: 10 });
  for (const id of sent) {
    const error = await script.errorOf(id);
    expect(error).toMatchObject({ code: 'timeout', retryable: true, hint: expect.stringMatching(/may have arrived/) });
  }
  for (const id of waiting) {
    const error = await script.errorOf(id);
    expect(error).toMatchObject({ code: 'timeout', message: expect.stringMatching(/this one was not sent/) });
  }
  mute = false;
  for (const { cmd, messageId = 0, ...rest } of broker.packets)
    if (cmd === 'publish' && 'qos' in rest)
      broker.clients[0]?.send({ cmd: rest.qos === 1 ? 'puback' : 'pubrec', messageId, reasonCode: 0 });
  expect(await script.resultOf(publish(script, 'after'))).toMatchObject({ acknowledged: true });
  const payloads = broker.packets.flatMap((packet) => (packet.cmd === 'publish' ? [`${packet.payload}`] : []));
  expect(payloads).toEqual([...sent.map((_, n) => `sent ${n}`), 'after']);
  expect(await script.session('faulty')).toMatchObject({ ...up, reconnects: 0 });
  await well('faulty');
});
