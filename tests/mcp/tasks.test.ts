// The tasks extension with a catalog of the test's own, and the product's collections as tasks on a real broker.
import { afterEach, describe, expect, inject, onTestFinished, test, vi } from 'vitest';
import { RpcError } from '../../src/errors.ts';
import type { CallContext, ToolSource } from '../../src/mcp/catalog.ts';
import { onlooker, ownPrefix } from '../resources/onlooker.ts';
import { startMosquitto } from '../support/broker.ts';
import { startDaemon } from '../support/daemon.ts';
import { judged } from '../support/schema-check.ts';
import { dig, envelope, initializeParams, type Message, type Wire } from '../support/streams.ts';
import { serveOwn, type Tool } from './own-catalog.ts';

const extension = 'io.modelcontextprotocol/tasks';
const ofTasks = {
  'io.modelcontextprotocol/clientCapabilities': { extensions: { [extension]: {} }, elicitation: { form: {} } },
};
const required = { requiredCapabilities: { extensions: { [extension]: {} } } };

let id = 0;
function next(): number {
  id += 1;
  return id;
}

/** A request that declares the extension. */
function ask(wire: Wire, method: string, params: Message = {}): Promise<Message> {
  return wire.call(next(), method, { ...params, _meta: envelope(ofTasks) });
}

async function task(wire: Wire, taskId: unknown): Promise<unknown> {
  return (await ask(wire, 'tasks/get', { taskId })).result;
}

/** Resolves once the task has that status. */
async function reaches(wire: Wire, taskId: unknown, status: string): Promise<unknown> {
  await vi.waitFor(async () => expect(await task(wire, taskId)).toMatchObject({ status }), { timeout: 10_000 });
  return task(wire, taskId);
}

/** Work that a test lets go on when it likes. */
function gate() {
  let open = (_value: object) => {};
  const opened = new Promise<object>((resolve) => {
    open = resolve;
  });
  const signals: AbortSignal[] = [];
  const work: Tool = async (_args: unknown, { signal, progress }: CallContext) => {
    signals.push(signal);
    await Promise.resolve();
    progress({ progress: 1, message: '1 message so far' });
    const stopped = new Promise<object>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    return { value: await Promise.race([opened, stopped]) };
  };
  return { work, open: (value: object) => open(value), signals };
}

const whenPossible: Partial<ToolSource> = { asTask: () => 'when_possible' };
const question = (message: string) => ({
  method: 'elicitation/create' as const,
  params: { mode: 'form', message, requestedSchema: { type: 'object', properties: {} } },
});

afterEach(() => {
  vi.useRealTimers();
});

