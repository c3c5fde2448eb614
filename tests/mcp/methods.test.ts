import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, inject, test } from 'vitest';
import { dig, envelope, initializeParams } from '../support/streams.ts';
import { startServer, type TestServer } from './server.ts';

const schemas = join(import.meta.dirname, '../../schemas');
const definitions: unknown[] = readdirSync(schemas)
  .sort()
  .map((file) => JSON.parse(readFileSync(join(schemas, file), 'utf8')));

const modern = (params: object = {}) => ({ ...params, _meta: envelope() });

/** Connects to the tests' broker under the name `here`. */
async function connected(server: TestServer): Promise<void> {
  const answer = await server.call('connect', 'establish_connection', {
    connection_string: inject('mqttUrl'),
    name: 'here',
  });
  expect(answer).toMatchObject({ result: { status: 'connected' } });
}

describe('initialize', () => {
  test.each([
    ['2024-11-05', '2024-11-05'],
    ['2025-03-26', '2025-03-26'],
    ['2025-06-18', '2025-06-18'],
    ['2025-11-25', '2025-11-25'],
    ['2024-10-07', '2025-11-25'],
    ['2026-07-28', '2025-11-25'],
    ['2099-01-01', '2025-11-25'],
    ['nonsense', '2025-11-25'],
  ])('%s -> %s, and the tools work', async (asked, version) => {
    const server = startServer();
    expect(await server.call(0, 'initialize', initializeParams(asked))).toEqual({
      jsonrpc: '2.0',
      id: 0,
      result: {
        protocolVersion: version,
        capabilities: expect.objectContaining({ tools: expect.any(Object) }),
        serverInfo: expect.objectContaining({ name: 'bitsperity-mqtt-mcp', version: expect.any(String) }),
        instructions: expect.any(String),
      },
    });
    server.notify('notifications/initialized');
    expect(dig(await server.call(1, 'tools/list'), 'result', 'tools')).toHaveLength(definitions.length);
    const params = { name: 'list_active_connections', arguments: {} };
    expect(dig(await server.call(2, 'tools/call', params), 'result', 'isError')).toBeUndefined();
    expect(await server.finish()).toEqual([]);
  });

  test.each([
    ['no params', undefined],
    ['no protocolVersion', { capabilities: {}, clientInfo: { name: 't', version: '1' } }],
    ['a protocolVersion that is no string', initializeParams()],
    ['no clientInfo', { protocolVersion: '2025-11-25', capabilities: {} }],
    ['a clientInfo that is no object', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: 'me' }],
  ])('%s -> -32602, and there is no session yet', async (name, params) => {
    const server = startServer();
    const changed = name.startsWith('a protocolVersion') ? { ...params, protocolVersion: 20251125 } : params;
    expect(await server.call(0, 'initialize', changed)).toMatchObject({ id: 0, error: { code: -32602 } });
    // In a session this would be -32601.
    expect(await server.call(1, 'server/discover')).toMatchObject({ error: { code: -32602 } });
    expect(await server.call(2, 'initialize', initializeParams())).toMatchObject({
      result: { protocolVersion: '2025-11-25' },
    });
  });

  test('a client that never says initialized, or says it twice, is served', async () => {
    const server = startServer();
    await server.call(0, 'initialize', initializeParams('2025-06-18'));
    expect(await server.call(1, 'tools/list')).toHaveProperty('result.tools');
    server.notify('notifications/initialized');
    server.notify('notifications/initialized');
    expect(await server.call(2, 'tools/list')).toHaveProperty('result.tools');
  });

  test('instructions -> under 200 words', async () => {
    const text = dig(await startServer().call(0, 'initialize', initializeParams()), 'result', 'instructions');
    expect(String(text).split(/\s+/).length).toBeLessThan(200);
  });
});

