// The way of a new user: a clean clone, and each command of the README as it is printed, with how long it took. `make test`
// is left to whoever runs this: it would run this again.
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commandsOf, root } from '../docs/documents.ts';
import { type Registry, startRegistry } from './registry.ts';

const home = mkdtempSync(join(tmpdir(), 'bitsperity-mqtt-mcp-new-user-'));
const clone = join(home, 'bitsperity-mqtt-mcp');
let registry: Registry;

beforeAll(async () => {
  // What is committed, and nothing that lies beside it.
  if (existsSync(join(root, '.git'))) execFileSync('git', ['clone', '--quiet', '--no-local', root, clone]);
  else
    cpSync(root, clone, { recursive: true, filter: (path) => !/\/(node_modules|dist|generated|\.cache)$/.test(path) });
  mkdirSync(join(home, 'elsewhere'));
  registry = await startRegistry();
});
afterAll(() => {
  registry.close();
  rmSync(home, { recursive: true, force: true });
});

type Ran = { code: number | null; output: string };

/** On a terminal, as a new user has one. */
function run(command: string, cwd: string, env: NodeJS.ProcessEnv): Promise<Ran> {
  const child = spawn('script', ['-qec', command, '/dev/null'], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (more: string) => {
      output += more;
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}

const commands = commandsOf('README.md').filter((command) => !command.startsWith('make test'));

test('the README has commands to try', () => expect(commands.length).toBeGreaterThan(2));

test.each(commands)('%s', { timeout: 300_000 }, async (command) => {
  const began = performance.now();
  // `npx` before it is published: from a registry of our own, outside of the clone, whose package would be taken instead.
  const published = command.includes('npx');
  const { PATH = '' } = process.env;
  const env = {
    PATH,
    HOME: home,
    TERM: 'xterm',
    ...(published ? registry.env : { npm_config_cache: process.env.npm_config_cache }),
  };
  const { code, output } = await run(command, published ? join(home, 'elsewhere') : clone, env);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  process.stderr.write(`[readme] ${seconds.padStart(5)} s  ${command.split('\n')[0]}\n`);
  expect(code, output).toBe(0);
  // What is waited for is seen, in a line that is taken back.
  if (!command.startsWith('printf')) expect(output).toMatch(/\r\x1b\[2K[^\r\n]*(so far|waiting|testing)/);
  else expect(output.match(/"result"/g)).toHaveLength(2);
});
