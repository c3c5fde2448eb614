// The packed package as a user has it: by `npx` and installed into an empty folder, on each Node it promises.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { type clients, drive } from './drive.ts';
import { majors, nodeFolder } from './nodes.ts';
import { type Registry, startRegistry } from './registry.ts';

let registry: Registry;
beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(() => registry.close());

const names: (keyof typeof clients)[] = ['sdk v1', 'client v2'];

/** With spaces and letters beyond ASCII: users have them too. */
function emptyFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'bitsperity-mqtt-mcp '));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const folder = join(dir, 'Ein leerer Ordner (ü)');
  mkdirSync(folder);
  return folder;
}

/** As a user of that Node has it: nothing of our own environment. */
function envOf(major: number, home: string): Record<string, string> {
  const { PATH = '' } = process.env;
  return { PATH: `${nodeFolder(major)}${delimiter}${PATH}`, HOME: home, USERPROFILE: home, ...registry.env };
}

describe.each(majors)('Node %i', (major) => {
  test('npx -y bitsperity-mqtt-mcp: both clients, a whole session', { timeout: 180_000 }, async () => {
    const cwd = emptyFolder();
    const env = envOf(major, cwd);
    const node = spawnSync('node', ['--version'], { env, encoding: 'utf8' });
    expect(node.stdout).toMatch(new RegExp(`^v${major}\\.`));
    for (const name of names) {
      const command = { command: 'npx', args: ['-y', 'bitsperity-mqtt-mcp'], env, cwd };
      expect(await drive(name, command, inject('mqttUrl'))).toContain('publish_message');
    }
    expect(
      registry.asked.filter((path) => !path.includes('bitsperity-mqtt-mcp') && !path.startsWith('/-/npm/')),
    ).toEqual([]);
  });

  test('npm install into an empty folder: one package; its binary serves both clients', {
    timeout: 180_000,
  }, async () => {
    const cwd = emptyFolder();
    const env = envOf(major, cwd);
    execFileSync('npm', ['install', '--prefix', cwd, '--no-audit', '--no-fund', registry.tarball], { env, cwd });
    const installed = readdirSync(join(cwd, 'node_modules')).filter((name) => !name.startsWith('.'));
    expect(installed).toEqual(['bitsperity-mqtt-mcp']);
    const binary = join(cwd, 'node_modules/.bin/bitsperity-mqtt-mcp');
    for (const name of names) {
      const command = { command: binary, args: ['--read-only'], env, cwd };
      expect(await drive(name, command, inject('mqttUrl'))).not.toContain('publish_message');
    }
  });
});