describe('a task', () => {
  test('comes back at once, flat, and can be fetched while it works and when it is done', async () => {
    const { work, open } = gate();
    const server = serveOwn({ work }, whenPossible);
    const { result } = await ask(server, 'tools/call', { name: 'work' });
    expect(result).toEqual({
      resultType: 'task',
      taskId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      status: 'working',
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      lastUpdatedAt: expect.any(String),
      ttlMs: 600_000,
      pollIntervalMs: 1_000,
      _meta: { 'io.modelcontextprotocol/serverInfo': expect.any(Object) },
    });
    const taskId = dig(result, 'taskId');
    expect(await task(server, taskId)).toMatchObject({
      resultType: 'complete',
      taskId,
      status: 'working',
      statusMessage: '1 message so far',
    });
    expect(await task(server, taskId)).not.toHaveProperty('result');
    open({ sum: 3 });
    expect(await reaches(server, taskId, 'completed')).toEqual({
      resultType: 'complete',
      taskId,
      status: 'completed',
      createdAt: dig(result, 'createdAt'),
      lastUpdatedAt: expect.any(String),
      ttlMs: 600_000,
      pollIntervalMs: 1_000,
      result: { content: [{ type: 'text', text: '{"sum":3}' }], structuredContent: { sum: 3 } },
      _meta: { 'io.modelcontextprotocol/serverInfo': expect.any(Object) },
    });
    // No progress, no log: it is fetched.
    expect(server.received.filter((line) => JSON.parse(line).method !== undefined)).toEqual([]);
  });

  test('sends no progress, even where a token was given', async () => {
    const { work, open } = gate();
    const server = serveOwn({ work }, whenPossible);
    const _meta = { ...envelope(ofTasks), progressToken: 'p' };
    const answer = await server.call(next(), 'tools/call', { name: 'work', _meta });
    open({});
    await reaches(server, dig(answer, 'result', 'taskId'), 'completed');
    expect(server.received.some((line) => line.includes('notifications/progress'))).toBe(false);
  });

  test('a failure of the tool -> completed, with isError; one of the protocol -> failed; a bug -> failed, and told', async () => {
    const tools: Record<string, Tool> = {
      tool: () => ({ error: { code: 'timeout', message: 'Late.', hint: 'Wait.', retryable: true } }),
      protocol: () => Promise.reject(new RpcError(-32602, 'no such thing', { why: 1 })),
      bug: () => Promise.reject(new Error('secret')),
    };
    const server = serveOwn(tools, whenPossible);
    const outcome = async (name: string) => {
      const taskId = dig(await ask(server, 'tools/call', { name }), 'result', 'taskId');
      return reaches(server, taskId, name === 'tool' ? 'completed' : 'failed');
    };
    expect(await outcome('tool')).toMatchObject({ result: { isError: true } });
    expect(await outcome('protocol')).toMatchObject({
      error: { code: -32602, message: 'no such thing', data: { why: 1 } },
    });
    expect(await outcome('bug')).toMatchObject({ error: { code: -32603, message: 'Internal error' } });
    expect(server.bugs).toHaveLength(1);
    expect(server.received.join()).not.toContain('secret');
  });

  test('cancelled -> acknowledged, its signal aborted, nothing of it afterwards; again -> acknowledged', async () => {
    const { work, open, signals } = gate();
    const server = serveOwn({ work }, whenPossible);
    const taskId = dig(await ask(server, 'tools/call', { name: 'work' }), 'result', 'taskId');
    expect((await ask(server, 'tasks/cancel', { taskId })).result).toMatchObject({ resultType: 'complete' });
    expect(signals[0]?.aborted).toBe(true);
    open({});
    const cancelled = await task(server, taskId);
    expect(cancelled).toMatchObject({ status: 'cancelled' });
    for (const name of ['result', 'error', 'statusMessage', 'inputRequests'])
      expect(cancelled).not.toHaveProperty(name);
    expect(await ask(server, 'tasks/cancel', { taskId })).toHaveProperty('result.resultType', 'complete');
    expect(server.bugs).toEqual([]);
  });

  test('cancelled while its tool goes on regardless, and asks -> it stays cancelled', async () => {
    let go = () => {};
    const held = new Promise<void>((resolve) => {
      go = resolve;
    });
    const stubborn: Tool = async () => {
      await held;
      return { input: { name: question('Who?') } };
    };
    const server = serveOwn({ stubborn }, whenPossible);
    const taskId = dig(await ask(server, 'tools/call', { name: 'stubborn' }), 'result', 'taskId');
    await ask(server, 'tasks/cancel', { taskId });
    go();
    expect(await task(server, taskId)).toMatchObject({ status: 'cancelled' });
    expect(await task(server, taskId)).not.toHaveProperty('inputRequests');
  });

  test('a cancelled notification for the call that made it -> the task goes on', async () => {
    const { work, open } = gate();
    const server = serveOwn({ work }, whenPossible);
    const call = next();
    const answer = await server.call(call, 'tools/call', { name: 'work', _meta: envelope(ofTasks) });
    server.notify('notifications/cancelled', { requestId: call });
    open({});
    await reaches(server, dig(answer, 'result', 'taskId'), 'completed');
  });

  test('the end of the input -> every task is told to stop, and the loop ends', async () => {
    const { work, signals } = gate();
    const server = serveOwn({ work }, whenPossible);
    await ask(server, 'tools/call', { name: 'work' });
    await server.finish();
    expect(signals[0]?.aborted).toBe(true);
  });

  test('64 are kept: one that is over makes room, and where none is, the next is refused', async () => {
    const { work, open } = gate();
    const server = serveOwn({ work, quick: () => ({ value: {} }) }, whenPossible);
    const first = dig(await ask(server, 'tools/call', { name: 'quick' }), 'result', 'taskId');
    await reaches(server, first, 'completed');
    for (let i = 0; i < 63; i += 1) await ask(server, 'tools/call', { name: 'work' });
    expect(await ask(server, 'tools/call', { name: 'work' })).toHaveProperty('result.resultType', 'task');
    expect(await ask(server, 'tasks/get', { taskId: first })).toHaveProperty('error.code', -32602);
    expect(await ask(server, 'tools/call', { name: 'work' })).toMatchObject({
      error: { message: expect.stringContaining('64') },
    });
    open({});
  });

  test('ten minutes after its end it is forgotten', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    const server = serveOwn({ quick: () => ({ value: {} }) }, whenPossible);
    const taskId = dig(await ask(server, 'tools/call', { name: 'quick' }), 'result', 'taskId');
    expect(await task(server, taskId)).toMatchObject({ status: 'completed' });
    vi.advanceTimersByTime(599_000);
    expect(await task(server, taskId)).toMatchObject({ status: 'completed' });
    vi.advanceTimersByTime(1_000);
    expect(await ask(server, 'tasks/get', { taskId })).toHaveProperty('error.code', -32602);
  });
});

