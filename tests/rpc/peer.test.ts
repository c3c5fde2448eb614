import { PassThrough, Writable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { RpcError } from '../../src/errors.ts';
import type { Call } from '../../src/rpc/call.ts';
import { MAX_BATCH } from '../../src/rpc/incoming.ts';
import { isObject } from '../../src/rpc/message.ts';
import { type Handlers, MAX_IN_FLIGHT, Peer } from '../../src/rpc/peer.ts';
import { dig, type Message, Wire } from '../support/streams.ts';

type Options = Partial<Handlers> & { drainMs?: number };
type Report = { event: string; error: unknown };
type TestPeer = Wire & { peer: Peer; input: PassThrough; output: PassThrough; reports: Report[] };

/** A peer over in-memory streams whose handler is `request`. */
function startPeer(request: Handlers['request'], { drainMs = 200, ...more }: Options = {}): TestPeer {
  const input = new PassThrough();
  const output = new PassThrough();
  const reports: Report[] = [];
  const handlers: Handlers = { request, ...defaults(reports), ...more };
  const peer = new Peer({ input, output, handlers, drainMs });
  const wire = new Wire(input, output);
  peer.start();
  peer.closed.then(() => output.end());
  onTestFinished(async () => {
    input.destroy();
    peer.shutdown();
    await peer.closed;
  });
  return Object.assign(wire, { peer, input, output, reports });
}

function defaults(reports: Report[]): Omit<Handlers, 'request'> {
  const report: Handlers['report'] = (event, error) => void reports.push({ event, error });
  return { notification: () => {}, acceptsBatch: () => false, report };
}

/** A handler whose calls stay open until they are told; `started` has them in their order. */
function held() {
  const started: Call[] = [];
  const open = new Map<string, (value: unknown) => void>();
  const request: Handlers['request'] = (call) => {
    started.push(call);
    return call.method === 'ping' ? {} : new Promise((resolve) => open.set(String(call.id), resolve));
  };
  const finish = (id: string | number, value: unknown = { id }) => open.get(String(id))?.(value);
  return { request, started, finish, ids: () => started.map(({ id }) => id) };
}

/** Ends when the call is aborted, as a well-behaved handler does. */
const untilAborted: Handlers['request'] = (call) =>
  new Promise((_resolve, reject) => call.signal.addEventListener('abort', () => reject(call.signal.reason)));

const request = (id: unknown, method = 'hold', params?: object): Message => ({
  jsonrpc: '2.0',
  id,
  method,
  ...(params ? { params } : {}),
});
const cancel = (requestId: unknown): Message => ({
  jsonrpc: '2.0',
  method: 'notifications/cancelled',
  params: { requestId },
});
const result = (id: unknown, value: unknown = {}): Message => ({ jsonrpc: '2.0', id, result: value });

/** Cancels as methods.ts does. */
function cancelling(own: () => TestPeer): Pick<Handlers, 'notification'> {
  return {
    notification: (method, params) => {
      const id = params?.requestId;
      if (method === 'notifications/cancelled' && (typeof id === 'string' || typeof id === 'number'))
        own().peer.cancel(id);
    },
  };
}

describe('answers', () => {
  test.each([0, 1, -7, 'a', '', '1', '…\u202e"\n'])('id %j is echoed with its type', async (id) => {
    const wire = startPeer(() => ({ ok: true }));
    expect(await wire.call(id, 'm')).toEqual(result(id, { ok: true }));
  });

  test('1 and "1" are two ids', async () => {
    const { request, finish } = held();
    const wire = startPeer(request);
    wire.send({ jsonrpc: '2.0', id: 1, method: 'a' }, { jsonrpc: '2.0', id: '1', method: 'b' });
    await wire.call(2, 'ping');
    finish('1', 'the string, which was started last');
    expect(await wire.answer('1')).toEqual(result('1', 'the string, which was started last'));
  });

  test('requests start in arrival order and finish in any', async () => {
    const { request: handler, finish, ids } = held();
    const wire = startPeer(handler);
    wire.send(request(1), request(2), request(3), request('p', 'ping'));
    expect(await wire.next()).toEqual(result('p'));
    expect(ids()).toEqual([1, 2, 3, 'p']);
    for (const id of [2, 3, 1]) {
      finish(id);
      expect(await wire.next()).toEqual(result(id, { id }));
    }
  });

  test('duplicate ids in flight -> both are answered', async () => {
    const { request: handler, finish } = held();
    const wire = startPeer((call) => handler({ ...call, id: String(call.params?.n), method: call.method }));
    wire.send(request(1, 'm', { n: 0 }), request(1, 'm', { n: 1 }));
    finish(1, 'second');
    expect(await wire.answer(1)).toEqual(result(1, 'second'));
    finish(0, 'first');
    expect(await wire.answer(1)).toEqual(result(1, 'first'));
  });

  test('notifications -> never an answer, whatever they are and whatever comes of them', async () => {
    const seen: string[] = [];
    const notification = (method: string) => {
      seen.push(method);
      if (method === 'bad') throw new Error('a bug with a secret');
    };
    const wire = startPeer(() => ({}), { notification });
    wire.notify('unknown');
    wire.notify('bad', { a: 1 });
    wire.send('{"jsonrpc":"2.0","method":"odd","params":[1]}');
    await wire.call(1, 'ping');
    expect(seen).toEqual(['unknown', 'bad', 'odd']);
    expect(wire.reports).toMatchObject([{ event: 'bug' }]);
    expect(await wire.finish()).toEqual([]);
  });

  test('responses that nobody asked for -> no answer, not even where they are malformed', async () => {
    const wire = startPeer(() => ({}));
    wire.send(
      result('s1'),
      result(99),
      { jsonrpc: '2.0', error: { code: -32700, message: 'from a peer that answers errors' } },
      { jsonrpc: '2.0', id: null, error: { code: -32700, message: 'x' } },
      { id: 's1', result: {} },
    );
    await wire.call(1, 'ping');
    expect(await wire.finish()).toEqual([]);
  });

  test('a message split at every byte -> answered once', async () => {
    const wire = startPeer(({ params }) => params);
    const bytes = Buffer.from(`${JSON.stringify(request(1, 'm', { text: 'ä€😀' }))}\r\n`);
    for (const byte of bytes) wire.input.write(Buffer.from([byte]));
    expect(await wire.answer(1)).toEqual(result(1, { text: 'ä€😀' }));
    expect(await wire.finish()).toEqual([]);
  });

  test('a last line without newline -> answered', async () => {
    const wire = startPeer(() => ({}));
    wire.input.write(JSON.stringify(request(1)));
    expect(await wire.finish()).toEqual([result(1)]);
  });
});

describe('lines that are no message', () => {
  test.each([
    ['not JSON', 'hello', -32700],
    ['a truncated line', '{"jsonrpc":"2.0","id":1,', -32700],
    ['not an object', '42', -32600],
    ['a batch where there are none', '[{"jsonrpc":"2.0","id":1,"method":"m"}]', -32600],
    ['id null', '{"jsonrpc":"2.0","id":null,"method":"m"}', -32600],
  ])('%s -> one error without id, the next line is served', async (_name, line, code) => {
    const wire = startPeer(() => ({}));
    wire.send(line, request(2));
    expect(await wire.next()).toEqual({ jsonrpc: '2.0', error: { code, message: expect.any(String) } });
    expect(await wire.next()).toEqual(result(2));
    expect(wire.reports).toMatchObject([{ event: 'bad_line' }]);
    expect(await wire.finish()).toEqual([]);
  });

  test('invalid UTF-8 -> one -32700, the next line is served', async () => {
    const wire = startPeer(() => ({}));
    wire.input.write(Buffer.from([0x7b, 0xff, 0xfe, 0x7d, 10]));
    wire.send(request(2));
    expect(dig(await wire.next(), 'error', 'code')).toBe(-32700);
    expect(await wire.next()).toEqual(result(2));
  });

  test.each([
    ['one byte over 4 MiB', 4 * 1024 * 1024 + 1],
    ['10 MiB', 10 * 1024 * 1024],
  ])('a line of %s -> exactly one -32700, the next line is served', async (_name, bytes) => {
    const wire = startPeer(() => ({}));
    const line = Buffer.alloc(bytes, 'x');
    for (let at = 0; at < bytes; at += 65_536) wire.input.write(line.subarray(at, at + 65_536));
    wire.send('', request(2));
    const error = await wire.next();
    expect(error).toEqual({ jsonrpc: '2.0', error: { code: -32700, message: expect.stringContaining('4194304') } });
    expect(await wire.next()).toEqual(result(2));
    expect(await wire.finish()).toEqual([]);
  });

  test('a request of exactly 4 MiB -> served', async () => {
    const wire = startPeer(({ params }) => ({ length: String(params?.text).length }));
    const empty = JSON.stringify(request(1, 'm', { text: '' }));
    const length = 4 * 1024 * 1024 - empty.length;
    wire.send(request(1, 'm', { text: 'x'.repeat(length) }));
    expect(await wire.answer(1)).toEqual(result(1, { length }));
  });
});

describe('batches, where they are accepted', () => {
  const acceptsBatch = () => true;

  test('one array of answers, when the last is there; nothing for its notifications', async () => {
    const { request: handler, finish } = held();
    const wire = startPeer(handler, { acceptsBatch });
    wire.send([request(1), { jsonrpc: '2.0', method: 'n' }, request('p', 'ping')], request(2, 'ping'));
    expect(await wire.next()).toEqual(result(2));
    finish(1);
    expect(await wire.next()).toEqual([result('p'), result(1, { id: 1 })]);
  });

  test('only notifications and responses -> nothing at all', async () => {
    const wire = startPeer(() => ({}), { acceptsBatch });
    wire.send([{ jsonrpc: '2.0', method: 'a' }, result('s9'), { jsonrpc: '2.0', method: 'b' }]);
    wire.send(request(1));
    expect(await wire.finish()).toEqual([result(1)]);
  });

  test('empty -> one -32600, not in an array', async () => {
    const wire = startPeer(() => ({}), { acceptsBatch });
    wire.send('[]');
    expect(await wire.next()).toEqual({ jsonrpc: '2.0', error: { code: -32600, message: expect.any(String) } });
  });

  test('initialize inside -> refused, the rest is served', async () => {
    const methods: string[] = [];
    const handler = (call: Call) => methods.push(call.method);
    const wire = startPeer(handler, { acceptsBatch });
    wire.send([request(1, 'initialize'), request(2, 'ping')]);
    expect(await wire.next()).toEqual([
      { jsonrpc: '2.0', id: 1, error: { code: -32600, message: expect.stringContaining('initialize') } },
      result(2, 1),
    ]);
    expect(methods).toEqual(['ping']);
  });

  test('invalid items -> an error each, in the same array', async () => {
    const wire = startPeer(() => ({}), { acceptsBatch });
    wire.send([1, {}, [request(9)], { jsonrpc: '2.0', id: 3 }, request(4)]);
    const code = { error: { code: -32600 } };
    expect(await wire.next()).toMatchObject([code, code, code, { id: 3, ...code }, result(4)]);
  });

  test('a cancelled item is left out; where nothing is left, nothing is sent', async () => {
    const { request: handler, finish, started } = held();
    const wire = startPeer(handler, { acceptsBatch, ...cancelling(() => wire) });
    wire.send([request(1), request(2)], [request(3)], cancel(1), cancel(3), request('p', 'ping'));
    await wire.answer('p');
    expect(started.map(({ signal }) => signal.aborted)).toEqual([true, false, true, false]);
    finish(2);
    expect(await wire.next()).toEqual([result(2, { id: 2 })]);
    expect(await wire.finish()).toEqual([]);
  });

  test(`more than ${MAX_IN_FLIGHT} requests in one -> at most as many at once, all answered in one array`, async () => {
    const { request: handler, finish, started } = held();
    const wire = startPeer(handler, { acceptsBatch });
    wire.send(
      Array.from({ length: 600 }, (_, i) => request(i)),
      request('p', 'ping'),
    );
    await vi.waitFor(() => expect(started.length).toBe(MAX_IN_FLIGHT));
    for (let id = 0; id < 600; id += 1) {
      await vi.waitFor(() => expect(started.length).toBeGreaterThan(id));
      expect(started.length).toBeLessThanOrEqual(MAX_IN_FLIGHT + id);
      finish(id);
    }
    const answers = await wire.next((one) => Array.isArray(one));
    expect(answers).toEqual(Array.from({ length: 600 }, (_, id) => result(id, { id })));
    await wire.answer('p');
  });

  test(`more than ${MAX_BATCH} messages -> one -32600, none is started`, async () => {
    const { request: handler, started } = held();
    const wire = startPeer(handler, { acceptsBatch });
    wire.send(Array.from({ length: MAX_BATCH + 1 }, (_, i) => request(i)));
    expect(await wire.next()).toMatchObject({ error: { code: -32600 } });
    expect(started).toEqual([]);
  });
});

describe('many at once', () => {
  test(`at most ${MAX_IN_FLIGHT} in flight; reading pauses beyond, and goes on with every one that ends`, async () => {
    const { request: handler, finish, ids } = held();
    const wire = startPeer(handler);
    const all = Array.from({ length: 600 }, (_, i) => i);
    for (const id of all) wire.send(request(id, 'hold', { pad: 'x'.repeat(1000) }));
    await vi.waitFor(() => expect(ids().length).toBe(MAX_IN_FLIGHT));
    expect(wire.input.isPaused()).toBe(true);
    // What is not read stays where it is: the pipe is full.
    expect(wire.input.writableNeedDrain).toBe(true);
    finish(7);
    expect(await wire.answer(7)).toEqual(result(7, { id: 7 }));
    await vi.waitFor(() => expect(ids().length).toBe(MAX_IN_FLIGHT + 1));
    for (const id of all) {
      await vi.waitFor(() => expect(ids().length).toBeGreaterThan(id));
      finish(id);
    }
    for (const id of all) if (id !== 7) await wire.answer(id);
    expect(ids()).toEqual(all);
    expect(wire.input.isPaused()).toBe(false);
    expect(await wire.finish()).toEqual([]);
  });

  test('with all places taken a cancel still gets through, and so does the answer that a call waits for', async () => {
    const { request: handler, started, ids } = held();
    const wire = startPeer(
      (call) => (call.method === 'ask' ? call.request('roots/list', {}) : handler(call)),
      cancelling(() => wire),
    );
    wire.send(request('asking', 'ask'));
    for (let id = 1; id < MAX_IN_FLIGHT; id += 1) wire.send(request(id));
    const asked = await wire.next();
    await vi.waitFor(() => expect(started.length).toBe(MAX_IN_FLIGHT - 1));
    wire.send(cancel(1));
    await vi.waitFor(() => expect(started[0]?.signal.aborted).toBe(true));
    wire.send(request('late'));
    await vi.waitFor(() => expect(ids()).toContain('late'));
    wire.send(result(dig(asked, 'id'), 'the answer'));
    expect(await wire.answer('asking')).toEqual(result('asking', 'the answer'));
  });

  test('100,000 requests in one write -> all answered, in order', async () => {
    const wire = startPeer(({ id }) => id);
    const lines = Array.from({ length: 100_000 }, (_, i) => JSON.stringify(request(i)));
    wire.input.write(`${lines.join('\n')}\n`);
    const rest = await wire.finish();
    expect(rest.length).toBe(100_000);
    expect(rest.every((one, i) => dig(one, 'id') === i && dig(one, 'result') === i)).toBe(true);
  });

  test('any messages, cut anywhere -> every request answered exactly once, nothing else', {
    timeout: 60_000,
  }, async () => {
    const id = fc.oneof(fc.nat(5), fc.string({ maxLength: 3 }));
    const method = fc.constantFrom('now', 'soon', 'later', 'throw', 'reject', 'ö€😀');
    const single = fc.record({ jsonrpc: fc.constant('2.0'), id, method }, { requiredKeys: ['jsonrpc', 'method'] });
    const line = fc.oneof(
      { weight: 5, arbitrary: single },
      fc.array(single, { minLength: 1, maxLength: 4 }),
      fc.constant(''),
    );
    const handler: Handlers['request'] = ({ id, method }) => {
      if (method === 'throw') throw new RpcError(1, 'thrown');
      if (method === 'reject') return Promise.reject(new Error('a bug'));
      if (method === 'soon') return Promise.resolve(id);
      return method === 'later' ? new Promise((resolve) => setImmediate(() => resolve(id))) : id;
    };
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 30 }),
        fc.array(fc.nat(), { maxLength: 10 }),
        async (lines, cuts) => {
          const text = lines.map((one) => (one === '' ? '\r\n' : `${JSON.stringify(one)}\n`)).join('');
          const bytes = Buffer.from(text);
          const input = new PassThrough();
          const output = new PassThrough();
          const handlers = { request: handler, ...defaults([]), acceptsBatch: () => true };
          const peer = new Peer({ input, output, handlers, drainMs: 1000 });
          const wire = new Wire(input, output);
          peer.start();
          peer.closed.then(() => output.end());
          const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
          for (const [i, to] of at.slice(1).entries()) input.write(bytes.subarray(at[i], to));
          const answers = (await wire.finish()).flat();
          const asked = lines.flat().flatMap((one) => (isObject(one) && 'id' in one ? [one.id] : []));
          const ids = (all: unknown[]) => all.map((one) => JSON.stringify(one)).sort();
          expect(ids(answers.map((one) => dig(one, 'id')))).toEqual(ids(asked));
        },
      ),
    );
  });
});

