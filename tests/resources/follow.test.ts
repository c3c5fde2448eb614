// Following a resource, in both eras, on a real broker: legacy subscribe and unsubscribe, modern listen streams.
import { describe, expect, inject, test, vi } from 'vitest';
import { startServer, type TestServer } from '../mcp/server.ts';
import { judged } from '../support/schema-check.ts';
import { dig, envelope } from '../support/streams.ts';
import { onlooker, ownPrefix } from './onlooker.ts';

let id = 0;
function next(): number {
  id += 1;
  return id;
}

async function connect(server: TestServer, name = 'lab'): Promise<void> {
  const args = { connection_string: inject('mqttUrl'), name };
  expect(await server.call(next(), 'establish_connection', args)).toHaveProperty('result.status', 'connected');
}

async function subscribed(server: TestServer): Promise<unknown> {
  const { result } = await server.call(next(), 'list_active_connections');
  return dig(result, 'active_connections', 0, 'subscribed_topics');
}

async function read(server: TestServer, uri: string): Promise<unknown> {
  const { result } = await server.call(next(), 'resources/read', { uri });
  return JSON.parse(String(dig(result, 'contents', 0, 'text')));
}

type Stop = () => Promise<void>;
type Era = {
  name: string;
  /** Follows a resource; resolves once that is confirmed. Returns how to let go. */
  follow(server: TestServer, ...uris: string[]): Promise<Stop>;
  /** What is asked for and does not exist. */
  refused(server: TestServer, uri: string): Promise<void>;
};

const legacy: Era = {
  name: 'legacy, resources/subscribe',
  follow: async (server, ...uris) => {
    for (const uri of uris)
      expect(await server.call(next(), 'resources/subscribe', { uri })).toMatchObject({ result: {} });
    return async () => {
      for (const uri of uris)
        expect(await server.call(next(), 'resources/unsubscribe', { uri })).toMatchObject({ result: {} });
    };
  },
  refused: async (server, uri) => {
    const answer = await server.call(next(), 'resources/subscribe', { uri });
    expect(answer).toMatchObject({ error: { code: -32002, data: { uri } } });
  },
};

const modern: Era = {
  name: 'modern, subscriptions/listen',
  follow: async (server, ...uris) => {
    const stream = `listen:${next()}`;
    expect(await acknowledged(server, stream, uris)).toEqual({ resourceSubscriptions: uris });
    return async () => server.notify('notifications/cancelled', { requestId: stream });
  },
  refused: async (server, uri) => {
    expect(await acknowledged(server, `listen:${next()}`, [uri])).toEqual({});
  },
};

/** Opens a listen stream and returns what it is told to be. */
async function acknowledged(server: TestServer, stream: string, uris: string[]): Promise<unknown> {
  server.request(stream, 'subscriptions/listen', { _meta: envelope(), notifications: { resourceSubscriptions: uris } });
  const method = 'notifications/subscriptions/acknowledged';
  const ack = await server.next((one) => dig(one, 'method') === method && streamOf(one) === stream, 'acknowledgement');
  return dig(ack, 'params', 'notifications');
}

const streamOf = (message: unknown) => dig(message, 'params', '_meta', 'io.modelcontextprotocol/subscriptionId');

function isUpdate(uri: string): (message: unknown) => boolean {
  return (one) => dig(one, 'method') === 'notifications/resources/updated' && dig(one, 'params', 'uri') === uri;
}

const updates = (server: TestServer) =>
  server.received.filter((line) => line.includes('notifications/resources/updated'));

