// Every kind of bad input, through the built program: the right code, a sentence, a hint, and life goes on.
import { expect, inject, onTestFinished, test } from 'vitest';
import { freePort, type MosquittoOptions, startMosquitto } from '../support/broker.ts';
import { startFakeBroker, startMute } from '../support/fake-broker.ts';
import { Script } from '../support/fake-host.ts';
import { dig } from '../support/streams.ts';
import { wrongCalls } from '../tools/wrong-calls.ts';

/** A daemon with a session on the shared broker that must not notice anything. */
async function withBystander() {
  const script = new Script();
  await script.connect('bystander', inject('mqttUrl'));
  return script;
}

async function mosquitto(options?: MosquittoOptions) {
  const broker = await startMosquitto(options);
  onTestFinished(broker.stop);
  return broker;
}

const onBystander = { session_id: 'bystander' };

test.each<[string, string | Buffer, number]>([
  ['not JSON', 'establish_connection mqtt://broker', -32_700],
  ['a truncated line', '{"jsonrpc":"2.0","id":1,"method":"pi', -32_700],
  ['invalid UTF-8', Buffer.from('{"jsonrpc":"2.0","id":1,"method":"p\xffng"}', 'latin1'), -32_700],
  ['a NUL byte', '{"jsonrpc":"2.0",\0"id":1}', -32_700],
  ['over 4 MiB', `{"jsonrpc":"2.0","id":1,"method":"${'x'.repeat(4 * 1024 * 1024)}"}`, -32_700],
  ['nested 1,000,000 deep', '['.repeat(1_000_000), -32_700],
  ['not an object', '42', -32_600],
  ['no version', '{"id":1,"method":"ping"}', -32_600],
  ['an id that is none', '{"jsonrpc":"2.0","id":{},"method":"ping"}', -32_600],
  ['an empty batch', '[]', -32_600],
])('a line that is %s -> %i, and the stream goes on', async (_what, line, code) => {
  const script = await withBystander();
  script.daemon.write(line);
  script.daemon.write('\n');
  const answer = await script.daemon.next((one) => dig(one, 'error', 'code') !== undefined);
  expect(dig(answer, 'error', 'code')).toBe(code);
  expect(dig(answer, 'error', 'message')).toMatch(/^[A-Z]/);
  expect(JSON.stringify(answer).length).toBeLessThan(400);
  await script.goesOn('bystander');
  await script.end();
});

test('a line that the end of the input truncates -> -32700, and what was asked before is answered', async () => {
  const script = await withBystander();
  const id = script.send('ping');
  script.daemon.write('{"jsonrpc":"2.0","id":99,"method":"list_active_conn');
  script.daemon.end();
  expect(await script.resultOf(id)).toEqual({});
  const answer = await script.daemon.next((one) => dig(one, 'error', 'code') !== undefined);
  expect(dig(answer, 'error', 'code')).toBe(-32_700);
  expect(await script.daemon.exit).toEqual({ code: 0, signal: null });
});

test('an unknown method, an unknown tool -> -32601, -32602', async () => {
  const script = await withBystander();
  const method = await script.daemon.call('a', 'no_such_tool', {});
  expect(dig(method, 'error', 'code')).toBe(-32_601);
  const tool = await script.daemon.call('b', 'tools/call', { name: 'no_such_tool', arguments: {} });
  expect(dig(tool, 'error', 'code')).toBe(-32_602);
  await script.goesOn('bystander');
});

test('every argument with a wrong type or out of bounds, unknown arguments -> invalid_arguments that names the path', async () => {
  const script = await withBystander();
  const calls = wrongCalls();
  expect(calls.length).toBeGreaterThan(150);
  const sent = calls.map((call) => ({ ...call, id: script.send(call.tool, call.args) }));
  for (const { id, tool, path, what } of sent) {
    const { code, problems = [] } = await script.errorOf(id);
    expect(code, `${tool} ${path} ${what}`).toBe('invalid_arguments');
    expect(problems.map((problem) => problem.path)).toContain(path);
  }
  // The same through tools/call: one of each tool.
  for (const call of new Map(calls.map((one) => [one.tool, one])).values()) {
    const { problems = [] } = await script.errorBothWays(call.tool, call.args);
    expect(problems.map((problem) => problem.path)).toContain(call.path);
  }
  await script.goesOn('bystander');
  await script.end();
});

