// The documents say nothing that is not so: their JSON is run or checked, their links, flags, codes and quotes are real.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { devices } from '../../src/demo/devices.ts';
import { faults } from '../../src/demo/faults.ts';
import { hostFindings } from '../../src/doctor/hosts.ts';
import { placesOf } from '../../src/doctor/places.ts';
import { parseOptions } from '../../src/options.ts';
import { startDaemon } from '../support/daemon.ts';
import { dig } from '../support/streams.ts';
import { play, readTranscript } from '../support/transcript.ts';
import { type Block, blocksOf, commandsOf, documents, read, root } from './documents.ts';

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'bitsperity-mqtt-mcp-docs-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const json = documents.flatMap((file) =>
  blocksOf(file)
    .filter(({ kind }) => kind === 'json')
    .map(({ text, line }): [string, unknown] => [`${file}:${line}`, JSON.parse(text.replaceAll('$broker', broker()))]),
);

function broker(): string {
  return inject('mqttUrl');
}

const isConfig = (value: unknown) =>
  ['profiles', 'policy', 'audit_file'].some((key) => Object.hasOwn(Object(value), key));
const isRequest = (value: unknown) => dig(value, 'jsonrpc') === '2.0';
const servers = (value: unknown) =>
  ['mcpServers', 'servers', 'context_servers'].find((key) => Object.hasOwn(Object(value), key));

test('every block is of a kind that is checked', () => {
  const kinds = documents.flatMap((file) => blocksOf(file).map(({ kind, line }) => `${file}:${line} ${kind}`));
  expect(kinds.filter((one) => !/ (json|jsonl|sh)$/.test(one))).toEqual([]);
  const odd = json.filter(([, value]) => !isConfig(value) && !isRequest(value) && servers(value) === undefined);
  expect(odd.map(([place]) => place)).toEqual([]);
});

test.each(json.filter(([, value]) => isConfig(value)))('%s: a config that is accepted', async (_place, value) => {
  const file = join(folder(), 'config.json');
  writeFileSync(file, JSON.stringify(value));
  await readConfig(file);
});

test.each(json.filter(([, value]) => servers(value) !== undefined))(
  '%s: settings in which the doctor finds this server, with flags that it has',
  (_place, value) => {
    const home = folder();
    const machine = {
      nodeVersion: '24.0.0',
      platform: 'linux',
      env: {},
      home,
      cwd: join(home, 'project'),
      program: '',
    };
    const key = servers(value);
    const place = placesOf(machine).find((one) => one.key === key);
    if (!place) throw new Error(`no host has ${key}`);
    mkdirSync(dirname(place.file), { recursive: true });
    // Its paths are examples: here they are to be there.
    const config = join(home, 'config.json');
    writeFileSync(config, '{}');
    writeFileSync(place.file, JSON.stringify(value).replaceAll('/home/me/mqtt/config.json', config));
    expect(hostFindings(machine)).toMatchObject([{ status: 'ok' }]);
    const args = [dig(value, key ?? '', 'mqtt', 'args')].flat().map(String);
    parseOptions(args.slice(args.findLastIndex((arg) => /bitsperity-mqtt-mcp|main\.js$/.test(arg)) + 1), {});
  },
);

// The examples of the tools need a session, and take ten seconds each: one daemon, all at once.
test('every request is answered without an error', { timeout: 60_000 }, async () => {
  const daemon = startDaemon({ args: ['--demo', '--drain', '30'] });
  for (const name of ['plant', 'doomed']) await daemon.call(name, 'establish_connection', { profile: 'demo', name });
  const requests = json.filter(([, value]) => isRequest(value));
  const answers = requests.map(async ([place, value], i) => {
    const method = String(dig(value, 'method'));
    const params = Object(dig(value, 'params'));
    const named = method === 'establish_connection' ? { name: `s${i}` } : {};
    // Its example must not end the session of the others.
    const own = method === 'close_connection' ? 'doomed' : params.session_id;
    const session = params.session_id === undefined ? {} : { session_id: own };
    return [place, await daemon.call(i, method, { ...params, ...named, ...session })];
  });
  expect(requests.length).toBeGreaterThan(12);
  const failed = (await Promise.all(answers)).filter(([, answer]) => Object.hasOwn(Object(answer), 'error'));
  expect(failed).toEqual([]);
});

const transcripts = documents.flatMap((file) =>
  blocksOf(file)
    .filter(({ kind }) => kind === 'jsonl')
    .map((block): [string, Block] => [`${file}:${block.line}`, block]),
);

