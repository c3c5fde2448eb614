// Contest: publish_message calls pipelined as direct JSON-RPC methods, against `mosquitto_pub -l`, at QoS 0, 1 and 2.
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runPub, startMosquitto } from './support/mosquitto.mjs';
import { temporary } from './support/processes.mjs';
import { compare, compete, median } from './support/rounds.mjs';
import { checkAnswers, connect, encodeLines, startDaemon } from './support/server.mjs';
import { payloadOf, topicOf } from './support/traffic.mjs';

export const seconds = 90;

const IN_FLIGHT = 200;
const MESSAGES = { 0: 60_000, 1: 30_000, 2: 20_000 };
/** × mosquitto_pub -l */
const GOALS = { 0: 0.8, 1: 0.7, 2: 0.7 };

/** @typedef {0 | 1 | 2} Qos */

/** @type {import('./run.mjs').Contest} */
export async function run({ main, rounds, until, quick }) {
  const broker = await startMosquitto(['set_tcp_nodelay true']);
  const daemon = await startDaemon(main);
  const session = await connect(daemon, broker.port);
  const rows = [];
  let discarded = 0;
  for (const qos of /** @type {Qos[]} */ ([0, 1, 2])) {
    const messages = MESSAGES[qos] / (quick ? 5 : 1);
    const outcome = await compete({
      peer: () => peerRate(broker.port, qos, messages),
      others: {
        ours: () => ourRate(daemon, linesOf(messages, { method: 'publish_message', session, qos }), isPublished),
        rpc: () =>
          ourRate(daemon, linesOf(messages, { method: 'ping', session, qos }), ({ result }) => result !== undefined),
      },
      gauge: 'rate',
      rounds,
      until: Date.now() + (until - Date.now()) / (3 - qos),
    });
    discarded += outcome.discarded;
    const share = median(outcome.rounds.map(({ ours, rpc }) => (ours?.rate ?? 0) / (rpc?.rate ?? 0)));
    const note = `JSON-RPC alone takes ${Math.round(share * 100)} % of the time (ping with the same params)`;
    const figures = compare(outcome, 'ours', 'rate');
    rows.push({
      what: `publish_message, QoS ${qos}`,
      peerIs: 'mosquitto_pub -l',
      unit: '/s',
      note,
      ...figures,
      goal: goalOf(qos),
    });
  }
  await daemon.stop();
  await broker.stop();
  return { rows, discarded };
}

/**
 * @param {Qos} qos
 * @returns {['>=', number]}
 */
function goalOf(qos) {
  return ['>=', GOALS[qos]];
}

/** @param {any} answer */
function isPublished({ result }) {
  return result?.status === 'published';
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

/**
 * @param {import('./support/server.mjs').Server} daemon
 * @param {import('./support/server.mjs').Lines} lines
 * @param {(answer: any) => boolean} good
 */
async function ourRate(daemon, lines, good) {
  const messages = lines.starts.length - 1;
  const { ms, answers } = await daemon.pipeline(lines, IN_FLIGHT);
  checkAnswers(answers, messages, good);
  return { rate: (messages / ms) * 1000 };
}

/**
 * @param {number} port
 * @param {Qos} qos
 * @param {number} messages
 */
async function peerRate(port, qos, messages) {
  const file = join(temporary(), 'lines');
  writeFileSync(file, Array.from({ length: messages }, (_, i) => `${payloadOf(i)}\n`).join(''));
  const input = openSync(file, 'r');
  const ms = await runPub(port, ['-t', topicOf(0), '-q', String(qos)], input);
  closeSync(input);
  return { rate: (messages / ms) * 1000 };
}
