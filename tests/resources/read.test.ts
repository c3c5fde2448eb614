// What can be listed and read as a resource, in both eras, on a real broker.
import { describe, expect, inject, test, vi } from 'vitest';
import { notice } from '../../src/guard.ts';
import { startServer, type TestServer } from '../mcp/server.ts';
import { startFakeBroker } from '../support/fake-broker.ts';
import { judged } from '../support/schema-check.ts';
import { dig, envelope } from '../support/streams.ts';
import { onlooker, ownPrefix } from './onlooker.ts';

const eras = [
  ['legacy', {}],
  ['modern', { _meta: envelope() }],
] as const;

/** A server with a session named lab. */
async function withSession(name = 'lab'): Promise<TestServer> {
  const server = judged(startServer());
  const args = { connection_string: inject('mqttUrl'), name };
  expect(await server.call('connect', 'establish_connection', args)).toHaveProperty('result.status', 'connected');
  return server;
}

let id = 0;
function next(): number {
  id += 1;
  return id;
}

/** What a resource holds, decoded. */
async function read(server: TestServer, uri: string, more: object = {}): Promise<unknown> {
  const answer = await server.call(next(), 'resources/read', { uri, ...more });
  expect(dig(answer, 'result', 'contents', 0), JSON.stringify(answer)).toMatchObject({
    uri,
    mimeType: 'application/json',
  });
  return JSON.parse(String(dig(answer, 'result', 'contents', 0, 'text')));
}

const topicUri = (topic: string) => `mqtt://lab/topic/${topic.split('/').map(encodeURIComponent).join('/')}`;

