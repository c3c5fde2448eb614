// Contest: from spawn to the answer of `initialize`, against a bare Node and a minimal server on the official SDK.
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { gone, memoryOf, stop, within } from './support/processes.mjs';
import { compare, compete, median } from './support/rounds.mjs';
import { hello, sdkEcho, startNode } from './support/server.mjs';

export const seconds = 45;

/** Spawns in a row of which a round takes the median. */
const SPAWNS = 5;
/** When a process counts as idle, ms: what it loads after its first answer is loaded. */
const IDLE_MS = 1_000;
const ANSWER_MS = 20_000;

/** @type {import('./run.mjs').Contest} */
export async function run({ main, rounds, until, quick }) {
  const spawns = quick ? 3 : SPAWNS;
  const outcome = await compete({
    peer: () => figures(spawns, bare),
    others: {
      ours: () => figures(spawns, () => toAnswer([main])),
      sdk: () => figures(spawns, () => toAnswer([sdkEcho])),
    },
    gauge: 'ms',
    rounds,
    until,
  });
  const ours = compare(outcome, 'ours', 'ms');
  const sdk = compare(outcome, 'sdk', 'ms');
  const faster = outcome.rounds.map(({ ours, sdk }) => (sdk?.ms ?? 0) / (ours?.ms ?? 0));
  const [bareIdle, oursIdle, sdkIdle] = [
    await idle(['-e', 'process.stdin.resume()']),
    await idle([main], true),
    await idle([sdkEcho], true),
  ];
  const megabytes = (/** @type {number} */ bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
  return {
    discarded: outcome.discarded,
    rows: [
      {
        what: 'spawn to the answer of initialize',
        peerIs: 'node -e 0, spawn to exit',
        unit: 'ms',
        ...ours,
        goal: ['<=', 1.45],
      },
      {
        what: 'the same, times faster than the SDK',
        peerIs: 'SDK v1 echo server',
        unit: 'ms',
        ours: ours.ours,
        peer: sdk.ours,
        ratio: median(faster),
        spread: [Math.min(...faster), Math.max(...faster)],
        goal: ['>=', 5],
      },
      {
        what: 'idle memory (VmRSS), daemon once mqtt.js is loaded',
        peerIs: 'bare node waiting on stdin',
        unit: 'MB',
        ours: oursIdle / 1e6,
        peer: bareIdle / 1e6,
        ratio: oursIdle / bareIdle,
        note: `SDK v1 server: ${megabytes(sdkIdle)}`,
      },
    ],
  };
}

/**
 * @param {number} spawns
 * @param {() => Promise<number>} once
 */
async function figures(spawns, once) {
  const all = [];
  for (let i = 0; i < spawns; i += 1) all.push(await once());
  return { ms: median(all) };
}

/** Spawn to exit of a Node that does nothing, ms. */
async function bare() {
  const began = performance.now();
  const child = startNode(['-e', '0']);
  await within(once(child, 'exit'), ANSWER_MS, 'node -e 0');
  const ms = performance.now() - began;
  await gone(child);
  return ms;
}

/**
 * Spawn to the first line that answers, ms.
 * @param {string[]} args
 */
async function toAnswer(args) {
  const began = performance.now();
  const child = await answered(args);
  const ms = performance.now() - began;
  child.stdin?.end();
  await within(gone(child), ANSWER_MS, 'exit').catch(() => stop(child));
  return ms;
}

/** @param {string[]} args */
async function answered(args) {
  const child = startNode(args);
  child.stdin?.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: hello })}\n`);
  const answer = new Promise((resolve) => {
    child.stdout?.on('data', (chunk) => chunk.includes(10) && resolve(undefined));
  });
  await within(answer, ANSWER_MS, 'answer of initialize');
  return child;
}

/**
 * Resident bytes of an idle process; median of three.
 * @param {string[]} args
 * @param {boolean} [answers]
 */
export async function idle(args, answers = false) {
  const all = [];
  for (let i = 0; i < 3; i += 1) {
    const child = answers ? await answered(args) : startNode(args);
    await sleep(IDLE_MS);
    all.push(memoryOf(child.pid).rss);
    await stop(child);
  }
  return median(all);
}