describe('cancelling', () => {
  test('during -> the work is told, stays silent, and frees its place', async () => {
    const { request: handler, started } = held();
    const wire = startPeer(
      handler,
      cancelling(() => wire),
    );
    wire.send(request(1));
    await vi.waitFor(() => expect(started.length).toBe(1));
    wire.send(cancel(1));
    await wire.call(2, 'ping');
    expect(started[0]?.signal.aborted).toBe(true);
    expect(await wire.finish()).toEqual([]);
  });

  test('in the same write as its request -> started once, silent, the lines behind are served once', async () => {
    const { request: handler, ids, started } = held();
    const wire = startPeer(
      handler,
      cancelling(() => wire),
    );
    wire.send(request('a', 'ping'), request(1), cancel(1), request(2), cancel(2), request('b', 'ping'));
    expect(await wire.finish()).toEqual([result('a'), result('b')]);
    expect(ids()).toEqual(['a', 1, 2, 'b']);
    expect(started.map(({ signal }) => signal.aborted)).toEqual([false, true, true, false]);
    expect(wire.reports).toEqual([]);
  });

  test('before the request, after its answer, of an unknown id, of a malformed id -> ignored', async () => {
    const wire = startPeer(
      () => ({}),
      cancelling(() => wire),
    );
    wire.send(cancel(1), request(1));
    expect(await wire.next()).toEqual(result(1));
    wire.send(cancel(1), cancel('1'), cancel(null), cancel({}), { jsonrpc: '2.0', method: 'notifications/cancelled' });
    expect(await wire.call(2, 'ping')).toEqual(result(2));
  });

  test('1 is not "1"', async () => {
    const { request: handler, finish } = held();
    const wire = startPeer(
      handler,
      cancelling(() => wire),
    );
    wire.send(request(1), cancel('1'));
    await wire.call(2, 'ping');
    finish(1);
    expect(await wire.answer(1)).toEqual(result(1, { id: 1 }));
  });

  test('initialize -> goes on', async () => {
    const { request: handler, finish } = held();
    const wire = startPeer(
      handler,
      cancelling(() => wire),
    );
    wire.send(request(1, 'initialize'), cancel(1), request(2, 'ping'));
    await wire.answer(2);
    finish(1);
    expect(await wire.answer(1)).toEqual(result(1, { id: 1 }));
  });

  test('what its work still says, also while it is told, is not sent', async () => {
    let late = () => {};
    const handler: Handlers['request'] = (call) => {
      if (call.method === 'ping') return {};
      const progress = () => call.notify('notifications/progress', { progressToken: 1, progress: 1 });
      progress();
      late = progress;
      call.signal.addEventListener('abort', progress);
      call.notifyAfter('notifications/after');
      return untilAborted(call);
    };
    const wire = startPeer(
      handler,
      cancelling(() => wire),
    );
    wire.send(request(1));
    expect(await wire.next()).toMatchObject({ method: 'notifications/progress' });
    wire.send(cancel(1));
    await wire.call(2, 'ping');
    late();
    expect(await wire.finish()).toEqual([]);
    expect(wire.reports).toEqual([]);
  });

  test('the id may be used again', async () => {
    const { request: handler, finish, started } = held();
    const wire = startPeer(
      handler,
      cancelling(() => wire),
    );
    wire.send(request(1), cancel(1), request(1), request(2, 'ping'));
    await wire.answer(2);
    expect(started.map(({ signal }) => signal.aborted)).toEqual([true, false, false]);
    finish(1, 'the second');
    expect(await wire.answer(1)).toEqual(result(1, 'the second'));
  });
});