test.each([
  ['publish_message', { topic: 'a\0b', payload: 'x' }, /U\+0000/],
  ['publish_message', { topic: 'a/#', payload: 'x' }, /wildcards/],
  ['publish_message', { topic: 'a/+', payload: 'x' }, /wildcards/],
  ['publish_message', { topic: 'x'.repeat(65_536), payload: 'x' }, /65535 bytes/],
  ['publish_message', { topic: 'a', payload: 'x', properties: { response_topic: 'a/#' } }, /wildcards/],
  ['subscribe_and_collect', { topic_pattern: 'a\0b' }, /U\+0000/],
  ['subscribe_and_collect', { topic_pattern: 'a/#/b' }, /'#' must be the last level/],
  ['subscribe_and_collect', { topic_pattern: 'a#' }, /'#' must/],
  ['subscribe_and_collect', { topic_pattern: 'a+/b' }, /'\+' must stand alone/],
  ['subscribe_and_collect', { topic_pattern: '$share/g' }, /\$share/],
  ['list_topics', { pattern: '#/a' }, /'#' must be the last level/],
])('%s %o -> invalid_topic that cites the rule', async (tool, args, rule) => {
  const script = await withBystander();
  const { code, message } = await script.errorBothWays(tool, { ...onBystander, ...args });
  expect(code).toBe('invalid_topic');
  expect(message).toMatch(rule);
  expect(message).toMatch(/\[MQTT-[\d.-]+\]/);
  expect(message.length).toBeLessThan(1_000);
  await script.goesOn('bystander');
});

test('a sixth session -> session_limit, names those that are open; one closed makes room', async () => {
  const script = await withBystander();
  for (const name of ['b', 'c', 'd', 'e']) await script.connect(name, inject('mqttUrl'));
  const args = { connection_string: inject('mqttUrl') };
  const error = await script.errorBothWays('establish_connection', args);
  expect(error).toMatchObject({ code: 'session_limit', retryable: true });
  expect(error.message).toContain('"bystander", "b", "c", "d", "e"');
  await script.result('close_connection', { session_id: 'c' });
  await script.connect('f', inject('mqttUrl'));
  await script.goesOn('bystander');
});

test('an unknown session -> session_not_found in every tool that takes one', async () => {
  const script = await withBystander();
  const calls: [string, object][] = [
    ['close_connection', {}],
    ['list_topics', {}],
    ['subscribe_and_collect', { topic_pattern: '#' }],
    ['publish_message', { topic: 'a', payload: 'x' }],
  ];
  for (const [tool, args] of calls) {
    const error = await script.errorBothWays(tool, { session_id: 'nobody', ...args });
    expect(error).toMatchObject({ code: 'session_not_found', hint: 'Open sessions: "bystander".' });
  }
  await script.goesOn('bystander');
});

test.each([
  ['both', { connection_string: 'mqtt://broker', profile: 'p' }],
  ['neither', {}],
  ['a profile that is not configured', { profile: 'p' }],
  ['a scheme that is none', { connection_string: 'http://broker' }],
  ['a port that is none', { connection_string: 'mqtt://broker:0' }],
  ['a name that is taken', { connection_string: 'mqtt://broker', name: 'bystander' }],
])('establish_connection with %s -> invalid_arguments', async (_what, args) => {
  const script = await withBystander();
  const { code, problems } = await script.errorBothWays('establish_connection', args);
  expect(code).toBe('invalid_arguments');
  expect(problems).toHaveLength(1);
  await script.goesOn('bystander');
});

test('a closed port -> connection_refused', async () => {
  const script = await withBystander();
  const connection_string = `mqtt://127.0.0.1:${await freePort()}`;
  expect(await script.errorBothWays('establish_connection', { connection_string })).toMatchObject({
    code: 'connection_refused',
    retryable: true,
    message: expect.stringMatching(/nothing listens on this port/),
  });
  await script.goesOn('bystander');
});