describe.each(eras)('resources, %s', (era, more) => {
  test('resources/list -> the sessions and the App, each with a name, a title and a type', async () => {
    const server = judged(startServer());
    const { result } = await server.call(next(), 'resources/list', more);
    expect(dig(result, 'resources')).toEqual([
      {
        uri: 'mqtt://sessions',
        name: 'sessions',
        title: expect.any(String),
        description: expect.any(String),
        mimeType: 'application/json',
      },
      expect.objectContaining({ uri: 'ui://mqtt/view', name: 'view', title: expect.any(String) }),
    ]);
    expect(result).not.toHaveProperty('nextCursor');
  });

  test('resources/templates/list -> the topics of a session, and the last message of a topic', async () => {
    const server = judged(startServer());
    const { result } = await server.call(next(), 'resources/templates/list', more);
    expect(dig(result, 'resourceTemplates')).toMatchObject([
      { uriTemplate: 'mqtt://{session}/topics', name: 'topics', mimeType: 'application/json' },
      { uriTemplate: 'mqtt://{session}/topic/{+topic}', name: 'topic', mimeType: 'application/json' },
    ]);
  });

  test('caching fields in the modern era only: lists hold, contents do not', async () => {
    const server = judged(startServer());
    const list = await server.call(next(), 'resources/list', more);
    const contents = await server.call(next(), 'resources/read', { uri: 'mqtt://sessions', ...more });
    const held = [dig(list, 'result', 'ttlMs'), dig(contents, 'result', 'ttlMs')];
    const scopes = [dig(list, 'result', 'cacheScope'), dig(contents, 'result', 'cacheScope')];
    expect(held).toEqual(era === 'modern' ? [3_600_000, 0] : [undefined, undefined]);
    expect(scopes).toEqual(era === 'modern' ? ['public', 'private'] : [undefined, undefined]);
  });

  test.each(['resources/list', 'resources/templates/list'])(
    '%s: a cursor never given out -> -32602',
    async (method) => {
      const server = judged(startServer());
      for (const cursor of ['', 'from-100', 'from-0', 'no-such', 7, null]) {
        const answer = await server.call(next(), method, { cursor, ...more });
        expect(answer).toMatchObject({ error: { code: -32602, message: expect.stringContaining('cursor') } });
      }
    },
  );

  const code = era === 'modern' ? -32602 : -32002;
  test.each([
    'mqtt://nobody/topics',
    'mqtt://nobody/topic/a',
    'mqtt://lab/topic/a/%23',
    'mqtt://lab/topic/a/+',
    'mqtt://lab/topic/$share/g/a',
    'mqtt://lab/topic/',
    'file:///etc/passwd',
    'sessions',
    '',
  ])(`reading "%s" -> not found (${code}) and the uri in data`, async (uri) => {
    const server = await withSession();
    expect(await server.call(next(), 'resources/read', { uri, ...more })).toMatchObject({
      error: { code, message: 'Resource not found', data: { uri } },
    });
    // Nothing was subscribed to in looking for it.
    expect(await read(server, 'mqtt://sessions', more)).toMatchObject({ sessions: [{ subscribed_topics: [] }] });
  });

  test.each([[{}], [{ uri: 7 }], [{ uri: ['mqtt://sessions'] }]])('reading %j -> -32602', async (params) => {
    const server = judged(startServer());
    const answer = await server.call(next(), 'resources/read', { ...params, ...more });
    expect(answer).toHaveProperty('error.code', -32602);
  });

  test('mqtt://sessions -> who is connected, and how many may be', async () => {
    const server = judged(startServer());
    expect(await read(server, 'mqtt://sessions', more)).toEqual({ sessions: [], max_connections: 5, notice });
    const { hostname, port } = new URL(inject('mqttUrl'));
    const args = { connection_string: inject('mqttUrl'), name: 'lab' };
    const session_id = dig(await server.call(next(), 'establish_connection', args), 'result', 'session_id');
    expect(await read(server, 'mqtt://sessions', more)).toEqual({
      sessions: [
        {
          session_id,
          name: 'lab',
          broker: hostname,
          port: Number(port),
          is_connected: true,
          connection_error: null,
          messages_received: 0,
          topics_known: 0,
          subscribed_topics: [],
          expires_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        },
      ],
      max_connections: 5,
      notice,
    });
  });

  test('a retained message -> its payload, that it is retained, its age, and what that age means', async () => {
    const broker = await onlooker();
    const topic = `${ownPrefix()}/state`;
    await broker.publish(topic, '{"on":true,"t":21.5}', { retain: true });
    const server = await withSession();
    const value = await read(server, topicUri(topic), more);
    expect(value).toEqual({
      session: 'lab',
      source: 'retained',
      age_ms: expect.any(Number),
      message: expect.objectContaining({
        topic,
        payload: { on: true, t: 21.5 },
        payload_type: 'json',
        size_bytes: 20,
        retain: true,
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      }),
      note: expect.stringContaining('long before'),
      notice,
    });
    expect(Number(dig(value, 'age_ms'))).toBeGreaterThanOrEqual(0);
    expect(Number(dig(value, 'age_ms'))).toBeLessThan(5_000);
  });

  test('by the id of the session, or by its name -> the same', async () => {
    const broker = await onlooker();
    const topic = `${ownPrefix()}/state`;
    await broker.publish(topic, 'on', { retain: true });
    const server = await withSession('plant one/east');
    const sessions = await read(server, 'mqtt://sessions', more);
    for (const session of ['plant%20one%2Feast', String(dig(sessions, 'sessions', 0, 'session_id'))]) {
      const value = await read(server, `mqtt://${session}/topic/${topic}`, more);
      expect(value).toMatchObject({ session: 'plant one/east', message: { payload: 'on' } });
    }
  });

  test('nothing retained -> no message, what to do about it, and no subscription left', async () => {
    const server = await withSession();
    const topic = `${ownPrefix()}/silent`;
    expect(await read(server, topicUri(topic), more)).toEqual({
      session: 'lab',
      topic,
      message: null,
      last_seen: null,
      note: expect.stringContaining('subscribe'),
      notice,
    });
    expect(await read(server, 'mqtt://sessions', more)).toMatchObject({ sessions: [{ subscribed_topics: [] }] });
  });

  test.each([
    ['a leading slash', '/lead/x'],
    ['only slashes', '//x//'],
    ['a trailing slash', 'x/'],
    ['spaces and signs', 'a b/c?d=e&f=%41/ü'],
    ['quotes and backslashes', `say "hi"/\\n/'x'`],
    ['markup', '<script>alert(1)</script>/{{7*7}}'],
    ['what reverses text', 'a\u202Egnp.exe\u202C/b'],
    ['what nobody sees', 'a\u200Bb/\uFEFFc\u00AD'],
    ['other scripts and a pair of surrogates', '温度/🔥'],
    ['names of objects', '__proto__/constructor'],
  ])('a topic with %s is read as it is', async (_what, tail) => {
    const broker = await onlooker();
    const topic = `${tail.startsWith('/') ? '/' : ''}${ownPrefix()}/${tail}`;
    await broker.publish(topic, 'here', { retain: true });
    const server = await withSession();
    expect(await read(server, topicUri(topic), more)).toMatchObject({
      source: 'retained',
      message: { topic, payload: 'here' },
    });
  });

  test('what nobody sees stands as an escape in the text that a model reads', async () => {
    const broker = await onlooker();
    const topic = `${ownPrefix()}/a\u202Eb`;
    await broker.publish(topic, 'x\u200B\u0007y', { retain: true });
    const server = await withSession();
    const { result } = await server.call(next(), 'resources/read', { uri: topicUri(topic), ...more });
    const text = String(dig(result, 'contents', 0, 'text'));
    expect(text).toContain('a\\u202eb');
    expect(text).toContain('x\\u200b\\u0007y');
    // Not in the line either, once more escaped or not; the uri is the client's own.
    expect(text).not.toMatch(/[\u0000-\u001f\u200b\u202e]/);
  });

  test('binary, empty and huge payloads -> as in a collection, and no line over 4 MiB', async () => {
    const broker = await onlooker();
    const prefix = ownPrefix();
    await broker.publish(`${prefix}/binary`, Buffer.from([0, 255, 1]), { retain: true });
    await broker.publish(`${prefix}/huge`, Buffer.alloc(3 * 1024 * 1024, '"\u0001'), { retain: true });
    const server = await withSession();
    const binary = await read(server, topicUri(`${prefix}/binary`), more);
    expect(binary).toMatchObject({ message: { payload: 'AP8B', payload_type: 'binary', payload_encoding: 'base64' } });
    const huge = await read(server, topicUri(`${prefix}/huge`), more);
    expect(huge).toMatchObject({ message: { size_bytes: 3 * 1024 * 1024, payload_truncated: true } });
    expect(Math.max(...server.received.map((line) => Buffer.byteLength(line)))).toBeLessThan(4 * 1024 * 1024);
  });

  test('mqtt://{session}/topics -> what the session has seen: tree, list, times', async () => {
    const broker = await onlooker();
    const prefix = ownPrefix();
    for (const tail of ['a/1', 'a/2', 'b/1']) await broker.publish(`${prefix}/${tail}`, 'x', { retain: true });
    const server = await withSession();
    expect(await read(server, 'mqtt://lab/topics', more)).toMatchObject({ total_topics: 0, tree: {}, topics: [] });
    await server.call(next(), 'list_topics', { session_id: 'lab', pattern: `${prefix}/#`, duration_seconds: 0 });
    const value = await read(server, 'mqtt://lab/topics', more);
    const own = Array.isArray(dig(value, 'topics')) ? Object(dig(value, 'topics')) : [];
    expect(own.filter(({ topic }: { topic: string }) => topic.startsWith(prefix))).toEqual(
      ['a/1', 'a/2', 'b/1'].map((tail) => ({ topic: `${prefix}/${tail}`, last_seen: expect.stringMatching(/Z$/) })),
    );
    expect(value).toMatchObject({ session: 'lab', truncated: false });
    expect(Object(dig(value, 'tree'))).toMatchObject({
      [`${prefix}/a/1`]: 1,
      [`${prefix}/a/2`]: 1,
      [`${prefix}/b/#`]: 1,
    });
  });

  test('topics of the longest names -> still a line under 4 MiB, and what was left out is said', async () => {
    const broker = await onlooker();
    const prefix = ownPrefix();
    const count = 300;
    for (let i = 0; i < count; i += 1) await broker.publish(`${prefix}/${'"x'.repeat(8_000)}/${i}`, 'x', { qos: 0 });
    await broker.publish(`${prefix}/last`, 'x');
    const server = await withSession();
    const listing = { session_id: 'lab', pattern: `${prefix}/#`, duration_seconds: 10 };
    server.request('list', 'list_topics', listing);
    await vi.waitFor(async () =>
      expect(await read(server, 'mqtt://sessions', more)).toMatchObject({
        sessions: [{ subscribed_topics: [`${prefix}/#`] }],
      }),
    );
    for (let i = 0; i < count; i += 1) await broker.publish(`${prefix}/${'"x'.repeat(8_000)}/${i}`, 'x', { qos: 0 });
    await vi.waitFor(
      async () =>
        expect(dig(await read(server, 'mqtt://lab/topics', more), 'total_topics')).toBeGreaterThanOrEqual(count),
      { timeout: 10_000 },
    );
    const value = await read(server, 'mqtt://lab/topics', more);
    expect(value).toMatchObject({ truncated: true });
    expect(Math.max(...server.received.map((line) => Buffer.byteLength(line)))).toBeLessThan(4 * 1024 * 1024);
    server.notify('notifications/cancelled', { requestId: 'list' });
  });
});

