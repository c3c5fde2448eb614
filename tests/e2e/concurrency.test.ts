// Many things at once on the built program, and results that would be too large for a line.
import { beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { open, prefix, publish } from '../support/fake-caller.ts';
import { type Fields, Script } from '../support/fake-host.ts';
import { dig } from '../support/streams.ts';

let url = '';
beforeAll(() => {
  url = inject('mqttUrl');
});

const collecting = (session_id: string, topic_pattern: string, more: Fields = {}): Fields => ({
  session_id,
  topic_pattern,
  duration_seconds: 10,
  ...more,
});

test('a running collection -> holds up no ping, publish, listing or cancel; it gets all of its messages', async () => {
  const at = prefix();
  const script = new Script();
  await script.connect('lab', url);
  const running = script.send('subscribe_and_collect', collecting('lab', `${at}/#`, { duration_seconds: 10 }));
  await script.subscribed('lab', `${at}/#`);
  const from = performance.now();
  for (let n = 0; n < 50; n += 1) {
    await script.result('publish_message', { session_id: 'lab', topic: `${at}/${n}`, payload: n, qos: 1 });
    await script.result('ping');
  }
  await script.result('list_topics', { session_id: 'lab', pattern: `${at}/none/#`, duration_seconds: 0 });
  const cancelled = script.send('subscribe_and_collect', collecting('lab', `${at}/+`, { duration_seconds: 300 }));
  await script.subscribed('lab', `${at}/+`);
  script.daemon.notify('notifications/cancelled', { requestId: cancelled, reason: 'enough' });
  await expect.poll(async () => (await script.session('lab')).subscribed_topics).toEqual([`${at}/#`]);
  expect(performance.now() - from).toBeLessThan(5_000);
  const result = await script.resultOf(running);
  expect(result).toMatchObject({ stopped_by: 'duration', original_message_count: 50, message_count: 50 });
  // It was told to be silent, and is.
  expect(script.daemon.received.some((line) => line.includes(`"id":${cancelled},`))).toBe(false);
  expect((await script.session('lab')).subscribed_topics).toEqual([]);
});

test('several collections with overlapping filters at once -> each gets exactly its own, once', async () => {
  const at = prefix();
  const script = new Script();
  await script.connect('lab', url);
  const filters: [string, number][] = [
    [`${at}/#`, 30],
    [`${at}/+/x`, 20],
    [`${at}/a/x`, 10],
    [`${at}/a/x`, 10],
  ];
  const ids = filters.map(([filter, max_messages]) =>
    script.send('subscribe_and_collect', collecting('lab', filter, { max_messages })),
  );
  await expect.poll(async () => (await script.session('lab')).subscribed_topics).toHaveLength(3);
  const topics = [`${at}/a/x`, `${at}/b/x`, `${at}/c`];
  const sent = topics.flatMap((topic) =>
    Array.from({ length: 10 }, (_, n) =>
      script.send('publish_message', { session_id: 'lab', topic, payload: n, qos: n % 3 }),
    ),
  );
  for (const id of sent) expect(await script.resultOf(id)).toMatchObject({ status: 'published' });
  const results = await Promise.all(ids.map((id) => script.resultOf(id)));
  const [ax, bx, c] = topics.map(String);
  expect(results.map((result) => result.topics)).toEqual([
    { [`${ax}`]: 10, [`${bx}`]: 10, [`${c}`]: 10 },
    { [`${ax}`]: 10, [`${bx}`]: 10 },
    { [`${ax}`]: 10 },
    { [`${ax}`]: 10 },
  ]);
});

test('twenty connects at once -> five sessions live, fifteen session_limit; all five work', async () => {
  const script = new Script();
  const ids = Array.from({ length: 20 }, (_, n) =>
    script.send('establish_connection', { connection_string: url, name: `s${n}` }),
  );
  const answers = await Promise.all(ids.map((id) => script.daemon.answer(id)));
  const codes = answers.map((answer) => dig(answer, 'error', 'data', 'code') ?? dig(answer, 'result', 'status'));
  expect(codes.filter((code) => code === 'connected')).toHaveLength(5);
  expect(codes.filter((code) => code === 'session_limit')).toHaveLength(15);
  const list = await script.result('list_active_connections');
  expect(list).toMatchObject({ total_count: 5, max_connections: 5 });
  const names = Array.isArray(list.active_connections)
    ? list.active_connections.map((one) => String(dig(one, 'name')))
    : [];
  await Promise.all(names.map((name) => script.goesOn(name)));
  expect((await script.error('establish_connection', { connection_string: url })).code).toBe('session_limit');
  await script.end();
});

test('300 publishes at once, pipelined -> all acknowledged, in order', async () => {
  const at = prefix();
  const script = new Script();
  await script.connect('lab', url);
  const running = script.send(
    'subscribe_and_collect',
    collecting('lab', at, { max_messages: 300, return_messages: 300 }),
  );
  await script.subscribed('lab', at);
  const ids = Array.from({ length: 300 }, (_, n) =>
    script.send('publish_message', { session_id: 'lab', topic: at, payload: n, qos: 2 }),
  );
  for (const id of ids) expect(await script.resultOf(id)).toMatchObject({ acknowledged: true });
  const { messages } = await script.resultOf(running);
  const payloads = Array.isArray(messages) ? messages.map((message) => dig(message, 'payload')) : [];
  expect(payloads).toEqual(Array.from({ length: 300 }, (_, n) => n));
});

describe('a result that is too large for a line -> cut, said in a note, under 4 MiB', () => {
  /** The same call as a direct method and through tools/call, on a fresh daemon: at once where `feed` says what comes. */
  async function both(tool: string, args: Fields, feed?: (script: Script) => Promise<void>): Promise<unknown[]> {
    const script = new Script();
    await script.connect('lab', url);
    const direct = () => script.result(tool, args);
    const called = async () =>
      dig(await script.result('tools/call', { name: tool, arguments: args }), 'structuredContent');
    const running = feed ? [direct(), called()] : [];
    await feed?.(script);
    const results = feed ? await Promise.all(running) : [await direct(), await called()];
    script.longestLine();
    await script.goesOn('lab');
    return results;
  }

  const largest = { max_messages: 500, return_messages: 500 };

  test.each([
    ['500 messages of 100 KB', 500, (n: number) => ({ payload: `${n} ${'x'.repeat(100_000)}` })],
    [
      '500 messages of 100 KB of quotes and control characters',
      500,
      () => ({ payload: '"\\\u0001\u200b'.repeat(15_000) }),
    ],
    ['500 messages of 100 KB, binary', 500, () => ({ payload: Buffer.alloc(100_000, 0xff) })],
    ['40 messages of 1 MiB', 40, () => ({ payload: Buffer.alloc(1024 * 1024, 0x7b) })],
    [
      '500 messages with 60 KB of user properties',
      500,
      () => ({ properties: { user_properties: { a: 'p'.repeat(60_000) } } }),
    ],
    ['300 topics of 60 KB names', 300, (n: number) => ({ topic: `/${n}/${'t'.repeat(60_000)}` })],
    [
      '300 topics of 60 KB names full of quotes, backslashes and zero-width spaces',
      300,
      (n: number) => ({ topic: `/${n}/${'"\\\u200b'.repeat(12_000)}` }),
    ],
  ])('subscribe_and_collect: %s', async (_what, count, make) => {
    const at = prefix();
    const feeder = await open(url);
    const args = collecting('lab', `${at}/#`, { ...largest, max_messages: count });
    const results = await both('subscribe_and_collect', args, async (script) => {
      await script.subscribed('lab', `${at}/#`);
      for (let n = 0; n < count; n += 1) {
        const {
          topic = '',
          payload = 'x',
          properties,
        }: { topic?: string; payload?: string | Buffer; properties?: object } = make(n);
        await publish(feeder, `${at}/m${topic}`, payload, { qos: 1, ...(properties ? { properties } : {}) });
      }
    });
    for (const result of results) {
      expect(result).toMatchObject({ original_message_count: count, message_count: count, stopped_by: 'max_messages' });
      expect(dig(result, 'notes')).not.toEqual([]);
    }
  });

  test.each([
    // The longest that are told as they are.
    ['300 topics of 16 KB names', 300, (n: number) => `${n}/${'t'.repeat(16_000)}`],
    [
      '300 topics of 16 KB names full of quotes, backslashes and zero-width spaces',
      300,
      (n: number) => `${n}/${'"\\\u200b'.repeat(5_000)}`,
    ],
    ['2,000 topics of 5 KB names', 2_000, (n: number) => `${n}/${'t'.repeat(5_000)}`],
  ])('list_topics: %s', async (_what, count, name) => {
    const at = prefix();
    const feeder = await open(url);
    const topics = Array.from({ length: count }, (_, n) => `${at}/${name(n)}`);
    const say = (text: string) => Promise.all(topics.map((topic) => publish(feeder, topic, text, { retain: true })));
    await say('kept');
    onTestFinished(async () => void (await say('')), 20_000);
    const args = { session_id: 'lab', pattern: `${at}/#`, duration_seconds: 0 };
    for (const result of await both('list_topics', args)) {
      // Two dumps of many megabytes at once are more than the queue of a mosquitto takes: then it must say so.
      if (dig(result, 'retained_complete') === true) expect(dig(result, 'total_topics')).toBe(count);
      else expect(dig(result, 'notes')).toContainEqual(expect.stringMatching(/not all retained/i));
      expect(result).toMatchObject({ truncated: true });
      expect(dig(result, 'topic_count')).toBeLessThan(count);
    }
  });

  test('list_active_connections: filters of 60 KB in use', async () => {
    const at = prefix();
    const script = new Script();
    await script.connect('lab', url);
    const filters = Array.from({ length: 100 }, (_, n) => `${at}/${n}/${'f'.repeat(60_000)}`);
    for (const filter of filters) script.send('subscribe_and_collect', collecting('lab', filter));
    await script.result('tools/call', { name: 'list_active_connections', arguments: {} });
    script.longestLine();
  });

  test('an error about a topic of 60 KB, and a publish to one', async () => {
    const script = new Script();
    await script.connect('lab', url);
    const error = await script.errorBothWays('publish_message', {
      session_id: 'lab',
      topic: `${'t'.repeat(60_000)}#`,
      payload: '',
    });
    expect(JSON.stringify(error).length).toBeLessThan(2_000);
    await script.result('publish_message', { session_id: 'lab', topic: 't'.repeat(60_000), payload: '' });
  });
});
