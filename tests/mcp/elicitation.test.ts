// Asking the client in the middle of a call: one handler, both eras, nothing of the product.
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { CallContext } from '../../src/mcp/catalog.ts';
import { dig, envelope, initializeParams, type Message } from '../support/streams.ts';
import { type OwnServer, serveOwn, type Tool } from './own-catalog.ts';

const form = { mode: 'form', message: 'Which plot?', requestedSchema: { type: 'object', properties: {} } } as const;
const question = { method: 'elicitation/create', params: form } as const;
const ofForms = { 'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } } };

/** Asks once, and says what it was answered and what came back as its state. */
const asksOnce: Tool = (_args, { answers, state }) =>
  answers.plot === undefined ? { input: { plot: question }, state: { round: 1 } } : { value: { answers, state } };

/** Asks again and again, so many times. */
const asks =
  (times: number) =>
  (_args: unknown, { state }: CallContext) => {
    const round = typeof state === 'number' ? state : 0;
    return round < times ? { input: { again: question }, state: round + 1 } : { value: { rounds: round } };
  };

const value = (answer: unknown) => dig(answer, 'result', 'structuredContent');

afterEach(() => {
  vi.useRealTimers();
});

describe('modern: the call ends with input_required, and is made again', () => {
  const call = (server: OwnServer, id: number, params: Message, meta: Message = ofForms) =>
    server.call(id, 'tools/call', { ...params, _meta: envelope(meta) });

  test('question and state go out; answer and state come back, under a new id', async () => {
    const server = serveOwn({ ask: asksOnce });
    const asked = await call(server, 1, { name: 'ask', arguments: { a: 1 } });
    expect(asked.result).toEqual({
      resultType: 'input_required',
      inputRequests: { plot: question },
      requestState: expect.stringMatching(/^[\w-]{40,}$/),
      _meta: { 'io.modelcontextprotocol/serverInfo': expect.any(Object) },
    });
    const requestState = dig(asked, 'result', 'requestState');
    const plot = { action: 'accept', content: { plot: 'a' } };
    const params = { name: 'ask', arguments: { a: 1 }, inputResponses: { plot, unknown: 1 }, requestState };
    expect(value(await call(server, 2, params))).toEqual({ answers: { plot, unknown: 1 }, state: { round: 1 } });
    // Nothing is remembered in between: the same answer counts for the same call, whoever sends it.
    expect(value(await call(server, 3, params))).toHaveProperty('state', { round: 1 });
  });

  test('no answer, or none that is an object -> asked again', async () => {
    const server = serveOwn({ ask: asksOnce });
    const requestState = dig(await call(server, 1, { name: 'ask' }), 'result', 'requestState');
    for (const inputResponses of [undefined, {}, { other: 1 }, 'yes', []]) {
      const again = await call(server, 2, { name: 'ask', inputResponses, requestState });
      expect(again).toHaveProperty('result.resultType', 'input_required');
    }
  });

  test('a tool that fills defaults into its arguments -> still the same call', async () => {
    const fills: Tool = (args, context) => asksOnce(Object.assign(Object(args), { filled: true }), context);
    const server = serveOwn({ ask: fills });
    const params = { name: 'ask', arguments: { a: 1 } };
    const requestState = dig(await call(server, 1, params), 'result', 'requestState');
    const inputResponses = { plot: { action: 'accept', content: {} } };
    expect(await call(server, 2, { ...params, inputResponses, requestState })).toHaveProperty('result.content');
  });

  test('several rounds carry their state on', async () => {
    const server = serveOwn({ ask: asks(3) });
    let answer = await call(server, 0, { name: 'ask' });
    for (let id = 1; dig(answer, 'result', 'resultType') === 'input_required'; id += 1) {
      const inputResponses = { again: { action: 'accept', content: {} } };
      answer = await call(server, id, {
        name: 'ask',
        inputResponses,
        requestState: dig(answer, 'result', 'requestState'),
      });
    }
    expect(value(answer)).toEqual({ rounds: 3 });
    expect(server.sent).toHaveLength(4);
  });

  test.each([
    ['cut', (token: string) => ({ requestState: token.slice(0, -2) })],
    ['changed', (token: string) => ({ requestState: `${token.startsWith('A') ? 'B' : 'A'}${token.slice(1)}` })],
    ['empty', () => ({ requestState: '' })],
    ['no string', () => ({ requestState: { round: 1 } })],
    ['null', () => ({ requestState: null })],
    ['of another tool', (token: string) => ({ requestState: token, name: 'other' })],
    ['of other arguments', (token: string) => ({ requestState: token, arguments: { a: 2 } })],
    ['of no arguments', (token: string) => ({ requestState: token, arguments: undefined })],
  ])('a requestState that is %s -> -32602, and the tool is not run', async (_what, changed) => {
    const run = vi.fn(asksOnce);
    const server = serveOwn({ ask: run, other: run });
    const params = { name: 'ask', arguments: { a: 1 } };
    const token = String(dig(await call(server, 1, params), 'result', 'requestState'));
    const inputResponses = { plot: { action: 'accept', content: {} } };
    const answer = await call(server, 2, { ...params, inputResponses, ...changed(token) });
    expect(answer).toMatchObject({ error: { code: -32602, message: expect.stringContaining('requestState') } });
    expect(run).toHaveBeenCalledTimes(1);
  });

  test('a requestState of another process -> -32602', async () => {
    const [one, other] = [serveOwn({ ask: asksOnce }), serveOwn({ ask: asksOnce })];
    const requestState = dig(await call(one, 1, { name: 'ask' }), 'result', 'requestState');
    expect(await call(other, 1, { name: 'ask', requestState })).toHaveProperty('error.code', -32602);
  });

  test('a requestState of another method -> -32602', async () => {
    const uri = 'own://x';
    const read = async (_uri: string, { answers }: CallContext) =>
      answers.plot === undefined ? { input: { plot: question } } : [{ uri, text: 'here' }];
    const resources = { list: () => [], templates: () => [], read };
    const server = serveOwn({ ask: asksOnce }, {}, { resources });
    const _meta = envelope(ofForms);
    const asked = await server.call(1, 'resources/read', { uri, _meta });
    const requestState = dig(asked, 'result', 'requestState');
    expect(asked).toHaveProperty('result.resultType', 'input_required');
    // It is not a result that may be kept.
    expect(asked.result).not.toHaveProperty('ttlMs');
    const inputResponses = { plot: { action: 'cancel' } };
    expect(await call(server, 2, { name: 'ask', inputResponses, requestState })).toHaveProperty('error.code', -32602);
    const done = await server.call(3, 'resources/read', { uri, inputResponses, requestState, _meta });
    expect(done).toMatchObject({ result: { contents: [{ text: 'here' }], ttlMs: 0 } });
  });

  test('a requestState of more than ten minutes ago -> -32602', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const server = serveOwn({ ask: asksOnce });
    const requestState = dig(await call(server, 1, { name: 'ask' }), 'result', 'requestState');
    const inputResponses = { plot: { action: 'accept', content: {} } };
    vi.setSystemTime(Date.now() + 599_000);
    expect(await call(server, 2, { name: 'ask', inputResponses, requestState })).toHaveProperty('result');
    vi.setSystemTime(Date.now() + 1_001);
    expect(await call(server, 3, { name: 'ask', inputResponses, requestState })).toHaveProperty('error.code', -32602);
  });

  test.each([
    [{}, { elicitation: { form: {} } }],
    [{ elicitation: { url: {} } }, { elicitation: { form: {} } }],
    [{ elicitation: true }, { elicitation: { form: {} } }],
    [{ sampling: {} }, { elicitation: { form: {} } }],
  ])('a client that declares %j -> -32021 with what it needs', async (capabilities, requiredCapabilities) => {
    const server = serveOwn({ ask: asksOnce });
    const meta = { 'io.modelcontextprotocol/clientCapabilities': capabilities };
    const answer = await call(server, 1, { name: 'ask' }, meta);
    expect(answer).toMatchObject({ error: { code: -32021, data: { requiredCapabilities } } });
  });

  test.each([[{ elicitation: {} }], [{ elicitation: { form: {}, url: {} } }]])(
    '%j means forms',
    async (capabilities) => {
      const server = serveOwn({ ask: asksOnce });
      const meta = { 'io.modelcontextprotocol/clientCapabilities': capabilities };
      expect(await call(server, 1, { name: 'ask' }, meta)).toHaveProperty('result.resultType', 'input_required');
    },
  );

  test('what an earlier request declared does not count for this one', async () => {
    const server = serveOwn({ ask: asksOnce });
    expect(await call(server, 1, { name: 'ask' })).toHaveProperty('result');
    expect(await call(server, 2, { name: 'ask' }, {})).toHaveProperty('error.code', -32021);
  });

  test('the server writes no request, whatever happens', async () => {
    const server = serveOwn({ ask: asks(2) });
    await call(server, 1, { name: 'ask' });
    expect(server.received.filter((line) => JSON.parse(line).method !== undefined)).toEqual([]);
  });
});