describe('a task that asks', () => {
  const two: Tool = (_args, { answers }) => {
    if (answers.a === undefined || answers.b === undefined) return { input: { a: question('A?'), b: question('B?') } };
    return { value: answers };
  };

  test('input_required, partial answers leave the rest, all of them let it go on', async () => {
    const server = serveOwn({ two }, whenPossible);
    const taskId = dig(await ask(server, 'tools/call', { name: 'two' }), 'result', 'taskId');
    expect(await reaches(server, taskId, 'input_required')).toMatchObject({
      inputRequests: { a: question('A?'), b: question('B?') },
    });
    const a = { action: 'accept', content: { x: 1 } };
    const update = await ask(server, 'tasks/update', { taskId, inputResponses: { a, unknown: 1 } });
    expect(update.result).toEqual({ resultType: 'complete', _meta: expect.any(Object) });
    const rest = await task(server, taskId);
    expect(dig(rest, 'inputRequests')).toEqual({ b: question('B?') });
    const b = { action: 'decline' };
    await ask(server, 'tasks/update', { taskId, inputResponses: { a: { action: 'cancel' }, b } });
    const done = await reaches(server, taskId, 'completed');
    expect(dig(done, 'result', 'structuredContent')).toEqual({ a, b });
  });

  test('asked again -> under a new key, as a key is never used twice', async () => {
    const again: Tool = (_args, { answers, state }) => {
      const round = typeof state === 'number' ? state : 0;
      if (round === 3) return { value: answers };
      return { input: { name: question(`Who, ${round}?`) }, state: round + 1 };
    };
    const server = serveOwn({ again }, whenPossible);
    const taskId = dig(await ask(server, 'tools/call', { name: 'again' }), 'result', 'taskId');
    const keys: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      const key = await vi.waitUntil(async () => {
        const open = Object.keys(Object(dig(await task(server, taskId), 'inputRequests')));
        return open.find((one) => !keys.includes(one));
      });
      keys.push(key);
      await ask(server, 'tasks/update', {
        taskId,
        inputResponses: { [key]: { action: 'accept', content: { round } } },
      });
    }
    expect(new Set(keys).size).toBe(3);
    const done = await reaches(server, taskId, 'completed');
    expect(dig(done, 'result', 'structuredContent')).toEqual({ name: { action: 'accept', content: { round: 2 } } });
  });

  test('cancelled while it waits for an answer -> cancelled, without open questions', async () => {
    const server = serveOwn({ two }, whenPossible);
    const taskId = dig(await ask(server, 'tools/call', { name: 'two' }), 'result', 'taskId');
    await reaches(server, taskId, 'input_required');
    await ask(server, 'tasks/cancel', { taskId });
    expect(await task(server, taskId)).toMatchObject({ status: 'cancelled' });
    expect(await task(server, taskId)).not.toHaveProperty('inputRequests');
    expect(await ask(server, 'tasks/update', { taskId, inputResponses: {} })).toHaveProperty('result');
  });

  test('a client that cannot be asked -> failed, with -32021', async () => {
    const server = serveOwn({ two }, whenPossible);
    const meta = { 'io.modelcontextprotocol/clientCapabilities': { extensions: { [extension]: {} } } };
    const answer = await server.call(next(), 'tools/call', { name: 'two', _meta: envelope(meta) });
    const failed = await reaches(server, dig(answer, 'result', 'taskId'), 'failed');
    expect(failed).toMatchObject({ error: { code: -32021 } });
  });

  test.each([undefined, 'yes', []])('inputResponses %j -> -32602', async (inputResponses) => {
    const server = serveOwn({ two }, whenPossible);
    const taskId = dig(await ask(server, 'tools/call', { name: 'two' }), 'result', 'taskId');
    expect(await ask(server, 'tasks/update', { taskId, inputResponses })).toHaveProperty('error.code', -32602);
  });
});

