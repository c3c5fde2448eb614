// What hosts and models are told about the tools of the built program, and whether it is true.
import { describe, expect, test } from 'vitest';
import { startDaemon } from '../support/daemon.ts';
import { startFakeBroker } from '../support/fake-broker.ts';
import { judged } from '../support/schema-check.ts';
import { dig, envelope, initializeParams, type Message } from '../support/streams.ts';

/** The argument that makes a call of every tool quick; sessions are named lab. */
const quickly: Record<string, Message> = {
  close_connection: { session_id: 'lab' },
  debug_device: { session_id: 'lab', device_id: 'b', duration_seconds: 10 },
  establish_connection: { name: 'lab' },
  get_topic_schema: { session_id: 'lab', topic_pattern: 'a/#', duration_seconds: 1 },
  list_active_connections: {},
  list_topics: { session_id: 'lab', duration_seconds: 0 },
  monitor_performance: { session_id: 'lab', topic_pattern: 'a/#', duration_seconds: 1 },
  publish_message: { session_id: 'lab', topic: 'a', payload: 'x' },
  send_and_verify: { session_id: 'lab', topic: 'a', payload: 'x', timeout_seconds: 1, expect: { topic_pattern: 'b' } },
  subscribe_and_collect: { session_id: 'lab', topic_pattern: 'a/#', duration_seconds: 10 },
  test_connection: { session_id: 'lab' },
  watch_changes: { session_id: 'lab', topic_patterns: ['a/#'], duration_seconds: 1 },
};

type Tool = { name: string; title: string; description: string; inputSchema: object; annotations: Message };

async function listed(): Promise<Tool[]> {
  const { result } = await judged(startDaemon()).call(1, 'tools/list');
  return Object(dig(result, 'tools'));
}

describe('annotations', () => {
  test('each tool has a title and says all four hints', async () => {
    for (const { name, title, annotations } of await listed()) {
      expect(title, name).toMatch(/^[A-Z]/);
      expect(annotations, name).toEqual({
        title,
        readOnlyHint: expect.any(Boolean),
        destructiveHint: expect.any(Boolean),
        idempotentHint: expect.any(Boolean),
        openWorldHint: expect.any(Boolean),
      });
      // What reads only destroys nothing.
      if (annotations.readOnlyHint) expect(annotations.destructiveHint, name).toBe(false);
    }
  });

  test('only what may move a device is destructive', async () => {
    const destructive = (await listed()).filter(({ annotations }) => annotations.destructiveHint === true);
    expect(destructive.map(({ name }) => name)).toEqual(['publish_message', 'send_and_verify']);
  });

  test('a tool that says it only reads sends the broker nothing but SUBSCRIBE and UNSUBSCRIBE', async () => {
    const broker = await startFakeBroker((packet, client) => {
      if (packet.cmd !== 'subscribe') return false;
      const { messageId = 0, subscriptions } = packet;
      client.send({ cmd: 'suback', messageId, granted: subscriptions.map(() => 0) });
      // One message, so that a collection of one is over at once.
      const id = packet.properties?.subscriptionIdentifier;
      const properties = id === undefined ? {} : { properties: { subscriptionIdentifier: id } };
      client.send({ cmd: 'publish', topic: 'a/b', payload: 'x', qos: 0, retain: false, dup: false, ...properties });
      return true;
    });
    const daemon = judged(startDaemon());
    await daemon.call('c', 'establish_connection', { connection_string: broker.url, name: 'lab' });
    for (const { name, annotations } of await listed()) {
      if (annotations.readOnlyHint !== true) continue;
      const args = {
        ...(quickly[name] ?? expect.fail(`no arguments for ${name}`)),
        ...(name.includes('collect') ? { max_messages: 1 } : {}),
      };
      const before = broker.packets.length;
      const answer = await daemon.call(name, 'tools/call', { name, arguments: args });
      expect(dig(answer, 'result', 'isError'), JSON.stringify(answer)).toBeUndefined();
      const kinds = new Set(broker.packets.slice(before).map(({ cmd }) => cmd));
      for (const harmless of ['subscribe', 'unsubscribe', 'pingreq'] as const) kinds.delete(harmless);
      expect([...kinds]).toEqual([]);
    }
  });

  test('a tool that does not leave this machine says so, and sends nothing at all', async () => {
    const broker = await startFakeBroker();
    const daemon = judged(startDaemon());
    await daemon.call('c', 'establish_connection', { connection_string: broker.url, name: 'lab' });
    const before = broker.packets.length;
    for (const { name, annotations } of await listed()) {
      if (annotations.openWorldHint === true) continue;
      await daemon.call(name, 'tools/call', { name, arguments: quickly[name] ?? {} });
    }
    expect(broker.packets.slice(before)).toEqual([]);
  });

  test('--read-only -> only tools that are not destructive are offered', async () => {
    const { result } = await judged(startDaemon({ args: ['--read-only'] })).call(1, 'tools/list');
    const tools: Tool[] = Object(dig(result, 'tools'));
    expect(tools.length).toBeGreaterThan(0);
    expect(tools.filter(({ annotations }) => annotations.destructiveHint !== false)).toEqual([]);
  });
});

