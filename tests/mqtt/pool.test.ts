import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ToolError, type ToolErrorCode } from '../../src/errors.ts';
import { createPool, MAX_SESSIONS, SESSION_TTL_MS } from '../../src/mqtt/pool.ts';
import type { Profiles } from '../../src/mqtt/profile.ts';
import type { ListenOptions, Pool } from '../../src/mqtt/types.ts';
import { FakeConnect, policy, request } from '../support/fake-connect.ts';

const { signal } = new AbortController();
const profiles: Profiles = { names: () => ['plant'], open: async () => ({ url: 'mqtt://plant' }) };
const refused = new ToolError('connection_refused', 'broker:1883 refused.', 'Check it.');

let fake: FakeConnect;
beforeEach(() => {
  fake = new FakeConnect();
});

function poolOf(ttlMs?: number) {
  const pool = createPool({ connect: fake.connect, profiles, policy, ...(ttlMs === undefined ? {} : { ttlMs }) });
  const close: Pool['close'] = async (...args) => pool.close(...args);
  return { ...pool, close, closeAtOnce: pool.close };
}

/** The code a promise fails with. */
async function codeOf(promise: Promise<unknown>): Promise<ToolErrorCode | 'no error'> {
  return promise.then(
    () => 'no error' as const,
    (error: unknown) => {
      if (error instanceof ToolError) return error.data.code;
      throw error;
    },
  );
}

describe('slots', () => {
  test('twenty establish at once -> five connect, fifteen get session_limit, never a sixth', async () => {
    const pool = poolOf();
    const codes = await Promise.all(Array.from({ length: 20 }, () => codeOf(pool.establish(request(), signal))));
    expect(codes.filter((code) => code === 'no error')).toHaveLength(5);
    expect(codes.filter((code) => code === 'session_limit')).toHaveLength(15);
    expect(fake.most).toBe(MAX_SESSIONS);
    expect(pool.list()).toHaveLength(5);
  });

  test('twenty at once, all of which fail -> all five slots are usable after', async () => {
    const pool = poolOf();
    fake.error = refused;
    const codes = await Promise.all(Array.from({ length: 20 }, () => codeOf(pool.establish(request(), signal))));
    expect(codes.filter((code) => code === 'connection_refused')).toHaveLength(5);
    fake.error = undefined;
    for (let n = 0; n < 5; n += 1) await pool.establish(request(), signal);
    expect(await codeOf(pool.establish(request(), signal))).toBe('session_limit');
  });

  test('connecting sessions count, but are not listed', async () => {
    const pool = poolOf();
    fake.hold();
    const five = Array.from({ length: 5 }, () => pool.establish(request(), signal));
    expect(await codeOf(pool.establish(request(), signal))).toBe('session_limit');
    expect(pool.list()).toEqual([]);
    fake.letGo();
    await Promise.all(five);
    expect(pool.list()).toHaveLength(5);
  });

  test('session_limit -> names the sessions that are open, retryable', async () => {
    const pool = poolOf();
    for (const name of ['a', 'b', 'c', 'd', 'e']) await pool.establish(request({ name }), signal);
    await expect(pool.establish(request(), signal)).rejects.toMatchObject({
      data: { code: 'session_limit', message: expect.stringContaining('"a", "b", "c", "d", "e"'), retryable: true },
    });
  });

  test('closed -> the slot is free at once', async () => {
    const pool = poolOf();
    for (let n = 0; n < 5; n += 1) await pool.establish(request({ name: `${n}` }), signal);
    const closing = pool.close('0', { signal });
    await pool.establish(request(), signal);
    await closing;
    expect(pool.list()).toHaveLength(5);
  });

  test('cancelled while connecting -> the slot is free', async () => {
    const pool = poolOf();
    fake.hold();
    const controller = new AbortController();
    const five = Array.from({ length: 5 }, () => pool.establish(request(), controller.signal));
    controller.abort(new ToolError('cancelled', 'Stopped.', 'Call again.'));
    for (const one of five) expect(await codeOf(one)).toBe('cancelled');
    fake.letGo();
    expect(await codeOf(pool.establish(request(), signal))).toBe('no error');
  });
});

