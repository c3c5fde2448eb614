// Owns the suite of the six tools, run on each broker by the built program. What a broker does otherwise is one of its
// traits, and a row of docs/BROKERS.md.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { dig } from '../support/streams.ts';
import type { Running } from './programs.ts';

export type Traits = {
  version: 4 | 5;
  /** How it is known that the retained messages are out. */
  evidence: 'ordered' | 'quiet_window';
  /** Whether a filter with wildcards gets retained messages. */
  wildcardsShowRetained: boolean;
  /** What a subscription at QoS 2 is granted. */
  granted: 1 | 2;
  /** What becomes of a message published at QoS 2. */
  publishedAtQos2: 'acknowledged' | 'as QoS 1' | 'cut off';
  /** Where a message to odd/a.b arrives; undefined: its connection is closed. */
  dotted: string | undefined;
  shared: boolean;
};

/** RabbitMQ takes its time, and more where other tests run. */
const START_MS = 120_000;

export function sixTools(name: string, start: () => Promise<Running>, traits: Traits): void {
  let broker: Running;
  let folder: string;
  let daemons = 0;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'brokers-test-'));
    await writeFile(join(folder, 'config.json'), '{"policy":{"danger":"allow"}}', { mode: 0o600 });
    broker = await start();
  }, START_MS);
  afterAll(async () => {
    await broker?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** A daemon of its own with the session s, and a topic prefix of its own. */
  async function session(): Promise<{ call: Call; daemon: Daemon; prefix: string; connected: unknown }> {
    const daemon = startDaemon({ args: ['--config', join(folder, 'config.json')] });
    let ids = 0;
    const call: Call = async (method, params = {}) => {
      ids += 1;
      const answer = await daemon.call(
        ids,
        method,
        'connection_string' in params ? params : { session_id: 's', ...params },
      );
      return answer.result ?? dig(answer, 'error', 'data');
    };
    const connected = await call('establish_connection', { connection_string: broker.url, name: 's' });
    daemons += 1;
    return { call, daemon, prefix: `t${daemons}`, connected };
  }

  describe(`the six tools on ${name}`, () => {
    test('establish, list, close: the session is there, then gone', async () => {
      const { connected, daemon, call } = await session();
      const fallback = 'The broker refused MQTT 5; the session speaks MQTT 3.1.1.';
      const notes = traits.version === 5 ? [] : [fallback];
      expect(connected).toMatchObject({ status: 'connected', protocol_version: traits.version, notes });
      const active = async () => dig(await daemon.call('list', 'list_active_connections'), 'result');
      expect(await active()).toMatchObject({ total_count: 1, active_connections: [{ name: 's', is_connected: true }] });
      expect(await call('close_connection')).toMatchObject({ status: 'closed' });
      expect(await active()).toMatchObject({ total_count: 0 });
      expect(await call('list_topics')).toMatchObject({ code: 'session_not_found' });
    });

    test('publish and collect at every QoS: each message once, as it was sent', async () => {
      const { call, prefix } = await session();
      const messages = [
        { topic: `${prefix}/json`, payload: { a: [1, null] }, qos: 0 },
        { topic: `${prefix}/text`, payload: 'äöü', qos: 1 },
        { topic: `${prefix}/number`, payload: 21.5, qos: traits.publishedAtQos2 === 'cut off' ? 1 : 2 },
        { topic: `${prefix}/binary`, payload: 'AP/+', payload_encoding: 'base64', qos: 1 },
        { topic: `${prefix}/empty`, payload: '', qos: 1 },
        { topic: `/${prefix}//level/`, payload: 'x', qos: 1 },
      ];
      for (const qos of [0, 1, 2]) {
        const hearing = { topic_pattern: '#', qos, retained: 'exclude', duration_seconds: 10, max_messages: 6 };
        const collecting = call('subscribe_and_collect', hearing);
        for (const message of messages) {
          expect(await call('publish_message', message)).toMatchObject({ acknowledged: message.qos > 0 });
        }
        const collected = await collecting;
        const [json, text, number, binary, empty, level] = messages.map(({ topic }) => topic);
        const topics = Object.fromEntries([json, text, number, binary, empty, level].map((topic) => [topic, 1]));
        expect(collected).toMatchObject({
          granted_qos: Math.min(qos, traits.granted),
          topics,
          original_message_count: 6,
        });
        const got = dig(collected, 'messages');
        const payloadOf = (topic: string | undefined): unknown =>
          Array.isArray(got)
            ? dig(
                got.find((one) => dig(one, 'topic') === topic),
                'payload',
              )
            : undefined;
        expect([json, text, number, binary, empty].map(payloadOf)).toEqual([{ a: [1, null] }, 'äöü', 21.5, 'AP/+', '']);
      }
    });

    test(`publish at QoS 2 -> ${traits.publishedAtQos2}`, async () => {
      const { call, prefix } = await session();
      const published = await call('publish_message', { topic: `${prefix}/a`, payload: 1, qos: 2 });
      expect(published).toMatchObject(
        {
          acknowledged: { acknowledged: true, reason_code: 0, reason: 'success' },
          'as QoS 1': { acknowledged: true, reason: expect.stringContaining('as QoS 1') },
          'cut off': { code: 'not_connected', hint: expect.stringContaining('It may have arrived or not') },
        }[traits.publishedAtQos2],
      );
    });

    test('retained messages: listed each once, collected, told from live ones, cleared', async () => {
      const { call, prefix } = await session();
      const topics = ['a', 'b', 'c/d'].map((leaf) => `${prefix}/${leaf}`);
      for (const topic of topics) await call('publish_message', { topic, payload: 'kept', qos: 1, retain: true });
      const all = await call('list_topics', { pattern: `${prefix}/#`, duration_seconds: 0 });
      if (traits.wildcardsShowRetained) {
        const listed = topics.map((topic) => ({ topic, retained: true, message_count: 1 }));
        expect(all).toMatchObject({ topics: listed, retained_complete: true, retained_evidence: traits.evidence });
      } else {
        const note = expect.stringContaining('not every broker sends retained messages to a filter with wildcards');
        expect(all).toMatchObject({ topics: [], retained_complete: false, notes: expect.arrayContaining([note]) });
      }
      const [topic = ''] = topics;
      const one = await call('list_topics', { pattern: topic, duration_seconds: 0 });
      expect(one).toMatchObject({ topics: [{ topic, retained: true }], retained_complete: true });
      const kept = { topic_pattern: topic, duration_seconds: 10, max_messages: 2 };
      const collecting = call('subscribe_and_collect', kept);
      await call('publish_message', { topic, payload: 'live', qos: 1 });
      const messages = dig(await collecting, 'messages');
      expect(messages).toHaveLength(2);
      const told = [
        { payload: 'kept', retain: true },
        { payload: 'live', retain: false },
      ];
      for (const expected of told) expect(messages).toContainEqual(expect.objectContaining(expected));
      await call('publish_message', { topic, payload: '', qos: 1, retain: true });
      expect(await call('list_topics', { pattern: topic, duration_seconds: 0 })).toMatchObject({ total_topics: 0 });
    });

    test(`a dot in a topic -> ${traits.dotted ?? 'the connection is closed'}`, async () => {
      const { call, prefix } = await session();
      const hearing = { topic_pattern: `${prefix}/#`, qos: 1, duration_seconds: 10, max_messages: 1 };
      const collecting = traits.dotted === undefined ? undefined : call('subscribe_and_collect', hearing);
      const published = await call('publish_message', { topic: `${prefix}/a.b`, payload: 1, qos: 1 });
      if (traits.dotted === undefined) expect(published).toMatchObject({ code: 'not_connected' });
      else expect(await collecting).toMatchObject({ topics: { [`${prefix}/${traits.dotted}`]: 1 } });
    });

    test('300 messages at QoS 1, pipelined -> all acknowledged, all heard once and in order', async () => {
      const { call, prefix } = await session();
      const hearing = { topic_pattern: `${prefix}/+`, qos: 1, duration_seconds: 30, max_messages: 300 };
      const collecting = call('subscribe_and_collect', { ...hearing, return_messages: 300 });
      const numbers = Array.from({ length: 300 }, (_, index) => index);
      const acks = numbers.map((payload) => call('publish_message', { topic: `${prefix}/n`, payload, qos: 1 }));
      for (const ack of await Promise.all(acks)) expect(ack).toMatchObject({ acknowledged: true });
      const messages = dig(await collecting, 'messages');
      expect(Array.isArray(messages) && messages.map((one) => dig(one, 'payload'))).toEqual(numbers);
    });

    test(`$share -> ${traits.shared ? 'heard' : 'taken for a topic name: nothing comes, and that is told'}`, async () => {
      const { call, prefix } = await session();
      const hearing = { topic_pattern: `$share/g/${prefix}/#`, qos: 1, duration_seconds: 10, max_messages: 1 };
      const collecting = call('subscribe_and_collect', hearing);
      await call('publish_message', { topic: `${prefix}/a`, payload: 1, qos: 1 });
      const collected = await collecting;
      if (traits.shared) expect(collected).toMatchObject({ original_message_count: 1 });
      else {
        const possible = expect.arrayContaining([expect.stringContaining('has no shared subscriptions')]);
        expect(collected).toMatchObject({ original_message_count: 0, absence: { grade: 'unknown', possible } });
      }
    });
  });
}

type Call = (method: string, params?: object) => Promise<unknown>;
