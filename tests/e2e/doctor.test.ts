// The command `doctor` of the built program: on a pipe and on a real terminal.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, onTestFinished, test } from 'vitest';
import { builtProgram, cleanEnv } from '../support/daemon.ts';
import { dig } from '../support/streams.ts';

type Ran = { code: number | null; stdout: string; stderr: string };

/** To its end, in a home of its own. */
function doctor(args: string[], env: Record<string, string> = {}, home = folder()): Promise<Ran> {
  return run(process.execPath, [builtProgram(), 'doctor', ...args], { ...cleanEnv(env), HOME: home }, home);
}

/** The same on a terminal that `script` makes. */
function onTerminal(args: string[], env: Record<string, string> = {}): Promise<Ran> {
  const home = folder();
  const command = [process.execPath, builtProgram(), 'doctor', ...args].map((word) => `'${word}'`).join(' ');
  return run('script', ['-qec', command, '/dev/null'], { ...cleanEnv(env), HOME: home, TERM: 'xterm' }, home);
}

function run(command: string, args: string[], env: Record<string, string>, cwd: string): Promise<Ran> {
  const child = spawn(command, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const text = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    text.stdout += more;
  });
  child.stderr.setEncoding('utf8').on('data', (more: string) => {
    text.stderr += more;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...text }));
  });
}

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'bitsperity-mqtt-mcp-doctor-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A port that accepts and says nothing. */
async function silentPort(): Promise<string> {
  const server = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => void server.close());
  return `mqtt://127.0.0.1:${dig(server.address(), 'port')}`;
}

test('a broker by URL -> every layer, plain lines, exit 0', async () => {
  const { code, stdout, stderr } = await doctor([inject('mqttUrl')]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^bitsperity-mqtt-mcp \d/);
  expect(stdout).toContain(`Node       ${process.versions.node}`);
  for (const layer of ['tcp', 'connack', 'subscribe']) expect(stdout).toMatch(new RegExp(`^ {2}ok +${layer} `, 'm'));
  expect(stdout).not.toMatch(/\x1b|\r/);
});

test('nobody listens -> the layer that fails, what to do, exit 1', async () => {
  const { code, stdout } = await doctor(['mqtt://u:hunter2@127.0.0.1:1']);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^ {2}FAILED +tcp .*\n +-> \S/m);
  expect(stdout).not.toContain('hunter2');
});

test('a config -> every profile, its files and secrets, and who may read them', async () => {
  const dir = folder();
  const file = join(dir, 'config.json');
  writeFileSync(join(dir, 'pass.txt'), 'hunter2\n', { mode: 0o644 });
  chmodSync(join(dir, 'pass.txt'), 0o644);
  const url = inject('mqttUrl');
  const profiles = {
    good: { url, username: 'u', password: { file: 'pass.txt' } },
    open: { url, password: 'hunter2', username: 'u' },
    unset: { url, password: { env: 'NO_SUCH_VARIABLE' } },
    gone: { url, ca_file: 'gone.pem' },
    mixed: { url, username: 'u', password: { file: 'mqtt://u:hunter2@h' } },
  };
  writeFileSync(file, JSON.stringify({ profiles }));
  chmodSync(file, 0o644);
  const { code, stdout } = await doctor(['--config', file]);
  expect(code).toBe(1);
  const part = (name: string) => stdout.split(`Profile ${name}\n`)[1]?.split('\n\n')[0] ?? '';
  expect(stdout).toMatch(/ok +config +\S+config.json: 5 profiles/);
  expect(stdout).toMatch(/warning +config .*others on this machine may read it.\n +-> chmod 600/);
  expect(part('good')).toMatch(/warning +password .*pass.txt/);
  expect(part('good')).toMatch(/ok +connack/);
  expect(part('open')).toMatch(/ok +connack/);
  expect(part('unset')).toMatch(/FAILED +settings .*NO_SUCH_VARIABLE is not set/);
  expect(part('mixed')).toMatch(/FAILED +password .*not repeated.* cannot be read: ENOENT/);
  expect(part('gone')).toMatch(/FAILED +ca_file .*gone.pem cannot be read: ENOENT/);
  expect(stdout).not.toContain('hunter2');

  const one = await doctor(['--config', file, '--profile', 'open']);
  expect(one.code).toBe(0);
  expect(one.stdout.match(/^Profile .*/gm)).toEqual(['Profile open']);
  const none = await doctor(['--config', file, '--profile', 'no such']);
  expect(none.code).toBe(1);
  expect(none.stdout).toMatch(/FAILED +settings +No profile has that name/);
});

