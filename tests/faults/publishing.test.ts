// A network or broker that fails during a publish at QoS 1 and 2: what was acknowledged is there, what was not is said
// to be unsure, nothing is sent again behind the caller's back.
import { expect, onTestFinished, test } from 'vitest';
import type { MosquittoOptions } from '../support/broker.ts';
import type { Fields } from '../support/fake-host.ts';
import { becomes, collecting, type Scene, saved, scene, told } from '../support/faults.ts';

const up = { is_connected: true, connection_error: null };
const topic = 'p/x';

/** A stage with `faulty` behind the proxy, and `witness` that listens beside the proxy. */
async function stage(options: MosquittoOptions = {}, more: Fields = {}) {
  const on = await scene(options);
  await on.script.connect('faulty', on.proxy.url, { keepalive_seconds: 1, ...more });
  await on.script.connect('witness', on.broker.url);
  return on;
}

const publish = ({ script }: Scene, payload: string, qos: number, more: Fields = {}) =>
  script.send('publish_message', { session_id: 'faulty', topic, payload, qos, ...more });

const acknowledged = async (on: Scene, payload: string, qos: number, more: Fields = {}) =>
  expect(await on.script.resultOf(publish(on, payload, qos, more))).toMatchObject({
    status: 'published',
    acknowledged: true,
  });

/** What the broker has stored on the topic, as the witness hears it. */
async function stored({ script }: Scene): Promise<unknown[]> {
  const args = { session_id: 'witness', topic_pattern: topic, duration_seconds: 10, retained: 'only', max_messages: 1 };
  return told(await script.result('subscribe_and_collect', args));
}

async function closes(on: Scene) {
  await on.script.result('close_connection', { session_id: 'witness' });
  await on.well('faulty');
}

const unsure = {
  code: 'not_connected',
  retryable: true,
  message: expect.stringMatching(/lost before the message was acknowledged/),
  hint: expect.stringMatching(/may have arrived or not: check/),
};

