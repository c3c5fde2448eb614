// What whoever runs the server lets it do, as a caller and the broker see it.
import { connectAsync } from 'mqtt';
import { describe, expect, inject, test } from 'vitest';
import type { Audit } from '../../src/audit.ts';
import { createIdentity } from '../../src/conventions/identity.ts';
import { Arrivals } from '../../src/mqtt/arrivals.ts';
import type { Will } from '../../src/mqtt/profile.ts';
import { Routes } from '../../src/mqtt/routes.ts';
import { testamentOf } from '../../src/mqtt/will.ts';
import type { Rules } from '../../src/policy.ts';
import { createQuota } from '../../src/quota.ts';
import type { ServerOptions } from '../../src/server.ts';
import { close, listenForDevice } from '../../src/tools/device-listening.ts';
import { DeviceWatch } from '../../src/tools/device-watch.ts';
import { onlooker, ownPrefix } from '../resources/onlooker.ts';
import { startFakeBroker } from '../support/fake-broker.ts';
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

async function connected(rules: Rules, more: Message = {}): Promise<TestServer> {
  const server = startServer({ rules });
  await call(server, 'establish_connection', { connection_string: inject('mqttUrl'), name: 'lab', ...more });
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

describe('a session that the broker kept', () => {
  test.each([5, 4] as const)(
    'version %i: what its earlier life subscribed to beyond the policy -> not told, not known, not counted',
    async (version) => {
      const at = ownPrefix();
      const clientId = `kept-${at.slice(-12)}`;
      const earlier = await connectAsync(inject('mqttUrl'), {
        clientId,
        clean: false,
        protocolVersion: 5,
        properties: { sessionExpiryInterval: 600 },
      });
      await earlier.subscribeAsync([`${at}/secret/#`, `${at}/ok/#`], { qos: 1 });
      await earlier.endAsync(true);
      const broker = await onlooker();
      await broker.publish(`${at}/secret/queued`, 'marker');
      await broker.publish(`${at}/ok/queued`, 'fine');
      const server = await connected(
        { subscribe: { allow: [`${at}/ok/#`, `${at}/also`], deny: [`${at}/ok/no`] } },
        {
          client_id: clientId,
          clean_start: false,
          session_expiry_seconds: 0,
          protocol_version: version,
        },
      );
      for (const topic of ['secret/live', 'ok/no', 'ok/live']) {
        await broker.publish(`${at}/${topic}`, 'marker', { qos: 0 });
        await broker.publish(`${at}/${topic}-1`, 'marker', { qos: 1 });
      }
      const topics = async (): Promise<unknown> => {
        id += 1;
        const answer = await server.call(id, 'resources/read', { uri: 'mqtt://lab/topics' });
        return JSON.parse(String(dig(answer, 'result', 'contents', 0, 'text')));
      };
      const known = ['ok/live', 'ok/live-1', 'ok/no-1', 'ok/queued'].map((topic) => ({ topic: `${at}/${topic}` }));
      await expect.poll(topics, { timeout: 5_000, interval: 20 }).toMatchObject({ topics: known });
      const collecting = { session_id: 'lab', topic_pattern: `${at}/ok/queued`, duration_seconds: 10, max_messages: 1 };
      const collected = await call(server, 'subscribe_and_collect', collecting);
      expect(collected).toMatchObject({ messages: [{ topic: `${at}/ok/queued`, payload: 'fine' }] });
      const sessions = await call(server, 'list_active_connections', {});
      expect(JSON.stringify([collected, sessions, await topics()])).not.toContain('secret');
      expect(dig(sessions, 'active_connections', 0, 'messages_received')).toBeLessThanOrEqual(5);
    },
  );

  const packet = { cmd: 'publish', topic: '', payload: '', qos: 1, retain: false, dup: false } as const;

  test('no list -> all of it is known', () => {
    const routes = new Routes();
    const arrivals = new Arrivals(routes, true);
    arrivals.packet('secret/a', Buffer.from('x'), packet);
    expect([arrivals.messages, arrivals.known.size]).toEqual([1, 1]);
  });

  test('what a filter of our own brought passed with that filter, whatever its topic is called', () => {
    const routes = new Routes();
    const heard: string[] = [];
    const sink = ({ topic }: { topic: string }) => void heard.push(topic);
    const filter = '$queue/plant/#';
    routes.add({ filter, sink, retained: 'exclude', dumping: false, seen: undefined }, 0);
    const mine = routes.identify(filter, undefined);
    const arrivals = new Arrivals(routes, true, () => false);
    for (const subscriptionIdentifier of [mine, mine + 1, [mine + 1, mine]]) {
      arrivals.packet('plant/a', Buffer.from('x'), { ...packet, properties: { subscriptionIdentifier } });
    }
    expect([heard, arrivals.messages, arrivals.all]).toEqual([['plant/a', 'plant/a'], 2, 3]);
  });
});

describe('the will of a profile', () => {
  const server = (rules: Rules, will: Partial<Will>, more: Partial<ServerOptions> = {}) => {
    const open = async () => ({
      url: inject('mqttUrl'),
      will: { topic: 'a', payload: 'gone', qos: 0 as const, retain: false, ...will },
    });
    return startServer({ rules, profiles: { names: () => ['p'], open }, ...more });
  };
  const connect = (one: TestServer, more: Message = {}) => call(one, 'establish_connection', { profile: 'p', ...more });

  test.each<[string, Rules, Partial<Will>]>([
    ['a topic of danger_topics', { danger_topics: ['plant/#'] }, { topic: 'plant/a' }],
    ['a dangerous command', {}, { topic: 'plant/a/cmd', payload: 'reboot' }],
    ['a clearing one', {}, { payload: '', retain: true }],
  ])(
    'danger deny, %s -> the connect is refused and says why; danger ask: the operator has said it',
    async (_, rules, will) => {
      const at = ownPrefix();
      const topic = will.topic === undefined ? at : will.topic;
      const lines: unknown[] = [];
      const audit: Audit = { allow: async () => async () => {}, deny: (written) => void lines.push(written) };
      const refusing = server(rules, { ...will, topic }, { danger: 'deny', audit });
      expect(await connect(refusing)).toMatchObject(denied(/The will of the profile is one that is denied here: It /));
      expect(lines).toMatchObject([{ topic, will: true }]);
      const asking = server(rules, { ...will, topic }, { danger: 'ask' });
      expect(await connect(asking)).toMatchObject({ status: 'connected', notes: [] });
    },
  );

  test('danger deny, a harmless one, stored or not -> left with the broker', async () => {
    const one = server({}, { topic: ownPrefix(), retain: true }, { danger: 'deny' });
    expect(await connect(one)).toMatchObject({ status: 'connected', notes: [] });
  });

  test('stored ones -> count among the retained writes; beyond them left out, and that is said', async () => {
    const one = server({ max_retained_writes: 1 }, { topic: ownPrefix(), retain: true });
    expect(await connect(one)).toMatchObject({ status: 'connected', notes: [] });
    const write = { session_id: 'p', topic: ownPrefix(), payload: 'x', retain: true };
    expect(await call(one, 'publish_message', write)).toMatchObject(denied(/1 retained messages/));
    const notes = [expect.stringMatching(/will of the profile is left out.*1 retained messages/)];
    expect(await connect(one, { name: 'other' })).toMatchObject({ status: 'connected', notes });
  });

  test('taking over a client id of our own again and again -> no more wills than messages a minute', async () => {
    const topic = ownPrefix();
    const broker = await onlooker();
    await broker.watch(topic);
    const one = server({ max_publishes_per_minute: 12 }, { topic });
    const takeover = { client_id: `same-${topic.slice(-12)}` };
    const answers = [];
    for (let n = 0; n < 6; n += 1) {
      answers.push(await connect(one, { ...takeover, name: `n${n}` }));
      if (n > 0) await call(one, 'close_connection', { session_id: `n${n}` });
    }
    expect(answers.slice(0, 2)).toMatchObject([{ status: 'connected' }, { status: 'connected' }]);
    for (const answer of answers.slice(2)) {
      expect(answer).toMatchObject({ error: { code: 'policy_denied', retryable: true, hint: 'Call again in 5 s.' } });
    }
    await broker.publish(topic, 'behind');
    await expect.poll(() => broker.seen.at(-1)?.text).toBe('behind');
    expect(broker.seen.map(({ text }) => text)).toEqual(['gone', 'behind']);
  });

  test.each<[string, Rules, number]>([
    ['no limit', {}, 2],
    ['a limit that is used up', { max_publishes_per_minute: 1 }, 1],
  ])('a connection that comes back, %s -> no more wills than messages a minute', async (_, rules, expected) => {
    const broker = await startFakeBroker();
    const will = { topic: 'a', payload: 'gone', qos: 0 as const, retain: false };
    const open = async () => ({ url: broker.url, will });
    expect(await connect(startServer({ rules, profiles: { names: () => ['p'], open } }))).toMatchObject({
      status: 'connected',
    });
    broker.clients[0]?.socket.destroy();
    await broker.received('connect', 2);
    const left = broker.packets.flatMap((packet) => (packet.cmd === 'connect' ? [packet.will?.topic] : []));
    expect(left.filter((topic) => topic === 'a')).toHaveLength(expected);
  });

  test('returns -> each that leaves the will counts, one that fails does not, nor among retained writes', () => {
    let now = 0;
    const quotas = createQuota({ max_publishes_per_minute: 12, max_retained_writes: 1 }, () => now);
    const will: Will = { topic: 'a', payload: '', qos: 0, retain: true };
    quotas.will('p').take(true);
    const testament = testamentOf(will, quotas.will('p'));
    expect(testament.next()).toBe(will);
    testament.left();
    for (let failed = 0; failed < 5; failed += 1) expect(testament.next()).toBe(will);
    testament.left();
    expect(testament.next()).toBeUndefined();
    testament.left();
    now += 5_000;
    expect(testament.next()).toBe(will);
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

  test('a session closed and opened again, checks beside it -> no message more; a second session has its own', async () => {
    const at = ownPrefix();
    const server = await connected({ max_publishes_per_minute: 12 });
    const lab = { connection_string: inject('mqttUrl'), name: 'lab' };
    const sent = async (session_id: string) => {
      const all = Array.from({ length: 4 }, () =>
        call(server, 'publish_message', { session_id, topic: at, payload: 'x' }),
      );
      return (await Promise.all(all)).filter((one) => dig(one, 'status') === 'published').length;
    };
    expect(await sent('lab')).toBe(2);
    for (let n = 0; n < 6; n += 1) {
      await call(server, 'close_connection', { session_id: 'lab' });
      await call(server, 'test_connection', { connection_string: lab.connection_string });
      expect(await call(server, 'establish_connection', lab)).toMatchObject({ status: 'connected' });
      expect(await sent('lab')).toBe(0);
    }
    await call(server, 'establish_connection', { ...lab, name: 'other' });
    expect(await sent('other')).toBe(2);
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
