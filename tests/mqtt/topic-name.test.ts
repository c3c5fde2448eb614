import { expect, onTestFinished, test } from 'vitest';
import { topicName } from '../../src/mqtt/topic-name.ts';
import { startMosquitto } from '../support/broker.ts';
import { startDaemon } from '../support/daemon.ts';
import { dig } from '../support/streams.ts';

test.each([1, 16_383])('%i characters -> the topic itself', (length) => {
  expect(topicName('x'.repeat(length))).toBe('x'.repeat(length));
});

test('longer ones, alike in length -> short names, one each, that say so', () => {
  const topics = Array.from({ length: 3_000 }, (_, i) => `${'ö/'.repeat(10_000)}${String(i).padStart(8, '0')}`);
  const names = new Set(topics.map(topicName));
  expect(names.size).toBe(3_000);
  for (const name of names) expect(name).toMatch(/^(ö\/){500}… \(20008 characters, SHA-256 [0-9a-f]{64}\)$/);
});

test.each([4, 5] as const)(
  'MQTT version %i: endless topics at QoS 0 and 1 -> collected by filters of their ends',
  async (version) => {
    const broker = await startMosquitto();
    onTestFinished(broker.stop);
    const daemon = startDaemon();
    const to = { connection_string: broker.url, name: 'lab', protocol_version: version };
    await daemon.call(1, 'establish_connection', to);
    const topic = (n: number) => `long/${'x'.repeat(20_000)}/end${n}`;
    for (const [n, qos] of [0, 1].entries()) {
      const args = { session_id: 'lab', topic: topic(n), payload: `${n}`, qos: 1, retain: true };
      expect(await daemon.call(`p${n}`, 'publish_message', args)).toHaveProperty('result.acknowledged', true);
      const collect = { session_id: 'lab', topic_pattern: `long/+/end${n}`, retained: 'only', max_messages: 1, qos };
      const { result } = await daemon.call(`c${n}`, 'subscribe_and_collect', collect);
      expect(dig(result, 'messages', 0)).toMatchObject({ topic: topicName(topic(n)), payload: n, qos });
    }
    const { result } = await daemon.call('l', 'list_topics', {
      session_id: 'lab',
      pattern: 'long/#',
      duration_seconds: 0,
    });
    expect(result).toMatchObject({
      total_topics: 2,
      topics: [{ topic: topicName(topic(0)) }, { topic: topicName(topic(1)) }],
    });
  },
);
