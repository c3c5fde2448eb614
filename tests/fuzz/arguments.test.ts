// Every tool with arguments from its schema and around it, while messages come: a result that its outputSchema allows,
// or an error in a sentence; never a bug.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { definitions, type ToolName } from '../../src/generated/definitions.ts';
import { loadFormats } from '../../src/payload/decode.ts';
import type { Outcome } from '../../src/tools/tool.ts';
import { bench, conforming, failing, LAB } from '../tools/bench.ts';
import { fieldsOf } from '../tools/wrong-calls.ts';
import { cases, fuzzAsync, patience } from './cases.ts';
import { aroundSchema } from './from-schema.ts';

const CALLS = cases(150, 5);
/** A call of ten minutes hears the clock tick six hundred times. */
const MAX_TURNS = 5_000;

/** What is loaded on demand, which takes real time. */
await Promise.all([
  loadFormats(),
  import('../../src/payload/match.ts'),
  import('../../src/payload/schema/describe.ts'),
  import('../../src/payload/schema/patterns.ts'),
  import('../../src/tools/topic-baseline.ts'),
]);

const topic = fc.constantFrom('a', 'a/b', 'a/b/state', 'home/lamp-7/set', '/', 'ö/😀', 'spBv1.0/g/DDATA/n/d');
const filter = fc.oneof(topic, fc.constantFrom('#', '+', 'a/#', 'a/+', '$SYS/#', '$share/g/#', 'a/#/b', 'a+'));
const seconds = fc.constantFrom(0, 0.1, 1, 10, 10, 10, 12.5, 30);
const known = {
  session_id: fc.constantFrom(LAB, LAB, LAB, LAB, 'other'),
  topic,
  probe_topic: topic,
  response_topic: topic,
  topic_pattern: filter,
  topic_patterns: fc.array(filter, { minLength: 1, maxLength: 4 }),
  pattern: filter,
  duration_seconds: seconds,
  timeout_seconds: seconds,
  settle_seconds: seconds,
  connection_string: fc.constantFrom('mqtt://broker', 'mqtts://u:p@broker:1/c', 'http://x', 'mqtt://'),
  device_id: fc.constantFrom('lamp-7', 'a', '0x00158d0001a2b3c4', '.*'),
  match: fc.constantFrom('$.a', '$..a', '.*', '^1', '(', '$['),
  matches: fc.constantFrom('.*', '^1', '('),
  path: fc.constantFrom('$', '$.a', '$..*', '$[', 'a'),
  correlation_data: fc.constantFrom('AAEC', 'no base64', ''),
};
const payload = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify(value)),
  fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom('ON', 'error: it failed', '21.5', `${'['.repeat(60)}${']'.repeat(60)}`),
);
const heard = fc.record({ topic, payload, retain: fc.boolean() });
const surroundings = fc.record({
  messages: fc.array(heard, { maxLength: 12 }),
  lost: fc.nat(9).map((n) => n === 0),
  danger: fc.constantFrom('ask', 'deny', 'allow'),
});

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const names: ToolName[] = [
  'close_connection',
  'debug_device',
  'establish_connection',
  'get_topic_schema',
  'list_active_connections',
  'list_topics',
  'monitor_performance',
  'publish_message',
  'send_and_verify',
  'subscribe_and_collect',
  'test_connection',
  'watch_changes',
];

test('no tool is left out', () => {
  expect(names).toEqual(Object.keys(definitions));
});

describe(`${CALLS} calls each`, () => {
  test.each(names)('%s -> a result that fits, or an error that does', patience(CALLS, 100), (name) =>
    fuzzAsync(
      'arguments',
      CALLS,
      fc.tuple(aroundSchema(fieldsOf(definitions[name].inputSchema), known), surroundings),
      async ([args, around]) => {
        const { run, session } = bench(around.danger);
        let outcome: Outcome | undefined;
        const running = run(name, args).then((came) => {
          outcome = came;
          return came;
        });
        for (let turn = 0; outcome === undefined && turn < MAX_TURNS; turn += 1) {
          const message = around.messages[turn];
          if (message) session.speak(message.topic, message.payload, { retain: message.retain });
          if (turn === 2) session.endRetained({ complete: true, evidence: 'ordered' });
          if (turn === 6 && around.lost) session.lose('the connection is gone');
          await vi.advanceTimersToNextTimerAsync();
          // What was loaded comes by no timer.
          await new Promise(setImmediate);
        }
        if (outcome === undefined) expect.fail('the call hangs');
        if ('value' in outcome) conforming(name, outcome);
        else if ('error' in outcome) wellFormed(await failing(running));
      },
    ),
  );
});

function wellFormed(error: object): void {
  expect(error).toMatchObject({ code: expect.stringMatching(/^[a-z_]+$/), retryable: expect.any(Boolean) });
  const { length } = JSON.stringify(error);
  if (length > 20_000) expect(length).toBeLessThan(20_000);
}