describe('what a handler does wrong', () => {
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  const failing: [string, Handlers['request']][] = [
    [
      'throws',
      () => {
        throw new Error('secret at /home/me');
      },
    ],
    [
      'rejects',
      async () => {
        throw new TypeError('secret at /home/me');
      },
    ],
    [
      'throws no error',
      () => {
        throw 'secret';
      },
    ],
    ['rejects with nothing', () => Promise.reject()],
    ['returns what JSON cannot hold', () => ({ n: 1n })],
    ['resolves with what JSON cannot hold', async () => circular],
    [
      'returns what throws when it is read',
      () => ({
        toJSON() {
          throw new Error('secret');
        },
      }),
    ],
  ];

  test.each(failing)(
    '%s -> -32603 that leaks nothing; it is reported, and the loop goes on',
    async (_name, handler) => {
      const wire = startPeer((call) => (call.method === 'ping' ? {} : handler(call)));
      wire.send(request(1), request(2, 'ping'));
      const error = { code: -32603, message: 'Internal error; the log on stderr says more' };
      expect(await wire.answer(1)).toEqual({ jsonrpc: '2.0', id: 1, error });
      expect(await wire.answer(2)).toEqual(result(2));
      expect(wire.reports).toMatchObject([{ event: 'bug' }]);
      expect(await wire.finish()).toEqual([]);
    },
  );

  test('an RpcError is answered as it is, thrown or rejected; it is no bug', async () => {
    const error = new RpcError(-32022, 'no', { supported: ['x'] });
    const wire = startPeer(({ method }) => {
      if (method === 'throw') throw error;
      return Promise.reject(error);
    });
    const answer = { error: { code: -32022, message: 'no', data: { supported: ['x'] } } };
    expect(await wire.call(1, 'throw')).toMatchObject(answer);
    expect(await wire.call(2, 'reject')).toMatchObject(answer);
    expect(wire.reports).toEqual([]);
  });

  test('data of an RpcError that JSON cannot hold is left out', async () => {
    const wire = startPeer(async () => {
      throw new RpcError(-1, 'no', circular);
    });
    expect(await wire.call(1, 'm')).toEqual({ jsonrpc: '2.0', id: 1, error: { code: -1, message: 'no' } });
  });

  test('nothing returned -> result null', async () => {
    expect(await startPeer(() => undefined).call(1, 'm')).toEqual(result(1, null));
  });

  test('notifications of a call go before its answer, notifyAfter behind it, and none once it is over', async () => {
    const calls: Call[] = [];
    const wire = startPeer(async (call) => {
      calls.push(call);
      call.notify('before', { n: 1 });
      call.notifyAfter('after', { n: 2 });
      return {};
    });
    wire.send(request(1));
    const all = [await wire.next(), await wire.next(), await wire.next()];
    expect(all).toMatchObject([{ method: 'before' }, { id: 1 }, { method: 'after' }]);
    calls[0]?.notify('late');
    expect(await wire.finish()).toEqual([]);
  });
});

