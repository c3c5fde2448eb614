import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Check } from '../../src/mqtt/types.ts';
import { bench, failing, toolError } from './bench.ts';

const check = (name: Check['name'], status: Check['status'], more: Partial<Check> = {}): Check => ({
  name,
  status,
  ms: 1,
  detail: `${name} is ${status}.`,
  ...(status === 'failed' || status === 'warning' ? { hint: `Do ${name}.` } : {}),
  ...more,
});

const url = { connection_string: 'mqtt://broker' };

describe('test_connection', () => {
  test('all well -> healthy, the summary first; arguments are passed on, with the default time', async () => {
    const { pool, call } = bench();
    pool.checks = [check('dns', 'ok'), check('tls', 'skipped'), check('connack', 'ok', { limits: { maximum_qos: 1 } })];
    const result = await call('test_connection', url);
    expect(Object.keys(result)[0]).toBe('summary');
    expect(result).toMatchObject({ status: 'success', overall_health: 'healthy' });
    expect(result.summary).toBe('Everything tested works: dns, connack.');
    expect(result.checks).toMatchObject([{ name: 'dns' }, { name: 'tls' }, { limits: { maximum_qos: 1 } }]);
    expect(pool.checked).toMatchObject([{ connectionString: 'mqtt://broker', timeoutSeconds: 5 }]);
    expect(pool.checked[0]?.probeTopic).toBeUndefined();
  });

  test('a layer that lasts -> told each second', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { pool, call, steps } = bench();
    pool.check = async (_request, _signal, tell) => {
      tell('dns');
      tell('tls');
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      return [];
    };
    const running = call('test_connection', url);
    await vi.advanceTimersByTimeAsync(2_500);
    await running;
    expect(steps).toEqual([
      { progress: 1, message: 'testing tls' },
      { progress: 2, message: 'testing tls' },
    ]);
  });

  test.each([
    [
      'unhealthy',
      [check('dns', 'warning'), check('tcp', 'failed'), check('tls', 'skipped')],
      'fails at tcp: tcp is failed. Next: Do tcp.',
    ],
    ['degraded', [check('dns', 'ok'), check('tls', 'warning')], 'a warning at tls: tls is warning. Next: Do tls.'],
  ] as const)('%s -> the layer, its cause and next step in the summary', async (health, checks, words) => {
    const { pool, call } = bench();
    pool.checks = [...checks];
    const result = await call('test_connection', url);
    expect(result).toMatchObject({ overall_health: health, summary: expect.stringContaining(words) });
  });

  test('profile, session_id and probe_topic -> passed on', async () => {
    const { pool, call } = bench();
    await call('test_connection', { profile: 'p', timeout_seconds: 2 });
    await call('test_connection', { session_id: 's', probe_topic: 'test/probe' });
    expect(pool.checked).toMatchObject([
      { profile: 'p', timeoutSeconds: 2 },
      { session: 's', probeTopic: 'test/probe' },
    ]);
  });

  test.each([
    ['$SYS/broker', 'policy_denied'],
    ['homeassistant/light/x/config', 'policy_denied'],
    ['a/+', 'invalid_topic'],
    ['a/#', 'invalid_topic'],
  ])('probe topic %s -> %s, nothing is checked', async (probe_topic, code) => {
    const { pool, run } = bench();
    expect((await failing(run('test_connection', { ...url, probe_topic }))).code).toBe(code);
    expect(pool.checked).toEqual([]);
  });

  test('what the pool refuses -> told as it is', async () => {
    const { pool, run } = bench();
    pool.refusal = toolError('session_limit', { retryable: true });
    expect(await failing(run('test_connection', url))).toMatchObject({ code: 'session_limit', retryable: true });
  });
});
