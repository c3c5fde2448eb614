// Dangerous writes on a real broker, for callers that cannot ask a person: a preview and a token first. A client of
// the test's own sees what really comes through.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, inject, onTestFinished, test, vi } from 'vitest';
import { startServer } from '../mcp/server.ts';
import { type Onlooker, onlooker, ownPrefix } from '../resources/onlooker.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { judged } from '../support/schema-check.ts';
import { dig, envelope, initializeParams, type Message, type Wire } from '../support/streams.ts';

let id = 0;
function next(): number {
  id += 1;
  return id;
}

type Publish = (wire: Wire, args: Message) => Promise<unknown>;

/** What a caller that cannot be asked gets, as one value: the result, or the error of the tool. */
const callers: [string, Publish][] = [
  [
    'a direct method',
    async (wire, args) => {
      const answer = await wire.call(next(), 'publish_message', args);
      return answer.result ?? { error: dig(answer, 'error', 'data') };
    },
  ],
  [
    'a legacy client without elicitation',
    async (wire, args) =>
      contentOf(await wire.call(next(), 'tools/call', { name: 'publish_message', arguments: args })),
  ],
  [
    'a modern client without elicitation',
    async (wire, args) => {
      const params = { name: 'publish_message', arguments: args, _meta: envelope() };
      return contentOf(await wire.call(next(), 'tools/call', params));
    },
  ],
];

function contentOf(answer: Message): unknown {
  return JSON.parse(String(dig(answer, 'result', 'content', 0, 'text')));
}

async function connect(wire: Wire, name = 'lab'): Promise<void> {
  const args = { connection_string: inject('mqttUrl'), name };
  expect(await wire.call(next(), 'establish_connection', args)).toHaveProperty('result.status', 'connected');
}

/** Everything that came under a prefix until now: what the session sent before is in front of its own mark. */
async function cameThrough(broker: Onlooker, wire: Wire, prefix: string): Promise<string[]> {
  const mark = `${prefix}/mark/${next()}`;
  const sent = await wire.call(next(), 'publish_message', { session_id: 'lab', topic: mark, payload: 'x', qos: 1 });
  expect(sent).toHaveProperty('result.status', 'published');
  await broker.saw(mark);
  return broker.seen.filter(({ topic }) => !topic.includes('/mark/')).map(({ topic, text }) => `${topic}=${text}`);
}

/** A broker with one retained message, someone who watches, and a server with a session. */
async function prepared(wire: Wire) {
  const broker = await onlooker();
  const prefix = ownPrefix();
  const topic = `${prefix}/kept`;
  await broker.publish(topic, '{"level":1}', { retain: true });
  await broker.watch(`${prefix}/#`);
  await connect(wire);
  const write = { session_id: 'lab', topic, payload: { level: 2 }, retain: true };
  return { broker, prefix, topic, write };
}

afterEach(() => {
  vi.useRealTimers();
});

