import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dig, envelope } from '../support/streams.ts';
import { startServer } from './server.ts';

const methods = [
  'initialize',
  'ping',
  'logging/setLevel',
  'server/discover',
  'subscriptions/listen',
  'tools/list',
  'tools/call',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'prompts/list',
  'prompts/get',
  'completion/complete',
  'tasks/get',
  'tasks/update',
  'tasks/cancel',
];
const tools = [
  'establish_connection',
  'list_active_connections',
  'close_connection',
  'list_topics',
  'subscribe_and_collect',
  'publish_message',
];
const words = [
  ...methods,
  ...tools,
  '2025-03-26',
  'mqtt://sessions',
  'mqtt://x/topics',
  'mqtt://x/topic/a',
  'ref/prompt',
  'info',
  '',
  '#',
];
const names = [
  ...[
    'name',
    'arguments',
    'protocolVersion',
    'clientInfo',
    'capabilities',
    'cursor',
    'uri',
    'ref',
    'argument',
    'value',
  ],
  ...[
    'notifications',
    'resourceSubscriptions',
    'taskIds',
    'taskId',
    'inputResponses',
    'requestState',
    'level',
    'context',
  ],
  ...[
    'session_id',
    'topic',
    'payload',
    'topic_pattern',
    'pattern',
    'duration_seconds',
    'qos',
    'task',
    '__proto__',
    'type',
  ],
];

const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(...words, null, true, 0, -1, 1.5, 2 ** 53),
    fc.string(),
    tie('list'),
    tie('object'),
  ),
  list: fc.array(tie('any'), { maxLength: 3 }),
  object: fc.dictionary(fc.constantFrom(...names), tie('any'), { maxKeys: 4 }),
}));
const meta = fc.constantFrom(undefined, {}, { progressToken: 0 }, envelope(), envelope({ progressToken: 'x' }), 7);
const call = fc.record({
  method: fc.constantFrom(...methods, ...tools),
  params: fc.tuple(fc.option(value.object, { nil: {} }), meta).map(([own, _meta]) => ({ ...Object(own), _meta })),
});

test('any params for any method -> one answer each, no bug, nothing the SDKs object to', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 30 }), async (calls) => {
      const server = startServer({ drainMs: 50 });
      for (const [id, { method, params }] of calls.entries()) server.request(id, method, params);
      const rest = await server.finish();
      const answers = rest.filter((one) => dig(one, 'method') === undefined);
      const ids = answers.map((one) => Number(dig(one, 'id'))).sort((a, b) => a - b);
      expect(ids).toEqual(calls.map((_, id) => id));
      expect(answers.filter((one) => dig(one, 'error', 'code') === -32603)).toEqual([]);
      expect(server.logged.filter(({ msg }) => msg === 'bug')).toEqual([]);
    }),
    { numRuns: 60 },
  );
});
