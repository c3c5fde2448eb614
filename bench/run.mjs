// `make bench`: every contest, or those named, against peers on the same broker and traffic in the same run; prints a
// table and, for a full run, writes bench/RESULTS.md.
// Usage: node bench/run.mjs [--rounds N] [--quick] [--main dist/main.js] [contest …]
import { existsSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cleanUp, within } from './support/processes.mjs';
import { asMarkdown, asText, machine } from './support/report.mjs';

/**
 * @typedef {object} Surroundings
 * @property {string} main the built program
 * @property {number} rounds
 * @property {boolean} quick a look, with small sizes
 * @property {number} until no round is begun after it, ms since the epoch
 * @property {(series: import('./support/report.mjs').Series) => void} grows takes costs at several sizes, for `growth`
 * @property {() => import('./support/report.mjs').Series[]} grown those taken so far
 */
/** @typedef {{ rows: import('./support/report.mjs').Row[], discarded?: number }} Report */
/** @typedef {(surroundings: Surroundings) => Promise<Report>} Contest */

/** In this order: growth comes last, it shows what the others measured at several sizes too. */
const names = ['start', 'calls', 'ingest', 'real', 'publish', 'retained', 'memory', 'digest', 'growth'];
const TOTAL_MS = 14.5 * 60_000;
/** How long a contest may go on beyond its time, ms: the round that it is in, and a hang. */
const GRACE_MS = 60_000;

const { values, positionals } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    quick: { type: 'boolean', default: false },
    main: { type: 'string', default: fileURLToPath(new URL('../dist/main.js', import.meta.url)) },
  },
  allowPositionals: true,
});
const { quick } = values;
const main = resolve(values.main);
const rounds = quick ? 1 : Number(values.rounds);
const unknown = positionals.filter((name) => !names.includes(name));
if (unknown.length > 0) fail(`no such contest: ${unknown.join(', ')}; there are ${names.join(', ')}`);
if (!Number.isInteger(rounds) || rounds < 1) fail('--rounds: expected a whole number from 1');
if (!existsSync(main)) fail(`${main} is missing: run \`npm run build\` (make bench does) first`);
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

const deadline = Date.now() + TOTAL_MS;
setTimeout(() => fail('not done in time'), TOTAL_MS + GRACE_MS / 2).unref();
const sections = [];
/** @type {import('./support/report.mjs').Series[]} */
const series = [];
for (const name of names.filter((name) => positionals.length === 0 || positionals.includes(name))) {
  process.stderr.write(`${name} …\n`);
  const section = await sectionOf(name);
  sections.push(section);
  process.stdout.write(`${asText(section)}\n`);
}
const head = `${machine()} · ${quick ? 'a quick look: 1 round, small sizes' : `medians of ${rounds} rounds`}`;
process.stdout.write(`${head}\n`);
if (positionals.length === 0 && !quick) {
  const file = fileURLToPath(new URL('RESULTS.md', import.meta.url));
  writeFileSync(file, asMarkdown(head, sections));
  process.stdout.write(`written to ${file}\n`);
} else process.stdout.write('bench/RESULTS.md is written by a full run only\n');
process.exit(sections.some(({ failure }) => failure !== undefined) ? 1 : 0);

/** @param {string} name */
async function sectionOf(name) {
  const began = Date.now();
  const contest = await import(`./${name}.mjs`);
  const until = Math.min(deadline, began + contest.seconds * 1000);
  /** @type {Surroundings} */
  const surroundings = {
    main,
    rounds,
    quick,
    until,
    grows: (one) => void series.push(one),
    grown: () => series,
  };
  try {
    const run = Promise.race([contest.run(surroundings), crash()]);
    const report = await within(run, Math.max(0, until - began) + GRACE_MS, name);
    return { name, seconds: (Date.now() - began) / 1000, failure: undefined, ...report };
  } catch (error) {
    const failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { name, seconds: (Date.now() - began) / 1000, failure, rows: [] };
  } finally {
    cleanUp();
  }
}

/**
 * Rejects with what was thrown where nobody waited for it: it ends the contest, not the run.
 * @returns {Promise<never>}
 */
function crash() {
  return new Promise((_, reject) => {
    for (const event of ['uncaughtException', 'unhandledRejection']) {
      process.removeAllListeners(event);
      process.on(event, reject);
    }
  });
}

/**
 * @param {string} message
 * @returns {never}
 */
function fail(message) {
  process.stderr.write(`bench: ${message}\n`);
  process.exit(2);
}