describe.each(callers)('%s', (_who, publish) => {
  test('replacing a stored message -> a preview, a token and what to do; nothing is sent until it comes back', async () => {
    const server = judged(startServer());
    const { broker, prefix, topic, write } = await prepared(server);
    const preview = await publish(server, write);
    expect(preview).toEqual({
      status: 'confirmation_required',
      topic,
      payload_size_bytes: 11,
      qos: 0,
      retain: true,
      preview: {
        reasons: [expect.stringMatching(/replaces .*stored/)],
        replaces: { size_bytes: 11, payload: { level: 1 }, payload_type: 'json' },
      },
      confirmation_token: expect.stringMatching(/^[\w-]{16,}$/),
      confirmation_expires_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      next_step: expect.stringContaining('Nothing was sent'),
    });
    const left = Date.parse(String(dig(preview, 'confirmation_expires_at'))) - Date.now();
    expect(left).toBeGreaterThan(100_000);
    expect(left).toBeLessThanOrEqual(120_000);
    expect(await cameThrough(broker, server, prefix)).toEqual([]);

    const confirmed = { ...write, confirmation_token: dig(preview, 'confirmation_token') };
    expect(await publish(server, confirmed)).toMatchObject({ status: 'published', topic });
    expect(await cameThrough(broker, server, prefix)).toEqual([`${topic}={"level":2}`]);
    // Once.
    expect(await publish(server, { ...confirmed })).toMatchObject({ error: { code: 'invalid_arguments' } });
    expect(await cameThrough(broker, server, prefix)).toHaveLength(1);
  });

  test.each([
    ['other bytes', { payload: { level: 3 } }],
    ['another topic', { topic: 'elsewhere' }],
    ['another QoS', { qos: 1 }],
    ['not retained', { retain: false }],
    ['properties', { properties: { content_type: 'application/json' } }],
    ['another session', { session_id: 'other' }],
  ])('the token for %s -> invalid_arguments that names it, nothing sent, and it is used up', async (_what, change) => {
    const server = judged(startServer());
    const { broker, prefix, write } = await prepared(server);
    await connect(server, 'other');
    const confirmation_token = dig(await publish(server, write), 'confirmation_token');
    const problem = { error: { code: 'invalid_arguments', problems: [{ path: '/confirmation_token' }] } };
    const own = 'topic' in change ? { topic: `${prefix}/elsewhere` } : change;
    expect(await publish(server, { ...write, ...own, confirmation_token })).toMatchObject(problem);
    expect(await publish(server, { ...write, confirmation_token })).toMatchObject(problem);
    expect(await cameThrough(broker, server, prefix)).toEqual([]);
  });

  test('the token after two minutes -> invalid_arguments', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const server = judged(startServer());
    const { write } = await prepared(server);
    const [one, other] = [await publish(server, write), await publish(server, write)];
    vi.setSystemTime(Date.now() + 119_000);
    const early = { ...write, confirmation_token: dig(one, 'confirmation_token') };
    expect(await publish(server, early)).toMatchObject({ status: 'published' });
    vi.setSystemTime(Date.now() + 1_001);
    const late = { ...write, confirmation_token: dig(other, 'confirmation_token') };
    expect(await publish(server, late)).toMatchObject({ error: { code: 'invalid_arguments' } });
  });

  test.each(['AAAAAAAAAAAAAAAA', 'x', '../../etc/passwd'])(
    'an unknown token %j -> invalid_arguments',
    async (token) => {
      const server = judged(startServer());
      const { broker, prefix, write } = await prepared(server);
      const answer = await publish(server, { ...write, confirmation_token: token });
      expect(answer).toMatchObject({ error: { code: 'invalid_arguments', hint: expect.stringContaining('token') } });
      expect(await cameThrough(broker, server, prefix)).toEqual([]);
    },
  );

  test('the same bytes with another way to write them -> the same write', async () => {
    const server = judged(startServer());
    const { broker, prefix, topic, write } = await prepared(server);
    const sessions = await server.call(next(), 'list_active_connections');
    const session_id = dig(sessions, 'result', 'active_connections', 0, 'session_id');
    const confirmation_token = dig(await publish(server, write), 'confirmation_token');
    const base64 = { session_id, topic, retain: true, payload: btoa('{"level":2}'), payload_encoding: 'base64' };
    expect(await publish(server, { ...base64, confirmation_token })).toMatchObject({ status: 'published' });
    expect(await cameThrough(broker, server, prefix)).toEqual([`${topic}={"level":2}`]);
  });

  test('clearing a stored message -> confirmation_required; with the token it is gone', async () => {
    const server = judged(startServer());
    const { topic, write } = await prepared(server);
    const preview = await publish(server, { ...write, payload: '' });
    expect(dig(preview, 'preview', 'reasons')).toEqual([expect.stringContaining('clears')]);
    const confirmation_token = dig(preview, 'confirmation_token');
    expect(await publish(server, { ...write, payload: '', confirmation_token })).toMatchObject({ status: 'published' });
    const listing = { session_id: 'lab', pattern: topic, duration_seconds: 0 };
    expect(await server.call(next(), 'list_topics', listing)).toMatchObject({ result: { total_topics: 0 } });
  });

  test('what is stored is shown as what it is, and its beginning where it is large', async () => {
    const server = judged(startServer());
    const { broker, topic, write } = await prepared(server);
    await broker.publish(topic, Buffer.from([0, 255]), { retain: true });
    expect(await publish(server, write)).toMatchObject({
      preview: { replaces: { size_bytes: 2, payload: 'AP8=', payload_type: 'binary', payload_encoding: 'base64' } },
    });
    const size = 1024 * 1024;
    await broker.publish(topic, 'x'.repeat(size), { retain: true });
    const large = await publish(server, write);
    expect(large).toMatchObject({ preview: { replaces: { size_bytes: size, payload_truncated: true } } });
    expect(JSON.stringify(large).length).toBeLessThan(4_000);
    // All of it was compared.
    const same = { ...write, payload: 'x'.repeat(size) };
    expect(await publish(server, same)).toMatchObject({ status: 'published' });
    const other = { ...write, payload: `${'x'.repeat(size - 1)}y` };
    expect(await publish(server, other)).toMatchObject({ status: 'confirmation_required' });
  });

  test('$SYS, and Home Assistant discovery -> confirmation_required, retained or not', async () => {
    const server = judged(startServer());
    const { prefix } = await prepared(server);
    const lamp = prefix.replace('/', '-');
    for (const [topic, reason] of [
      ['$SYS/broker/test', /\$/],
      [`homeassistant/light/${lamp}/config`, /Home Assistant/],
    ] as const) {
      for (const retain of [false, true]) {
        const answer = await publish(server, { session_id: 'lab', topic, payload: '{}', retain });
        expect(answer).toMatchObject({
          status: 'confirmation_required',
          preview: { reasons: [expect.stringMatching(reason)] },
        });
        expect(answer).not.toHaveProperty('preview.replaces');
      }
    }
  });

  test('the same bytes, a first retained message, any message that is not retained -> sent without a word', async () => {
    const server = judged(startServer());
    const { broker, prefix, topic, write } = await prepared(server);
    const writes = [
      { ...write, payload: '{"level":1}' },
      { ...write, topic: `${prefix}/first`, payload: 'x' },
      { ...write, payload: 'passing by', retain: false },
    ];
    for (const one of writes) expect(await publish(server, one)).toMatchObject({ status: 'published' });
    expect(await cameThrough(broker, server, prefix)).toEqual([
      `${topic}={"level":1}`,
      `${prefix}/first=x`,
      `${topic}=passing by`,
    ]);
  });

  test('a payload of a mebibyte can be confirmed too', async () => {
    const server = judged(startServer());
    const { write } = await prepared(server);
    const large = { ...write, payload: 'x'.repeat(1024 * 1024) };
    const confirmation_token = dig(await publish(server, large), 'confirmation_token');
    expect(await publish(server, { ...large, confirmation_token })).toMatchObject({ status: 'published' });
  });

  test('looking at what is stored leaves no subscription behind', async () => {
    const server = judged(startServer());
    const { write } = await prepared(server);
    await publish(server, write);
    const sessions = await server.call(next(), 'list_active_connections');
    expect(dig(sessions, 'result', 'active_connections', 0, 'subscribed_topics')).toEqual([]);
  });
});

