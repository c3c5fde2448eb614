// A broker that refuses: connections, subscriptions, messages, sizes; and one that gives our session to another.
import { expect, test } from 'vitest';
import { type Script as Behaviour, startFakeBroker } from '../support/fake-broker.ts';
import type { Fields, Script } from '../support/fake-host.ts';
import { becomes, collecting, programBeside, scene, told, wellWithin } from '../support/faults.ts';
import { dig } from '../support/streams.ts';

const up = { is_connected: true, connection_error: null };
const connectTo = (script: Script, url: string, protocol_version: number) =>
  script.error('establish_connection', { connection_string: url, name: 'faulty', protocol_version });
const publish = { session_id: 'faulty', topic: 'a/b', payload: 'x' };

type Meaning = [word: string, retryable: boolean];
const on = (code: number, meaning: Meaning): [number, Meaning] => [code, meaning];
/** code -> the word for it, and whether waiting may help. Tables 2-6 of MQTT 5.0 and 3.1 of MQTT 3.1.1. */
const wait: Meaning = ['connection_refused', true];
const refused: Meaning = ['connection_refused', false];
const login: Meaning = ['auth_failed', false];
const rights: Meaning = ['not_authorized', false];
const odd: Meaning = ['protocol_error', false];
const connack4 = new Map<number, Meaning>([
  [1, odd],
  [2, odd],
  [3, wait],
  [4, login],
  [5, rights],
  [6, odd],
  [127, odd],
]);
const connack5 = new Map<number, Meaning>([
  ...[0x81, 0x82, 0x84, 0x85, 0x90, 0x95, 0x99, 0x9a, 0x9b, 0xa5].map((code) => on(code, odd)),
  ...[0x88, 0x89, 0x8b, 0x96, 0x97, 0x9f].map((code) => on(code, wait)),
  ...[0x80, 0x83, 0x8e, 0x98, 0x9c, 0x9d].map((code) => on(code, refused)),
  ...[0x86, 0x8c].map((code) => on(code, login)),
  ...[0x87, 0x8a].map((code) => on(code, rights)),
]);

for (const [version, codes] of [
  [4, connack4],
  [5, connack5],
] as const) {
  test(`CONNACK: every refusal of version ${version} -> its own word, reason and hint`, async () => {
    let code = 0;
    const broker = await startFakeBroker((packet, client) => {
      if (packet.cmd !== 'connect' || code === 0) return false;
      client.socket.end(Buffer.from(version === 5 ? [0x20, 3, 0, code, 0] : [0x20, 2, 0, code]));
      return true;
    });
    const { script, well } = await programBeside();
    for (const [each, [word, retryable]] of codes) {
      code = each;
      const error = await connectTo(script, broker.url, version);
      expect(error, `code ${each}`).toMatchObject({
        code: word,
        retryable,
        reason_code: each,
        reason: expect.any(String),
      });
      expect(await script.result('ping')).toEqual({});
    }
    code = 0;
    await script.connect('faulty', broker.url);
    await well('faulty');
  });
}

const refusals = [0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2].map((code) => ({ code, version: 5 }));
for (const { code, version } of [...refusals, { code: 0x80, version: 4 }]) {
  const what = `0x${code.toString(16)}, version ${version}`;
  test(`SUBACK: ${what} -> subscribe_denied, the session goes on`, async () => {
    const broker = await startFakeBroker((packet, client) => {
      if (packet.cmd !== 'subscribe' || packet.subscriptions[0]?.topic !== 'no/#') return false;
      client.send({ cmd: 'suback', messageId: packet.messageId ?? 0, granted: [code] });
      return true;
    });
    const { script, well } = await programBeside();
    await script.connect('faulty', broker.url, { protocol_version: version });
    const ask = { session_id: 'faulty', topic_pattern: 'no/#', duration_seconds: 10 };
    expect(await script.error('subscribe_and_collect', ask)).toMatchObject({
      code: 'subscribe_denied',
      reason_code: code,
      reason: expect.any(String),
    });
    expect(await script.session('faulty')).toMatchObject({ ...up, reconnects: 0, subscribed_topics: [] });
    await well('faulty');
  });
}

for (const [version, code, reason] of [
  [5, 0x87, 'not authorized'],
  [5, 0x97, 'quota exceeded'],
  [4, 0x80, 'the broker refused the subscription'],
] as const) {
  const hex = `0x${code.toString(16)}`;
  test(`SUBACK after a reconnect: ${hex}, version ${version} -> the call ends with what came and says who refused what`, async () => {
    const broker = await startFakeBroker((packet, client) => {
      if (packet.cmd !== 'subscribe' || client === broker.clients[0] || packet.subscriptions[0]?.topic !== 'no/#')
        return false;
      client.send({ cmd: 'suback', messageId: packet.messageId ?? 0, granted: [code] });
      return true;
    });
    const { script, well } = await programBeside();
    await script.connect('faulty', broker.url, { protocol_version: version });
    const session = { session_id: 'faulty', duration_seconds: 20 };
    const calls: [string, Fields][] = [
      ['subscribe_and_collect', { ...session, topic_pattern: 'no/#', retained: 'exclude' }],
      ['watch_changes', { ...session, topic_patterns: ['no/#'] }],
      ['monitor_performance', { ...session, topic_pattern: 'no/#' }],
      ['get_topic_schema', { ...session, topic_pattern: 'no/#' }],
    ];
    const results = calls.map(([tool, args]) => script.result(tool, args));
    const asked = () =>
      broker.packets.filter((one) => one.cmd === 'subscribe' && one.subscriptions[0]?.topic === 'no/#').length;
    await expect.poll(asked, { timeout: 10_000, interval: 20 }).toBe(calls.length);
    // Its acknowledgement comes behind those of the subscriptions.
    await script.result('publish_message', { ...publish, qos: 1 });
    broker.clients[0]?.socket.destroy();
    for (const [index, result] of (await Promise.all(results)).entries()) {
      const notes = dig(result, 'notes');
      expect([calls[index]?.[0], result]).toMatchObject([calls[index]?.[0], { stopped_by: 'disconnected' }]);
      expect(notes).toContain(
        `It ended early: the connection came back, but the broker refused the subscription to "no/#" then: ${reason}, reason code ${hex}.`,
      );
      expect(JSON.stringify(notes)).not.toContain('did not come back');
    }
    expect(await script.session('faulty')).toMatchObject({ ...up, reconnects: 1 });
    await well('faulty');
  });
}

