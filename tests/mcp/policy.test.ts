// What whoever runs the server lets it do, as a caller and the broker see it.
import { describe, expect, inject, test } from 'vitest';
import { createIdentity } from '../../src/conventions/identity.ts';
import type { Rules } from '../../src/policy.ts';
import { close, listenForDevice } from '../../src/tools/device-listening.ts';
import { DeviceWatch } from '../../src/tools/device-watch.ts';
import { onlooker, ownPrefix } from '../resources/onlooker.ts';
import { failure, signal } from '../support/fake-caller.ts';
import { FakeLink, sessionOn } from '../support/fake-connect.ts';
import { room } from '../support/room.ts';
import { dig, type Message } from '../support/streams.ts';
import { startServer, type TestServer } from './server.ts';

let id = 0;

/** The result, or the error of the tool. */
async function call(server: TestServer, method: string, args: Message): Promise<unknown> {
  id += 1;
  const answer = await server.call(id, method, args);
  return answer.result ?? { error: dig(answer, 'error', 'data') };
}

async function connected(rules: Rules): Promise<TestServer> {
  const server = startServer({ rules });
  await call(server, 'establish_connection', { connection_string: inject('mqttUrl'), name: 'lab' });
  return server;
}

const denied = (message: RegExp) => ({ error: { code: 'policy_denied', message: expect.stringMatching(message) } });

describe('brokers', () => {
  test.each(['establish_connection', 'test_connection'])(
    '%s: a broker that is not listed -> policy_denied before its name is looked up, its password in nothing',
    async (tool) => {
      const server = startServer({ rules: { allowed_brokers: ['127.0.0.1', '*.lab'] } });
      const connection_string = 'mqtt://user:marker@nowhere.invalid:1883';
      const answer = await call(server, tool, { connection_string });
      expect(answer).toMatchObject(denied(/nowhere\.invalid:1883/));
      expect(JSON.stringify(answer)).not.toContain('marker');
    },
  );

  test('one that is listed -> connected; a profile needs no entry', async () => {
    const profiles = { names: () => ['p'], open: async () => ({ url: inject('mqttUrl') }) };
    const { host } = new URL(inject('mqttUrl'));
    const listed = startServer({ rules: { allowed_brokers: [host] } });
    const args = { connection_string: inject('mqttUrl') };
    expect(await call(listed, 'establish_connection', args)).toMatchObject({ status: 'connected' });
    const other = startServer({ rules: { allowed_brokers: ['elsewhere'] }, profiles });
    expect(await call(other, 'establish_connection', args)).toMatchObject(denied(/not allowed/));
    expect(await call(other, 'establish_connection', { profile: 'p' })).toMatchObject({ status: 'connected' });
    expect(await call(other, 'test_connection', { profile: 'p' })).not.toHaveProperty('error');
  });
});

describe('reading', () => {
  test('a filter that is denied -> never reaches the broker; nor do $SYS questions of our own', async () => {
    const link = new FakeLink();
    const session = sessionOn(link, { rules: { subscribe: { allow: ['plant/#'] } } });
    const options = { qos: 0, retained: 'include', signal } as const;
    expect(await failure(session.listen('#', options, () => {}))).toMatchObject({ code: 'policy_denied' });
    expect(await session.census(true, signal)).toBeUndefined();
    const { retainedEnd, close } = await session.listen('plant/#', options, () => {});
    expect((await retainedEnd).evidence).toBe('quiet_window');
    close();
    expect(link.calls).toEqual(['subscribe plant/#', 'unsubscribe plant/#']);
    expect(session.state().subscribedTopics).toEqual([]);
  });

  test('nothing came where # is denied -> the look around is refused, the answer comes all the same', async () => {
    const pattern = `${ownPrefix()}/quiet`;
    const server = await connected({ subscribe: { deny: ['secret/#'] } });
    const args = { session_id: 'lab', pattern, duration_seconds: 0 };
    expect(await call(server, 'list_topics', { ...args, pattern: '#' })).toMatchObject(
      denied(/takes in .*"secret\/#"/),
    );
    expect(await call(server, 'list_topics', args)).toMatchObject({ topic_count: 0 });
  });

  test('debug_device where # is denied -> it listens where the device may be and nothing is denied', async () => {
    const session = sessionOn(new FakeLink(), { rules: { subscribe: { deny: ['secret/#'] } } });
    const identity = createIdentity('lamp');
    const listening = await listenForDevice(session, identity, new DeviceWatch(identity, room()), signal);
    close(listening);
    expect(listening).toMatchObject({ all: false, refused: expect.arrayContaining(['#', '+/lamp/#']) });
    expect(listening.granted).toContain('lamp/#');
  });

  test('test_connection where its filter is denied -> a warning, and the other layers are well', async () => {
    const server = await connected({ subscribe: { allow: ['plant/#'] } });
    const checked = await call(server, 'test_connection', { session_id: 'lab' });
    expect(JSON.stringify(dig(checked, 'checks', 4))).toContain("this server's policy");
    expect(checked).not.toHaveProperty('error');
  });
});

describe('writing', () => {
  test('lists and quotas -> what passes is sent, the rest is policy_denied, and the caller is told when', async () => {
    const at = ownPrefix();
    const broker = await onlooker();
    await broker.watch(`${at}/#`);
    const server = await connected({ publish: { deny: [`${at}/no/#`] }, max_publishes_per_minute: 12 });
    const write = (topic: string) =>
      call(server, 'publish_message', { session_id: 'lab', topic, payload: 'x', qos: 1 });
    expect(await write(`${at}/no/1`)).toMatchObject(denied(/is denied by/));
    const properties = { response_topic: `${at}/no/1` };
    const asking = { session_id: 'lab', topic: at, payload: 'x', properties };
    expect(await call(server, 'publish_message', asking)).toMatchObject(denied(/is denied by/));
    expect(await write(`${at}/1`)).toMatchObject({ status: 'published' });
    expect(await write(`${at}/2`)).toMatchObject({ status: 'published' });
    expect(await write(`${at}/3`)).toMatchObject({ error: { code: 'policy_denied', retryable: true } });
    await broker.saw(`${at}/2`);
    expect(broker.seen.map(({ topic }) => topic)).toEqual([`${at}/1`, `${at}/2`]);
  });

  test('a probe of test_connection counts and is refused like any other write', async () => {
    const at = ownPrefix();
    const server = await connected({ publish: { deny: ['#'] } });
    const args = { connection_string: inject('mqttUrl'), probe_topic: at };
    expect(await call(server, 'test_connection', args)).toMatchObject(denied(/is denied by/));
    const probing = { session_id: 'lab', topic_pattern: at, probe_topic: at, duration_seconds: 1 };
    expect(await call(server, 'monitor_performance', probing)).toMatchObject(denied(/is denied by/));
  });

  test('probes of monitor_performance where the minute is used up -> probing ends and says why', async () => {
    const at = ownPrefix();
    const server = await connected({ max_publishes_per_minute: 12 });
    const probing = { session_id: 'lab', topic_pattern: at, probe_topic: at, duration_seconds: 2 };
    const measured = await call(server, 'monitor_performance', probing);
    expect(dig(measured, 'latency_metrics', 'detail')).toMatch(/12 messages a minute/);
  });
});
