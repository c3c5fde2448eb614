// The ACL of SECURITY.md, taken out of it, on a real mosquitto: it does what the text says.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startMosquitto } from '../support/broker.ts';
import { Script } from '../support/fake-host.ts';

test('the read-only user hears everything, and writes nothing', async () => {
  const text = await readFile(join(import.meta.dirname, '../../SECURITY.md'), 'utf8');
  const acl = /```\n(user assistant\n[\s\S]*?)```/.exec(text)?.[1] ?? '';
  expect(acl).toContain('topic read #');
  const users = { assistant: 'one', device: 'two' };
  const broker = await startMosquitto({ users, acl: `${acl}user device\ntopic readwrite #` });
  const script = new Script();
  await script.connect('reader', broker.url, { username: 'assistant', password: 'one', protocol_version: 5 });
  await script.connect('old', broker.url, { username: 'assistant', password: 'one', protocol_version: 4 });
  await script.connect('device', broker.url, { username: 'device', password: 'two' });
  const publish = (session_id: string, more: object) =>
    script.send('publish_message', { session_id, topic: 'plant/x', payload: 'from a reader', ...more });
  for (const qos of [1, 2]) {
    expect((await script.errorOf(publish('reader', { qos }))).code, `QoS ${qos}`).toBe('publish_denied');
  }
  for (const id of [publish('reader', { qos: 0 }), publish('old', { qos: 0 }), publish('old', { qos: 1 })]) {
    await script.resultOf(id);
  }
  await script.resultOf(publish('device', { payload: 'from the device', retain: true, qos: 1 }));
  const heard = await script.result('subscribe_and_collect', {
    session_id: 'reader',
    topic_pattern: 'plant/#',
    duration_seconds: 10,
    max_messages: 50,
  });
  expect(heard.messages).toMatchObject([{ topic: 'plant/x', payload: 'from the device' }]);
  const counts = await script.result('list_topics', { session_id: 'reader', pattern: '$SYS/#', duration_seconds: 2 });
  expect(counts.total_topics).toBeGreaterThan(5);
});
