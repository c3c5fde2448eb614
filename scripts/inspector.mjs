// Runs the command line of the official MCP Inspector against the built program. The inspector is installed into
// .cache/inspector where it is missing; it gets a home folder of its own, as it writes into it.
// Usage: node scripts/inspector.mjs [--session mqtt://broker:1883] [--lines FILE] INSPECTOR-OPTIONS...
//   node scripts/inspector.mjs --method tools/list --protocol-era modern --strict
// --session: the program has a session named lab before the inspector is heard, as each of its runs is a new process.
// --lines: what both said goes into a file, a line each, after `> ` and `< `.
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const self = fileURLToPath(import.meta.url);
const root = fileURLToPath(new URL('..', import.meta.url));
const program = join(root, 'dist/main.js');
const cache = join(root, '.cache/inspector');
const packageName = '@modelcontextprotocol/inspector';
const version = '2.12.0';

/** The install, and one run, longest, ms. It says that it needs Node 22; its command line runs on 20.20 as well. */
const INSTALL_MS = 180_000;
const RUN_MS = 60_000;

const args = process.argv.slice(2);
try {
  const session = taken('--session');
  const lines = taken('--lines');
  if (args[0] === '--serve') serve(session, lines);
  else {
    const own = [...(session ? ['--session', session] : []), ...(lines ? ['--lines', lines] : [])];
    process.exitCode = await inspect([process.execPath, self, ...own, '--serve'], args);
  }
} catch (error) {
  process.stderr.write(`inspector: ${error.message}\n`);
  process.exitCode = 1;
}

/** The value of an option of ours, which is taken out of the arguments; undefined where it is not given. */
function taken(option) {
  const at = args.indexOf(option);
  return at === -1 ? undefined : args.splice(at, 2)[1];
}

/** Resolves with the exit code of the inspector. */
async function inspect(target, options) {
  if (!existsSync(program)) throw new Error('dist/main.js does not exist; run `npm run build` first');
  await install();
  const home = mkdtempSync(join(tmpdir(), 'inspector-'));
  const launcher = join(cache, 'node_modules', packageName, 'clients/launcher/build/index.js');
  try {
    // The options before the target: what follows it would be the target's.
    const command = [launcher, '--cli', ...options, ...target];
    const env = { PATH: process.env.PATH, HOME: home };
    return await finished(process.execPath, command, { cwd: home, env }, RUN_MS);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

async function install() {
  const file = join(cache, 'node_modules', packageName, 'package.json');
  if (existsSync(file) && JSON.parse(readFileSync(file, 'utf8')).version === version) return;
  mkdirSync(cache, { recursive: true });
  // Without a package.json of its own npm would look for one further up.
  writeFileSync(join(cache, 'package.json'), '{ "private": true }\n');
  const flags = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
  const command = ['install', '--prefix', cache, ...flags, `${packageName}@${version}`];
  // What npm says is no result of the inspector.
  const code = await finished('npm', command, { cwd: cache, stdio: ['ignore', 2, 2] }, INSTALL_MS);
  if (code !== 0) throw new Error(`npm install ${packageName}@${version} failed (${code})`);
}

/** Runs a program to its end, or for so long. */
function finished(command, args, options, ms) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'], ...options });
    const timer = setTimeout(() => {
      process.stderr.write(`inspector: not done after ${ms / 1000} s\n`);
      child.kill('SIGKILL');
    }, ms);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve(code ?? 1);
    });
  });
}

/** The program on these streams: with a session that it was given before, its lines kept. */
function serve(session, file) {
  const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] });
  const id = 'session-of-the-inspector';
  const keep = (mark, line) => file && appendFileSync(file, `${mark} ${line}\n`);
  if (session) {
    const params = { connection_string: session, name: 'lab' };
    child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method: 'establish_connection', params })}\n`);
  }
  const input = createInterface({ input: process.stdin });
  input.on('line', (line) => {
    keep('>', line);
    child.stdin.write(`${line}\n`);
  });
  input.once('close', () => child.stdin.end());
  child.stdin.on('error', () => {});
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.includes(`"id":"${id}"`)) return;
    keep('<', line);
    process.stdout.write(`${line}\n`);
  });
  child.once('close', (code) => {
    process.exitCode = code ?? 1;
    process.stdin.destroy();
  });
}
