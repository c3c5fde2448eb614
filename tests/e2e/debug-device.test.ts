// debug_device through the built program on a real broker: real last wills, stored messages, a large broker. Brokers of its
// own: it hears everything, and other tests count on nobody being subscribed.
import { randomUUID } from 'node:crypto';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { expect, onTestFinished, test } from 'vitest';
import { type MosquittoOptions, startMosquitto } from '../support/broker.ts';
import { type Fields, Script } from '../support/fake-host.ts';
import { dig } from '../support/streams.ts';

async function broker(options: MosquittoOptions = {}) {
  const started = await startMosquitto(options);
  onTestFinished(() => started.stop());
  return started;
}

async function device(url: string, options: IClientOptions = {}): Promise<MqttClient> {
  const client = await connectAsync(url, { reconnectPeriod: 0, ...options }, false);
  client.on('error', () => {});
  onTestFinished(() => void client.end(true));
  return client;
}

/** A call under way, once the whole broker is heard. */
async function debugging(script: Script, device_id: string, more: Fields = {}): Promise<number> {
  const id = script.send('debug_device', { session_id: 'lab', device_id, duration_seconds: 10, ...more });
  await script.subscribed('lab', '#');
  return id;
}

const codes = (result: Fields) =>
  Array.isArray(result.findings) ? result.findings.map((one) => dig(one, 'code')) : [];
const name = () => `dev-${randomUUID().slice(0, 8)}7`;

test('a last will that comes and goes -> flapping, offline by that convention', async () => {
  const { url } = await broker();
  const id = name();
  const will = { topic: `tele/${id}/LWT`, payload: Buffer.from('Offline'), retain: true, qos: 1 } as const;
  const script = new Script();
  await script.connect('lab', url);
  const running = await debugging(script, id);
  const witness = await device(url);
  await witness.subscribeAsync(will.topic, { qos: 1 });
  for (let n = 0; n < 3; n++) {
    const client = await device(url, { will });
    await client.publishAsync(will.topic, 'Online', { retain: true, qos: 1 });
    const gone = new Promise<void>((resolve) => {
      witness.on('message', (_, payload) => payload.toString() === 'Offline' && resolve());
    });
    client.stream.destroy();
    await gone;
    witness.removeAllListeners('message');
  }
  const result = await script.resultOf(running);
  expect(codes(result)).toContain('flapping');
  expect(result).toMatchObject({
    connection_status: 'offline',
    availability: {
      state: 'offline',
      sources: [{ topic: will.topic, value: 'Offline', defined_by: 'tasmota', last_will: true }],
    },
  });
  await witness.publishAsync(will.topic, '', { retain: true, qos: 1 });
  await script.end();
});

test('found by its address in discovery alone; a command that it does not obey', async () => {
  const { url } = await broker();
  const id = name();
  const mac = randomUUID().replaceAll('-', '').slice(0, 12);
  const client = await device(url);
  const base = `area/${id}`;
  const config = {
    '~': base,
    name: 'Fan',
    uniq_id: mac,
    cmd_t: '~/do',
    stat_t: '~/is',
    dev: { ids: [mac], name: 'Fan' },
  };
  const discovery = `homeassistant/switch/x${id.slice(-4)}/config`;
  await client.publishAsync(`${base}/is`, 'OFF', { retain: true, qos: 1 });
  await client.publishAsync(discovery, JSON.stringify(config), { retain: true, qos: 1 });
  const script = new Script();
  await script.connect('lab', url);
  const running = await debugging(script, mac.match(/../g)?.join(':').toUpperCase() ?? '');
  await script.subscribed('lab', `${base}/do`); // what the description names is heard from then on
  await client.publishAsync(`${base}/do`, 'ON', { qos: 1 });
  const result = await script.resultOf(running);
  expect(result).toMatchObject({ connection_status: 'unknown', last_message_time: null, device_topic_count: 3 });
  expect(codes(result)).toEqual(['command_not_obeyed']);
  expect(dig(result, 'findings', 0, 'evidence')).toMatchObject([
    { topic: `${base}/do`, value: 'ON' },
    { topic: `${base}/is`, value: 'OFF' },
  ]);
  await client.publishAsync(discovery, '', { retain: true, qos: 1 });
  await client.publishAsync(`${base}/is`, '', { retain: true, qos: 1 });
  await script.end();
});

test('an access rule that drops in silence -> unknown, and absence names it; MQTT 3.1.1', async () => {
  const { url } = await broker({
    users: { eye: 'x', dev: 'y' },
    acl: 'user eye\ntopic read open/#\nuser dev\ntopic readwrite #',
  });
  const client = await device(url, { username: 'dev', password: 'y' });
  await client.publishAsync('closed/boiler-77/temperature', '61', { retain: true, qos: 1 });
  await client.publishAsync('open/other', '1', { retain: true, qos: 1 });
  const script = new Script();
  await script.connect('lab', url, { username: 'eye', password: 'x', protocol_version: 4 });
  const result = await script.resultOf(await debugging(script, 'boiler-77'));
  expect(result).toMatchObject({ status: 'not_found', absence: { grade: 'likely' } });
  expect(JSON.stringify(dig(result, 'absence', 'possible'))).toMatch(/access rules/);
  await script.end();
});

test('a broker of 20,000 topics -> only the device is kept, and all of it', async () => {
  const { url } = await broker({ config: 'max_queued_messages 0' });
  const client = await device(url);
  for (let n = 0; n < 20_000; n++) client.publish(`site/${n % 100}/sensor-${n}/value`, `${n}`, { retain: true });
  await client.publishAsync('site/7/sensor-12307/availability', 'online', { retain: true, qos: 1 });
  const script = new Script();
  await script.connect('lab', url);
  const running = await debugging(script, 'sensor-12307');
  await client.publishAsync('site/7/sensor-12307/value', '12308', { qos: 1 });
  const result = await script.resultOf(running);
  expect(result).toMatchObject({
    connection_status: 'active',
    device_topic_count: 2,
    similar: [],
    findings: [],
    // More came at once than brokers are sure to hold for a client.
    notes: ['Not all stored messages may have arrived.'],
  });
  await script.end();
});
