// Where the secrets of a profile come from something slow: the call's own time holds, and the program always ends.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, onTestFinished, test } from 'vitest';
import { Script } from '../support/fake-host.ts';

async function withSources() {
  const dir = await mkdtemp(join(tmpdir(), 'secret-sources-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  execFileSync('mkfifo', [join(dir, 'pipe')]);
  const of = (password: object) => ({ url: inject('mqttUrl'), username: 'u', password });
  const slow = [process.execPath, '-e', 'setTimeout(() => {}, 60_000)'];
  const profiles = { pipe: of({ file: 'pipe' }), slow: of({ command: slow }) };
  await writeFile(join(dir, 'config.json'), JSON.stringify({ profiles }));
  return new Script({ args: ['--config', join(dir, 'config.json'), '--drain', '0'] });
}

test('a pipe for a password -> refused; a command that never ends -> connection_timeout, in both tools; EOF ends it', async () => {
  const script = await withSources();
  const ask = (profile: string) => script.error('establish_connection', { profile, timeout_seconds: 1 });
  expect(await ask('pipe')).toMatchObject({ code: 'invalid_arguments', message: expect.stringContaining('regular') });
  expect(await ask('slow')).toMatchObject({ code: 'connection_timeout' });
  // Whoever closes it waits for the connect, and no longer.
  const connecting = script.send('establish_connection', { profile: 'slow', name: 's', timeout_seconds: 1 });
  const closing = script.send('close_connection', { session_id: 's' });
  expect(await script.errorOf(connecting)).toMatchObject({ code: 'connection_timeout' });
  expect(await script.errorOf(closing)).toMatchObject({ code: 'connection_timeout' });
  const cancelled = script.send('establish_connection', { profile: 'slow', timeout_seconds: 30 });
  script.send('establish_connection', { profile: 'slow', timeout_seconds: 30 });
  await script.result('ping');
  script.daemon.notify('notifications/cancelled', { requestId: cancelled });
  script.daemon.end();
  expect((await script.daemon.exit).code).toBe(0);
});

test('a command that waits for another -> both end with the call', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'secret-sources-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  // Whoever reads it is told when the last one that holds it has ended.
  const held = join(dir, 'held');
  execFileSync('mkfifo', [held]);
  const reader = spawn('cat', [held]);
  onTestFinished(() => void reader.kill());
  const command = ['sh', '-c', `(echo up; sleep 300) > '${held}'; echo secret`];
  const profiles = { p: { url: inject('mqttUrl'), username: 'u', password: { command } } };
  await writeFile(join(dir, 'config.json'), JSON.stringify({ profiles }));
  const script = new Script({ args: ['--config', join(dir, 'config.json')] });
  const [running, ended] = [once(reader.stdout, 'data'), once(reader, 'close')];
  const connecting = script.send('establish_connection', { profile: 'p', timeout_seconds: 30 });
  await running;
  script.daemon.notify('notifications/cancelled', { requestId: connecting });
  await ended;
});

test('SIGTERM while a command runs -> exit code 0', async () => {
  const script = await withSources();
  script.send('establish_connection', { profile: 'slow', timeout_seconds: 30 });
  await script.result('ping');
  script.daemon.kill('SIGTERM');
  expect((await script.daemon.exit).code).toBe(0);
});