test.each(transcripts)('%s: the transcript, as it is printed', { timeout: 60_000 }, async (_place, { text }) => {
  const file = join(folder(), 'transcript.txt');
  writeFileSync(file, text);
  await play(readTranscript(file), startDaemon({ args: ['--demo', '--drain', '20'] }));
});

describe('commands', () => {
  const all = documents.flatMap((file) => commandsOf(file).map((command): [string, string] => [file, command]));

  test.each(all)('%s: %s', (_file, command) => {
    const own = /bitsperity-mqtt-mcp((?: [^|'\n]+)*)$/.exec(command)?.[1];
    if (own !== undefined) parseOptions(own.trim().split(/\s+/).filter(Boolean), {});
    const target = /^make (\S+)/.exec(command)?.[1];
    if (target !== undefined) expect(read('Makefile')).toMatch(new RegExp(`^${target}: `, 'm'));
    expect(own ?? target).toBeDefined();
  });

  test('every `make` and `npm run` that is named is there', () => {
    const scripts = Object.keys(JSON.parse(read('package.json')).scripts);
    for (const file of [...documents, 'CONTRIBUTING.md']) {
      for (const [, tool, target = ''] of read(file).matchAll(/`(make|npm run) ([a-z-]+)[^`]*`/g)) {
        if (tool === 'make') expect(read('Makefile'), file).toMatch(new RegExp(`^${target}: `, 'm'));
        else expect(scripts, file).toContain(target);
      }
    }
  });
});

test.each([...documents, 'CONTRIBUTING.md', 'ARCHITECTURE.md'])('%s: every link leads to something', (file) => {
  for (const [, target = ''] of read(file).matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)) {
    expect(existsSync(join(root, dirname(file), target)), target).toBe(true);
  }
});

test('docs/tools is what the schemas say', () => {
  const args = [join(root, 'scripts/docs.mjs'), '--check'];
  expect(spawnSync(process.execPath, args, { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
});

test('README.md: every tool and every flag', () => {
  const readme = read('README.md');
  for (const file of readdirSync(join(root, 'schemas')))
    expect(readme).toContain(`docs/tools/${file.replace('.json', '.md')}`);
  const flags = read('src/options.ts').match(/--[a-z]+-?[a-z]+(?= )/g) ?? [];
  expect(flags.length).toBeGreaterThan(5);
  for (const flag of flags.filter((one) => !/version|help|profile/.test(one))) expect(readme).toContain(flag);
});

describe('docs/TROUBLESHOOTING.md', () => {
  const text = read('docs/TROUBLESHOOTING.md');

  test('every code of an error is in it', () => {
    const union = /ToolErrorCode =([^;]+);/.exec(read('src/errors.ts'))?.[1] ?? '';
    const codes = [...union.matchAll(/'(\w+)'/g)].map((one) => one[1] ?? '');
    expect(codes.length).toBeGreaterThan(18);
    expect(codes.filter((code) => !text.includes(`\`${code}\``))).toEqual([]);
  });

  test('what it quotes is what the program says', () => {
    const source = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.includes('generated'))
      .map((file) => read(`src/${file}`))
      .join('\n');
    const quotes = [...text.replaceAll(/`[^`]*`/g, '').matchAll(/"([^"\n]+)"/g)].map((one) => one[1] ?? '');
    expect(quotes.length).toBeGreaterThan(15);
    expect(quotes.filter((quote) => !source.includes(quote))).toEqual([]);
  });
});

test('docs/HOSTS.md: a heading for each host that the doctor looks for', () => {
  const headings = [...read('docs/HOSTS.md').matchAll(/^## (.+)$/gm)].map((one) => one[1]);
  const hosts = placesOf({ nodeVersion: '', platform: 'linux', env: {}, home: '/', cwd: '/', program: '' });
  expect(headings).toEqual(expect.arrayContaining([...new Set(hosts.map(({ host }) => host))]));
});

test('docs/DEMO.md: every fault and every device', () => {
  const text = read('docs/DEMO.md');
  for (const { name, about } of faults) expect(text).toMatch(new RegExp(`^\\| \`${name}\` .* ${about} \\|$`, 'm'));
  for (const { base } of devices) expect(text).toContain(`| \`${base}\` |`);
});

test('docs/POLICY.md: every key of the config', () => {
  const schema: unknown = JSON.parse(read('src/config.schema.json'));
  const properties = [schema, dig(schema, 'properties', 'policy')].flatMap((one) =>
    Object.keys(Object(dig(one, 'properties'))),
  );
  expect(properties.length).toBeGreaterThan(8);
  expect(properties.filter((key) => !read('docs/POLICY.md').includes(key))).toEqual([]);
});
