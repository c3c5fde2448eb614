import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FakeSession } from '../support/fake-pool.ts';
import { bench, type Fields, failing, LAB, problemsOf, toolError } from './bench.ts';

/** Loaded when a call has a match, which takes real time. */
await import('../../src/payload/match.ts');

const at = { session_id: LAB, topic_pattern: 'a/#' };

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 2) });
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

/** A collection under way: `over(ms)` lets time pass and gives the result. */
async function collecting(args: Fields = {}) {
  const own = bench();
  const running = own.call('subscribe_and_collect', { ...at, ...args });
  // A match loads its engine first.
  for (let turn = 0; turn < 500 && own.session.listened.length === 0; turn += 1) await vi.advanceTimersByTimeAsync(0);
  const over = async (ms = 0) => {
    await vi.advanceTimersByTimeAsync(ms);
    // Where nothing came, a look at what else is there.
    await vi.advanceTimersByTimeAsync(1_500);
    return running;
  };
  return { ...own, over };
}

describe('subscribe_and_collect', () => {
  test('defaults -> 30 s, QoS 0, retained included; the subscription is closed at the end', async () => {
    const { session, over } = await collecting();
    expect(session.listened).toMatchObject([
      { filter: 'a/#', options: { qos: 0, retained: 'include' }, closed: false },
    ]);
    session.speak('a/b', '{"t":21.5}', { retain: true });
    await vi.advanceTimersByTimeAsync(1_500);
    session.speak('a/c', 'x', { qos: 1, dup: true });
    const result = await over(28_500);
    expect(result).toMatchObject({
      status: 'success',
      message_count: 2,
      original_message_count: 2,
      stopped_by: 'duration',
      granted_qos: 0,
      topics: { 'a/b': 1, 'a/c': 1 },
      pruning_applied: false,
      collection_duration_seconds: 30,
    });
    expect(result.messages).toEqual([
      {
        topic: 'a/b',
        payload: { t: 21.5 },
        payload_type: 'json',
        size_bytes: 10,
        qos: 0,
        retain: true,
        dup: false,
        timestamp: '2026-01-02T00:00:00.000Z',
        offset_ms: 0,
      },
      {
        topic: 'a/c',
        payload: 'x',
        payload_type: 'text',
        size_bytes: 1,
        qos: 1,
        retain: false,
        dup: true,
        timestamp: '2026-01-02T00:00:01.500Z',
        offset_ms: 1_500,
      },
    ]);
    expect(result).not.toHaveProperty('absence');
    expect(session.listened[0]?.closed).toBe(true);
  });

  test('max_messages -> stops at once, at exactly that many', async () => {
    const { session, over } = await collecting({ max_messages: 3 });
    for (let n = 0; n < 10; n += 1) session.speak('a/b', `${n}`);
    expect(await over()).toMatchObject({ original_message_count: 3, stopped_by: 'max_messages' });
  });

  test('more than return_messages -> exactly that many in time order; the rest is counted', async () => {
    const { session, over } = await collecting({ return_messages: 5, duration_seconds: 10 });
    for (let n = 0; n < 100; n += 1) {
      session.speak(`a/${n % 4}`, JSON.stringify({ n }));
      await vi.advanceTimersByTimeAsync(10);
    }
    const result = await over(9_000);
    expect(result).toMatchObject({
      message_count: 5,
      original_message_count: 100,
      topics: { 'a/0': 25, 'a/1': 25, 'a/2': 25, 'a/3': 25 },
      pruning_applied: true,
      pruning: { omitted: 95 },
    });
    const messages = Array.isArray(result.messages) ? result.messages : [];
    const offsets = messages.map(({ offset_ms }) => Number(offset_ms));
    expect(offsets).toHaveLength(5);
    expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
    expect(messages.every(({ kept_because }) => typeof kept_because === 'string')).toBe(true);
  });

  test.each([
    ['include', ['stored', 'live']],
    ['only', ['stored']],
  ] as const)('retained %s -> %j', async (retained, expected) => {
    const { session, over } = await collecting({ retained });
    session.speak('a', 'stored', { retain: true });
    session.speak('a', 'live');
    const result = await over(30_000);
    expect(session.listened[0]?.options.retained).toBe(retained);
    expect(result.messages).toMatchObject(expected.map((payload) => ({ payload })));
  });

  test('payloads of every kind -> decoded, or base64', async () => {
    const { session, over } = await collecting();
    session.speak('a/empty');
    session.speak('a/binary', Buffer.from([0xff, 0, 0x80]));
    session.speak('a/number', '42');
    session.speak('a/boolean', 'true');
    session.speak('a/deep', `${'['.repeat(100_000)}${']'.repeat(100_000)}`);
    session.speak('a/broken', '{"a":');
    const result = await over(30_000);
    const messages = Array.isArray(result.messages) ? result.messages : [];
    expect(messages.map(({ payload_type }) => payload_type)).toEqual([
      'empty',
      'binary',
      'number',
      'boolean',
      'text',
      'text',
    ]);
    expect(messages[1]).toMatchObject({ payload: '/wCA', payload_encoding: 'base64', size_bytes: 3 });
  });

  test('MQTT 5 properties -> with their message', async () => {
    const { session, over } = await collecting();
    const properties = { content_type: 'text/plain', user_properties: { a: ['1', '2'] } };
    session.speak('a', 'x', { properties });
    expect((await over(30_000)).messages).toMatchObject([{ properties }]);
  });

  test('a payload over 1 MiB -> its beginning, the whole size, and a note', async () => {
    const { session, over } = await collecting();
    const size = 1024 * 1024 + 1;
    session.speak('a', Buffer.alloc(size, 120));
    const result = await over(30_000);
    expect(result.messages).toMatchObject([{ size_bytes: size, payload_truncated: true }]);
    expect(result.notes).toContainEqual(expect.stringMatching(/cut/));
  });

  test('the payload is a view -> copied: what is written over it later does not show', async () => {
    const { session, over } = await collecting();
    const buffer = Buffer.from('before');
    session.speak('a', buffer);
    buffer.fill(0);
    expect((await over(30_000)).messages).toMatchObject([{ payload: 'before' }]);
  });

  test('the connection goes and comes back -> the collection goes on, and a note says how long it was away', async () => {
    const { session, over } = await collecting();
    const from = Date.now();
    session.gaps.push({ from, to: from + 2_500 });
    session.speak('a', 'x');
    const result = await over(30_000);
    expect(result).toMatchObject({ stopped_by: 'duration' });
    expect(result.notes).toContainEqual(expect.stringMatching(/down for 2\.5 s/));
  });

  test('the connection goes for good -> what came is kept, stopped_by disconnected', async () => {
    const { session, over } = await collecting();
    session.speak('a', 'x');
    session.gaps.push({ from: Date.now(), to: undefined });
    session.lose('the broker closed the connection');
    const result = await over();
    expect(result).toMatchObject({ stopped_by: 'disconnected', message_count: 1 });
    expect(result.notes).toContainEqual(expect.stringMatching(/did not come back/));
  });

  test('away when the time is up -> disconnected too', async () => {
    const { session, over } = await collecting();
    session.gaps.push({ from: Date.now(), to: undefined });
    expect(await over(30_000)).toMatchObject({ stopped_by: 'disconnected', absence: { grade: 'unknown' } });
  });

  test('nothing came -> absence with a verdict, what is ruled out and what is not', async () => {
    const { over } = await collecting();
    expect(await over(30_000)).toMatchObject({
      message_count: 0,
      topics: {},
      absence: {
        grade: 'unknown',
        verdict: expect.stringMatching(/^[^\n]+\.$/),
        ruled_out: [expect.any(String), expect.any(String)],
        possible: expect.arrayContaining([expect.any(String)]),
      },
    });
  });

  test('the broker grants less than was asked -> a note', async () => {
    const own = bench();
    const listen = own.session.listen.bind(own.session);
    own.session.listen = async (...args) => ({ ...(await listen(...args)), grantedQos: 0 });
    const running = own.call('subscribe_and_collect', { ...at, qos: 2 });
    await vi.advanceTimersByTimeAsync(31_500);
    const result = await running;
    expect(result.granted_qos).toBe(0);
    expect(result.notes).toContainEqual('QoS 2 was asked for, QoS 0 granted.');
  });

  test('refused -> subscribe_denied, and no result', async () => {
    const { run, session } = bench();
    session.refusal = toolError('subscribe_denied', { reason_code: 0x87, reason: 'not authorized' });
    expect(await failing(run('subscribe_and_collect', at))).toMatchObject({
      code: 'subscribe_denied',
      reason_code: 0x87,
    });
  });

  test('pages -> all that was left out, in time order, each message once, without listening again', async () => {
    const { session, over, call, run, pool } = await collecting({ return_messages: 5, duration_seconds: 10 });
    for (let n = 0; n < 20; n += 1) session.speak('a', `${n}`);
    let page = await over(10_000);
    const texts = (result: Fields) =>
      (Array.isArray(result.messages) ? result.messages : []).map(({ payload }) => payload);
    const got = texts(page);
    const first = page.next_cursor;
    while (page.next_cursor !== undefined) {
      page = await call('subscribe_and_collect', { session_id: LAB, cursor: page.next_cursor, return_messages: 6 });
      const more = texts(page).map(Number);
      expect(more).toEqual(more.toSorted((a, b) => a - b));
      got.push(...texts(page));
    }
    expect(got.map(Number).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n));
    expect(session.listened).toHaveLength(1);
    const told = await call('subscribe_and_collect', { session_id: LAB, cursor: first, match: '$.a' });
    expect(told.notes).toContainEqual('Ignored, as a cursor does not listen: match.');
    expect(told.notes).not.toContainEqual(expect.stringContaining('another session'));
    pool.sessions.push(new FakeSession({ id: 'other', name: 'other' }));
    const mixed = await call('subscribe_and_collect', { session_id: 'other', cursor: first });
    expect(mixed.notes).toContainEqual(expect.stringMatching(/^They came on another session/));
    const unknown = run('subscribe_and_collect', { session_id: LAB, cursor: 'no-such.0' });
    expect(await problemsOf(unknown)).toEqual([{ path: '/cursor', expected: expect.any(String) }]);
  });

  test('whole_window -> to the end, every message counted and sized by topic', async () => {
    const { session, over } = await collecting({ whole_window: true, max_messages: 1, duration_seconds: 10 });
    for (let n = 0; n < 3_000; n += 1) session.speak(`a/${n % 3}`, `{"n":${n}}`);
    const result = await over(10_000);
    expect(result).toMatchObject({
      stopped_by: 'duration',
      message_count: 50,
      original_message_count: 3_000,
      topics: { 'a/0': 1_000, 'a/1': 1_000, 'a/2': 1_000 },
    });
    const size = (topic: number) =>
      Array.from({ length: 3_000 }, (_, n) => (n % 3 === topic ? `{"n":${n}}`.length : 0)).reduce((a, b) => a + b);
    expect(result.topic_bytes).toEqual({ 'a/0': size(0), 'a/1': size(1), 'a/2': size(2) });
    expect(session.listened.every(({ closed }) => closed)).toBe(true);
  });

  test('whole_window of many topics -> the loudest are named, the others added up, and a note says how many', async () => {
    const { session, over } = await collecting({ whole_window: true, duration_seconds: 10, match: '[02468]$' });
    for (let n = 0; n < 1_000; n += 1) for (let times = 0; times <= n % 4; times += 1) session.speak(`a/${n}`, `${n}`);
    const result = await over(10_000);
    const topics = new Map(Object.entries(Object(result.topics)));
    const sum = (counts: unknown) =>
      Object.values(Object(counts)).reduce((all: number, count) => all + Number(count), 0);
    const named = topics.size - 1;
    expect(named).toBeGreaterThan(50);
    expect([topics.get('a/3'), topics.get('a/0'), topics.get('(other topics)')]).toEqual([
      4,
      undefined,
      2_500 - 4 * named,
    ]);
    expect(sum(result.topic_bytes)).toBe(
      Array.from({ length: 1_000 }, (_, n) => `${n}`.length * ((n % 4) + 1)).reduce((a, b) => a + b),
    );
    expect(result).toMatchObject({ original_message_count: 2_500, matched_count: 1_000, pruning: { omitted: 950 } });
    expect(sum(Object(result.pruning).by_topic)).toBe(950);
    expect(Object.keys(Object(Object(result.pruning).by_topic)).length).toBeLessThanOrEqual(21);
    expect(result.notes).toContainEqual(
      expect.stringContaining(`topics names the ${named} loudest topics; ${1_000 - named} more`),
    );
  });

  test('whole_window, the broker says that it dropped some -> a note with the number; it says nothing -> none', async () => {
    const dropped = '$SYS/broker/publish/messages/dropped';
    const { session, over } = await collecting({ whole_window: true, duration_seconds: 10 });
    expect(session.listened.map(({ filter }) => filter)).toEqual(['a/#', dropped, '$SYS/broker/uptime']);
    for (const count of ['100', 'x', '142', '3', '5']) session.speak(dropped, count);
    expect((await over(10_000)).notes).toContainEqual(expect.stringMatching(/\$SYS\) that it dropped 47 messages/));
    const quiet = await collecting({ whole_window: true, duration_seconds: 10 });
    quiet.session.speak(dropped, '100');
    expect((await quiet.over(10_000)).notes).toEqual([]);
    const plain = await collecting({ duration_seconds: 10 });
    expect(plain.session.listened.map(({ filter }) => filter)).toEqual(['a/#']);
    await plain.over(10_000);
  });

  test('the window ends while read messages wait to be counted -> they are, for up to 2 s; then a note', async () => {
    const { session, over } = await collecting({ whole_window: true, duration_seconds: 10 });
    let settle = () => {};
    session.settled = new Promise((resolve) => {
      settle = resolve;
    });
    await vi.advanceTimersByTimeAsync(11_000);
    session.speak('a/b', 'x');
    settle();
    const result = await over();
    expect(result).toMatchObject({ original_message_count: 1, collection_duration_seconds: 10, notes: [] });
    const late = await collecting({ whole_window: true, duration_seconds: 10 });
    late.session.settled = new Promise(() => {});
    late.session.speak('a/b', 'x');
    expect((await late.over(12_000)).notes).toEqual([expect.stringMatching(/were not looked at/)]);
  });

  test('many messages after the drop counter was told -> a note; told after them, or few of them -> none', async () => {
    const dropped = '$SYS/broker/publish/messages/dropped';
    const notesAfter = async (count: number, told: boolean) => {
      const { session, over } = await collecting({ whole_window: true, duration_seconds: 10 });
      session.speak(dropped, '7');
      await vi.advanceTimersByTimeAsync(2_000);
      for (let n = 0; n < count; n += 1) session.speak('a/b', 'x');
      if (told) session.speak(dropped, '7');
      return (await over(8_000)).notes;
    };
    const unknown = 'The broker last told its drop counter 10 s before the end: messages dropped since are not known.';
    expect(await notesAfter(1_001, false)).toContain(unknown);
    expect(await notesAfter(1_001, true)).not.toContainEqual(expect.stringMatching(/drop counter/));
    expect(await notesAfter(1_000, false)).not.toContainEqual(expect.stringMatching(/drop counter/));
  });

  test('cancelled -> cancelled, and nobody listens any more', async () => {
    const { run, session, abort } = bench();
    const running = run('subscribe_and_collect', at);
    await vi.advanceTimersByTimeAsync(5_000);
    abort('cancelled by the caller');
    expect(await running).toMatchObject({ error: { code: 'cancelled' } });
    expect(session.listened[0]?.closed).toBe(true);
  });

  test('progress -> once a second, with the total, never past it', async () => {
    const { session, steps, over } = await collecting({ duration_seconds: 10 });
    session.speak('a/b', 'x');
    await over(10_000);
    expect(steps.map(({ progress }) => progress)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(steps.every(({ total }) => total === 10)).toBe(true);
  });
});
