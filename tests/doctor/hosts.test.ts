import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { hostFindings } from '../../src/doctor/hosts.ts';
import { parseJsonc } from '../../src/doctor/jsonc.ts';
import { hostNames, placesOf } from '../../src/doctor/places.ts';
import type { Machine } from '../../src/doctor/types.ts';

function machine(platform = 'linux'): Machine {
  const home = mkdtempSync(join(tmpdir(), 'bitsperity-mqtt-mcp-home-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  const program = join(home, 'mine/main.js');
  return { nodeVersion: '24.0.0', platform, env: {}, home, cwd: join(home, 'project'), program };
}

function put(file: string, content: unknown): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
}

const ours = { command: 'npx', args: ['-y', 'bitsperity-mqtt-mcp'] };

test('no settings anywhere -> one line that says which hosts were looked for', () => {
  const [only, ...more] = hostFindings(machine());
  expect(more).toEqual([]);
  expect(only).toMatchObject({ status: 'skipped', what: 'hosts' });
  for (const host of hostNames) expect(only?.detail).toContain(host);
});

test.each(['linux', 'darwin', 'win32'])('%s: every host is found where it keeps its settings', (platform) => {
  const here = machine(platform);
  for (const { file, key } of placesOf(here)) put(file, { [key]: { mqtt: ours } });
  const findings = hostFindings(here);
  expect(findings.map(({ status }) => status)).toEqual(placesOf(here).map(() => 'ok'));
  expect([...new Set(findings.map(({ what }) => what))]).toEqual(hostNames);
});

test('the places are those that the hosts document', () => {
  const on = (platform: string, host: string) =>
    placesOf({ ...machine(platform), home: '/home/me', env: {} }).find((place) => place.host === host)?.file;
  expect(on('linux', 'Claude Desktop')).toBe('/home/me/.config/Claude/claude_desktop_config.json');
  expect(on('darwin', 'Claude Desktop')).toBe('/home/me/Library/Application Support/Claude/claude_desktop_config.json');
  expect(on('linux', 'Claude Code')).toBe('/home/me/.claude.json');
  expect(on('linux', 'Cursor')).toBe('/home/me/.cursor/mcp.json');
  expect(on('linux', 'VS Code')).toBe('/home/me/.config/Code/User/mcp.json');
  expect(on('linux', 'Windsurf')).toBe('/home/me/.codeium/windsurf/mcp_config.json');
  expect(on('darwin', 'Zed')).toBe('/home/me/.config/zed/settings.json');
});

test.each([
  ['by npx', ours, 'ok'],
  ['by the path of this program', { command: 'node', args: ['PROGRAM'] }, 'ok'],
  ['with a flag that we do not have', { ...ours, args: [...ours.args, '--readonly'] }, 'failed'],
  ['with a flag and no value', { ...ours, args: [...ours.args, '--config'] }, 'failed'],
  ['that starts the doctor', { ...ours, args: [...ours.args, 'doctor'] }, 'failed'],
  ['with a command that is gone', { ...ours, command: '/no/such/npx' }, 'failed'],
  ['that is disabled', { ...ours, disabled: true }, 'warning'],
  ['that is not enabled', { ...ours, enabled: false }, 'warning'],
  ['as Zed had it once', { command: { path: 'npx', args: ['-y', 'bitsperity-mqtt-mcp'] } }, 'ok'],
  ['with a program that is gone', { command: 'node', args: ['/no/bitsperity-mqtt-mcp/dist/main.js'] }, 'failed'],
  ['with a relative program', { command: 'node', args: ['bitsperity-mqtt-mcp/dist/main.js'] }, 'warning'],
  ['with a config that is gone', { ...ours, args: [...ours.args, '--config', '/no/such.json'] }, 'failed'],
  ['with a relative config', { ...ours, args: [...ours.args, '--config=mine.json'] }, 'warning'],
  ['with a config by variable, gone', { ...ours, env: { MQTT_MCP_CONFIG: '/no/such.json' } }, 'failed'],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a host fills it in
  ['with a placeholder of the host', { ...ours, env: { MQTT_MCP_CONFIG: '${workspaceFolder}/x.json' } }, 'ok'],
  ['of somebody else', { command: 'npx', args: ['-y', 'other'] }, 'skipped'],
  ['that is none', null, 'skipped'],
])('an entry %s', (_name, entry, status) => {
  const here = machine();
  put(here.program, '');
  const text = JSON.stringify({ mcpServers: { mqtt: entry } }).replace('PROGRAM', here.program);
  put(join(here.home, '.cursor/mcp.json'), text);
  expect(hostFindings(here)).toMatchObject([{ status, what: 'Cursor' }]);
});

test.each([
  ['docker', ['exec', '-i', 'bitsperity-mqtt-mcp', 'node', '/app/dist/main.js'], 'in a container'],
  ['docker', ['run', '-i', '--rm', 'bitsperity-mqtt-mcp', '--config', '/etc/mqtt.json'], 'in a container'],
  ['docker', ['compose', 'exec', '-T', 'x', 'node', '/bitsperity-mqtt-mcp/main.js'], 'in a container'],
  ['podman', ['exec', '-i', 'bitsperity-mqtt-mcp', 'node', '/app/dist/main.js'], 'in a container'],
  ['ssh', ['-T', 'gw', 'npx', '-y', 'bitsperity-mqtt-mcp', '--config', '/etc/mqtt.json'], 'on another machine'],
  ['ssh', ['-T', 'gw', 'exec npx -y bitsperity-mqtt-mcp --config /etc/mqtt.json'], 'on another machine'],
  ['wsl.exe', ['npx', '-y', 'bitsperity-mqtt-mcp', '--config', '/etc/mqtt.json'], 'on another machine'],
  ['cmd', ['/c', 'ssh', 'gw', 'node', '/opt/bitsperity-mqtt-mcp/main.js'], 'on another machine'],
])('%s %j runs elsewhere: its paths are not looked for here', (command, args, where) => {
  const here = machine();
  put(join(here.home, '.cursor/mcp.json'), { mcpServers: { mqtt: { command, args } } });
  const [finding] = hostFindings(here);
  expect(finding).toMatchObject({ status: 'ok', detail: expect.stringContaining(`it runs ${where}`) });
});

test('a flag that we do not have is told there too', () => {
  const here = machine();
  const args = ['-T', 'gw', 'npx', '-y', 'bitsperity-mqtt-mcp', '--readonly'];
  put(join(here.home, '.cursor/mcp.json'), { mcpServers: { mqtt: { command: 'ssh', args } } });
  expect(hostFindings(here)).toMatchObject([{ status: 'failed', detail: expect.stringContaining("'--readonly'") }]);
});

test('a command is looked for on the PATH, that of the entry first', () => {
  const here = machine();
  const bin = join(here.home, 'bin');
  put(join(bin, 'npx'), '');
  const said = (entry: object, PATH: string) => {
    put(join(here.home, '.cursor/mcp.json'), { mcpServers: { mqtt: entry } });
    return hostFindings({ ...here, env: { PATH } })[0];
  };
  expect(said(ours, bin)?.status).toBe('ok');
  expect(said(ours, here.home)).toMatchObject({
    status: 'warning',
    detail: expect.stringContaining('not on the PATH'),
  });
  expect(said({ ...ours, env: { PATH: bin } }, here.home)?.status).toBe('ok');
});

test('Claude Code: an entry of the project that the command runs in', () => {
  const here = machine();
  put(join(here.home, '.claude.json'), { projects: { [here.cwd]: { mcpServers: { mqtt: ours } } } });
  expect(hostFindings(here)).toMatchObject([{ status: 'ok', what: 'Claude Code' }]);
});

test.each(['{', 'null', '[]', '""', '{"mcpServers":[1,null,"x"]}', '['.repeat(5000)])(
  'settings that are none (%#) -> said, no bug',
  (text) => {
    const here = machine();
    put(join(here.home, '.cursor/mcp.json'), text);
    expect(hostFindings(here)).toMatchObject([{ what: 'Cursor', status: expect.stringMatching(/warning|skipped/) }]);
  },
);

test('nothing of the settings is repeated but our entry', () => {
  const here = machine();
  const secret = { env: { TOKEN: 'hunter2' }, command: 'npx', args: ['--token', 'hunter2'] };
  const mine = { ...ours, args: [...ours.args, 'mqtt://u:hunter2@b'], env: { PLANT_PASSWORD: 'hunter2' } };
  put(join(here.home, '.cursor/mcp.json'), { mcpServers: { other: secret, mqtt: mine } });
  expect(JSON.stringify(hostFindings(here))).not.toContain('hunter2');
});

test('a URL where a name, a command, a script or a config should be -> not repeated', () => {
  const url = 'mqtt://u:hunter2@b';
  const entries = {
    [url]: ours,
    command: { command: url, args: ['bitsperity-mqtt-mcp'] },
    script: { ...ours, args: [...ours.args, `${url}/x.js`] },
    config: { ...ours, env: { MQTT_MCP_CONFIG: url } },
  };
  const here = machine();
  put(join(here.home, '.cursor/mcp.json'), { mcpServers: entries });
  const said = hostFindings(here);
  expect(said).toHaveLength(4);
  expect(JSON.stringify(said)).not.toContain('hunter2');
  expect(said[3]).toMatchObject({ status: 'warning', detail: expect.stringContaining('looks like a URL') });
});

test('JSON with comments and commas at the end, as editors write it', () => {
  const text = '\ufeff{ // a "comment"\n "a": "b // no, /* neither */ ,}", /* , } */ "c": [1, 2, /* x */ ],\n }';
  expect(parseJsonc(text)).toEqual({ a: 'b // no, /* neither */ ,}', c: [1, 2] });
  expect(parseJsonc('{"a": "\\",}"}')).toEqual({ a: '",}' });
  expect(parseJsonc('{"a" 1}')).toBeUndefined();
});
