// A network or broker that fails during a collection: what came is kept and told once, the gap is told, it goes on.
import { expect, onTestFinished, test } from 'vitest';
import type { MosquittoOptions } from '../support/broker.ts';
import type { Fields } from '../support/fake-host.ts';
import { becomes, collecting, type Scene, saved, scene, told } from '../support/faults.ts';

/** Of the session `faulty`, on a slow clock of its own where a fault is only noticed by it. */
const keepalive = { keepalive_seconds: 1 };
const up = { is_connected: true, connection_error: null };

const say = (stage: Scene, payload: string, more: Fields = {}) =>
  stage.script.result('publish_message', { session_id: 'sayer', topic: 'a/b', payload, qos: 1, ...more });

/** A stage with `faulty` behind the proxy collecting `a/#`, `sayer` beside the proxy, one message already heard. */
async function listening({
  connect = {},
  collect = {},
  broker = {},
}: {
  connect?: Fields;
  collect?: Fields;
  broker?: MosquittoOptions;
} = {}) {
  const stage = await scene(broker);
  const { script, proxy } = stage;
  await script.connect('faulty', proxy.url, connect);
  await script.connect('sayer', stage.broker.url);
  await say(stage, 'kept', { topic: 'a/kept', retain: true });
  const id = await collecting(script, 'faulty', 'a/#', { qos: 1, max_messages: 3, ...collect });
  await say(stage, 'before');
  const heard = async () => (await script.session('faulty')).messages_received;
  await expect.poll(heard, { timeout: 10_000, interval: 20 }).toBeGreaterThanOrEqual(2);
  return { ...stage, stage, id };
}

/** The last message ends the collection; the retained one and the one before are told once, and the gap is told. */
async function endsWhole({ stage, id }: { stage: Scene; id: number }, payloads = ['kept', 'before', 'after']) {
  await say(stage, 'after');
  const result = await stage.script.resultOf(id);
  expect(told(result)).toEqual(payloads);
  expect(result).toMatchObject({ original_message_count: payloads.length, stopped_by: 'max_messages' });
  return result;
}

async function closes({ stage }: { stage: Scene }) {
  await stage.script.result('close_connection', { session_id: 'sayer' });
  await stage.well('faulty');
}

const tellsGap = (result: Fields) => expect(JSON.stringify(result.notes)).toMatch(/connection|away|lost/);

test('collection: reset -> back by itself, nothing told twice, the gap is told', async () => {
  const on = await listening();
  on.proxy.dropAll();
  await becomes(on.script, 'faulty', { ...up, reconnects: 1 });
  tellsGap(await endsWhole(on));
  await closes(on);
});

test('collection: reset and refused for a while -> connection_error says so, then back', async () => {
  const on = await listening();
  await on.proxy.setMode({ kind: 'refuse' });
  on.proxy.dropAll();
  const down = await becomes(on.script, 'faulty', {
    is_connected: false,
    connection_error: expect.stringMatching(/nothing listens/),
  });
  expect(down.reconnects).toBe(0);
  await say(on.stage, 'lost in the gap');
  await on.proxy.setMode({});
  await becomes(on.script, 'faulty', { ...up, reconnects: 1 });
  tellsGap(await endsWhole(on));
  await closes(on);
});

test('collection: cut in the middle of a PUBLISH -> the whole message once, after the reconnect', async () => {
  const on = await listening({ connect: { session_expiry_seconds: 60 } });
  await on.proxy.setMode({ cut: { after: 6, of: 'broker' } });
  await say(on.stage, 'half');
  await expect.poll(() => on.proxy.connections().open).toBe(0);
  await on.proxy.setMode({});
  const result = await on.script.resultOf(on.id);
  expect(told(result)).toEqual(['kept', 'before', 'half']);
  await becomes(on.script, 'faulty', { ...up, reconnects: 1 });
  await closes(on);
});

for (const deaf_to of ['both', 'broker', 'client'] as const) {
  const side = { both: 'both ways', broker: 'towards us', client: 'towards the broker' }[deaf_to];
  test(`collection: blackhole ${side} -> found by keep-alive, back when the network is`, async () => {
    const on = await listening({ connect: keepalive });
    await on.proxy.setMode(deaf_to === 'both' ? { kind: 'blackhole' } : { kind: 'blackhole', deaf_to });
    await becomes(on.script, 'faulty', {
      is_connected: false,
      connection_error: expect.stringMatching(/keep-alive|closed|reset/),
    });
    await say(on.stage, 'lost in the gap');
    await on.proxy.setMode({ kind: 'reset' });
    await on.proxy.setMode({});
    await becomes(on.script, 'faulty', up);
    tellsGap(await endsWhole(on));
    await closes(on);
  });
}

test('collection: 20 bytes a second -> slow, and nothing lost', async () => {
  const on = await listening({ collect: { duration_seconds: 14 } });
  await on.proxy.setMode({ bytes_per_second: 20 });
  await endsWhole(on);
  await on.proxy.setMode({});
  expect(await on.script.session('faulty')).toMatchObject({ ...up, reconnects: 0 });
  await closes(on);
});

test('collection: 2 s of latency -> late, and nothing lost', async () => {
  const on = await listening();
  await on.proxy.setMode({ latency_ms: 2_000 });
  await endsWhole(on);
  await on.proxy.setMode({});
  expect(await on.script.session('faulty')).toMatchObject({ ...up, reconnects: 0 });
  await closes(on);
});

test('collection: broker frozen, then thawed -> back, nothing told twice', async () => {
  const on = await listening({ connect: keepalive, collect: { duration_seconds: 14 } });
  onTestFinished(() => on.broker.kill('SIGCONT'));
  await on.broker.kill('SIGSTOP');
  await becomes(on.script, 'faulty', { is_connected: false, connection_error: expect.stringMatching(/keep-alive/) });
  await on.broker.kill('SIGCONT');
  await becomes(on.script, 'faulty', up);
  tellsGap(await endsWhole(on));
  await closes(on);
});

test('collection: broker killed, no restart -> ends early with what came, stopped_by disconnected', async () => {
  const on = await listening({ collect: { duration_seconds: 14 } });
  await on.broker.kill();
  const result = await on.script.resultOf(on.id);
  expect(result).toMatchObject({ stopped_by: 'disconnected', original_message_count: 2 });
  expect(told(result)).toEqual(['kept', 'before']);
  await closes(on);
});

test('collection: broker killed and restarted without persistence -> goes on, its retained messages are gone', async () => {
  const on = await listening();
  await on.broker.kill();
  await on.broker.restart();
  await becomes(on.script, 'faulty', { ...up, reconnects: 1 });
  await becomes(on.script, 'sayer', up);
  tellsGap(await endsWhole(on));
  const listed = await on.script.result('list_topics', {
    session_id: 'faulty',
    pattern: 'a/kept',
    duration_seconds: 1,
  });
  expect(listed.total_topics).toBe(0);
  await closes(on);
});

test('collection: broker killed and restarted with persistence -> goes on, the retained message is not told again', async () => {
  const on = await listening({ broker: { persistence: true } });
  await saved(on.stage, 'sayer');
  await on.broker.kill();
  await on.broker.restart();
  await becomes(on.script, 'faulty', { ...up, reconnects: 1 });
  await becomes(on.script, 'sayer', up);
  tellsGap(await endsWhole(on));
  const look = {
    session_id: 'faulty',
    topic_pattern: 'a/kept',
    duration_seconds: 10,
    max_messages: 1,
    retained: 'only',
  };
  expect(told(await on.script.result('subscribe_and_collect', look))).toEqual(['kept']);
  await closes(on);
});