describe('asking the other side', () => {
  const asks: Handlers['request'] = (call) =>
    call.method === 'ping' ? {} : call.request('roots/list', { of: call.id });

  test('its result is the result, with ids of our own', async () => {
    const wire = startPeer(asks);
    wire.send(request('s1'));
    const asked = await wire.next();
    expect(asked).toEqual({ jsonrpc: '2.0', id: expect.any(String), method: 'roots/list', params: { of: 's1' } });
    wire.send(result(dig(asked, 'id'), { roots: [] }));
    expect(await wire.answer('s1')).toEqual(result('s1', { roots: [] }));
  });

  test('its error rejects with code, message and data', async () => {
    const wire = startPeer(async (call) => {
      const error: unknown = await call.request('m', {}).catch((reason: unknown) => reason);
      return error instanceof RpcError ? { code: error.code, message: error.message, data: error.data } : 'no RpcError';
    });
    wire.send(request(1));
    const id = dig(await wire.next(), 'id');
    wire.send({ jsonrpc: '2.0', id, error: { code: -1, message: 'declined', data: 7 } });
    expect(await wire.answer(1)).toEqual(result(1, { code: -1, message: 'declined', data: 7 }));
  });

  test('cancelled meanwhile -> the other side is told, a late answer is ignored', async () => {
    const wire = startPeer(
      asks,
      cancelling(() => wire),
    );
    wire.send(request(1));
    const id = dig(await wire.next(), 'id');
    wire.send(cancel(1));
    expect(await wire.next()).toEqual({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } });
    wire.send(result(id, 'late'), request(2, 'ping'));
    expect(await wire.next()).toEqual(result(2));
    expect(wire.reports).toEqual([]);
  });

  test('an answer under another id is ignored', async () => {
    const wire = startPeer(asks);
    wire.send(request(1));
    const id = dig(await wire.next(), 'id');
    wire.send(result('s999', 'wrong'), result(1, 'wrong'), result(id, 'right'), result(id, 'twice'));
    expect(await wire.answer(1)).toEqual(result(1, 'right'));
    expect(await wire.finish()).toEqual([]);
  });

  test('100 at once, answered in reverse -> each gets its own', async () => {
    const wire = startPeer(asks);
    for (let i = 0; i < 100; i += 1) wire.send(request(i));
    const asked = [];
    for (let i = 0; i < 100; i += 1) asked.push(await wire.next());
    expect(new Set(asked.map((one) => dig(one, 'id'))).size).toBe(100);
    for (const one of asked.reverse()) wire.send(result(dig(one, 'id'), { for: dig(one, 'params', 'of') }));
    for (let i = 0; i < 100; i += 1) expect(await wire.answer(i)).toEqual(result(i, { for: i }));
  });

  test('once the input has ended -> rejects at once, nothing is asked', async () => {
    const { request: handler, finish } = held();
    const asking: Handlers['request'] = async (call) => {
      await handler(call);
      return call.request('m', {});
    };
    const wire = startPeer(asking, { drainMs: 60_000 });
    wire.send(request(1), request(2));
    wire.end();
    await new Promise((resolve) => wire.input.once('close', resolve));
    for (const id of [1, 2]) finish(id);
    const ended = { error: { code: -32603, message: 'The stream has ended' } };
    expect(await wire.finish()).toMatchObject([
      { id: 1, ...ended },
      { id: 2, ...ended },
    ]);
  });

  test('asked before the input has ended -> rejects at the end of the input', async () => {
    const wire = startPeer(asks, { drainMs: 60_000 });
    wire.send(request(1));
    await wire.next();
    expect(await wire.finish()).toMatchObject([{ id: 1, error: { message: 'The stream has ended' } }]);
  });

  test('by a call that is cancelled, or over -> nothing is asked', async () => {
    const calls: Call[] = [];
    const handler: Handlers['request'] = (call) => {
      calls.push(call);
      return call.method === 'hold' ? untilAborted(call) : Promise.resolve({});
    };
    const wire = startPeer(
      handler,
      cancelling(() => wire),
    );
    wire.send(request(1), cancel(1), request(2, 'm'));
    await wire.answer(2);
    const asked = calls.map((call) => call.request('m', {}).catch((reason: unknown) => String(reason)));
    expect(await Promise.all(asked)).toEqual([expect.stringContaining('cancelled'), expect.stringContaining('over')]);
    expect(await wire.finish()).toEqual([]);
  });
});