describe('server/discover', () => {
  test('all mandatory fields, with and without clientInfo', async () => {
    const server = startServer();
    const whole = await server.call('d', 'server/discover', modern());
    expect(whole).toEqual({
      jsonrpc: '2.0',
      id: 'd',
      result: {
        resultType: 'complete',
        supportedVersions: ['2026-07-28'],
        capabilities: expect.objectContaining({ tools: expect.any(Object) }),
        instructions: expect.any(String),
        ttlMs: 3_600_000,
        cacheScope: 'public',
        _meta: { 'io.modelcontextprotocol/serverInfo': expect.objectContaining({ name: 'bitsperity-mqtt-mcp' }) },
      },
    });
    const bare = { _meta: envelope({ 'io.modelcontextprotocol/clientInfo': undefined }) };
    expect(dig(await server.call('e', 'server/discover', bare), 'result')).toEqual(dig(whole, 'result'));
  });

  test('what -32022 calls supported is what discover lists', async () => {
    const server = startServer();
    const old = { _meta: envelope({ 'io.modelcontextprotocol/protocolVersion': '1999-01-01' }) };
    const supported = dig(await server.call(1, 'tools/list', old), 'error', 'data', 'supported');
    expect(supported).toEqual(dig(await server.call(2, 'server/discover', modern()), 'result', 'supportedVersions'));
  });

  test('every capability that is declared has its methods, in both eras', async () => {
    const methods: Record<string, string[]> = {
      tools: ['tools/list'],
      resources: ['resources/list', 'resources/templates/list'],
      prompts: ['prompts/list'],
    };
    const server = startServer();
    const capabilities = dig(await server.call(1, 'server/discover', modern()), 'result', 'capabilities');
    const declared = Object.keys(methods).filter((name) => dig(capabilities, name) !== undefined);
    const undeclared = Object.keys(methods).filter((name) => dig(capabilities, name) === undefined);
    for (const method of declared.flatMap((name) => methods[name] ?? [])) {
      expect(await server.call(2, method)).toHaveProperty('result');
      expect(await server.call(3, method, modern())).toHaveProperty('result.ttlMs');
      expect(await server.call(4, method, { cursor: 'no-such' })).toHaveProperty('error.code', -32602);
    }
    for (const method of undeclared.flatMap((name) => methods[name] ?? [])) {
      expect(await server.call(5, method)).toHaveProperty('error.code', -32601);
    }
  });
});

describe('tools/list', () => {
  test('legacy: exactly the schemas folder, in name order, nothing of the modern era', async () => {
    const server = startServer();
    const { result } = await server.call(1, 'tools/list');
    expect(result).toEqual({ tools: definitions });
  });

  test('modern: the same tools, with resultType, caching and serverInfo; the same on every call', async () => {
    const server = startServer();
    const { result } = await server.call(1, 'tools/list', modern());
    expect(result).toEqual({
      resultType: 'complete',
      tools: definitions,
      ttlMs: 3_600_000,
      cacheScope: 'public',
      _meta: { 'io.modelcontextprotocol/serverInfo': expect.any(Object) },
    });
    await server.call('x', 'establish_connection', { connection_string: 'nonsense' });
    expect(dig(await server.call(2, 'tools/list', modern()), 'result')).toEqual(result);
  });

  test.each(['', 'x', 'from-100', null, 7])('cursor %j, which was never given out -> -32602', async (cursor) => {
    const server = startServer();
    expect(await server.call(1, 'tools/list', { cursor })).toHaveProperty('error.code', -32602);
    expect(await server.call(2, 'tools/list', modern({ cursor }))).toHaveProperty('error.code', -32602);
  });

  test('read-only -> no tool that publishes, as a tool or as a method', async () => {
    const server = startServer({ readOnly: true });
    const tools = JSON.stringify(await server.call(1, 'tools/list'));
    expect(tools).toContain('list_topics');
    expect(tools).not.toContain('publish_message');
    const args = { session_id: 'x', topic: 'a', payload: 'b' };
    expect(await server.call(2, 'publish_message', args)).toHaveProperty('error.code', -32601);
    const call = { name: 'publish_message', arguments: args };
    expect(await server.call(3, 'tools/call', call)).toHaveProperty('error.code', -32602);
  });
});