describe('reading while something is wrong', () => {
  test('control characters in a topic, over which brokers close the connection -> not found, nothing is asked', async () => {
    const broker = await startFakeBroker();
    const server = judged(startServer());
    await server.call(next(), 'establish_connection', { connection_string: broker.url, name: 'lab' });
    const before = broker.packets.length;
    const answer = await server.call(next(), 'resources/read', { uri: topicUri('a\nb\tc/\u0007') });
    expect(answer).toMatchObject({ error: { code: -32002 } });
    expect(broker.packets).toHaveLength(before);
  });

  test('the broker refuses the topic, or is away -> what happened, not "not found", and nothing logged as a bug', async () => {
    const broker = await startFakeBroker((packet, client) => {
      if (packet.cmd !== 'subscribe' || packet.subscriptions.every(({ topic }) => topic.startsWith('$SYS')))
        return false;
      client.send({ cmd: 'suback', messageId: packet.messageId ?? 0, granted: [0x87] });
      return true;
    });
    const server = judged(startServer());
    await server.call(next(), 'establish_connection', { connection_string: broker.url, name: 'lab' });
    const refused = await server.call(next(), 'resources/read', { uri: 'mqtt://lab/topic/secret' });
    expect(refused).toMatchObject({
      error: { code: -32603, data: { code: 'subscribe_denied', hint: expect.any(String) } },
    });
    const followed = await server.call(next(), 'resources/subscribe', { uri: 'mqtt://lab/topic/secret' });
    expect(followed).toMatchObject({ error: { code: -32603, data: { code: 'subscribe_denied' } } });
    for (const { socket } of broker.clients) socket.destroy();
    await vi.waitFor(async () =>
      expect(await server.call(next(), 'resources/read', { uri: 'mqtt://lab/topic/a' })).toMatchObject({
        error: { code: -32603, data: { code: 'not_connected' } },
      }),
    );
    expect(server.logged.filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('a session that still connects is waited for; where it fails, that is said', async () => {
    const server = judged(startServer());
    server.send({
      jsonrpc: '2.0',
      id: 'c',
      method: 'establish_connection',
      params: { connection_string: inject('mqttUrl'), name: 'lab' },
    });
    expect(await read(server, 'mqtt://lab/topics')).toMatchObject({ session: 'lab' });
    server.request('d', 'establish_connection', { connection_string: 'mqtt://127.0.0.1:1', name: 'gone' });
    const answer = await server.call(next(), 'resources/read', { uri: 'mqtt://gone/topics' });
    expect(answer).toMatchObject({ error: { code: -32603, data: { code: 'connection_refused' } } });
    expect(server.logged.filter(({ level }) => level === 'error')).toEqual([]);
  });
});