describe('names', () => {
  test('a name that is taken -> invalid_arguments that names it, also while its session connects', async () => {
    const pool = poolOf();
    fake.hold();
    const first = pool.establish(request({ name: 'lab' }), signal);
    const again = pool.establish(request({ name: 'lab' }), signal);
    await expect(again).rejects.toMatchObject({
      data: { code: 'invalid_arguments', problems: [{ path: '/name', expected: 'a name that is free' }] },
    });
    fake.letGo();
    await first;
    expect(await codeOf(pool.establish(request({ name: 'lab' }), signal))).toBe('invalid_arguments');
  });

  test("another session's id -> taken too", async () => {
    const pool = poolOf();
    const { facts } = await pool.establish(request(), signal);
    expect(await codeOf(pool.establish(request({ name: facts.id }), signal))).toBe('invalid_arguments');
  });

  test('closed, or failed to connect -> the name is free again', async () => {
    const pool = poolOf();
    await pool.establish(request({ name: 'lab' }), signal);
    await pool.close('lab', { signal });
    fake.error = refused;
    await codeOf(pool.establish(request({ name: 'lab' }), signal));
    fake.error = undefined;
    expect(await codeOf(pool.establish(request({ name: 'lab' }), signal))).toBe('no error');
  });

  test.each([
    ['mqtt://broker.lab:1884', 'broker.lab'],
    ['mqtts://user:p%40ss@broker/client', 'broker'],
    ['ws://10.0.0.7:9001/mqtt?token=secret', '10.0.0.7'],
    ['mqtt://[::1]:1883', '[::1]'],
    ['mqtt://user:sec/ret@broker', 'session'],
    ['not a connection string', 'session'],
  ])('no name, %s -> %s', async (connectionString, name) => {
    const pool = poolOf();
    const { facts } = await pool.establish(request({ connectionString }), signal);
    expect(facts.name).toBe(name);
  });

  test('no name, a profile -> its name; the second one gets a number', async () => {
    const pool = poolOf();
    const names = [];
    for (let n = 0; n < 3; n += 1) names.push((await pool.establish(request({ profile: 'plant' }), signal)).facts.name);
    expect(names).toEqual(['plant', 'plant-2', 'plant-3']);
  });

  test('ids are UUIDs; a session is found by id and by name', async () => {
    const pool = poolOf();
    const session = await pool.establish(request({ name: 'lab' }), signal);
    expect(session.facts.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(await pool.get('lab', signal)).toBe(session);
    expect(await pool.get(session.facts.id, signal)).toBe(session);
  });
});

describe('arguments', () => {
  test.each([
    ['both', request({ connectionString: 'mqtt://broker', profile: 'plant' })],
    ['neither', request({ connectionString: undefined })],
  ])('connection_string and profile: %s -> invalid_arguments, no slot taken', async (_what, bad) => {
    const pool = poolOf();
    await expect(pool.establish(bad, signal)).rejects.toMatchObject({
      data: { code: 'invalid_arguments', hint: expect.stringContaining('plant') },
    });
    expect(fake.most).toBe(0);
  });
});

describe('a session that is still connecting', () => {
  test('get -> waits for it', async () => {
    const pool = poolOf();
    fake.hold();
    const establishing = pool.establish(request({ name: 'lab' }), signal);
    const waiting = pool.get('lab', signal);
    fake.letGo();
    expect(await waiting).toBe(await establishing);
  });

  test('its failure -> is the failure of everyone who waits', async () => {
    const pool = poolOf();
    fake.hold();
    fake.error = refused;
    const calls = [
      pool.establish(request({ name: 'lab' }), signal),
      pool.get('lab', signal),
      pool.close('lab', { signal }),
    ];
    fake.letGo();
    expect(await Promise.all(calls.map(codeOf))).toEqual(Array(3).fill('connection_refused'));
    expect(await codeOf(pool.get('lab', signal))).toBe('session_not_found');
  });

  test('its call is cancelled -> who waits is told cancelled, in our words', async () => {
    const pool = poolOf();
    fake.hold();
    const controller = new AbortController();
    const establishing = pool.establish(request({ name: 'lab' }), controller.signal);
    const waiting = pool.get('lab', signal);
    controller.abort(new Error('cancelled by the caller'));
    await expect(establishing).rejects.toThrow('cancelled by the caller');
    await expect(waiting).rejects.toMatchObject({ data: { code: 'cancelled', retryable: true } });
  });

  test('the one who waits is cancelled -> he alone stops', async () => {
    const pool = poolOf();
    fake.hold();
    const establishing = pool.establish(request({ name: 'lab' }), signal);
    const controller = new AbortController();
    const waiting = pool.get('lab', controller.signal);
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    fake.letGo();
    expect((await establishing).facts.name).toBe('lab');
  });

  test('close -> waits for it, then ends it; both calls succeed', async () => {
    const pool = poolOf();
    fake.hold();
    const establishing = pool.establish(request({ name: 'lab' }), signal);
    const closing = pool.close('lab', { signal });
    fake.letGo();
    const { facts } = await establishing;
    expect((await closing).id).toBe(facts.id);
    expect(fake.links[0]?.calls).toEqual(['end']);
    expect(await codeOf(pool.get('lab', signal))).toBe('session_not_found');
  });
});

describe('close', () => {
  test('unknown -> session_not_found that names the open ones', async () => {
    const pool = poolOf();
    await expect(pool.close('x', { signal })).rejects.toMatchObject({
      data: { code: 'session_not_found', hint: expect.stringContaining('establish_connection') },
    });
    await pool.establish(request({ name: 'lab' }), signal);
    await expect(pool.close('x', { signal })).rejects.toMatchObject({ data: { hint: 'Open sessions: "lab".' } });
  });

  test('unknown -> told at once, without a promise', () => {
    expect(() => poolOf().closeAtOnce('x', { signal })).toThrow('No session has that id or name.');
  });

  test('twice at once -> the second finds none, DISCONNECT is sent once', async () => {
    const pool = poolOf();
    await pool.establish(request({ name: 'lab' }), signal);
    const codes = await Promise.all([codeOf(pool.close('lab', { signal })), codeOf(pool.close('lab', { signal }))]);
    expect(codes).toEqual(['no error', 'session_not_found']);
    expect(fake.links[0]?.calls).toEqual(['end']);
  });
});

describe('closeAll', () => {
  test('open sessions -> DISCONNECT to each, none left', async () => {
    const pool = poolOf();
    for (let n = 0; n < 3; n += 1) await pool.establish(request(), signal);
    await pool.closeAll();
    expect(fake.links.map((link) => link.calls)).toEqual([['end'], ['end'], ['end']]);
    expect(pool.list()).toEqual([]);
  });

  test('connecting sessions -> given up, their callers and who waits get cancelled', async () => {
    const pool = poolOf();
    fake.hold();
    const calls = [pool.establish(request({ name: 'lab' }), signal), pool.get('lab', signal)];
    await pool.closeAll();
    expect(await Promise.all(calls.map(codeOf))).toEqual(['cancelled', 'cancelled']);
  });
});

test('onChanged -> told when a session begins, loses its connection, has it back, and ends', async () => {
  const pool = poolOf();
  const seen: string[] = [];
  const stop = pool.onChanged(() =>
    seen.push(
      pool
        .list()
        .map((one) => `${one.state().isConnected}`)
        .join(),
    ),
  );
  await pool.establish(request(), signal);
  fake.links[0]?.events?.down(undefined, false);
  fake.links[0]?.events?.up(false);
  await pool.close('broker', { signal });
  expect(seen).toEqual(['true', 'false', 'true', '']);
  stop();
  await pool.establish(request(), signal);
  expect(seen).toHaveLength(4);
});

describe('time to live', () => {
  const listening: ListenOptions = { qos: 0, retained: 'exclude', signal };
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('an hour without use -> ended with DISCONNECT, neither listed nor counted, then session_expired', async () => {
    const pool = poolOf();
    const { facts } = await pool.establish(request({ name: 'lab' }), signal);
    await vi.advanceTimersByTimeAsync(SESSION_TTL_MS - 1);
    expect(pool.list()).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(pool.list()).toEqual([]);
    expect(fake.links[0]?.calls).toEqual(['end']);
    expect(await codeOf(pool.get('lab', signal))).toBe('session_expired');
    expect(await codeOf(pool.close(facts.id, { signal }))).toBe('session_expired');
    for (let n = 0; n < 5; n += 1) expect(await codeOf(pool.establish(request(), signal))).toBe('no error');
  });

  test('use -> begins the hour anew; listing is none', async () => {
    const pool = poolOf(1_000);
    await pool.establish(request({ name: 'lab' }), signal);
    await vi.advanceTimersByTimeAsync(900);
    await pool.get('lab', signal);
    await vi.advanceTimersByTimeAsync(900);
    expect(pool.list()).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(100);
    expect(await codeOf(pool.get('lab', signal))).toBe('session_expired');
  });

  test('someone listens -> lives on, and the time begins when he stops', async () => {
    const pool = poolOf(1_000);
    const session = await pool.establish(request({ name: 'lab' }), signal);
    const subscription = await session.listen('a', listening, () => {});
    await vi.advanceTimersByTimeAsync(10_500);
    expect(pool.list()).toHaveLength(1);
    subscription.close();
    await vi.advanceTimersByTimeAsync(999);
    expect(pool.list()).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(2);
    expect(pool.list()).toEqual([]);
  });

  test('the machine slept, so the timer is late -> expired all the same', async () => {
    const pool = poolOf(1_000);
    await pool.establish(request({ name: 'lab' }), signal);
    vi.setSystemTime(Date.now() + 5_000);
    expect(pool.list()).toEqual([]);
    expect(await codeOf(pool.get('lab', signal))).toBe('session_expired');
  });

  test('the name of an expired one is taken anew -> found again', async () => {
    const pool = poolOf(1_000);
    const first = await pool.establish(request({ name: 'lab' }), signal);
    await vi.advanceTimersByTimeAsync(1_000);
    const second = await pool.establish(request({ name: 'lab' }), signal);
    expect(await pool.get('lab', signal)).toBe(second);
    await pool.close('lab', { signal });
    expect(await codeOf(pool.get('lab', signal))).toBe('session_not_found');
    expect(await codeOf(pool.get(first.facts.id, signal))).toBe('session_expired');
  });

  test('closed, or shut down -> no timer is left', async () => {
    const pool = poolOf();
    await pool.establish(request({ name: 'lab' }), signal);
    await pool.close('lab', { signal });
    await pool.establish(request(), signal);
    await pool.closeAll();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a certificate that nobody verified', () => {
  test('is told of a session as long as it is open, and after, however many others come and go', async () => {
    const pool = poolOf();
    fake.verified = false;
    const first = await pool.establish(request({ name: 'first' }), signal);
    for (let n = 0; n < 200; n += 1) {
      const other = await pool.establish(request({ name: `other-${n}` }), signal);
      await pool.close(other.facts.id, { signal });
    }
    expect([pool.isUnverified('first'), pool.isUnverified(first.facts.id)]).toEqual([true, true]);
    expect(pool.isUnverified('other-0')).toBe(true);
    await pool.close('first', { signal });
    expect([pool.isUnverified('first'), pool.isUnverified(first.facts.id)]).toEqual([true, true]);
  });

  test('the name of an unverified session, taken by a verified one -> not told of that', async () => {
    const pool = poolOf();
    fake.verified = false;
    const first = await pool.establish(request({ name: 'lab' }), signal);
    await pool.close('lab', { signal });
    fake.verified = true;
    await pool.establish(request({ name: 'lab' }), signal);
    expect([pool.isUnverified('lab'), pool.isUnverified(first.facts.id)]).toEqual([false, true]);
  });
});