describe('who may have tasks', () => {
  const always: Partial<ToolSource> = { asTask: () => 'always' };

  test('not declared -> an ordinary call; where it works as a task only, -32021', async () => {
    const call = (wire: Wire) => wire.call(next(), 'tools/call', { name: 'quick', _meta: envelope() });
    const quick: Tool = () => ({ value: { quick: true } });
    const possible = await call(serveOwn({ quick }, whenPossible));
    expect(possible).toMatchObject({ result: { resultType: 'complete', structuredContent: { quick: true } } });
    expect(await call(serveOwn({ quick }, always))).toMatchObject({ error: { code: -32021, data: required } });
  });

  test('declared by one request -> counts for that one only', async () => {
    const server = serveOwn({ quick: () => ({ value: {} }) }, whenPossible);
    const taskId = dig(await ask(server, 'tools/call', { name: 'quick' }), 'result', 'taskId');
    for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
      const params = { taskId, inputResponses: {}, _meta: envelope() };
      expect(await server.call(next(), method, params)).toMatchObject({ error: { code: -32021, data: required } });
    }
    const filter = { notifications: { taskIds: [taskId] }, _meta: envelope() };
    expect(await server.call(next(), 'subscriptions/listen', filter)).toMatchObject({
      error: { code: -32021, data: required },
    });
  });

  test('an unknown task, or none -> -32602', async () => {
    const server = serveOwn({}, whenPossible);
    for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
      for (const taskId of ['00000000-0000-4000-8000-000000000000', '', 7, undefined])
        expect(await ask(server, method, { taskId, inputResponses: {} })).toHaveProperty('error.code', -32602);
    }
  });

  test.each(['tasks/list', 'tasks/result'])('%s, of an older experiment -> -32601 in both eras', async (method) => {
    const server = serveOwn({}, whenPossible);
    expect(await ask(server, method, { taskId: 'x' })).toHaveProperty('error.code', -32601);
    expect(await server.call(next(), method, { taskId: 'x' })).toHaveProperty('error.code', -32601);
  });

  test('a legacy client -> no tasks, whatever it declares or asks for', async () => {
    const server = serveOwn({ quick: () => ({ value: { quick: true } }) }, whenPossible);
    const capabilities = { extensions: { [extension]: {} }, tasks: { requests: { tools: { call: {} } } } };
    const hello = await server.call(next(), 'initialize', initializeParams('2025-11-25', capabilities));
    expect(dig(hello, 'result', 'capabilities')).not.toHaveProperty('tasks');
    expect(dig(hello, 'result', 'capabilities')).not.toHaveProperty('extensions');
    const answer = await server.call(next(), 'tools/call', { name: 'quick', task: { ttl: 60_000 } });
    expect(answer).toMatchObject({ result: { structuredContent: { quick: true } } });
    for (const method of ['tasks/get', 'tasks/cancel', 'tasks/update'])
      expect(await server.call(next(), method, { taskId: 'x' })).toHaveProperty('error.code', -32601);
  });

  test('a program without tasks -> no extension, no methods', async () => {
    const server = serveOwn({ quick: () => ({ value: {} }) });
    const { result } = await ask(server, 'server/discover');
    expect(dig(result, 'capabilities')).not.toHaveProperty('extensions');
    expect(await ask(server, 'tasks/get', { taskId: 'x' })).toHaveProperty('error.code', -32601);
    expect(await ask(server, 'tools/call', { name: 'quick' })).toHaveProperty('result.resultType', 'complete');
  });
});

