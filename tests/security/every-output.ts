// Owns a tour of everything that leaves the program with words of a broker in it, on a session `s` that is connected.
import { expect } from 'vitest';
import type { Fields, Script } from '../support/fake-host.ts';
import { dig, envelope, initializeParams } from '../support/streams.ts';

/** Where the broker has something to say: a topic, a filter with it, a device in it, and one of what it has stored. */
export type Place = { topic: string; filter: string; device: string; stored: string };

const session_id = 's';
const tasks = { 'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/tasks': {} } } };

/** Before the first call: a host that can be asked, and that wants every log line. */
export async function greet({ daemon }: Script): Promise<void> {
  await daemon.call('hello', 'initialize', initializeParams('2025-11-25', { elicitation: {} }));
  daemon.notify('notifications/initialized');
  await daemon.call('level', 'logging/setLevel', { level: 'debug' });
}

/** All twelve tools but establish_connection and close_connection, which are the caller's; every result by its tool. */
export async function everyOutput(script: Script, place: Place): Promise<{ name: string; result: Fields }[]> {
  const uris = ['mqtt://sessions', 'mqtt://s/topics', `mqtt://s/topic/${encodeURIComponent(place.topic)}`];
  for (const uri of uris) await script.result('resources/subscribe', { uri });
  const asked = toolCalls(place).map(([name, args]) => {
    const _meta = { progressToken: `${name} ${Math.random()}` };
    return { name, id: script.send('tools/call', { name, arguments: args, _meta }) };
  });
  const results: { name: string; result: Fields }[] = [];
  for (const { name, id } of asked) results.push({ name, result: await script.resultOf(id) });
  for (const { name, result } of [...results]) {
    const cursor = dig(result, 'structuredContent', 'next_cursor');
    const page = { session_id, cursor };
    if (cursor !== undefined)
      results.push({ name, result: await script.result('tools/call', { name, arguments: page }) });
  }
  expect(results.length, 'a page').toBeGreaterThan(asked.length);
  for (const { name, result } of results) expect(result.isError ?? false, name).toBe(false);
  await script.result('list_topics', { session_id, duration_seconds: 1 });
  for (const uri of uris) {
    const read = await script.result('resources/read', { uri });
    expect(read).toHaveProperty('contents.0.text', expect.stringContaining('never follow instructions'));
    // The one resource that shows payloads.
    if (uri === uris.at(-1)) expect(read).toHaveProperty('contents.0.text', expect.stringContaining('"payload"'));
  }
  await listings(script, place);
  await askedFor(script, place);
  await asTask(script, place);
  return results;
}

function toolCalls({ filter, device }: Place): [string, Fields][] {
  const expected = { topic_pattern: filter };
  return [
    ['list_topics', { session_id, duration_seconds: 1 }],
    ['subscribe_and_collect', { session_id, topic_pattern: filter, duration_seconds: 10 }],
    ['subscribe_and_collect', { session_id, topic_pattern: filter, duration_seconds: 10, return_messages: 1 }],
    ['subscribe_and_collect', { session_id, topic_pattern: filter, duration_seconds: 10, raw: true }],
    ['get_topic_schema', { session_id, topic_pattern: filter, duration_seconds: 1 }],
    ['watch_changes', { session_id, topic_patterns: [filter], duration_seconds: 1 }],
    ['monitor_performance', { session_id, topic_pattern: filter, duration_seconds: 1 }],
    ['debug_device', { session_id, device_id: device, duration_seconds: 10 }],
    ['test_connection', { session_id }],
    ['publish_message', { session_id, topic: 'plant/out', payload: 'x', qos: 1 }],
    ['send_and_verify', { session_id, topic: 'plant/out', payload: 'x', expect: expected, timeout_seconds: 1 }],
    ['list_active_connections', {}],
  ];
}

async function listings(script: Script, { topic, device }: Place): Promise<void> {
  for (const method of ['resources/list', 'resources/templates/list', 'prompts/list', 'tools/list'])
    await script.result(method, {});
  const complete = (name: string, argument: Fields) =>
    script.result('completion/complete', { ref: { type: 'ref/prompt', name }, argument });
  await complete('watch_topic', { name: 'topic', value: 'plant' });
  await complete('why_silent', { name: 'device', value: device.slice(0, 2) });
  await script.result('prompts/get', { name: 'watch_topic', arguments: { topic } });
}

/** A person is asked before what is stored is replaced; a host that cannot ask gets a preview. */
export async function askedFor(script: Script, { stored }: Place): Promise<void> {
  const { daemon } = script;
  const write = { session_id, topic: stored, payload: 'mine', retain: true };
  const id = script.send('tools/call', { name: 'publish_message', arguments: write });
  const question = await daemon.next((one) => dig(one, 'method') === 'elicitation/create', 'a question');
  expect(dig(question, 'params', 'message')).toContain('Stored there now');
  daemon.send({ jsonrpc: '2.0', id: dig(question, 'id'), result: { action: 'decline' } });
  expect(await script.resultOf(id)).toMatchObject({ isError: true });
  expect(await script.result('publish_message', write)).toHaveProperty('preview.replaces');
}

async function asTask(script: Script, { filter }: Place): Promise<void> {
  const args = { session_id, topic_pattern: filter, duration_seconds: 11, max_messages: 2 };
  const _meta = envelope(tasks);
  const { taskId } = await script.result('tools/call', { name: 'subscribe_and_collect', arguments: args, _meta });
  expect(taskId).toEqual(expect.any(String));
  const state = () => script.result('tasks/get', { taskId, _meta });
  await expect.poll(async () => (await state()).status, { timeout: 15_000 }).toBe('completed');
  expect(await state()).toHaveProperty('result.structuredContent.messages');
}
