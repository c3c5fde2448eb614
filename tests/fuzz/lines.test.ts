// Whatever bytes come in, through a whole server: each request is answered once, nothing else is, and the loop goes on.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { definitions } from '../../src/generated/definitions.ts';
import { isId, isObject } from '../../src/rpc/message.ts';
import { serverInMemory } from '../mcp/server.ts';
import { dig, envelope, initializeParams } from '../support/streams.ts';
import { cases, fuzzAsync, patience } from './cases.ts';

const LINES_EACH = 10;
const LINES = cases(3_000, 120);

const methods = [
  'ping',
  'logging/setLevel',
  'server/discover',
  'subscriptions/listen',
  'tools/list',
  'tools/call',
].concat(
  [
    'resources/list',
    'resources/templates/list',
    'resources/read',
    'resources/subscribe',
    'prompts/list',
    'prompts/get',
  ],
  ['completion/complete', 'tasks/get', 'tasks/update', 'tasks/cancel', 'no/such', ''],
  ['notifications/initialized', 'notifications/cancelled', 'notifications/progress'],
);
const tools = Object.keys(definitions);
/** None of these can be dialled. */
const words = [
  'x',
  'mqtt://',
  'lab',
  'a/+',
  '#',
  '$SYS/#',
  'mqtt://sessions',
  'file:///',
  '2025-11-25',
  '{}',
  'ö😀\u202e',
];
const id = fc.oneof(fc.nat(4), fc.constantFrom('a', '', 'a"b', -1, 2 ** 53, 1.5, null, {}, true));
const meta = fc.constantFrom(undefined, {}, envelope(), envelope({ progressToken: 1 }), { progressToken: 'p' }, 7);

const args = fc.dictionary(
  fc.constantFrom(
    'session_id',
    'topic',
    'topic_pattern',
    'payload',
    'profile',
    'duration_seconds',
    'device_id',
    'expect',
  ),
  fc.oneof(fc.constantFrom(...words), fc.integer(), fc.jsonValue({ maxDepth: 2 })),
  { maxKeys: 4 },
);
const call = fc.tuple(fc.constantFrom(...tools, ...words), args, meta).map(([name, given, _meta]) => {
  return { method: 'tools/call', params: { name, arguments: given, _meta } };
});
const direct = fc.tuple(fc.constantFrom(...tools), args).map(([method, params]) => ({ method, params }));
const other = fc.tuple(
  fc.constantFrom(...methods),
  fc.oneof(
    fc.dictionary(
      fc.constantFrom('uri', 'name', 'cursor', 'level', 'taskId', 'requestId', 'ref', 'argument', 'arguments'),
      fc.oneof(fc.constantFrom(...words), fc.jsonValue({ maxDepth: 2 })),
      { maxKeys: 3 },
    ),
    fc.constantFrom(undefined, null, [], 'x', { requestId: 1 }),
  ),
  meta,
);
const named = other.map(([method, params, _meta]) => ({
  method,
  params: isObject(params) ? { ...params, _meta } : params,
}));
const single = fc.tuple(
  fc.oneof(
    call,
    direct,
    named,
    fc.constantFrom({ result: {} }, { error: { code: 1, message: 'x' } }, { error: 7 }, {}),
  ),
  fc.constantFrom('2.0', '2.0', '2.0', '2.0', '1.0', undefined),
  fc.option(id, { nil: undefined, freq: 5 }),
);
const message = single.map(([body, jsonrpc, own]) => ({ jsonrpc, ...(own === undefined ? {} : { id: own }), ...body }));
const sound = fc
  .oneof({ weight: 8, arbitrary: message }, { weight: 1, arbitrary: fc.array(message, { maxLength: 5 }) })
  .map((one) => Buffer.from(JSON.stringify(one)));

/** A few bytes changed, taken out, or put in; a line feed makes two of a line. */
const damage = fc.array(fc.tuple(fc.nat(), fc.oneof(fc.nat(255), fc.constantFrom(...'\n\r"{}[],:\\0 ')), fc.nat(2)), {
  minLength: 1,
  maxLength: 4,
});
const mutated = fc.tuple(sound, damage).map(([line, changes]) => {
  let bytes = line;
  for (const [place, value, way] of changes) {
    const at = place % (bytes.length + 1);
    const put = way === 1 ? Buffer.alloc(0) : typeof value === 'number' ? Buffer.from([value]) : Buffer.from(value);
    bytes = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(way === 2 ? at : at + 1)]);
  }
  return bytes;
});
const deep = fc
  .tuple(fc.constantFrom('[', '{"a":', '{"jsonrpc":"2.0","id":1,"method":'), fc.nat(20_000))
  .map(([open, depth]) => Buffer.from(`${open.repeat(depth)}1${(open === '[' ? ']' : '}').repeat(depth)}`));