describe('arguments that fail the schema', () => {
  const bad = {
    session_id: '',
    topic_pattern: 7,
    duration_seconds: 5,
    max_messages: 1.5,
    qos: 3,
    retained: 'yes',
    nope: 1,
    'a/b~c': 2,
  };
  const paths = [
    '/a~1b~0c',
    '/duration_seconds',
    '/max_messages',
    '/nope',
    '/qos',
    '/retained',
    '/session_id',
    '/topic_pattern',
  ];

  function pathsOf(error: unknown): unknown[] {
    const problems = dig(error, 'problems');
    return Array.isArray(problems) ? problems.map((problem) => dig(problem, 'path')).sort() : [];
  }

  test('tools/call -> isError in every version and era; its text names every path', async () => {
    const server = startServer();
    const call = { name: 'subscribe_and_collect', arguments: bad };
    const answers = [await server.call(0, 'tools/call', call), await server.call(1, 'tools/call', modern(call))];
    for (const version of ['2024-11-05', '2025-11-25']) {
      await server.call('i', 'initialize', initializeParams(version));
      answers.push(await server.call(version, 'tools/call', call));
    }
    for (const { result } of answers) {
      expect(dig(result, 'isError')).toBe(true);
      expect(dig(result, 'structuredContent')).toBeUndefined();
      const { error } = JSON.parse(String(dig(result, 'content', 0, 'text')));
      expect(error).toMatchObject({
        code: 'invalid_arguments',
        message: expect.any(String),
        hint: expect.any(String),
        retryable: false,
      });
      expect(pathsOf(error)).toEqual(paths);
      for (const path of paths) expect(error.message).toContain(path);
    }
  });

  test('direct method -> -32602 with the same list in data', async () => {
    const server = startServer();
    const { error } = await server.call(1, 'subscribe_and_collect', bad);
    expect(dig(error, 'code')).toBe(-32602);
    expect(dig(error, 'data', 'code')).toBe('invalid_arguments');
    expect(pathsOf(dig(error, 'data'))).toEqual(paths);
  });

  test('a missing argument is named by where it would be', async () => {
    const { error } = await startServer().call(1, 'publish_message', { topic: 'a' });
    expect(pathsOf(dig(error, 'data'))).toEqual(['/payload', '/session_id']);
  });

  test('no params at all is the same as none given', async () => {
    const server = startServer();
    expect(await server.call(1, 'close_connection')).toHaveProperty('error.code', -32602);
    expect(await server.call(2, 'list_active_connections')).toHaveProperty('result.total_count', 0);
    expect(await server.call(3, 'tools/call', { name: 'list_active_connections' })).toHaveProperty(
      'result.structuredContent',
    );
  });
});

describe('results', () => {
  test('structuredContent fits the outputSchema, the text is the same JSON, and the direct method answers it bare', async () => {
    const server = startServer();
    await connected(server);
    const ajv = new Ajv2020({ strict: false });
    const calls: [string, object][] = [
      ['publish_message', { session_id: 'here', topic: 'methods/results', payload: { a: [1] }, retain: true, qos: 1 }],
      ['list_topics', { session_id: 'here', pattern: 'methods/results', duration_seconds: 0 }],
      ['list_active_connections', {}],
      ['close_connection', { session_id: 'here' }],
    ];
    for (const [name, args] of calls) {
      const { result } = await server.call(name, 'tools/call', { name, arguments: args });
      const structured = dig(result, 'structuredContent');
      expect(dig(result, 'isError')).toBeUndefined();
      expect(JSON.parse(String(dig(result, 'content', 0, 'text')))).toEqual(structured);
      const definition = definitions.find((one) => dig(one, 'name') === name);
      const check = ajv.compile({ type: 'object', ...Object(dig(definition, 'outputSchema')) });
      expect(check(structured) || check.errors).toBe(true);
    }
    expect(await server.call('d', 'list_active_connections')).toMatchObject({
      result: { status: 'success', total_count: 0 },
    });
  });

  test('what a tool could not do -> isError with code, message, hint, retryable; -32000 with the same as a method', async () => {
    const server = startServer();
    const args = { session_id: 'nobody' };
    const { error } = await server.call(1, 'close_connection', args);
    expect(error).toMatchObject({ code: -32000, data: { code: 'session_not_found', retryable: false } });
    for (const params of [
      { name: 'close_connection', arguments: args },
      modern({ name: 'close_connection', arguments: args }),
    ]) {
      const { result } = await server.call(2, 'tools/call', params);
      expect(dig(result, 'isError')).toBe(true);
      expect(JSON.parse(String(dig(result, 'content', 0, 'text')))).toEqual({ error: dig(error, 'data') });
    }
  });
});