describe.each([legacy, modern])('$name', ({ follow, refused, name }) => {
  const isModern = name.startsWith('modern');

  test('a message on the topic -> an update, and a read that shows it live, with its age', async () => {
    const broker = await onlooker();
    const topic = `${ownPrefix()}/t`;
    const uri = `mqtt://lab/topic/${topic}`;
    const server = judged(startServer());
    await connect(server);
    const stop = await follow(server, uri);
    expect(await subscribed(server)).toEqual([topic]);
    await broker.publish(topic, '21.5');
    const update = await server.next(isUpdate(uri), 'update');
    expect(Object.keys(Object(dig(update, 'params'))).sort()).toEqual(isModern ? ['_meta', 'uri'] : ['uri']);
    const value = await read(server, uri);
    expect(value).toMatchObject({ source: 'live', message: { topic, payload: 21.5, retain: false } });
    expect(value).not.toHaveProperty('note');
    expect(Number(dig(value, 'age_ms'))).toBeLessThan(5_000);
    await stop();
    await vi.waitFor(async () => expect(await subscribed(server)).toEqual([]));
  });

  test('a retained message is read as retained until a live one comes, and no update tells of it', async () => {
    const broker = await onlooker();
    const topic = `${ownPrefix()}/t`;
    const uri = `mqtt://lab/topic/${topic}`;
    await broker.publish(topic, 'before', { retain: true });
    const server = judged(startServer());
    await connect(server);
    await follow(server, uri);
    expect(await read(server, uri)).toMatchObject({ source: 'retained', message: { payload: 'before' } });
    expect(updates(server)).toEqual([]);
    await broker.publish(topic, 'after', { retain: true });
    await server.next(isUpdate(uri), 'update');
    expect(await read(server, uri)).toMatchObject({ source: 'live', message: { payload: 'after' } });
  });

  test('let go -> no update any more, the broker is told, a read still works, and following again does too', async () => {
    const broker = await onlooker();
    const prefix = ownPrefix();
    const [uri, other] = [`mqtt://lab/topic/${prefix}/one`, `mqtt://lab/topic/${prefix}/other`];
    const server = judged(startServer());
    await connect(server);
    const stop = await follow(server, uri);
    await follow(server, other);
    await broker.publish(`${prefix}/one`, '1');
    await server.next(isUpdate(uri), 'update');
    await stop();
    await vi.waitFor(async () => expect(await subscribed(server)).toEqual([`${prefix}/other`]));
    await broker.publish(`${prefix}/one`, '2', { retain: true });
    await broker.publish(`${prefix}/other`, '3');
    await server.next(isUpdate(other), 'update of the other');
    expect(updates(server)).toHaveLength(2);
    expect(await read(server, uri)).toMatchObject({ source: 'retained', message: { payload: 2 } });
    await follow(server, uri);
    await broker.publish(`${prefix}/one`, '4');
    await server.next(isUpdate(uri), 'update after following again');
  });

  test('the session is closed -> one last update, the resource is gone, and its name may be used again', async () => {
    const broker = await onlooker();
    const topic = `${ownPrefix()}/t`;
    const uris = [`mqtt://lab/topic/${topic}`, 'mqtt://lab/topics'];
    const server = judged(startServer());
    await connect(server);
    const stop = await follow(server, ...uris);
    await broker.publish(topic, 'old');
    await server.next(isUpdate(uris[0] ?? ''), 'update');
    await server.call(next(), 'close_connection', { session_id: 'lab' });
    for (const uri of uris) await server.next(isUpdate(uri), 'last update');
    const gone = await server.call(next(), 'resources/read', { uri: uris[0] });
    expect(gone).toMatchObject({ error: { code: -32002 } });

    await connect(server);
    expect(await subscribed(server)).toEqual([]);
    // Nothing of the session that had the name before.
    expect(await read(server, uris[0] ?? '')).toMatchObject({ message: null });
    const told = updates(server).length;
    await broker.publish(topic, 'new', { retain: true });
    expect(await read(server, uris[0] ?? '')).toMatchObject({ source: 'retained', message: { payload: 'new' } });
    expect(updates(server)).toHaveLength(told);
    await follow(server, uris[0] ?? '');
    expect(await subscribed(server)).toEqual([topic]);
    await broker.publish(topic, 'newer');
    await server.next(isUpdate(uris[0] ?? ''), 'update of the new session');
    // The first stream has nothing left to let go of.
    await stop();
    if (isModern) expect(await subscribed(server)).toEqual([topic]);
  });

  test('a flood of 1,000 messages a second -> at most a few updates a second, the last message is there to read', async () => {
    const broker = await onlooker();
    const topic = `${ownPrefix()}/t`;
    const uri = `mqtt://lab/topic/${topic}`;
    const server = judged(startServer());
    await connect(server);
    await follow(server, uri);
    const began = performance.now();
    const sent = await broker.flood(topic, 1_000, () => updates(server).length >= 8);
    const perSecond = updates(server).length / ((performance.now() - began) / 1000);
    expect(sent).toBeGreaterThan(1_000);
    expect(perSecond).toBeLessThan(5);
    await broker.publish(topic, '"last"');
    await vi.waitFor(async () => expect(await read(server, uri)).toMatchObject({ message: { payload: 'last' } }));
    await server.next(isUpdate(uri), 'update');
  });

  test('mqtt://sessions -> an update when a session begins and when it ends', async () => {
    const server = judged(startServer());
    const stop = await follow(server, 'mqtt://sessions');
    await connect(server);
    await server.next(isUpdate('mqtt://sessions'), 'update of the beginning');
    expect(await read(server, 'mqtt://sessions')).toMatchObject({ sessions: [{ name: 'lab' }] });
    await server.call(next(), 'close_connection', { session_id: 'lab' });
    await server.next(isUpdate('mqtt://sessions'), 'update of the end');
    expect(await read(server, 'mqtt://sessions')).toMatchObject({ sessions: [] });
    await stop();
  });

  test('mqtt://{session}/topics -> an update when a topic is seen for the first time', async () => {
    const broker = await onlooker();
    const prefix = ownPrefix();
    const server = judged(startServer());
    await connect(server);
    await follow(server, 'mqtt://lab/topics');
    await broker.publish(`${prefix}/new`, 'x', { retain: true });
    await server.call(next(), 'list_topics', { session_id: 'lab', pattern: `${prefix}/#`, duration_seconds: 0 });
    await server.next(isUpdate('mqtt://lab/topics'), 'update');
    expect(JSON.stringify(await read(server, 'mqtt://lab/topics'))).toContain(`${prefix}/new`);
  });

  test('several want the same topic -> one subscription, which goes with the last of them', async () => {
    const broker = await onlooker();
    const topic = `${ownPrefix()}/t`;
    const uri = `mqtt://lab/topic/${topic}`;
    const server = judged(startServer());
    await connect(server);
    const stopFirst = await follow(server, uri);
    const stopSecond = await modern.follow(server, uri);
    expect(await subscribed(server)).toEqual([topic]);
    await broker.publish(topic, 'x');
    await server.next(isUpdate(uri), 'update of the one');
    await server.next(isUpdate(uri), 'update of the other');
    await stopFirst();
    await broker.publish(topic, 'y');
    await server.next(isUpdate(uri), 'update of the one that is left');
    expect(await subscribed(server)).toEqual([topic]);
    await stopSecond();
    await vi.waitFor(async () => expect(await subscribed(server)).toEqual([]));
  });

  test.each([
    'mqtt://nobody/topics',
    'mqtt://nobody/topic/a',
    'mqtt://lab/topic/a/%23',
    'mqtt://lab/topic/$share/g/a',
    'nonsense',
  ])('%s does not exist -> it is not followed, and nothing is subscribed', async (uri) => {
    const server = judged(startServer());
    await connect(server);
    await refused(server, uri);
    expect(await subscribed(server)).toEqual([]);
  });

  test('the end of the input -> every stream ends, and the loop with it', async () => {
    const server = judged(startServer());
    await connect(server);
    await follow(server, 'mqtt://sessions', `mqtt://lab/topic/${ownPrefix()}`);
    const rest = await server.finish();
    // A listen stream: its result first, then the cancel, then nothing.
    expect(rest.map((one) => (dig(one, 'method') === undefined ? 'result' : dig(one, 'method')))).toEqual(
      isModern ? ['result', 'notifications/cancelled'] : [],
    );
    await server.closed;
  });
});