test('a host that does not resolve -> dns_failure', async () => {
  const script = await withBystander();
  const args = { connection_string: 'mqtt://no-such-host.invalid' };
  expect((await script.errorBothWays('establish_connection', args)).code).toBe('dns_failure');
  await script.goesOn('bystander');
});

test('a port that accepts and never answers -> connection_timeout, and nobody waits for it', async () => {
  const script = await withBystander();
  const { port } = await startMute();
  const args = { connection_string: `mqtt://127.0.0.1:${port}`, name: 'mute', timeout_seconds: 2 };
  const connecting = script.send('establish_connection', args);
  const waiting = script.send('publish_message', { session_id: 'mute', topic: 'a', payload: 'x' });
  await script.goesOn('bystander');
  for (const id of [connecting, waiting]) {
    expect(await script.errorOf(id)).toMatchObject({ code: 'connection_timeout', retryable: true });
  }
  await script.goesOn('bystander');
});

test('a wrong password -> auth_failed or not_authorized, with the reason of the broker', async () => {
  const script = await withBystander();
  const { url } = await mosquitto({ users: { me: 'right' } });
  const wrong = { connection_string: url, username: 'me', password: 'wrong' };
  for (const args of [wrong, { ...wrong, protocol_version: 4 }, { connection_string: url }]) {
    const error = await script.errorBothWays('establish_connection', args);
    expect(['auth_failed', 'not_authorized']).toContain(error.code);
    expect(error).toMatchObject({ retryable: false, reason_code: expect.any(Number), reason: expect.any(String) });
    expect(JSON.stringify(error)).not.toContain('wrong');
  }
  await script.connect('me', url, { username: 'me', password: 'right' });
  await script.goesOn('me');
  await script.goesOn('bystander');
});

test.each([
  [5, 0x87],
  [4, 0x80],
] as const)(
  'version %i: a broker that refuses the filter -> subscribe_denied, never "0 messages"',
  async (protocol_version, code) => {
    const script = await withBystander();
    const broker = await startFakeBroker((packet, { send }) => {
      if (packet.cmd !== 'subscribe' || packet.subscriptions[0]?.topic !== 'secret/#') return false;
      send({ cmd: 'suback', messageId: packet.messageId ?? 0, granted: [code] });
      return true;
    });
    await script.connect('strict', broker.url, { protocol_version });
    const onStrict = { session_id: 'strict' };
    for (const [tool, args] of [
      ['subscribe_and_collect', { topic_pattern: 'secret/#' }],
      ['list_topics', { pattern: 'secret/#' }],
    ] as const) {
      const error = await script.errorBothWays(tool, { ...onStrict, ...args });
      expect(error).toMatchObject({ code: 'subscribe_denied', reason_code: code, reason: expect.any(String) });
    }
    expect(await script.session('strict')).toMatchObject({ is_connected: true, subscribed_topics: [] });
    await script.goesOn('bystander');
  },
);

test('a broker killed in mid-collection -> what came is kept, stopped_by disconnected; then not_connected', async () => {
  const script = await withBystander();
  const broker = await mosquitto();
  await script.connect('doomed', broker.url);
  const onDoomed = { session_id: 'doomed' };
  const collecting = script.send('subscribe_and_collect', { ...onDoomed, topic_pattern: 'a/#', duration_seconds: 10 });
  await script.subscribed('doomed', 'a/#');
  for (const payload of ['1', '2'])
    await script.result('publish_message', { ...onDoomed, topic: 'a/b', payload, qos: 1 });
  await broker.kill();
  await expect.poll(async () => (await script.session('doomed')).is_connected).toBe(false);
  expect((await script.session('doomed')).connection_error).toEqual(expect.any(String));
  const later = await script.errorBothWays('publish_message', { ...onDoomed, topic: 'a/b', payload: '3' });
  expect(later).toMatchObject({ code: 'not_connected', retryable: true });
  expect((await script.errorBothWays('list_topics', onDoomed)).code).toBe('not_connected');
  await script.goesOn('bystander');
  const result = await script.resultOf(collecting);
  expect(result).toMatchObject({ stopped_by: 'disconnected', message_count: 2, original_message_count: 2 });
  expect(result.messages).toMatchObject([{ payload: 1 }, { payload: 2 }]);
  expect(result.notes).toContainEqual(expect.stringMatching(/connection was lost/));
  await script.goesOn('bystander');
  await script.end();
});