describe('what a model is shown', () => {
  test('names, descriptions and input schemas of all tools -> under 6,000 tokens', async () => {
    const shown = (await listed()).map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
    const bytes = Buffer.byteLength(JSON.stringify(shown));
    // Conservative: compact JSON of English text comes to about four bytes a token.
    const tokens = Math.ceil(bytes / 3.5);
    console.log(`tools/list: ${shown.length} tools, ${bytes} bytes shown to a model, at most ${tokens} tokens`);
    expect(tokens).toBeLessThan(6_000);
  });

  test('instructions -> under 200 words, that name only tools which exist', async () => {
    const daemon = judged(startDaemon());
    const hello = await daemon.call(1, 'initialize', initializeParams());
    const found = await daemon.call(2, 'server/discover', { _meta: envelope() });
    const text = String(dig(hello, 'result', 'instructions'));
    expect(dig(found, 'result', 'instructions')).toBe(text);
    expect(text.split(/\s+/).length).toBeLessThan(200);
    const known = [...(await listed()).map(({ name }) => name), 'connection_string', 'session_id', 'duration_seconds'];
    expect((text.match(/\b[a-z]+(?:_[a-z]+)+\b/g) ?? []).filter((word) => !known.includes(word))).toEqual([]);
  });

  test('every argument is described, every object is closed', async () => {
    for (const { name, inputSchema } of await listed()) {
      expect(inputSchema, name).toMatchObject({ type: 'object', additionalProperties: false });
      for (const [argument, schema] of Object.entries(Object(dig(inputSchema, 'properties')))) {
        expect(dig(schema, 'description'), `${name}.${argument}`).toMatch(/\S/);
      }
    }
  });
});

describe('what a request carries along', () => {
  const carried = {
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    tracestate: 'rojo=00f067aa0ba902b7',
    baggage: 'user=alice',
    'com.example/unknown': { deep: [1] },
    'io.modelcontextprotocol/related-task': { taskId: 'x' },
  };
  const requests: [string, Message][] = [
    ['tools/list', {}],
    ['tools/call', { name: 'list_active_connections', arguments: {} }],
    ['resources/list', {}],
    ['resources/templates/list', {}],
    ['resources/read', { uri: 'mqtt://sessions' }],
    ['prompts/list', {}],
    ['prompts/get', { name: 'explore_broker' }],
    [
      'completion/complete',
      { ref: { type: 'ref/prompt', name: 'watch_topic' }, argument: { name: 'seconds', value: '' } },
    ],
  ];
  /** Times differ from call to call. */
  const plain = (answer: Message) => JSON.stringify(answer.result).replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'then');

  test.each(requests)('%s: trace context and unknown _meta -> ignored, in both eras', async (method, params) => {
    const daemon = judged(startDaemon());
    const legacy = await daemon.call(1, method, params);
    expect(legacy).toHaveProperty('result');
    expect(plain(await daemon.call(2, method, { ...params, _meta: carried }))).toBe(plain(legacy));
    const modern = await daemon.call(3, method, { ...params, _meta: envelope() });
    expect(modern).toHaveProperty('result.resultType', 'complete');
    expect(plain(await daemon.call(4, method, { ...params, _meta: envelope(carried) }))).toBe(plain(modern));
    expect(daemon.received.join('\n')).not.toContain('traceparent');
    expect(daemon.received.join('\n')).not.toContain('com.example');
  });

  test('a malformed trace context -> ignored too', async () => {
    const daemon = judged(startDaemon());
    for (const traceparent of ['', 'nonsense', 7, null, { a: 1 }]) {
      expect(await daemon.call(1, 'tools/list', { _meta: envelope({ traceparent }) })).toHaveProperty('result');
      expect(await daemon.call(2, 'tools/list', { _meta: { traceparent } })).toHaveProperty('result');
    }
  });

  test('_meta of a direct method -> no argument of the tool', async () => {
    const answer = await judged(startDaemon()).call(1, 'list_active_connections', { _meta: carried });
    expect(answer).toHaveProperty('result.status', 'success');
  });
});
