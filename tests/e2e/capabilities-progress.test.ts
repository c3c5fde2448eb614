// Progress and cancellation of the built program as they are on the wire, in both eras.
import { describe, expect, inject, test, vi } from 'vitest';
import { onlooker, ownPrefix } from '../resources/onlooker.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { judged } from '../support/schema-check.ts';
import { dig, envelope, type Message } from '../support/streams.ts';

const eras: [string, Message][] = [
  ['legacy', {}],
  ['modern', envelope()],
];

async function connected(): Promise<Daemon> {
  const daemon = judged(startDaemon());
  await daemon.call('c', 'establish_connection', { connection_string: inject('mqttUrl'), name: 'lab' });
  return daemon;
}

const isProgress = (token: unknown) => (one: unknown) =>
  dig(one, 'method') === 'notifications/progress' && dig(one, 'params', 'progressToken') === token;

/** What has been said under a token so far. */
function stepsOf(daemon: Daemon, token: unknown): unknown[] {
  const all = daemon.received.map((line): unknown => JSON.parse(line));
  return all.filter(isProgress(token)).map((one) => dig(one, 'params'));
}

async function subscribed(daemon: Daemon): Promise<unknown> {
  const { result } = await daemon.call(`l${daemon.sent.length}`, 'list_active_connections');
  return dig(result, 'active_connections', 0, 'subscribed_topics');
}

describe.each(eras)('progress, %s', (_era, meta) => {
  const collect = (topic_pattern: string, _meta: Message, more: Message = {}) => ({
    name: 'subscribe_and_collect',
    arguments: { session_id: 'lab', topic_pattern, duration_seconds: 10, ...more },
    _meta: { ...meta, ..._meta },
  });

  test('any token -> every second: seconds so far, of how many, and messages so far', async () => {
    const broker = await onlooker();
    const prefix = ownPrefix();
    const daemon = await connected();
    const tokens = [0, 7, '', 'token'];
    for (const [i, token] of tokens.entries()) {
      const own = collect(`${prefix}/${i}`, { progressToken: token }, { max_messages: 5 });
      daemon.request(`p${i}`, 'tools/call', own);
    }
    await vi.waitFor(async () => expect(await subscribed(daemon)).toHaveLength(tokens.length));
    const all = [...tokens.keys()];
    for (const n of [1, 2, 3, 4]) await Promise.all(all.map((i) => broker.publish(`${prefix}/${i}`, String(n))));
    for (const token of tokens) {
      const told = (one: unknown) =>
        isProgress(token)(one) && /^4 messages/.test(String(dig(one, 'params', 'message')));
      const first = await daemon.next(told, 'first step');
      expect(dig(first, 'params')).toEqual({
        progressToken: token,
        progress: expect.any(Number),
        total: 10,
        message: expect.any(String),
      });
      expect(Number(dig(first, 'params', 'progress'))).toBeGreaterThanOrEqual(0.9);
      const second = await daemon.next(isProgress(token), 'second step');
      expect(Number(dig(second, 'params', 'progress'))).toBeGreaterThan(Number(dig(first, 'params', 'progress')));
    }
    await Promise.all(all.map((i) => broker.publish(`${prefix}/${i}`, '5')));
    for (const i of all)
      expect(await daemon.answer(`p${i}`)).toHaveProperty('result.structuredContent.stopped_by', 'max_messages');
    // It was the last word: judged with all other lines at the end of the test.
  });

  test('no token, or one that is none -> no progress', async () => {
    const prefix = ownPrefix();
    const daemon = await connected();
    const tokens = [{}, { progressToken: null }, { progressToken: 1.5 }, { progressToken: { a: 1 } }];
    tokens.forEach((own, i) => void daemon.request(`n${i}`, 'tools/call', collect(`${prefix}/${i}`, own)));
    // One that does have a token is the clock.
    daemon.request('p', 'tools/call', collect(prefix, { progressToken: 'clock' }));
    await daemon.next(isProgress('clock'), 'step');
    await daemon.next(isProgress('clock'), 'step');
    const all = daemon.received.filter((line) => line.includes('notifications/progress'));
    expect(all).toHaveLength(stepsOf(daemon, 'clock').length);
  });

  test('a listing: seconds and topics so far', async () => {
    const broker = await onlooker();
    const prefix = ownPrefix();
    await broker.publish(`${prefix}/a`, 'x', { retain: true });
    const daemon = await connected();
    const args = { session_id: 'lab', pattern: `${prefix}/#`, duration_seconds: 3 };
    const _meta = { ...meta, progressToken: 'list' };
    daemon.request('p', 'tools/call', { name: 'list_topics', arguments: args, _meta });
    const step = await daemon.next(isProgress('list'), 'step');
    expect(dig(step, 'params', 'message')).toMatch(/^1 topics/);
    expect(await daemon.answer('p')).toHaveProperty('result.structuredContent.total_topics', 1);
    expect(stepsOf(daemon, 'list').length).toBeGreaterThanOrEqual(2);
  });

  test('cancelled -> not a word more of it, while others go on', async () => {
    const prefix = ownPrefix();
    const daemon = await connected();
    daemon.request(
      'gone',
      'tools/call',
      collect(`${prefix}/gone`, { progressToken: 'gone' }, { duration_seconds: 60 }),
    );
    daemon.request('stay', 'tools/call', collect(`${prefix}/stay`, { progressToken: 'stay' }));
    await daemon.next(isProgress('gone'), 'step');
    daemon.notify('notifications/cancelled', { requestId: 'gone', reason: 'enough' });
    await vi.waitFor(async () => expect(await subscribed(daemon)).toEqual([`${prefix}/stay`]));
    const said = stepsOf(daemon, 'gone').length;
    for (let i = 0; i < 3; i += 1) await daemon.next(isProgress('stay'), 'step of the other');
    expect(stepsOf(daemon, 'gone')).toHaveLength(said);
    expect(daemon.received.some((line) => dig(JSON.parse(line), 'id') === 'gone')).toBe(false);
  });

  test('a direct method with a token -> progress too, as scripts may want it', async () => {
    const daemon = await connected();
    const args = { session_id: 'lab', topic_pattern: ownPrefix(), duration_seconds: 10 };
    daemon.request('p', 'subscribe_and_collect', { ...args, _meta: { progressToken: 'direct' } });
    await daemon.next(isProgress('direct'), 'step');
  });
});