test('a profile whose URL is none -> it failed, the others, a URL and the hosts are examined all the same', async () => {
  const file = join(folder(), 'config.json');
  const profiles = { bad: { url: 'mqtt//x' }, good: { url: inject('mqttUrl') } };
  writeFileSync(file, JSON.stringify({ profiles }));
  const { code, stdout, stderr } = await doctor(['--config', file]);
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  expect(stdout).toMatch(/^Profile bad\n +FAILED +settings .*profiles\.bad\.url/m);
  expect(stdout).toMatch(/ok +connack/);
  expect(stdout).toContain('\nHosts\n');
  const url = await doctor(['--config', file, inject('mqttUrl')]);
  expect(url.stdout).toMatch(/ok +connack/);
});

test('--profile demo without --demo -> says so', async () => {
  const { code, stdout } = await doctor(['--profile', 'demo']);
  expect(code).toBe(1);
  expect(stdout).toContain('--demo offers it.');
});

test('a config that cannot be used -> its key, exit 1; a URL is examined all the same', async () => {
  const file = join(folder(), 'config.json');
  writeFileSync(file, '{"profils":{}}');
  const { code, stdout } = await doctor(['--config', file, inject('mqttUrl')]);
  expect(code).toBe(1);
  expect(stdout).toMatch(/FAILED +config .*unknown key profils/);
  expect(stdout).toMatch(/ok +connack/);
});

test('the policy holds here too: a broker that is not allowed is not reached', async () => {
  const file = join(folder(), 'config.json');
  writeFileSync(file, JSON.stringify({ policy: { allowed_brokers: ['broker.plant'] } }));
  const { code, stdout } = await doctor(['--config', file, inject('mqttUrl')]);
  expect(code).toBe(1);
  expect(stdout).toMatch(/FAILED +settings +Connecting to .* is not allowed here/);
});

test('a host that names us, and one whose entry is broken', async () => {
  const home = folder();
  mkdirSync(join(home, '.cursor'));
  const entry = { command: 'node', args: ['/no/such/bitsperity-mqtt-mcp/dist/main.js'] };
  writeFileSync(join(home, '.cursor/mcp.json'), JSON.stringify({ mcpServers: { mqtt: entry } }));
  writeFileSync(
    join(home, '.mcp.json'),
    JSON.stringify({ mcpServers: { broker: { command: process.execPath, args: ['bitsperity-mqtt-mcp'] } } }),
  );
  const { code, stdout } = await doctor([], {}, home);
  expect(code).toBe(1);
  expect(stdout).toMatch(/ok +Claude Code +entry "broker"/);
  expect(stdout).toMatch(/FAILED +Cursor .*is not there/);
});

test('a terminal: colours, and what is waited for, which is gone afterwards', async () => {
  const { code, stdout } = await onTerminal([await silentPort()]);
  expect(code).toBe(1);
  expect(stdout).toMatch(/\x1b\[32mok /);
  expect(stdout).toMatch(/\x1b\[31mFAILED/);
  expect(stdout).toContain('testing connack, 1 s');
  // What a person sees at the end: each progress line was taken back.
  const seen = stdout.split('\n').map((line) => line.split('\r\x1b[2K').at(-1) ?? '');
  expect(seen.filter((line) => line.includes('…'))).toEqual([]);
});

test('a terminal with NO_COLOR -> progress, no colour', async () => {
  const { code, stdout } = await onTerminal([inject('mqttUrl')], { NO_COLOR: '1' });
  expect(code).toBe(0);
  expect(stdout).toContain('testing tcp');
  expect(stdout).not.toMatch(/\x1b\[[0-9;]*m/);
});

test('--demo -> the embedded broker is examined, and ended', async () => {
  const { code, stdout } = await doctor(['--demo']);
  expect(code).toBe(0);
  expect(stdout).toContain('Profile demo');
});

test.each([
  ['two URLs', ['doctor', 'mqtt://a', 'mqtt://u:hunter2@b']],
  ['no URL', ['doctor', 'hunter2']],
  ['a URL and a profile', ['doctor', 'mqtt://u:hunter2@b', '--profile', 'x']],
  ['--profile without doctor', ['--profile', 'x']],
])('%s -> exit 2 and one line that repeats nothing', (_name, args) => {
  const options = { env: cleanEnv(), encoding: 'utf8' as const };
  const { status, stdout, stderr } = spawnSync(process.execPath, [builtProgram(), ...args], options);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(/^bitsperity-mqtt-mcp: [^\n]+\n$/);
  expect(stderr).not.toContain('hunter2');
});