test('odd payloads, published and received -> byte for byte, the rest of the collection unspoilt', async () => {
  const script = await withBystander();
  const topic_pattern = 'odd-payloads/#';
  const deep = '['.repeat(100_000) + ']'.repeat(100_000);
  const most = 1024 * 1024;
  const payloads: [string, object, object][] = [
    ['deep', { payload: deep }, { payload_type: 'text', size_bytes: 200_000 }],
    [
      'binary',
      { payload: '/wCA', payload_encoding: 'base64' },
      { payload: '/wCA', payload_type: 'binary', size_bytes: 3 },
    ],
    ['empty', { payload: '' }, { payload: '', payload_type: 'empty', size_bytes: 0 }],
    ['largest', { payload: 'x'.repeat(most) }, { payload_type: 'text', size_bytes: most }],
    [
      'largest-binary',
      { payload: 'ff'.repeat(most), payload_encoding: 'hex' },
      { payload_type: 'binary', size_bytes: most },
    ],
    ['ordinary', { payload: { t: 21.5 } }, { payload: { t: 21.5 }, payload_type: 'json' }],
  ];
  const args = { ...onBystander, topic_pattern, duration_seconds: 10, max_messages: payloads.length };
  const collecting = script.send('subscribe_and_collect', args);
  const calling = script.send('tools/call', { name: 'subscribe_and_collect', arguments: args });
  await script.subscribed('bystander', topic_pattern);
  for (const [name, payload] of payloads) {
    await script.result('publish_message', { ...onBystander, topic: `odd-payloads/${name}`, qos: 1, ...payload });
  }
  for (const result of [await script.resultOf(collecting), dig(await script.resultOf(calling), 'structuredContent')]) {
    expect(dig(result, 'stopped_by')).toBe('max_messages');
    expect(dig(result, 'messages')).toMatchObject(
      payloads.map(([name, , seen]) => ({ topic: `odd-payloads/${name}`, ...seen })),
    );
  }
  script.longestLine();
  await script.goesOn('bystander');
});

test('a payload that cannot be sent -> the right code, nothing sent', async () => {
  const script = await withBystander();
  const write = { ...onBystander, topic: 'never-sent' };
  const most = 1024 * 1024;
  const large = await script.errorBothWays('publish_message', { ...write, payload: 'x'.repeat(most + 1) });
  expect(large).toMatchObject({ code: 'payload_too_large', message: expect.stringContaining(`${most + 1}`) });
  // As an argument, not as text: JSON.stringify would not come back from it.
  const deep = '['.repeat(100_000) + ']'.repeat(100_000);
  for (const [id, method, params] of [
    ['d1', 'publish_message', `{"session_id":"bystander","topic":"never-sent","payload":${deep}}`],
    [
      'd2',
      'tools/call',
      `{"name":"publish_message","arguments":{"session_id":"bystander","topic":"a","payload":${deep}}}`,
    ],
  ] as const) {
    script.daemon.send(`{"jsonrpc":"2.0","id":"${id}","method":"${method}","params":${params}}`);
    const answer = await script.daemon.answer(id);
    expect(JSON.stringify(answer)).toMatch(/invalid_arguments/);
    expect(JSON.stringify(answer).length).toBeLessThan(2_000);
  }
  const odd = await script.errorBothWays('publish_message', { ...write, payload: 'abc', payload_encoding: 'hex' });
  expect(odd).toMatchObject({
    code: 'invalid_arguments',
    problems: [{ path: '/payload', expected: expect.any(String) }],
  });
  await script.goesOn('bystander');
});