const carried = fc.tuple(fc.constantFrom(...tools), fc.constantFrom(30, 2_000, 20_000)).map(([name, depth]) => {
  const value = `${'['.repeat(depth)}${']'.repeat(depth)}`;
  return Buffer.from(
    `{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"${name}","arguments":{"a":${value}}}}`,
  );
});
const HUGE = [4 * 1024 * 1024 - 1, 4 * 1024 * 1024, 4 * 1024 * 1024 + 1, 9_000_000].map((size) =>
  Buffer.alloc(size, 'x'),
);
const MANY = [1_000, 1_001].map((count) =>
  Buffer.from(JSON.stringify(Array(count).fill({ jsonrpc: '2.0', method: 'x' }))),
);
const line = fc.oneof(
  { weight: 200, arbitrary: sound },
  { weight: 200, arbitrary: mutated },
  { weight: 40, arbitrary: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 6, arbitrary: deep },
  { weight: 6, arbitrary: carried },
  { weight: 1, arbitrary: fc.constantFrom(...HUGE, ...MANY) },
);
const conversation = fc.record({
  version: fc.constantFrom(undefined, '2025-03-26', '2025-11-25'),
  lines: fc.array(line, { minLength: LINES_EACH, maxLength: LINES_EACH }),
  cuts: fc.array(fc.nat(), { maxLength: 12 }),
  ending: fc.constantFrom('\n', '\r\n'),
});

test(`${LINES} lines of any bytes -> one answer to each request, none to anything else`, patience(LINES, 20), () =>
  fuzzAsync(
    'lines',
    LINES,
    conversation,
    async ({ version, lines, cuts, ending }) => {
      const server = serverInMemory({ drainMs: 5 });
      if (version !== undefined) await server.call('begin', 'initialize', initializeParams(version));
      const bytes = Buffer.concat(
        [...lines, Buffer.from('{"jsonrpc":"2.0","id":"end","method":"ping"}')].flatMap((one) => [
          one,
          Buffer.from(ending),
        ]),
      );
      const wanted = answersTo(bytes, version === '2025-03-26');
      for (const chunk of pieces(bytes, cuts)) server.write(chunk);
      const received = (await server.finish()).flat().filter((one) => dig(one, 'method') === undefined);
      const got = countIds(received);
      for (const cancelled of wanted.cancelled) for (const counts of [got, wanted.ids]) counts.delete(cancelled);
      expect([...got].sort()).toEqual([...wanted.ids].sort());
      expect(received.filter((one) => dig(one, 'error', 'code') === -32603)).toEqual([]);
      expect(server.logged.filter(({ msg }) => msg === 'bug')).toEqual([]);
      await server.closed;
    },
    LINES_EACH,
  ),
);

type Wanted = { ids: Map<string, number>; cancelled: Set<string> };

/** How many answers each id gets, by the rules of JSON-RPC alone; "none" for those that can name none. */
function answersTo(bytes: Buffer, batches: boolean): Wanted {
  const wanted: Wanted = { ids: new Map(), cancelled: new Set() };
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(10, from);
    answersToLine(bytes.subarray(from, end), batches, wanted);
    from = end + 1;
  }
  return wanted;
}

function answersToLine(bytes: Buffer, batches: boolean, wanted: Wanted): void {
  const value = jsonOf(bytes);
  if (value === undefined) return;
  if (!Array.isArray(value.json)) answersToOne(value.json, wanted);
  else if (!batches || value.json.length === 0 || value.json.length > 1_000) count(wanted.ids, 'none');
  else for (const one of value.json) answersToOne(one, wanted);
}

/** Undefined: nothing but blanks. What is no JSON is as good as a number. */
function jsonOf(bytes: Buffer): { json: unknown } | undefined {
  if (bytes.length > 4 * 1024 * 1024) return { json: 0 };
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    if (text.trim() === '') return undefined;
    return { json: JSON.parse(text.replace(/^\ufeff/, '')) };
  } catch {
    return { json: 0 };
  }
}

function answersToOne(value: unknown, { ids, cancelled }: Wanted): void {
  if (!isObject(value)) {
    count(ids, 'none');
    return;
  }
  const { id: own, method, jsonrpc, params } = value;
  if (method === undefined && ('result' in value || 'error' in value)) return;
  const whole = jsonrpc === '2.0' && typeof method === 'string';
  if (whole && method === 'notifications/cancelled') cancelled.add(JSON.stringify(dig(params, 'requestId')));
  if (isId(own)) count(ids, JSON.stringify(own));
  else if (!whole || 'id' in value) count(ids, 'none');
}

function countIds(answers: unknown[]): Map<string, number> {
  const ids = new Map<string, number>();
  for (const answer of answers) count(ids, isObject(answer) && 'id' in answer ? JSON.stringify(answer.id) : 'none');
  return ids;
}

function count(ids: Map<string, number>, one: string): void {
  ids.set(one, (ids.get(one) ?? 0) + 1);
}

function pieces(bytes: Buffer, cuts: number[]): Buffer[] {
  const places = [0, ...cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, n) => bytes.subarray(places[n], end));
}