describe('tasks on a listen stream', () => {
  const stamp = { 'io.modelcontextprotocol/subscriptionId': 'l' };

  async function listening(wire: Wire, taskIds: unknown[]): Promise<unknown> {
    wire.request('l', 'subscriptions/listen', { notifications: { taskIds }, _meta: envelope(ofTasks) });
    const ack = await wire.next((one) => dig(one, 'method') === 'notifications/subscriptions/acknowledged');
    return dig(ack, 'params', 'notifications');
  }
  const isTask = (one: unknown) => dig(one, 'method') === 'notifications/tasks';

  test('every change of a task that was named, whole and stamped; none of the others', async () => {
    const [one, other] = [gate(), gate()];
    const server = serveOwn({ one: one.work, other: other.work }, whenPossible);
    const taskId = dig(await ask(server, 'tools/call', { name: 'one' }), 'result', 'taskId');
    await ask(server, 'tools/call', { name: 'other' });
    expect(await listening(server, [taskId, 'no-such-task'])).toEqual({ taskIds: [taskId] });
    other.open({});
    one.open({ sum: 1 });
    const told = await server.next(isTask);
    expect(dig(told, 'params')).toMatchObject({
      _meta: stamp,
      taskId,
      status: 'completed',
      ttlMs: 600_000,
      result: { structuredContent: { sum: 1 } },
    });
    await ask(server, 'tasks/get', { taskId });
    expect(server.received.filter((line) => isTask(JSON.parse(line)))).toHaveLength(1);
  });

  test('a question, its answer, and the end', async () => {
    const asks: Tool = (_args, { answers }) => (answers.a ? { value: {} } : { input: { a: question('A?') } });
    const { work, open } = gate();
    const both: Tool = async (args, context) => {
      await work(args, context);
      return asks(args, context);
    };
    const server = serveOwn({ both }, whenPossible);
    const taskId = dig(await ask(server, 'tools/call', { name: 'both' }), 'result', 'taskId');
    await listening(server, [taskId]);
    open({});
    expect(await server.next(isTask)).toMatchObject({ params: { status: 'input_required', inputRequests: { a: {} } } });
    await ask(server, 'tasks/update', { taskId, inputResponses: { a: { action: 'accept', content: {} } } });
    expect(await server.next(isTask)).toMatchObject({ params: { status: 'working' } });
    expect(await server.next(isTask)).toMatchObject({ params: { status: 'completed' } });
  });

  test('the stream is cancelled -> nothing more of the task', async () => {
    const { work, open } = gate();
    const server = serveOwn({ work }, whenPossible);
    const taskId = dig(await ask(server, 'tools/call', { name: 'work' }), 'result', 'taskId');
    await listening(server, [taskId]);
    server.notify('notifications/cancelled', { requestId: 'l' });
    open({});
    await reaches(server, taskId, 'completed');
    expect(server.received.some((line) => isTask(JSON.parse(line)))).toBe(false);
  });
});

