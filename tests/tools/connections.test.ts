import { describe, expect, test } from 'vitest';
import { FakeSession } from '../support/fake-pool.ts';
import { bench, failing, toolError } from './bench.ts';

const time = '2026-01-02T03:04:05.678Z';
const later = '2026-01-02T04:04:05.678Z';

describe('establish_connection', () => {
  test('only where to -> the defaults of the schema, and what CONNACK said', async () => {
    const { call, pool } = bench();
    const result = await call('establish_connection', { connection_string: 'mqtt://broker' });
    expect(pool.requests).toEqual([
      {
        connectionString: 'mqtt://broker',
        keepaliveSeconds: 60,
        cleanStart: true,
        sessionExpirySeconds: 0,
        timeoutSeconds: 10,
      },
    ]);
    expect(result).toEqual({
      status: 'connected',
      session_id: '6f9619ff-8b86-4d01-b42d-00cf4fc964ff',
      name: 'lab',
      broker: 'broker',
      port: 1883,
      client_id: 'c',
      protocol_version: 5,
      tls: false,
      created_at: time,
      expires_at: later,
      session_ttl_seconds: 3600,
      connect_ms: 1.5,
      broker_limits: {},
      notes: [],
    });
  });

  test('everything -> reaches the pool', async () => {
    const { call, pool } = bench();
    await call('establish_connection', {
      profile: 'plant',
      name: 'n',
      client_id: 'id',
      username: 'u',
      password: 'p',
      protocol_version: 4,
      keepalive_seconds: 0,
      clean_start: false,
      session_expiry_seconds: 4_294_967_295,
      timeout_seconds: 1.5,
    });
    expect(pool.requests[0]).toEqual({
      profile: 'plant',
      name: 'n',
      clientId: 'id',
      username: 'u',
      password: 'p',
      protocolVersion: 4,
      keepaliveSeconds: 0,
      cleanStart: false,
      sessionExpirySeconds: 4_294_967_295,
      timeoutSeconds: 1.5,
    });
  });

  test('the pool refuses -> its error as it is', async () => {
    const { run, pool } = bench();
    pool.refusal = toolError('auth_failed', { reason_code: 0x86, reason: 'bad user name or password' });
    expect(await failing(run('establish_connection', { connection_string: 'mqtt://broker' }))).toEqual({
      code: 'auth_failed',
      message: 'It failed.',
      hint: 'Do it again.',
      retryable: false,
      reason_code: 0x86,
      reason: 'bad user name or password',
    });
  });

  test('a bug below -> rejects, for whoever answers it as a bug', async () => {
    const { run, pool } = bench();
    pool.refusal = new Error('a bug');
    await expect(run('establish_connection', { connection_string: 'mqtt://broker' })).rejects.toThrow('a bug');
  });
});

describe('list_active_connections', () => {
  test('sessions in each state -> told as it is', async () => {
    const { call, pool, session } = bench();
    session.current = { subscribedTopics: ['a/#'], messagesReceived: 3, bytesReceived: 99 };
    const away = new FakeSession({ id: 'other', name: 'away', tls: true, protocolVersion: 4 });
    away.current = { isConnected: false, connectionError: 'the broker closed the connection', reconnects: 2 };
    pool.sessions.push(away);
    const result = await call('list_active_connections');
    expect(result).toMatchObject({ status: 'success', total_count: 2, max_connections: 5 });
    expect(Date.parse(String(result.timestamp))).toBeGreaterThan(Date.now() - 10_000);
    expect(result.active_connections).toEqual([
      {
        session_id: session.facts.id,
        name: 'lab',
        broker: 'broker',
        port: 1883,
        client_id: 'c',
        protocol_version: 5,
        tls: false,
        is_connected: true,
        connection_error: null,
        created_at: time,
        last_accessed: time,
        expires_at: later,
        reconnects: 0,
        subscribed_topics: ['a/#'],
        messages_received: 3,
        bytes_received: 99,
      },
      expect.objectContaining({
        name: 'away',
        tls: true,
        protocol_version: 4,
        is_connected: false,
        connection_error: 'the broker closed the connection',
        reconnects: 2,
      }),
    ]);
  });

  test('none -> an empty list', async () => {
    const { call, pool } = bench();
    pool.sessions.length = 0;
    expect(await call('list_active_connections')).toMatchObject({ active_connections: [], total_count: 0 });
  });
});

describe('close_connection', () => {
  test.each(['lab', '6f9619ff-8b86-4d01-b42d-00cf4fc964ff'])('by %s -> closed, told by its id', async (session_id) => {
    const { call } = bench();
    expect(await call('close_connection', { session_id })).toEqual({
      status: 'closed',
      session_id: '6f9619ff-8b86-4d01-b42d-00cf4fc964ff',
      closed_at: time,
    });
  });
});

test.each([
  ['close_connection', {}],
  ['list_topics', {}],
  ['debug_device', { device_id: 'a' }],
  ['subscribe_and_collect', { topic_pattern: '#' }],
  ['publish_message', { topic: 'a', payload: 'x' }],
])('%s: an unknown session -> session_not_found', async (name, args) => {
  const { run } = bench();
  expect((await failing(run(name, { session_id: 'nobody', ...args }))).code).toBe('session_not_found');
});
