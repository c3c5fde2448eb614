// The .mcpb file as a host has it: unpacked, its command filled in by the format's own rules, driven by both clients.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { getMcpConfigForManifest } from '@anthropic-ai/mcpb';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Command, drive } from './drive.ts';
import { majors, nodeFolder } from './nodes.ts';

const root = join(import.meta.dirname, '../..');
const home = mkdtempSync(join(tmpdir(), 'Claude Extensions '));
const unpacked = join(home, 'local.mcpb.mqtt');
const profiled = join(home, 'my config.json');

beforeAll(() => {
  const file = join(home, 'mqtt.mcpb');
  execFileSync(process.execPath, ['scripts/bundle.mjs', file], { cwd: root });
  expect(statSync(file).size).toBeLessThan(2_000_000);
  execFileSync(process.execPath, ['node_modules/@anthropic-ai/mcpb/dist/cli/cli.js', 'unpack', file, unpacked], {
    cwd: root,
  });
  writeFileSync(profiled, JSON.stringify({ profiles: { plant: { url: inject('mqttUrl') } } }));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

const manifest = () => JSON.parse(readFileSync(join(unpacked, 'manifest.json'), 'utf8'));

/** What a host starts where a person chose this in its settings. */
async function commandFor(major: number, userConfig: Record<string, string | boolean>): Promise<Command> {
  const systemDirs = { HOME: home };
  const options = { manifest: manifest(), extensionPath: unpacked, systemDirs, userConfig, pathSeparator: '/' };
  const filled = await getMcpConfigForManifest(options);
  if (!filled) throw new Error('the manifest has no command');
  const { PATH = '' } = process.env;
  const env = { PATH: `${nodeFolder(major)}${delimiter}${PATH}`, ...filled.env };
  return { command: filled.command, args: [...(filled.args ?? [])], env, cwd: home };
}

test('the manifest: this version, every tool by its name', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  expect(manifest()).toMatchObject({ name: 'bitsperity-mqtt-mcp', version, server: { type: 'node' } });
});

describe.each(majors)('Node %i', (major) => {
  test('nothing chosen -> serves, every tool of the manifest is there', { timeout: 120_000 }, async () => {
    const tools = await drive('sdk v1', await commandFor(major, {}), inject('mqttUrl'));
    expect(manifest().tools.map((tool: { name: string }) => tool.name)).toEqual(tools);
    expect(await drive('client v2', await commandFor(major, {}), inject('mqttUrl'))).toEqual(tools);
  });

  test('read only and a config chosen -> no tool that publishes', { timeout: 120_000 }, async () => {
    const command = await commandFor(major, { read_only: true, config_file: profiled });
    for (const client of ['sdk v1', 'client v2'] as const) {
      expect(await drive(client, command, inject('mqttUrl'))).not.toContain('publish_message');
    }
  });
});