describe('the built program: a long collection or listing as a task', () => {
  async function connected(url = inject('mqttUrl')) {
    const daemon = judged(startDaemon());
    const args = { connection_string: url, name: 'lab' };
    await daemon.call(next(), 'establish_connection', args);
    return daemon;
  }
  const collect = (prefix: string, more: Message = {}) => ({
    name: 'subscribe_and_collect',
    arguments: { session_id: 'lab', topic_pattern: `${prefix}/#`, duration_seconds: 30, ...more },
  });
  async function subscribed(wire: Wire): Promise<unknown> {
    const { result } = await wire.call(next(), 'list_active_connections');
    return dig(result, 'active_connections', 0, 'subscribed_topics');
  }

  test('discover declares the extension; the handshake does not', async () => {
    const server = judged(startDaemon());
    const { result } = await ask(server, 'server/discover');
    expect(dig(result, 'capabilities', 'extensions')).toMatchObject({ [extension]: {} });
    const hello = await server.call(next(), 'initialize', initializeParams());
    expect(dig(hello, 'result', 'capabilities', 'extensions')).not.toHaveProperty([extension]);
  });

  test('more than ten seconds and declared -> a task, which ends with the collection; otherwise an ordinary call', async () => {
    const broker = await onlooker();
    const prefix = ownPrefix();
    const server = await connected();
    const { result } = await ask(server, 'tools/call', collect(prefix, { max_messages: 3 }));
    expect(result).toMatchObject({ resultType: 'task', status: 'working' });
    await vi.waitFor(async () => expect(await subscribed(server)).toEqual([`${prefix}/#`]));
    for (const n of [1, 2]) await broker.publish(`${prefix}/a`, String(n));
    const taskId = dig(result, 'taskId');
    await vi.waitFor(async () => expect(dig(await task(server, taskId), 'statusMessage')).toMatch(/\b2 messages/), {
      timeout: 5_000,
    });
    await broker.publish(`${prefix}/a`, '3');
    const done = await reaches(server, taskId, 'completed');
    expect(dig(done, 'result', 'structuredContent')).toMatchObject({ status: 'success', original_message_count: 3 });
    expect(await subscribed(server)).toEqual([]);

    // Not declared: the same call keeps its client waiting. Declared, but short: no task either.
    const stops = { retained: 'only', max_messages: 1 };
    await broker.publish(`${prefix}/kept`, 'x', { retain: true });
    const undeclared = { ...collect(prefix, stops), _meta: envelope() };
    expect(await server.call(next(), 'tools/call', undeclared)).toHaveProperty('result.resultType', 'complete');
    const short = await ask(server, 'tools/call', collect(prefix, { ...stops, duration_seconds: 10 }));
    expect(short).toHaveProperty('result.resultType', 'complete');
  });

  test('its default duration counts too, and so does a listing', async () => {
    const server = await connected();
    const byDefault = collect(ownPrefix(), { duration_seconds: undefined });
    const listing = { name: 'list_topics', arguments: { session_id: 'lab', duration_seconds: 60 } };
    for (const params of [byDefault, listing]) {
      const { result } = await ask(server, 'tools/call', params);
      expect(result).toHaveProperty('resultType', 'task');
      await ask(server, 'tasks/cancel', { taskId: dig(result, 'taskId') });
    }
    const quick = { name: 'list_topics', arguments: { session_id: 'lab', pattern: ownPrefix(), duration_seconds: 0 } };
    expect(await ask(server, 'tools/call', quick)).toHaveProperty('result.resultType', 'complete');
  });

  test('tasks/cancel -> the subscription on the broker is gone', async () => {
    const prefix = ownPrefix();
    const own = await startMosquitto(); // nobody else may listen on it, nor look around
    onTestFinished(() => own.stop());
    const server = await connected(own.url);
    const { result } = await ask(server, 'tools/call', collect(prefix));
    await vi.waitFor(async () => expect(await subscribed(server)).toEqual([`${prefix}/#`]));
    await ask(server, 'tasks/cancel', { taskId: dig(result, 'taskId') });
    await vi.waitFor(async () => expect(await subscribed(server)).toEqual([]));
    const nobody = { session_id: 'lab', topic: `${prefix}/x`, payload: 'x', qos: 1 };
    // MQTT 5.0 section 3.4.2.1: the broker itself says that nobody listens.
    expect(await server.call(next(), 'publish_message', nobody)).toMatchObject({ result: { reason_code: 0x10 } });
  });

  test('told of its end on a listen stream', async () => {
    const broker = await onlooker();
    const prefix = ownPrefix();
    const server = await connected();
    const { result } = await ask(server, 'tools/call', collect(prefix, { max_messages: 1 }));
    const filter = { notifications: { taskIds: [dig(result, 'taskId')] }, _meta: envelope(ofTasks) };
    server.request('l', 'subscriptions/listen', filter);
    await server.next((one) => dig(one, 'method') === 'notifications/subscriptions/acknowledged');
    await vi.waitFor(async () => expect(await subscribed(server)).toEqual([`${prefix}/#`]));
    await broker.publish(`${prefix}/a`, '1');
    const told = await server.next((one) => dig(one, 'method') === 'notifications/tasks');
    expect(dig(told, 'params', 'result', 'structuredContent')).toMatchObject({ original_message_count: 1 });
  });

  test('arguments that do not fit -> an error of the tool, as a task too', async () => {
    const server = await connected();
    const { result } = await ask(server, 'tools/call', collect(ownPrefix(), { duration_seconds: 301 }));
    const done = await reaches(server, dig(result, 'taskId'), 'completed');
    expect(dig(done, 'result')).toMatchObject({ isError: true });
    expect(JSON.stringify(done)).toContain('/duration_seconds');
  });
});
