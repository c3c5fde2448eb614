// Paths as users have them: with spaces and letters beyond ASCII, and those of Windows.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, inject, onTestFinished, test, vi } from 'vitest';
import { startDaemon } from '../support/daemon.ts';

afterEach(() => {
  vi.doUnmock('node:path');
  vi.doUnmock('node:fs/promises');
  vi.resetModules();
});

test('config, audit file, log file and secret in a folder with spaces and umlauts -> all found', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'bitsperity-mqtt-mcp '));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const folder = join(dir, 'Über mich', "it's 100% [mine]");
  mkdirSync(join(folder, 'my secrets'), { recursive: true });
  writeFileSync(join(folder, 'my secrets/pass word.txt'), 'x\n');
  const profile = { url: inject('mqttUrl'), username: 'u', password: { file: 'my secrets/pass word.txt' } };
  const config = { profiles: { plant: profile }, audit_file: 'au dit.ndjson' };
  writeFileSync(join(folder, 'my config.json'), JSON.stringify(config));
  const args = ['--config', 'my config.json', '--log-file', 'my log.ndjson', '--log-level', 'debug'];
  const daemon = startDaemon({ args, cwd: folder });
  const opened = await daemon.call(1, 'establish_connection', { profile: 'plant', name: 'b' });
  expect(opened).toHaveProperty('result.status', 'connected');
  await daemon.call(2, 'publish_message', { session_id: 'b', topic: `paths/${process.pid}`, payload: 'x' });
  await daemon.finish();
  expect(await daemon.exit).toEqual({ code: 0, signal: null });
  expect(readFileSync(join(folder, 'au dit.ndjson'), 'utf8')).toContain(`paths/${process.pid}`);
  expect(readFileSync(join(folder, 'my log.ndjson'), 'utf8')).toContain('"msg":"ready"');
});

test.each([
  ['relative, with \\', 'certs\\ca.pem', 'C:\\Program Files\\mqtt\\certs\\ca.pem'],
  ['relative, with /', 'certs/ca.pem', 'C:\\Program Files\\mqtt\\certs\\ca.pem'],
  ['of another drive', 'D:\\keys\\ca.pem', 'D:\\keys\\ca.pem'],
  ['of a share', '\\\\nas\\keys\\ca.pem', '\\\\nas\\keys\\ca.pem'],
  ['upwards', '..\\ca.pem', 'C:\\Program Files\\ca.pem'],
])('on Windows, a file of a profile %s -> the one beside the config', async (_name, given, read) => {
  const asked: string[] = [];
  vi.doMock('node:path', async (original) => {
    const { win32 } = await original<typeof import('node:path')>();
    return { ...win32, default: win32 };
  });
  const dir = mkdtempSync(join(tmpdir(), 'bitsperity-mqtt-mcp-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const here = join(dir, 'ca.pem');
  writeFileSync(here, 'PEM');
  // Whatever is asked for is `here`.
  vi.doMock('node:fs/promises', async (original) => {
    const files = await original<typeof import('node:fs/promises')>();
    const stat = (file: string) => {
      asked.push(file);
      return files.stat(here);
    };
    const open = (file: string, flags: number) => {
      asked.push(file);
      return files.open(here, flags);
    };
    return { ...files, stat, open };
  });
  const { profilesOf } = await import('../../src/profiles.ts');
  const config = { profiles: { plant: { url: 'mqtts://broker', ca_file: given } } };
  const profile = await profilesOf(config, 'C:\\Program Files\\mqtt\\config.json', {}).open('plant');
  expect(profile.tls?.ca?.toString()).toBe('PEM');
  expect([...new Set(asked)]).toEqual([read]);
});
