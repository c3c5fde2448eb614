// Contest: publishing at QoS 0, 1 and 2 against `mosquitto_pub -l`: through the pool, by callers in this process, and by
// publish_message calls pipelined through the daemon. Connecting and its end are in the time of each.
import { setMaxListeners } from 'node:events';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { runPub, startMosquitto } from './support/mosquitto.mjs';
import { temporary } from './support/processes.mjs';
import { compare, compete, median } from './support/rounds.mjs';
import { checkAnswers, encodeLines, startDaemon } from './support/server.mjs';
import { payloadOf, topicOf } from './support/traffic.mjs';

export const seconds = 120;

const IN_FLIGHT = 200;
const MESSAGES = { 0: 60_000, 1: 30_000, 2: 20_000 };
/** × mosquitto_pub -l */
const GOALS = { 0: 0.8, 1: 0.7, 2: 0.7 };

/** @typedef {0 | 1 | 2} Qos */
/** @typedef {Awaited<ReturnType<typeof createPool>>} Pool */

/** @type {import('./run.mjs').Contest} */
export async function run({ main, rounds, until, quick }) {
  const broker = await startMosquitto(['set_tcp_nodelay true']);
  const { port } = broker;
  const daemon = await startDaemon(main);
  const pool = await createPool();
  const rows = [];
  let discarded = 0;
  for (const qos of /** @type {Qos[]} */ ([0, 1, 2])) {
    const messages = MESSAGES[qos] / (quick ? 5 : 1);
    const outcome = await compete({
      peer: () => peerRun(port, qos, messages),
      others: {
        idle: () => peerRun(port, qos, 1),
        pool: () => poolRun(pool, { port, qos, messages }),
        daemon: () => daemonRun(daemon, { port, qos, messages }),
        ping: () => pingRun(daemon, qos, messages),
      },
      gauge: 'rate',
      rounds,
      until: Date.now() + (until - Date.now()) / (3 - qos),
    });
    discarded += outcome.discarded;
    /** @type {['>=', number]} */
    const goal = ['>=', GOALS[qos]];
    const common = { peerIs: 'mosquitto_pub -l', unit: '/s', goal };
    const work = share(outcome, ({ idle, pool, peer }) => (peer.ms - (idle?.ms ?? 0)) / (pool?.work ?? 0));
    const rpc = share(outcome, ({ ping, daemon }) => (ping?.ms ?? 0) / (daemon?.ms ?? 0));
    const noteOfPool = `${work.toFixed(2)} × without connecting and, of mosquitto_pub, its waits of 100 ms`;
    const noteOfDaemon = `JSON-RPC alone takes ${Math.round(rpc * 100)} % of the time (ping with the same params)`;
    rows.push(
      { what: `the pool, QoS ${qos}`, note: noteOfPool, ...common, ...compare(outcome, 'pool', 'rate') },
      { what: `publish_message, QoS ${qos}`, note: noteOfDaemon, ...common, ...compare(outcome, 'daemon', 'rate') },
    );
  }
  await pool.closeAll();
  await daemon.stop();
  await broker.stop();
  return { rows, discarded };
}

/**
 * @param {import('./support/rounds.mjs').Outcome} outcome
 * @param {(round: import('./support/rounds.mjs').Round) => number} of
 */
function share({ rounds }, of) {
  return median(rounds.map(of));
}

/**
 * @param {number} count
 * @param {{ method: string, session: string, qos: Qos }} call
 */
export function linesOf(count, { method, session, qos }) {
  return encodeLines(count, (i) => ({
    method,
    params: { session_id: session, topic: topicOf(i), payload: payloadOf(i), qos },
  }));
}

/** The pool as the daemon makes it, in this process. */
async function createPool() {
  const outfile = join(temporary(), 'pool.mjs');
  const root = fileURLToPath(new URL('..', import.meta.url));
  const from = (/** @type {string} */ file) => JSON.stringify(join(root, 'src', file));
  const contents = [
    `export { createPool } from ${from('mqtt/pool.ts')};`,
    `export { connect } from ${from('mqtt/connect.ts')};`,
    `export { createPolicy } from ${from('policy.ts')};`,
  ].join('\n');
  await build({
    stdin: { contents, resolveDir: root, loader: 'ts' },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
    alias: { debug: join(root, 'scripts/no-debug.cjs') },
    banner: { js: "import { createRequire as __cr } from 'node:module';const require = __cr(import.meta.url);" },
  });
  const { createPool, connect, createPolicy } = await import(pathToFileURL(outfile).href);
  return createPool({ connect, profiles: { names: () => [] }, policy: createPolicy({ readOnly: false }) });
}

/** @typedef {{ port: number, qos: Qos, messages: number }} Work */

/**
 * @param {Pool} pool
 * @param {Work} work
 */
async function poolRun(pool, { port, qos, messages }) {
  const payloads = Array.from({ length: messages }, (_, i) => Buffer.from(payloadOf(i)));
  const topics = payloads.map((_, i) => topicOf(i));
  const { signal } = new AbortController();
  setMaxListeners(0, signal);
  const began = performance.now();
  const more = { keepaliveSeconds: 60, cleanStart: true, sessionExpirySeconds: 0, timeoutSeconds: 10 };
  const session = await pool.establish({ connectionString: `mqtt://127.0.0.1:${port}`, ...more }, signal);
  const connected = performance.now();
  let next = 0;
  const caller = async () => {
    for (let i = next++; i < messages; i = next++) {
      await session.publish({ topic: topics[i], payload: payloads[i], qos, retain: false, signal });
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, caller));
  const published = performance.now();
  await pool.close(session.facts.id, signal);
  return { ...figures(performance.now() - began, messages), work: published - connected };
}

/**
 * @param {import('./support/server.mjs').Server} daemon
 * @param {Work} work
 */
async function daemonRun(daemon, { port, qos, messages }) {
  const session = 'bench';
  const lines = linesOf(messages, { method: 'publish_message', session, qos });
  const began = performance.now();
  await daemon.request('establish_connection', { connection_string: `mqtt://127.0.0.1:${port}`, name: session });
  const { answers } = await daemon.pipeline(lines, IN_FLIGHT);
  await daemon.request('close_connection', { session_id: session });
  const ms = performance.now() - began;
  checkAnswers(answers, messages, ({ result }) => result?.status === 'published');
  return figures(ms, messages);
}

/**
 * @param {import('./support/server.mjs').Server} daemon
 * @param {Qos} qos
 * @param {number} messages
 */
async function pingRun(daemon, qos, messages) {
  const { ms, answers } = await daemon.pipeline(
    linesOf(messages, { method: 'ping', session: 'bench', qos }),
    IN_FLIGHT,
  );
  checkAnswers(answers, messages, ({ result }) => result !== undefined);
  return figures(ms, messages);
}

/**
 * @param {number} ms
 * @param {number} messages
 */
function figures(ms, messages) {
  return { ms, rate: (messages / ms) * 1000 };
}

/**
 * @param {number} port
 * @param {Qos} qos
 * @param {number} messages
 */
async function peerRun(port, qos, messages) {
  const file = join(temporary(), 'lines');
  writeFileSync(file, Array.from({ length: messages }, (_, i) => `${payloadOf(i)}\n`).join(''));
  const input = openSync(file, 'r');
  const ms = await runPub(port, ['-t', topicOf(0), '-q', String(qos)], input);
  closeSync(input);
  return figures(ms, messages);
}
