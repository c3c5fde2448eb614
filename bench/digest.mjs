// Contest: from 500, 10,000 and 1,000,000 messages to the 50 that are worth reading, against JSON.parse of the same.
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { temporary } from './support/processes.mjs';
import { compare, compete, median } from './support/rounds.mjs';
import { payloadOf, topicOf } from './support/traffic.mjs';

export const seconds = 60;

/** What a collection does with its messages, which are 500 at most, and what the choice among them alone costs. */
const SIZES = { summarise: [500, 10_000, 100_000], digest: [500, 10_000, 1_000_000] };
const TARGET = 50;
const GOAL_MS = 5;
/** A run of few messages is repeated until it has seen so many. */
const MESSAGES_A_RUN = 20_000;

/** @type {import('./run.mjs').Contest} */
export async function run({ rounds, until, quick, grows }) {
  const { digest, itemOf, summarise } = await bundled();
  const first = messagesOf(500);
  const cold = timed(1, () => summarise(first, TARGET, 0));
  const kinds = first.map((message, seq) => itemOf(message, seq));
  /** @type {import('./support/report.mjs').Row[]} */
  const rows = [
    { what: '500 messages to 50: decode, digest, render, the first time in a process', unit: 'ms', ours: cold },
  ];
  let discarded = 0;
  for (const [kind, sizes] of Object.entries(SIZES)) {
    /** @type {[number, number][]} */
    const points = [];
    for (const size of sizes.map((one) => (quick ? Math.min(one, 50_000) : one))) {
      const messages = messagesOf(size);
      const items = kind === 'digest' ? messages.map(({ at }, seq) => ({ ...kinds[seq % 500], at, seq })) : [];
      const runs = Math.max(1, Math.round(MESSAGES_A_RUN / size));
      const work = kind === 'digest' ? () => digest(items, TARGET) : () => summarise(messages, TARGET, 0);
      const outcome = await compete({
        peer: async () => ({ ms: timed(runs, () => messages.map(({ payload }) => JSON.parse(payload.toString()))) }),
        others: { ours: async () => ({ ms: timed(runs, work) }) },
        gauge: 'ms',
        rounds,
        until,
      });
      discarded += outcome.discarded;
      const figures = compare(outcome, 'ours', 'ms');
      points.push([size, figures.ours]);
      rows.push(rowOf(kind, size, figures));
    }
    if (!quick) grows({ what: `digest: ${WORK.get(kind)}, messages`, unit: 'ms', points });
  }
  return { rows, discarded };
}

const WORK = new Map([
  ['summarise', 'decode, digest, render'],
  ['digest', 'the choice alone'],
]);

/**
 * @param {string} kind
 * @param {number} size
 * @param {ReturnType<typeof compare>} figures
 * @returns {import('./support/report.mjs').Row}
 */
function rowOf(kind, size, figures) {
  const what = `${size.toLocaleString('en-US')} messages to ${TARGET}: ${WORK.get(kind)}`;
  const row = { what, unit: 'ms', peerIs: 'JSON.parse of all', ...figures };
  return size === 500 ? { ...row, goal: ['<=', GOAL_MS, 'ours'] } : row;
}

/** The payload folder as one module. */
async function bundled() {
  const outfile = join(temporary(), 'payload.mjs');
  const from = (/** @type {string} */ file) =>
    JSON.stringify(fileURLToPath(new URL(`../src/payload/${file}`, import.meta.url)));
  const contents = [
    `export { summarise } from ${from('summary.ts')};`,
    `export { digest } from ${from('digest.ts')};`,
    `export { itemOf } from ${from('item.ts')};`,
  ].join('\n');
  const stdin = {
    contents,
    resolveDir: fileURLToPath(new URL('..', import.meta.url)),
    loader: /** @type {const} */ ('ts'),
  };
  await build({ stdin, outfile, bundle: true, platform: 'node', format: 'esm', target: 'node20', logLevel: 'warning' });
  return import(pathToFileURL(outfile).href);
}

/**
 * As a collection holds them: a millisecond apart, some reporting a fault.
 * @param {number} size
 */
function messagesOf(size) {
  // Topic and payload of one message in a thousand are shared with others: a million would not fit otherwise.
  const kinds = Array.from({ length: 1000 }, (_, i) => ({ topic: topicOf(i), payload: Buffer.from(payloadOf(i)) }));
  return Array.from({ length: size }, (_, i) => {
    const { topic, payload } = kinds[i % 1000] ?? { topic: '', payload: Buffer.alloc(0) };
    return { topic, payload, size: payload.length, qos: 0, retain: false, dup: false, at: i };
  });
}

/**
 * Milliseconds of one run, the median of several.
 * @param {number} runs
 * @param {() => void} run
 */
function timed(runs, run) {
  const all = [];
  for (let i = 0; i < runs; i += 1) {
    const began = performance.now();
    run();
    all.push(performance.now() - began);
  }
  return median(all);
}
