// Every tool that waits says what for and how much came, once a second, to whoever gave a token.
import { createServer } from 'node:net';
import { expect, inject, onTestFinished, test } from 'vitest';
import { onlooker, ownPrefix } from '../resources/onlooker.ts';
import { startDaemon } from '../support/daemon.ts';
import { startFakeBroker } from '../support/fake-broker.ts';
import { judged } from '../support/schema-check.ts';
import { dig, type Message } from '../support/streams.ts';

/** A port that accepts and never answers. */
async function silentPort(): Promise<string> {
  const server = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => void server.close());
  return `mqtt://127.0.0.1:${dig(server.address(), 'port')}`;
}

/** What a call says first of `wanted`, while somebody publishes to it; the call itself is left alone. */
async function told(tool: string, args: (prefix: string) => Message, wanted: RegExp): Promise<unknown> {
  const broker = await onlooker();
  const prefix = ownPrefix();
  const daemon = judged(startDaemon());
  await daemon.call('c', 'establish_connection', { connection_string: inject('mqttUrl'), name: 'lab' });
  let value = 0;
  const talk = setInterval(() => void broker.publish(`${prefix}/lamp`, JSON.stringify({ t: value++ })), 100);
  onTestFinished(() => clearInterval(talk));
  const params = { name: tool, arguments: { session_id: 'lab', ...args(prefix) }, _meta: { progressToken: tool } };
  daemon.request('p', 'tools/call', params);
  const step = await daemon.next(
    (one) => dig(one, 'method') === 'notifications/progress' && wanted.test(String(dig(one, 'params', 'message'))),
    'step',
  );
  return dig(step, 'params');
}

const isStep = (one: unknown) => dig(one, 'method') === 'notifications/progress';
const token = { _meta: { progressToken: 1 } };

const expectation = (prefix: string) => ({ topic_pattern: `${prefix}/lamp`, path: '$.t', equals: -1 });

test.each<[string, (prefix: string) => Message, RegExp, number | undefined]>([
  ['list_topics', (p) => ({ pattern: `${p}/#`, duration_seconds: 20 }), /^1 topics/, undefined],
  ['subscribe_and_collect', (p) => ({ topic_pattern: `${p}/#`, duration_seconds: 20 }), /^[1-9]\d* messages/, 20],
  ['get_topic_schema', (p) => ({ topic_pattern: `${p}/#`, duration_seconds: 20 }), /^[1-9]\d* messages/, 20],
  ['watch_changes', (p) => ({ topic_patterns: [`${p}/#`], duration_seconds: 20 }), /[1-9]\d* (messages|changes)/, 20],
  ['monitor_performance', (p) => ({ topic_pattern: `${p}/#`, duration_seconds: 20 }), /^[1-9]\d* messages/, 20],
  [
    'debug_device',
    (p) => ({ device_id: p.split('/').at(-1), duration_seconds: 20 }),
    /^[1-9]\d* live messages/,
    undefined,
  ],
  [
    'send_and_verify',
    (p) => ({ topic: `${p}/lamp/set`, payload: 'x', timeout_seconds: 20, expect: expectation(p) }),
    /[1-9]\d*/,
    20,
  ],
])('%s: how much came so far', async (tool, args, wanted, total) => {
  const step = await told(tool, args, wanted);
  expect(step).toMatchObject({ progressToken: tool, progress: expect.any(Number) });
  if (total !== undefined) expect(dig(step, 'total')).toBe(total);
});

test.each([
  ['establish_connection', 'waiting for the broker'],
  ['test_connection', 'testing connack'],
])('%s: what is waited for', async (name, message) => {
  const daemon = judged(startDaemon());
  const args = { connection_string: await silentPort() };
  daemon.request('p', 'tools/call', { name, arguments: args, ...token });
  expect(dig(await daemon.next(isStep, 'step'), 'params')).toMatchObject({ message });
});

test('publish_message, close_connection: the broker, where it does not acknowledge', async () => {
  const broker = await startFakeBroker(({ cmd }) => cmd === 'publish');
  const daemon = judged(startDaemon());
  await daemon.call('c', 'establish_connection', { connection_string: broker.url, name: 'lab' });
  const args = { session_id: 'lab', topic: 'a', payload: 'x', qos: 1 };
  daemon.request('p', 'tools/call', { name: 'publish_message', arguments: args, ...token });
  expect(dig(await daemon.next(isStep, 'step'), 'params')).toMatchObject({ message: 'waiting for the broker' });
  const meta = { progressToken: 'close' };
  daemon.request('q', 'tools/call', { name: 'close_connection', arguments: { session_id: 'lab' }, _meta: meta });
  const closing = (one: unknown) => isStep(one) && dig(one, 'params', 'progressToken') === 'close';
  expect(dig(await daemon.next(closing, 'step'), 'params')).toMatchObject({ message: 'waiting for the broker' });
});