describe('legacy: the call stays open while the client is asked', () => {
  async function opened(version: string, run = asksOnce, capabilities: object = { elicitation: {} }) {
    const server = serveOwn({ ask: run });
    await server.call('i', 'initialize', initializeParams(version, capabilities));
    server.notify('notifications/initialized');
    return server;
  }
  const isQuestion = (one: unknown) => dig(one, 'method') === 'elicitation/create';

  test.each([
    ['2025-11-25', form],
    ['2025-06-18', { message: form.message, requestedSchema: form.requestedSchema }],
  ])('%s: a request with an id of its own, and mode only where it exists', async (version, params) => {
    const server = await opened(version);
    server.request(1, 'tools/call', { name: 'ask' });
    const asked = await server.next(isQuestion);
    expect(asked).toEqual({ jsonrpc: '2.0', id: expect.any(String), method: 'elicitation/create', params });
    const result = { action: 'accept', content: { plot: 'a' } };
    server.send({ jsonrpc: '2.0', id: dig(asked, 'id'), result });
    expect(value(await server.answer(1))).toEqual({ answers: { plot: result }, state: { round: 1 } });
  });

  test('ids of the client that look like ours, answers that nobody asked for -> no confusion', async () => {
    const server = await opened('2025-11-25');
    server.send({ jsonrpc: '2.0', id: 's1', result: { action: 'decline' } });
    server.request('s1', 'tools/call', { name: 'ask' });
    const asked = await server.next(isQuestion);
    server.send({ jsonrpc: '2.0', id: 'nobody', result: {} });
    server.send({ jsonrpc: '2.0', id: dig(asked, 'id'), result: { action: 'cancel' } });
    expect(value(await server.answer('s1'))).toHaveProperty('answers.plot.action', 'cancel');
  });

  test('several rounds, each with a question of its own', async () => {
    const server = await opened('2025-11-25', asks(3));
    server.request(1, 'tools/call', { name: 'ask' });
    const ids = new Set<unknown>();
    for (let round = 0; round < 3; round += 1) {
      const id = dig(await server.next(isQuestion), 'id');
      ids.add(id);
      server.send({ jsonrpc: '2.0', id, result: { action: 'accept', content: {} } });
    }
    expect(value(await server.answer(1))).toEqual({ rounds: 3 });
    expect(ids.size).toBe(3);
  });

  test('a handler that never has enough -> an error after ten rounds', async () => {
    const server = await opened('2025-11-25', asks(1_000));
    server.request(1, 'tools/call', { name: 'ask' });
    for (let round = 0; round < 10; round += 1) {
      const id = dig(await server.next(isQuestion), 'id');
      server.send({ jsonrpc: '2.0', id, result: { action: 'accept', content: {} } });
    }
    expect(await server.answer(1)).toHaveProperty('error.code', -32603);
  });

  test('a client that answers with an error -> as if the person had cancelled', async () => {
    const server = await opened('2025-11-25');
    server.request(1, 'tools/call', { name: 'ask' });
    const id = dig(await server.next(isQuestion), 'id');
    server.send({ jsonrpc: '2.0', id, error: { code: -32601, message: 'never heard of it' } });
    expect(value(await server.answer(1))).toHaveProperty('answers.plot', { action: 'cancel' });
  });

  test('the call is cancelled while the person thinks -> the question is withdrawn, and the call stays silent', async () => {
    const server = await opened('2025-11-25');
    server.request(1, 'tools/call', { name: 'ask' });
    const id = dig(await server.next(isQuestion), 'id');
    server.notify('notifications/cancelled', { requestId: 1 });
    const withdrawn = await server.next((one) => dig(one, 'method') === 'notifications/cancelled');
    expect(withdrawn).toHaveProperty('params.requestId', id);
    server.send({ jsonrpc: '2.0', id, result: { action: 'accept', content: {} } });
    expect(await server.call(2, 'ping')).toHaveProperty('result', {});
    expect(await server.finish()).toEqual([]);
  });

  test('the client goes away while the person thinks -> the call is answered, and the loop ends', async () => {
    const server = await opened('2025-11-25');
    server.request(1, 'tools/call', { name: 'ask' });
    await server.next(isQuestion);
    server.end();
    expect(value(await server.answer(1))).toHaveProperty('answers.plot', { action: 'cancel' });
    await server.over;
  });

  test.each([
    ['a client that cannot be asked', {}],
    ['one that only opens pages', { elicitation: { url: {} } }],
  ])('%s -> an error that is none of the modern era', async (_who, capabilities) => {
    const server = await opened('2025-11-25', asksOnce, capabilities);
    const answer = await server.call(1, 'tools/call', { name: 'ask' });
    expect(answer).toHaveProperty('error.code', -32600);
    expect(server.received.filter((line) => line.includes('elicitation/create'))).toEqual([]);
  });

  test('a client that never said initialize -> cannot be asked', async () => {
    const server = serveOwn({ ask: asksOnce });
    expect(await server.call(1, 'tools/call', { name: 'ask' })).toHaveProperty('error.code', -32600);
  });

  test('both eras on one stream: each is asked in its own way', async () => {
    const server = await opened('2025-11-25');
    server.request(1, 'tools/call', { name: 'ask' });
    server.request(2, 'tools/call', { name: 'ask', _meta: envelope(ofForms) });
    expect(await server.answer(2)).toHaveProperty('result.resultType', 'input_required');
    const id = dig(await server.next(isQuestion), 'id');
    server.send({ jsonrpc: '2.0', id, result: { action: 'accept', content: {} } });
    expect((await server.answer(1)).result).not.toHaveProperty('resultType');
  });
});