test('a legacy client that can be asked, send_and_verify with correlation data of our own -> asked once, sent once', async () => {
  const server = judged(startServer());
  const { broker, prefix } = await prepared(server);
  await server.call('i', 'initialize', initializeParams('2025-11-25', { elicitation: {} }));
  server.notify('notifications/initialized');
  const topic = `${prefix}/cmd`;
  const args = { topic, payload: 'reboot', properties: { response_topic: `${prefix}/answer` }, timeout_seconds: 1 };
  server.request('v', 'tools/call', { name: 'send_and_verify', arguments: { session_id: 'lab', ...args } });
  const asked = await server.next((one) => dig(one, 'method') === 'elicitation/create');
  server.send({ jsonrpc: '2.0', id: dig(asked, 'id'), result: { action: 'accept', content: { confirm: true } } });
  expect(contentOf(await server.answer('v'))).toMatchObject({ status: 'no_reaction', acknowledged: true });
  expect(server.received.filter((line) => line.includes('elicitation/create'))).toHaveLength(1);
  expect(await cameThrough(broker, server, prefix)).toEqual([`${topic}=reboot`]);
});

describe('a modern client that can be asked', () => {
  const meta = { 'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } } };
  const call = (wire: Wire, args: Message, more: Message = {}) =>
    wire.call(next(), 'tools/call', { name: 'publish_message', arguments: args, ...more, _meta: envelope(meta) });
  const inputResponses = { confirm: { action: 'accept', content: { confirm: true } } };

  async function asked(wire: Wire, args: Message): Promise<unknown> {
    const { result } = await call(wire, args);
    expect(result).toMatchObject({
      resultType: 'input_required',
      inputRequests: { confirm: { method: 'elicitation/create', params: { mode: 'form' } } },
    });
    return dig(result, 'requestState');
  }

  test('asked, nothing sent; the same call with the answer and the state -> sent', async () => {
    const server = judged(startServer());
    const { broker, prefix, topic, write } = await prepared(server);
    const requestState = await asked(server, write);
    expect(String(requestState).length).toBeLessThan(500);
    expect(await cameThrough(broker, server, prefix)).toEqual([]);
    const sent = await call(server, write, { inputResponses, requestState });
    expect(contentOf(sent)).toMatchObject({ status: 'published' });
    expect(await cameThrough(broker, server, prefix)).toEqual([`${topic}={"level":2}`]);
  });

  test('where answers are to go is told: escaped, cut', async () => {
    const server = judged(startServer());
    const { write } = await prepared(server);
    const words = async (properties: Message) => {
      const { result } = await call(server, { ...write, properties });
      return String(dig(result, 'inputRequests', 'confirm', 'params', 'message'));
    };
    const told = await words({ response_topic: `reply\u202e/${'x'.repeat(400)}` });
    expect(told).toContain('It carries MQTT 5 properties; answers are to go to "reply\\u202e/xxx');
    expect(told).toMatch(/x"….$/);
    expect(told.length).toBeLessThan(900);
    expect(await words({ content_type: 'text/plain' })).toMatch(/It carries MQTT 5 properties\.$/);
  });

  test('an answer without the state of its question -> asked again, nothing sent', async () => {
    const server = judged(startServer());
    const { broker, prefix, write } = await prepared(server);
    const { result } = await call(server, write, { inputResponses });
    expect(result).toHaveProperty('resultType', 'input_required');
    expect(await cameThrough(broker, server, prefix)).toEqual([]);
  });

  test.each([
    ['tampered with', {}, (state: string) => `${state.slice(0, -1)}${state.endsWith('A') ? 'B' : 'A'}`],
    ['cut', {}, (state: string) => state.slice(0, 20)],
    ['of other bytes', { payload: { level: 3 } }, (state: string) => state],
    ['of another topic', { topic: 'elsewhere' }, (state: string) => state],
    ['of another QoS', { qos: 2 }, (state: string) => state],
  ])('a state that is %s -> -32602, nothing sent', async (_what, change, changed) => {
    const server = judged(startServer());
    const { broker, prefix, write } = await prepared(server);
    const requestState = changed(String(await asked(server, write)));
    const answer = await call(server, { ...write, ...change }, { inputResponses, requestState });
    expect(answer).toHaveProperty('error.code', -32602);
    expect(await cameThrough(broker, server, prefix)).toEqual([]);
  });

  test('a state of more than ten minutes ago -> -32602', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const server = judged(startServer());
    const { write } = await prepared(server);
    const requestState = await asked(server, write);
    vi.setSystemTime(Date.now() + 600_001);
    expect(await call(server, write, { inputResponses, requestState })).toHaveProperty('error.code', -32602);
  });

  test('the name of the session has come to mean another one meanwhile -> asked again', async () => {
    const server = judged(startServer());
    const { broker, prefix, write } = await prepared(server);
    const requestState = await asked(server, write);
    await server.call(next(), 'close_connection', { session_id: 'lab' });
    await connect(server);
    const { result } = await call(server, write, { inputResponses, requestState });
    expect(result).toHaveProperty('resultType', 'input_required');
    expect(await cameThrough(broker, server, prefix)).toEqual([]);
  });

  test('what is stored changes while the person thinks -> their word counts for what they were shown', async () => {
    const server = judged(startServer());
    const { broker, topic, write } = await prepared(server);
    const requestState = await asked(server, write);
    await broker.publish(topic, 'meanwhile', { retain: true });
    const sent = await call(server, write, { inputResponses, requestState });
    expect(contentOf(sent)).toMatchObject({ status: 'published' });
  });
});

describe('what whoever runs the server says about it', () => {
  /** The built program with a policy in its config. */
  function configured(danger: string): Daemon {
    const dir = mkdtempSync(join(tmpdir(), 'bitsperity-mqtt-mcp-danger-'));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    writeFileSync(join(dir, 'config.json'), JSON.stringify({ policy: { danger } }));
    return judged(startDaemon({ args: ['--config', join(dir, 'config.json')] }));
  }
  const [, [, legacy], [, modern]] = [callers[0], callers[1] ?? fail(), callers[2] ?? fail()];

  test('deny -> policy_denied with the reason, nothing sent, and no token helps', async () => {
    const daemon = configured('deny');
    const { broker, prefix, write } = await prepared(daemon);
    for (const publish of [legacy, modern]) {
      const answer = await publish(daemon, write);
      expect(answer).toMatchObject({ error: { code: 'policy_denied', message: expect.stringContaining('replaces') } });
      const bold = await publish(daemon, { ...write, confirmation_token: 'AAAAAAAAAAAAAAAA' });
      expect(bold).toHaveProperty('error');
    }
    expect(await cameThrough(broker, daemon, prefix)).toEqual([]);
  });

  test('deny -> a person who could be asked is not', async () => {
    const daemon = configured('deny');
    const { write } = await prepared(daemon);
    await daemon.call('i', 'initialize', initializeParams('2025-11-25', { elicitation: {} }));
    expect(await legacy(daemon, write)).toMatchObject({ error: { code: 'policy_denied' } });
    expect(daemon.received.some((line) => line.includes('elicitation/create'))).toBe(false);
  });

  test('allow -> sent at once, without a look at what is stored', async () => {
    const daemon = configured('allow');
    const { broker, prefix, topic, write } = await prepared(daemon);
    expect(await legacy(daemon, write)).toMatchObject({ status: 'published' });
    expect(await modern(daemon, { ...write, payload: '' })).toMatchObject({ status: 'published' });
    expect(await cameThrough(broker, daemon, prefix)).toEqual([`${topic}={"level":2}`, `${topic}=`]);
  });

  test('ask, which is the default -> asked', async () => {
    const daemon = configured('ask');
    const { write } = await prepared(daemon);
    expect(await legacy(daemon, write)).toMatchObject({ status: 'confirmation_required' });
  });
});

function fail(): never {
  throw new Error('a caller is missing');
}
