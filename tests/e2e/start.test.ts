// The built program as it starts: what it loads before it answers, and that it runs without naming Node.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { builtProgram, cleanEnv, startDaemon } from '../support/daemon.ts';
import { dig, initializeParams } from '../support/streams.ts';

test('initialize -> answered by one file, with no chunk and no costly part of Node loaded', async () => {
  const look = join(import.meta.dirname, '../support/loaded.cjs');
  const daemon = startDaemon({ env: { NODE_OPTIONS: `--require ${look}` } });
  expect(await daemon.call(1, 'initialize', initializeParams())).toHaveProperty('result');
  const seen = await vi.waitFor(() => {
    const line = daemon.stderr.find((one) => one.includes('"loaded"'));
    return dig(JSON.parse(line ?? ''), 'loaded');
  });
  if (!Array.isArray(seen)) expect.fail('nothing was said');
  expect(seen.filter((one) => String(one).startsWith('/'))).toEqual([builtProgram()]);
  expect(seen).toContain('NativeModule net');
  for (const costly of ['crypto', 'tls', 'http', 'zlib']) expect(seen).not.toContain(`NativeModule ${costly}`);
});

test('run as npm links it, by its path alone -> runs', () => {
  expect(execFileSync(builtProgram(), ['--version'], { env: cleanEnv(), encoding: 'utf8' })).toMatch(
    /^\d+\.\d+\.\d+\n$/,
  );
});