describe('legacy subscriptions', () => {
  test('subscribing twice, unsubscribing once -> let go; unsubscribing from nothing -> {}', async () => {
    const server = judged(startServer());
    await connect(server);
    const uri = `mqtt://lab/topic/${ownPrefix()}`;
    for (const method of [
      'resources/subscribe',
      'resources/subscribe',
      'resources/unsubscribe',
      'resources/unsubscribe',
    ])
      expect(await server.call(next(), method, { uri })).toHaveProperty('result', {});
    expect(await subscribed(server)).toEqual([]);
  });

  test('unsubscribe right behind subscribe, in one write -> both answered, nothing left', async () => {
    const server = judged(startServer());
    await connect(server);
    const params = { uri: `mqtt://lab/topic/${ownPrefix()}` };
    const line = (own: string, method: string) => ({ jsonrpc: '2.0', id: own, method, params });
    server.send(line('s', 'resources/subscribe'), line('u', 'resources/unsubscribe'));
    expect(await server.answer('s')).toHaveProperty('result', {});
    expect(await server.answer('u')).toHaveProperty('result', {});
    expect(await subscribed(server)).toEqual([]);
  });

  test('both methods with an envelope -> -32601', async () => {
    const server = judged(startServer());
    for (const method of ['resources/subscribe', 'resources/unsubscribe']) {
      const params = { uri: 'mqtt://sessions', _meta: envelope() };
      expect(await server.call(next(), method, params)).toHaveProperty('error.code', -32601);
    }
  });
});