describe('progress', () => {
  /** Every progress notification that came before the answer to `id`. */
  function progressOf(server: TestServer, token: unknown): unknown[] {
    const messages: unknown[] = server.received.map((line) => JSON.parse(line));
    return messages
      .filter((one) => dig(one, 'params', 'progressToken') === token)
      .map((one) => dig(one, 'params', 'progress'));
  }

  async function played(progressToken: string | number, meta: object): Promise<void> {
    const server = startServer();
    await connected(server);
    // With something to list, no listing looks around on what other tests publish.
    const kept = { session_id: 'here', topic: 'methods/progress/kept', payload: 'x', retain: true };
    expect(await server.call('kept', 'publish_message', kept)).toHaveProperty('result');
    const args = { session_id: 'here', pattern: 'methods/progress/#', duration_seconds: 3 };
    const list = { name: 'list_topics', arguments: args };
    server.request('with', 'tools/call', { ...list, _meta: { ...meta, progressToken } });
    server.request('without', 'tools/call', Object.keys(meta).length > 0 ? { ...list, _meta: meta } : list);
    server.request('direct', 'list_topics', { ...args, _meta: { progressToken: 'direct' } });
    for (const id of ['with', 'without', 'direct']) expect(await server.answer(id)).toHaveProperty('result');
    const steps = progressOf(server, progressToken).map(Number);
    expect(steps.length).toBeGreaterThanOrEqual(2);
    expect(steps).toEqual([...new Set(steps)].sort((a, b) => a - b));
    expect(progressOf(server, 'direct').length).toBeGreaterThanOrEqual(2);
    const rest = await server.finish();
    expect(rest.every((one) => dig(one, 'method') === 'notifications/progress')).toBe(true);
    expect(server.received.at(-1)).toContain('"result"');
  }

  test('both eras -> rising numbers, none for a call without a token, none after the answer', async () => {
    await Promise.all([played(0, {}), played('tök', envelope())]);
  });
});

describe('a collection that goes on', () => {
  test('holds up no ping, no publish, no list, no cancel', async () => {
    const server = startServer();
    await connected(server);
    const filter = 'methods/busy/#';
    for (const id of [1, 2, 3]) {
      server.request(id, 'subscribe_and_collect', { session_id: 'here', topic_pattern: filter, duration_seconds: 300 });
    }
    expect(await server.call('ping', 'ping')).toHaveProperty('result');
    const publish = { session_id: 'here', topic: 'methods/busy/a', payload: 'x', qos: 1 };
    expect(await server.call('publish', 'publish_message', publish)).toHaveProperty('result.acknowledged', true);
    const open = await server.call('list', 'list_active_connections');
    expect(dig(open, 'result', 'active_connections', 0, 'subscribed_topics')).toEqual([filter]);
    for (const requestId of [1, 2, 3]) server.notify('notifications/cancelled', { requestId });
    await server.call('ping', 'ping');
    const after = await server.call('list', 'list_active_connections');
    expect(dig(after, 'result', 'active_connections', 0, 'subscribed_topics')).toEqual([]);
    expect(await server.finish()).toEqual([]);
  });

  test('shutdown in its middle -> it is answered as cancelled', async () => {
    const server = startServer({ drainMs: 100 });
    await connected(server);
    server.request(1, 'subscribe_and_collect', {
      session_id: 'here',
      topic_pattern: 'methods/end/#',
      duration_seconds: 300,
    });
    await server.call(2, 'ping');
    server.shutdown();
    expect(await server.answer(1)).toMatchObject({ error: { code: -32000, data: { code: 'cancelled' } } });
    await server.closed;
  });
});

test('a bug in the log has no message of the error, only where it happened', async () => {
  const profiles = {
    names: () => ['p'],
    open: async () => {
      throw new TypeError('the password is hunter2');
    },
  };
  const server = startServer({ profiles });
  const answer = await server.call(1, 'establish_connection', { profile: 'p' });
  expect(answer).toEqual({ jsonrpc: '2.0', id: 1, error: { code: -32603, message: expect.any(String) } });
  expect(server.logged).toHaveLength(1);
  expect(JSON.stringify([answer, server.logged])).not.toContain('hunter2');
  expect(await server.call(2, 'ping')).toHaveProperty('result');
});
