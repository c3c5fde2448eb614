// What a silence means, on the built program with real brokers and their access rules.
import { randomUUID } from 'node:crypto';
import { connectAsync } from 'mqtt';
import { expect, onTestFinished, test } from 'vitest';
import { startMosquitto } from '../support/broker.ts';
import { Script } from '../support/fake-host.ts';

const users = { eye: 'x', dev: 'y' };
const OWN = 'topic read $SYS/#\nuser dev\ntopic readwrite #';

async function lab(acl: string, protocol_version: 4 | 5) {
  const { url, stop } = await startMosquitto({ users, acl: `user eye\n${acl}\n${OWN}`, config: 'sys_interval 1' });
  onTestFinished(stop);
  const client = await connectAsync(url, { username: 'dev', password: 'y', reconnectPeriod: 0 }, false);
  client.on('error', () => {});
  onTestFinished(() => void client.end(true));
  const script = new Script();
  await script.connect('lab', url, { username: 'eye', password: 'x', protocol_version });
  const probe = () =>
    script.result('test_connection', { session_id: 'lab', probe_topic: 'pump/probe', timeout_seconds: 2 });
  return { client, script, probe };
}

const listing = { session_id: 'lab', pattern: 'pump/+', duration_seconds: 1 };
const collecting = { session_id: 'lab', topic_pattern: 'pump/#', duration_seconds: 10, retained: 'exclude' };

test.each([
  [4, 'likely'],
  [5, 'certain'],
] as const)('version %i: may write, not read -> a lost probe makes it %s', async (version, grade) => {
  const { script, probe } = await lab('topic write pump/#', version);
  await probe();
  const { absence } = await script.result('list_topics', listing);
  expect(absence).toMatchObject({
    grade,
    verdict: expect.stringMatching(/\d s ago was acknowledged.*drop in silence/),
  });
  await script.end();
});

test('3.1.1: may read, not write, what is stored is read -> a lost probe makes nothing of it', async () => {
  const { client, script, probe } = await lab('topic read pump/#', 4);
  await client.publishAsync('pump/state', 'on', { retain: true, qos: 1 });
  await probe();
  const { absence } = await script.result('subscribe_and_collect', collecting);
  expect(absence).toMatchObject({ grade: 'likely', verdict: expect.stringContaining('the filter is right') });
  await script.end();
});

test('nothing may be read while others speak -> the broker counts them: withheld', async () => {
  const { client, script } = await lab('', 5);
  const timer = setInterval(() => client.publish('plant/a', 'x'), 50);
  onTestFinished(() => clearInterval(timer));
  const device = { session_id: 'lab', device_id: `d-${randomUUID()}`, duration_seconds: 10 };
  const { absence } = await script.result('debug_device', device);
  expect(absence).toMatchObject({
    grade: 'likely',
    verdict: expect.stringMatching(/got \d+ messages.* withhold them/),
  });
  await script.end();
});