for (const qos of [1, 2]) {
  test(`publish at QoS ${qos}: reset before the acknowledgement -> not_connected, unsure; told once at most`, async () => {
    const on = await stage();
    const id = await collecting(on.script, 'witness', topic, { qos: 2, max_messages: 3 });
    await acknowledged(on, 'sure', qos);
    await on.proxy.setMode({ kind: 'blackhole', deaf_to: 'broker' });
    const lost = publish(on, 'unsure', qos);
    // QoS 2: the broker holds it until PUBREL, which the lost PUBREC never brought about.
    if (qos === 1) await expect.poll(async () => (await on.script.session('witness')).messages_received).toBe(2);
    await on.proxy.setMode({ kind: 'reset' });
    expect(await on.script.errorOf(lost)).toMatchObject(unsure);
    await on.proxy.setMode({});
    await becomes(on.script, 'faulty', up);
    await acknowledged(on, 'next', qos);
    if (qos === 2) await acknowledged(on, 'last', qos);
    const payloads = told(await on.script.resultOf(id));
    expect(payloads).toEqual(qos === 1 ? ['sure', 'unsure', 'next'] : ['sure', 'next', 'last']);
    await closes(on);
  });

  test(`publish at QoS ${qos}: cut in the middle of PUBLISH -> not_connected; it never arrives`, async () => {
    const on = await stage();
    const id = await collecting(on.script, 'witness', topic, { qos: 2, max_messages: 1 });
    await on.proxy.setMode({ cut: { after: 6, of: 'client' } });
    expect(await on.script.errorOf(publish(on, 'half', qos))).toMatchObject(unsure);
    await on.proxy.setMode({});
    await becomes(on.script, 'faulty', up);
    await acknowledged(on, 'whole', qos);
    expect(told(await on.script.resultOf(id))).toEqual(['whole']);
    await closes(on);
  });

  test(`publish at QoS ${qos}: blackhole -> not_connected as soon as keep-alive finds it; it never arrives`, async () => {
    const on = await stage();
    const id = await collecting(on.script, 'witness', topic, { qos: 2, max_messages: 1 });
    await on.proxy.setMode({ kind: 'blackhole' });
    expect(await on.script.errorOf(publish(on, 'swallowed', qos))).toMatchObject(unsure);
    const refused = await on.script.error('publish_message', { session_id: 'faulty', topic, payload: 'offline', qos });
    expect(refused).toMatchObject({ code: 'not_connected', hint: expect.stringMatching(/reconnects by itself/) });
    await on.proxy.setMode({ kind: 'reset' });
    await on.proxy.setMode({});
    await becomes(on.script, 'faulty', up);
    await acknowledged(on, 'well', qos);
    expect(told(await on.script.resultOf(id))).toEqual(['well']);
    await closes(on);
  });

  test(`publish at QoS ${qos}: refused while away -> not_connected at once, nothing is sent late`, async () => {
    const on = await stage();
    const id = await collecting(on.script, 'witness', topic, { qos: 2, max_messages: 1 });
    await on.proxy.setMode({ kind: 'refuse' });
    on.proxy.dropAll();
    await becomes(on.script, 'faulty', { is_connected: false });
    const refused = await on.script.error('publish_message', { session_id: 'faulty', topic, payload: 'offline', qos });
    expect(refused).toMatchObject({ code: 'not_connected', retryable: true });
    await on.proxy.setMode({});
    await becomes(on.script, 'faulty', up);
    await acknowledged(on, 'well', qos);
    expect(told(await on.script.resultOf(id))).toEqual(['well']);
    await closes(on);
  });

  for (const [what, mode] of [
    ['20 bytes a second', { bytes_per_second: 20 }],
    ['2 s of latency', { latency_ms: 2_000 }],
  ] as const) {
    test(`publish at QoS ${qos}: ${what} -> late, and acknowledged`, async () => {
      const on = await stage({}, { keepalive_seconds: 60 });
      const id = await collecting(on.script, 'witness', topic, { qos: 2, max_messages: 1 });
      await on.proxy.setMode(mode);
      await acknowledged(on, 'slow', qos);
      await on.proxy.setMode({});
      expect(told(await on.script.resultOf(id))).toEqual(['slow']);
      expect(await on.script.session('faulty')).toMatchObject({ ...up, reconnects: 0 });
      await closes(on);
    });
  }

  test(`publish at QoS ${qos}: broker frozen and thawed -> unsure, told once at most`, async () => {
    const on = await stage();
    onTestFinished(() => on.broker.kill('SIGCONT'));
    const id = await collecting(on.script, 'witness', topic, { qos: 2, max_messages: 3 });
    await on.broker.kill('SIGSTOP');
    expect(await on.script.errorOf(publish(on, 'unsure', qos))).toMatchObject(unsure);
    await on.broker.kill('SIGCONT');
    await becomes(on.script, 'faulty', up);
    for (const payload of ['well', 'better', 'best']) await acknowledged(on, payload, qos);
    const payloads = told(await on.script.resultOf(id));
    expect(payloads).toContain('well');
    expect(new Set(payloads).size).toBe(3);
    await closes(on);
  });

  test(`publish at QoS ${qos}: broker killed before the acknowledgement -> unsure, nothing sent again by itself`, async () => {
    const on = await stage();
    await on.broker.kill('SIGSTOP');
    const lost = publish(on, 'unsure', qos);
    await on.script.result('ping');
    await on.broker.kill();
    expect(await on.script.errorOf(lost)).toMatchObject(unsure);
    await on.broker.restart();
    await becomes(on.script, 'faulty', up);
    await becomes(on.script, 'witness', up);
    const id = await collecting(on.script, 'witness', topic, { qos: 2, max_messages: 1 });
    await acknowledged(on, 'well', qos);
    expect(told(await on.script.resultOf(id))).toEqual(['well']);
    await closes(on);
  });

  test(`publish at QoS ${qos}: broker ended and restarted with persistence -> what was acknowledged is there`, async () => {
    const on = await stage({ persistence: true });
    await acknowledged(on, 'kept', qos, { retain: true });
    await on.broker.kill('SIGTERM');
    expect(
      await on.script.error('publish_message', { session_id: 'faulty', topic, payload: 'offline', qos }),
    ).toMatchObject({
      code: 'not_connected',
    });
    await on.broker.restart();
    await becomes(on.script, 'faulty', up);
    await becomes(on.script, 'witness', up);
    expect(await stored(on)).toEqual(['kept']);
    await closes(on);
  });

  test(`publish at QoS ${qos}: broker killed once it has saved, and restarted -> what was acknowledged is there`, async () => {
    const on = await stage({ persistence: true });
    await acknowledged(on, 'kept', qos, { retain: true });
    const late = await collecting(on.script, 'witness', topic, { qos: 2, retained: 'exclude', max_messages: 1 });
    await saved(on, 'witness'); // and its SUBACK is in by then
    await on.broker.kill('SIGKILL');
    await becomes(on.script, 'faulty', { is_connected: false });
    const away = await on.script.error('publish_message', { session_id: 'faulty', topic, payload: 'offline', qos });
    expect(away).toMatchObject({ code: 'not_connected' });
    await on.broker.restart();
    await becomes(on.script, 'faulty', up);
    await becomes(on.script, 'witness', up);
    expect(await stored(on)).toEqual(['kept']);
    await acknowledged(on, 'well', qos);
    expect(told(await on.script.resultOf(late))).toEqual(['well']);
    await closes(on);
  });

  test(`publish at QoS ${qos}: broker killed before it has saved, and restarted -> what it acknowledged is gone with it`, async () => {
    const on = await stage({ persistence: true, config: 'autosave_on_changes false\nautosave_interval 1800' });
    await acknowledged(on, 'not saved', qos, { retain: true });
    await on.broker.kill('SIGKILL');
    await on.broker.restart();
    await becomes(on.script, 'faulty', { ...up, reconnects: 1 });
    await becomes(on.script, 'witness', up);
    const args = { session_id: 'witness', topic_pattern: topic, duration_seconds: 10, qos: 2, max_messages: 1 };
    const id = on.script.send('subscribe_and_collect', args);
    await on.script.subscribed('witness', topic);
    await acknowledged(on, 'well', qos);
    expect(told(await on.script.resultOf(id))).toEqual(['well']);
    await closes(on);
  });

  test(`publish at QoS ${qos}: under way when the broker is killed, which has saved our session -> unsure, told once at most`, async () => {
    const ours = { session_expiry_seconds: 600, clean_start: false, client_id: 'ours' };
    const on = await stage({ persistence: true }, ours);
    const id = await collecting(on.script, 'witness', topic, { qos: 2, max_messages: 4 });
    await acknowledged(on, 'sure', qos);
    await on.proxy.setMode({ kind: 'blackhole', deaf_to: 'broker' });
    const lost = publish(on, 'unsure', qos);
    if (qos === 1) await expect.poll(async () => (await on.script.session('witness')).messages_received).toBe(2);
    await saved(on, 'witness');
    await on.broker.kill('SIGKILL');
    expect(await on.script.errorOf(lost)).toMatchObject(unsure);
    await on.broker.restart();
    await on.proxy.setMode({});
    await becomes(on.script, 'faulty', { ...up, reconnects: 1 });
    await becomes(on.script, 'witness', { ...up, reconnects: 1 });
    for (const payload of ['next', 'last', 'end']) await acknowledged(on, payload, qos);
    const payloads = told(await on.script.resultOf(id));
    expect(payloads).toEqual(qos === 1 ? ['sure', 'unsure', 'next', 'last'] : ['sure', 'next', 'last', 'end']);
    await closes(on);
  });
}

test('publish: blackhole that keep-alive finds much later -> timeout, unsure; nothing is sent again', async () => {
  const on = await stage({}, { keepalive_seconds: 300 });
  const id = await collecting(on.script, 'witness', topic, { qos: 2, max_messages: 1, duration_seconds: 60 });
  await on.proxy.setMode({ kind: 'blackhole' });
  const lost = publish(on, 'swallowed', 1);
  await on.script.result('list_topics', { session_id: 'beside', pattern: 'nothing/#', duration_seconds: 10 });
  const error = await on.script.errorOf(lost);
  expect(error).toMatchObject({ code: 'timeout', retryable: true, hint: expect.stringMatching(/may have arrived/) });
  await on.proxy.setMode({ kind: 'reset' });
  await on.proxy.setMode({});
  await becomes(on.script, 'faulty', { ...up, reconnects: 1 });
  await acknowledged(on, 'well', 1);
  expect(told(await on.script.resultOf(id))).toEqual(['well']);
  await closes(on);
});