describe('the output', () => {
  /** Takes a chunk when it is told to. */
  class SlowReader extends Writable {
    readonly chunks: string[] = [];
    #release: (() => void) | undefined;
    open = false;

    constructor() {
      super({ highWaterMark: 16 * 1024, decodeStrings: false });
    }

    override _write(chunk: string, _encoding: string, done: () => void): void {
      this.chunks.push(chunk);
      if (this.open) setImmediate(done);
      else this.#release = done;
    }

    goOn(): void {
      this.open = true;
      this.#release?.();
    }

    get lines(): string[] {
      return this.chunks.join('').split('\n').slice(0, -1);
    }
  }

  function slowPeer(handler: Handlers['request'], drainMs = 10_000) {
    const input = new PassThrough();
    const output = new SlowReader();
    const peer = new Peer({ input, output, handlers: { request: handler, ...defaults([]) }, drainMs });
    peer.start();
    onTestFinished(() => {
      input.destroy();
      output.destroy();
    });
    return { input, output, peer };
  }

  test('a slow reader -> reading stops, little is held; then all is there, in order, whole lines a write', async () => {
    let served = 0;
    const pad = 'x'.repeat(1000);
    const { input, output, peer } = slowPeer(({ id }) => {
      served += 1;
      return { id, pad };
    });
    const count = 5_000;
    for (let id = 0; id < count; id += 1) input.write(`${JSON.stringify(request(id))}\n`);
    await vi.waitFor(() => expect(input.isPaused()).toBe(true));
    expect(output.writableNeedDrain).toBe(true);
    expect(served).toBeLessThan(2_000);
    output.goOn();
    input.end();
    await peer.closed;
    expect(served).toBe(count);
    expect(output.lines.map((line) => dig(JSON.parse(line), 'id'))).toEqual(Array.from({ length: count }, (_, i) => i));
    expect(output.chunks.every((chunk) => chunk.endsWith('\n'))).toBe(true);
  });

  test('a slow reader at the end of the input, past the drain -> what was read is still answered while it reads', async () => {
    const { input, output, peer } = slowPeer(({ id }) => ({ id, pad: 'x'.repeat(20_000) }), 20);
    for (let id = 0; id < 100; id += 1) input.write(`${JSON.stringify(request(id))}\n`);
    input.end();
    await vi.waitFor(() => expect(output.chunks.length).toBe(1));
    output.goOn();
    await peer.closed;
    expect(output.lines.map((line) => dig(JSON.parse(line), 'id'))).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  test('a reader that never reads -> the end of the input still ends the loop', async () => {
    const { input, output, peer } = slowPeer(() => ({ pad: 'x'.repeat(100_000) }), 20);
    for (let id = 0; id < 10; id += 1) input.write(`${JSON.stringify(request(id))}\n`);
    input.end();
    await peer.closed;
    expect(output.chunks.length).toBe(1);
  });

  test('notifications to a reader that never reads -> dropped beyond a limit, answers are not', async () => {
    const text = 'x'.repeat(10_000);
    const { input, output, peer } = slowPeer((call) => {
      for (let i = 0; i < 10; i += 1) call.notify('notifications/message', { level: 'info', data: text });
      return {};
    });
    for (let i = 0; i < 5_000; i += 1) peer.notify('notifications/resources/updated', { uri: text });
    expect(output.writableLength).toBeGreaterThan(16 * 1024 * 1024);
    expect(output.writableLength).toBeLessThan(20 * 1024 * 1024);
    input.end(`${JSON.stringify(request('a'))}\n`);
    await vi.waitFor(() => expect(input.readableLength).toBe(0));
    output.goOn();
    await peer.closed;
    expect(JSON.parse(output.lines.at(-1) ?? '')).toEqual(result('a'));
    expect(output.lines.length).toBeLessThan(2_100);
  });

  test('the answers of one turn leave in one write; a great many in several', async () => {
    const { input, output, peer } = slowPeer(() => ({ pad: 'x'.repeat(100_000) }));
    output.open = true;
    input.write(Array.from({ length: 50 }, (_, id) => `${JSON.stringify(request(id))}\n`).join(''));
    input.end();
    await peer.closed;
    expect(output.lines.length).toBe(50);
    expect(output.chunks.length).toBeGreaterThan(2);
    expect(output.chunks.length).toBeLessThan(10);
  });

  test('EPIPE -> ends quietly; what is in flight is stopped', async () => {
    const { request: handler, started } = held();
    const wire = startPeer(handler);
    wire.send(request(1));
    await vi.waitFor(() => expect(started.length).toBe(1));
    wire.output.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    await wire.peer.closed;
    expect(started[0]?.signal.aborted).toBe(true);
    expect(wire.reports).toEqual([]);
    wire.send(request(2));
    wire.peer.notify('into the void');
    expect(started.length).toBe(1);
  });

  test('notify -> a line that belongs to no call', async () => {
    const wire = startPeer(() => ({}));
    wire.peer.notify('notifications/x', { a: 1 });
    wire.peer.notify('notifications/y');
    expect(await wire.next()).toEqual({ jsonrpc: '2.0', method: 'notifications/x', params: { a: 1 } });
    expect(await wire.next()).toEqual({ jsonrpc: '2.0', method: 'notifications/y' });
  });
});

describe('the end of the input', () => {
  test('idle -> ends at once, and says so to who listens', async () => {
    const ending = vi.fn();
    const wire = startPeer(() => ({}), { drainMs: 60_000, ending });
    await wire.call(1, 'ping');
    expect(await wire.finish()).toEqual([]);
    expect(ending).toHaveBeenCalledTimes(1);
  });

  test('in flight -> answered within the drain, and then it is over at once', async () => {
    const { request: handler, finish } = held();
    const wire = startPeer(handler, { drainMs: 60_000 });
    wire.send(request(1));
    wire.end();
    await new Promise((resolve) => wire.input.once('end', resolve));
    finish(1);
    expect(await wire.finish()).toEqual([result(1, { id: 1 })]);
  });

  test('in flight past the drain -> aborted, and answered with what the handler makes of it', async () => {
    const wire = startPeer(
      (call) =>
        new Promise((resolve) =>
          call.signal.addEventListener('abort', () => resolve({ partial: String(call.signal.reason) })),
        ),
    );
    wire.send(request(1));
    expect(await wire.finish()).toEqual([result(1, { partial: 'Cancelled: the server is shutting down' })]);
  });

  test('a handler that just rejects with the reason -> -32000, no bug', async () => {
    const wire = startPeer(untilAborted);
    wire.send(request(1));
    const error = { code: -32000, message: 'Cancelled: the server is shutting down' };
    expect(await wire.finish()).toEqual([{ jsonrpc: '2.0', id: 1, error }]);
    expect(wire.reports).toEqual([]);
  });

  test('a handler that ignores the abort -> answered for; what it says later is not sent', async () => {
    const { request: handler, finish } = held();
    const wire = startPeer(handler);
    wire.send(request(1), request('b'));
    const error = { code: -32000, message: 'Cancelled: the server is shutting down' };
    expect(await wire.finish()).toEqual([1, 'b'].map((id) => ({ jsonrpc: '2.0', id, error })));
    finish(1);
  });

  test('what waits behind 256 calls is answered too, but no work begins after the drain', async () => {
    const started: Call[] = [];
    const handler: Handlers['request'] = (call) => {
      started.push(call);
      return call.signal.aborted ? Promise.reject(call.signal.reason) : untilAborted(call);
    };
    const wire = startPeer(handler);
    const lines = Array.from({ length: 400 }, (_, id) => JSON.stringify(request(id)));
    wire.input.write(`${lines.join('\n')}\n`);
    await vi.waitFor(() => expect(started.length).toBe(MAX_IN_FLIGHT));
    wire.peer.shutdown();
    const rest = await wire.finish();
    const ids = rest.map((one) => Number(dig(one, 'id'))).sort((a, b) => a - b);
    expect(ids).toEqual(Array.from({ length: 400 }, (_, i) => i));
    expect(rest.every((one) => dig(one, 'error', 'code') === -32000)).toBe(true);
    expect(wire.reports).toEqual([]);
  });

  test('what waits behind 256 calls is done in the drain where they end in time', async () => {
    const { request: handler, finish, started } = held();
    const wire = startPeer(handler, { drainMs: 60_000 });
    wire.input.write(Array.from({ length: 400 }, (_, id) => `${JSON.stringify(request(id))}\n`).join(''));
    wire.end();
    for (let id = 0; id < 400; id += 1) {
      await vi.waitFor(() => expect(started.length).toBeGreaterThan(id));
      finish(id);
    }
    expect(await wire.finish()).toEqual(Array.from({ length: 400 }, (_, id) => result(id, { id })));
  });

  test('shutdown -> like the end of the input, though it goes on; what comes later is not read', async () => {
    const { request: handler, finish, ids } = held();
    const wire = startPeer(handler, { drainMs: 60_000 });
    wire.send(request(1));
    await vi.waitFor(() => expect(ids()).toEqual([1]));
    wire.peer.shutdown();
    wire.send(request(2));
    finish(1);
    await wire.peer.closed;
    expect(await wire.finish()).toEqual([result(1, { id: 1 })]);
    expect(ids()).toEqual([1]);
  });

  test('shutdown in the middle of a line -> nothing is said of it', async () => {
    const wire = startPeer(() => ({}));
    await wire.call(1, 'ping');
    wire.input.write('{"jsonrpc":"2.0","id":2,"met');
    await vi.waitFor(() => expect(wire.input.readableLength).toBe(0));
    wire.peer.shutdown();
    expect(await wire.finish()).toEqual([]);
    expect(wire.reports).toEqual([]);
  });

  test('shutdown after the end of the input -> no more drain', async () => {
    const wire = startPeer(untilAborted, { drainMs: 60_000 });
    wire.send(request(1));
    wire.end();
    await new Promise((resolve) => wire.input.once('end', resolve));
    wire.peer.shutdown();
    wire.peer.shutdown();
    expect(await wire.finish()).toMatchObject([{ id: 1, error: { code: -32000 } }]);
  });

  test('an input that breaks -> the same as its end', async () => {
    const wire = startPeer(() => ({}));
    await wire.call(1, 'ping');
    wire.input.destroy(new Error('read ECONNRESET'));
    await wire.peer.closed;
  });
});