describe('listen streams', () => {
  test('what cannot be honoured is left out of the acknowledgement', async () => {
    const server = judged(startServer());
    const notifications = {
      toolsListChanged: true,
      promptsListChanged: true,
      resourcesListChanged: true,
      resourceSubscriptions: ['mqtt://sessions', 'mqtt://nobody/topics'],
      somethingElse: true,
    };
    server.request('l', 'subscriptions/listen', { _meta: envelope(), notifications });
    expect(await server.next()).toEqual({
      jsonrpc: '2.0',
      method: 'notifications/subscriptions/acknowledged',
      params: {
        _meta: { 'io.modelcontextprotocol/subscriptionId': 'l' },
        notifications: { resourceSubscriptions: ['mqtt://sessions'] },
      },
    });
  });

  test('an empty filter -> acknowledged, then silence', async () => {
    const server = judged(startServer());
    expect(await acknowledged(server, 'l', [])).toEqual({});
    await connect(server);
    expect(await server.finish()).toHaveLength(2);
  });

  test('two streams on one resource -> one stamped copy each, with the ids as they came', async () => {
    const server = judged(startServer());
    const notifications = { resourceSubscriptions: ['mqtt://sessions'] };
    for (const stream of [0, '0']) {
      server.request(stream, 'subscriptions/listen', { _meta: envelope(), notifications });
      expect(streamOf(await server.next())).toBe(stream);
    }
    await connect(server);
    const copies = [await server.next(isUpdate('mqtt://sessions')), await server.next(isUpdate('mqtt://sessions'))];
    expect(copies.map(streamOf)).toEqual([0, '0']);
    server.notify('notifications/cancelled', { requestId: 0 });
    await server.call(next(), 'close_connection', { session_id: 'lab' });
    expect(streamOf(await server.next(isUpdate('mqtt://sessions')))).toBe('0');
  });

  test.each([
    [undefined],
    [{ notifications: 'all' }],
    [{ notifications: [] }],
    [{ notifications: { toolsListChanged: 'yes' } }],
    [{ notifications: { resourceSubscriptions: 'mqtt://sessions' } }],
    [{ notifications: { resourceSubscriptions: [7] } }],
    [{ notifications: { resourceSubscriptions: Array.from({ length: 101 }, (_, i) => `mqtt://lab/topic/${i}`) } }],
  ])('params %j -> -32602, and no stream', async (params) => {
    const server = judged(startServer());
    const answer = await server.call(next(), 'subscriptions/listen', { ...params, _meta: envelope() });
    expect(answer).toHaveProperty('error.code', -32602);
    expect(server.received).toHaveLength(1);
  });

  test('cancelled before it is acknowledged -> silent, and nothing is left on the broker', async () => {
    const server = judged(startServer());
    await connect(server);
    const params = { _meta: envelope(), notifications: { resourceSubscriptions: [`mqtt://lab/topic/${ownPrefix()}`] } };
    const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'l' } };
    server.send({ jsonrpc: '2.0', id: 'l', method: 'subscriptions/listen', params }, cancel);
    await vi.waitFor(async () => expect(await subscribed(server)).toEqual([]));
    expect(server.received.filter((line) => line.includes('acknowledged'))).toEqual([]);
  });

  test('more than 32 streams, or more than 100 resources -> refused, and those there are go on', async () => {
    const server = judged(startServer());
    await connect(server);
    const uris = (from: number) => Array.from({ length: 60 }, (_, i) => `mqtt://lab/topic/limit/${from + i}`);
    expect(await acknowledged(server, 'a', uris(0))).toEqual({ resourceSubscriptions: uris(0) });
    expect(await acknowledged(server, 'b', uris(60))).toEqual({ resourceSubscriptions: uris(60).slice(0, 40) });
    const more = await server.call(next(), 'resources/subscribe', { uri: 'mqtt://lab/topic/limit/x' });
    expect(more).toMatchObject({ error: { code: -32602, message: expect.stringContaining('100') } });
    for (let i = 0; i < 30; i += 1) await acknowledged(server, `many:${i}`, []);
    const params = { _meta: envelope(), notifications: {} };
    expect(await server.call(next(), 'subscriptions/listen', params)).toHaveProperty('error.code', -32602);
    server.notify('notifications/cancelled', { requestId: 'a' });
    await vi.waitFor(async () => expect(await subscribed(server)).toHaveLength(40));
    expect(await server.call(next(), 'resources/subscribe', { uri: 'mqtt://lab/topic/limit/x' })).toHaveProperty(
      'result',
    );
  });
});