for (const qos of [1, 2]) {
  test(`publish at QoS ${qos}: quota exceeded and every other refusal -> publish_denied, the session goes on`, async () => {
    let reasonCode = 0;
    const refuse: Behaviour = (packet, client) => {
      if (packet.cmd !== 'publish' || reasonCode === 0) return false;
      client.send({ cmd: qos === 1 ? 'puback' : 'pubrec', messageId: packet.messageId ?? 0, reasonCode });
      return true;
    };
    const broker = await startFakeBroker(refuse);
    const { script, well } = await programBeside();
    await script.connect('faulty', broker.url);
    for (reasonCode of [0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]) {
      const error = await script.error('publish_message', { ...publish, qos });
      expect(error).toMatchObject({ code: 'publish_denied', reason_code: reasonCode, reason: expect.any(String) });
    }
    expect(await script.error('publish_message', { ...publish, qos })).toMatchObject({ reason: expect.any(String) });
    reasonCode = 0;
    expect(await script.result('publish_message', { ...publish, qos })).toMatchObject({ acknowledged: true });
    expect(await script.session('faulty')).toMatchObject({ ...up, reconnects: 0 });
    await well('faulty');
  });
}

test('publish: larger than the broker announced -> refused here, the session goes on', async () => {
  const { script, proxy, well } = await scene({ config: 'max_packet_size 1000' });
  await script.connect('faulty', proxy.url);
  const error = await script.error('publish_message', { ...publish, payload: 'x'.repeat(2_000), qos: 1 });
  expect(error.message).toMatch(/accepts packets of 1000 bytes at most/);
  expect(await script.session('faulty')).toMatchObject({ ...up, reconnects: 0 });
  await script.goesOn('faulty');
  await well('faulty');
});

test('publish: larger than the broker takes, which it never said -> not_connected, then back', async () => {
  const { script, proxy, well } = await scene({ config: 'max_packet_size 1000' });
  await script.connect('faulty', proxy.url, { protocol_version: 4 });
  const error = await script.error('publish_message', { ...publish, payload: 'x'.repeat(2_000), qos: 1 });
  expect(error).toMatchObject({ code: 'not_connected', retryable: true });
  await becomes(script, 'faulty', { ...up, reconnects: 1 });
  await script.goesOn('faulty');
  await well('faulty');
});

test('DISCONNECT packet too large from the broker -> connection_error says so, then back', async () => {
  const broker = await startFakeBroker((packet, client) => {
    if (packet.cmd !== 'publish' || packet.qos === 0) return false;
    client.send({ cmd: 'disconnect', reasonCode: 0x95 });
    client.socket.end();
    return true;
  });
  const { script, well } = await programBeside();
  await script.connect('faulty', broker.url);
  expect(await script.error('publish_message', { ...publish, qos: 1 })).toMatchObject({ code: 'not_connected' });
  await becomes(script, 'faulty', { ...up, reconnects: 1 });
  await well('faulty');
});

test('session takeover: told by the broker -> stays away, says why; what came is kept', async () => {
  const broker = await startFakeBroker();
  const { script, well } = await programBeside();
  await script.connect('faulty', broker.url, { client_id: 'same' });
  const id = await collecting(script, 'faulty', 'a/#', { retained: 'exclude' });
  broker.clients[0]?.send({ cmd: 'publish', topic: 'a/b', payload: 'kept', qos: 0, retain: false, dup: false });
  broker.clients[0]?.send({ cmd: 'disconnect', reasonCode: 0x8e });
  const result = await script.resultOf(id);
  expect(result).toMatchObject({ stopped_by: 'disconnected', original_message_count: 1 });
  expect(told(result)).toEqual(['kept']);
  expect(await script.session('faulty')).toMatchObject({
    is_connected: false,
    connection_error: expect.stringMatching(/taken over/),
  });
  expect(await script.error('publish_message', publish)).toMatchObject({
    code: 'not_connected',
    retryable: false,
    hint: expect.stringMatching(/close_connection/),
  });
  await well('faulty');
});

test('session takeover: the broker only hangs up -> one of the two gives in and says why', async () => {
  const { script, proxy, broker, well } = await scene();
  await script.connect('faulty', proxy.url, { client_id: 'same' });
  await script.connect('other', broker.url, { client_id: 'same' });
  const both = async () => [await script.session('faulty'), await script.session('other')];
  const given = expect.objectContaining({
    is_connected: false,
    connection_error: expect.stringMatching(/another client seems to use the same client id|taken over/),
  });
  await expect.poll(both, { timeout: 25_000, interval: 50 }).toContainEqual(given);
  await expect.poll(both, { timeout: wellWithin(), interval: 50 }).toContainEqual(expect.objectContaining(up));
  await script.result('close_connection', { session_id: 'other' });
  await well('faulty');
});
