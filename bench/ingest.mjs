// Contest: messages a second at QoS 0, 1 and 2 from a scripted broker that is faster than any subscriber, against
// mosquitto_sub writing to /dev/null.
import { count, wayToCount } from './support/counting.mjs';
import { startSub } from './support/mosquitto.mjs';
import { stop } from './support/processes.mjs';
import { compare, compete, median } from './support/rounds.mjs';
import { ScriptedBroker } from './support/scripted-broker.mjs';
import { connect, startDaemon } from './support/server.mjs';
import { FILTER } from './support/traffic.mjs';

export const seconds = 150;

/** Long enough for a slow build; the broker ends it as soon as all is read. */
const WINDOW_SECONDS = 60;
const MESSAGES = { 0: 300_000, 1: 150_000, 2: 80_000 };
/** × mosquitto_sub */
const GOALS = { 0: 2, 1: 0.7, 2: 0.5 };

/** @typedef {0 | 1 | 2} Qos */

/** @type {import('./run.mjs').Contest} */
export async function run({ main, rounds, until, quick }) {
  const broker = await ScriptedBroker.start();
  const daemon = await startDaemon(main);
  const way = await wayToCount(daemon);
  const rows = [];
  let discarded = 0;
  // list_topics subscribes at QoS 0 only.
  for (const qos of /** @type {Qos[]} */ (way === 'whole_window' ? [0, 1, 2] : [0])) {
    const messages = MESSAGES[qos] / (quick ? 5 : 1);
    const outcome = await compete({
      peer: () => peerRate(broker, qos, messages),
      others: { ours: () => ourRate(daemon, broker, { qos, messages, way }) },
      gauge: 'rate',
      rounds,
      until: Date.now() + (until - Date.now()) / (3 - qos),
    });
    discarded += outcome.discarded;
    rows.push(...rowsOf(outcome, qos, way));
  }
  await daemon.stop();
  broker.close();
  if (way !== 'whole_window') {
    for (const qos of [0, 1, 2]) rows.push({ what: `QoS ${qos}, whole_window`, ours: 'not available yet' });
  }
  return { rows, discarded };
}

/**
 * @param {import('./support/rounds.mjs').Outcome} outcome
 * @param {Qos} qos
 * @param {string} way
 */
function rowsOf(outcome, qos, way) {
  const lost = outcome.rounds.reduce((sum, { ours }) => sum + (ours?.lost ?? 0), 0);
  const figures = { peerIs: 'mosquitto_sub', unit: '/s', ...compare(outcome, 'ours', 'rate') };
  const note = lost > 0 ? `${lost} LOST` : 'none lost';
  if (way === 'list_topics') return [{ what: 'QoS 0, counted by list_topics', note, ...figures }];
  const digest = median(outcome.rounds.map(({ ours }) => ours?.digestMs ?? Number.NaN));
  return [
    { what: `QoS ${qos}, whole_window`, note, ...figures, goal: goalOf(qos) },
    { what: `QoS ${qos}, from the window's end to the answer`, unit: 'ms', ours: digest },
  ];
}

/**
 * @param {Qos} qos
 * @returns {['>=', number]}
 */
function goalOf(qos) {
  return ['>=', GOALS[qos]];
}

/**
 * @param {ScriptedBroker} broker
 * @param {Qos} qos
 * @param {number} messages
 */
async function peerRate(broker, qos, messages) {
  const child = startSub(broker.port, ['-t', FILTER, '-q', String(qos)]);
  const { client, wire } = await broker.subscriber(FILTER);
  const sent = await client.blast({ ...wire, qos }, messages);
  await stop(child);
  client.destroy();
  return { rate: (sent.messages / sent.ms) * 1000 };
}

/**
 * @param {import('./support/server.mjs').Server} daemon
 * @param {ScriptedBroker} broker
 * @param {{ qos: Qos, messages: number, way: string }} traffic
 */
export async function ourRate(daemon, broker, { qos, messages, way }) {
  const session = await connect(daemon, broker.port);
  const window = count(daemon, { session, filter: FILTER, seconds: WINDOW_SECONDS, qos, way });
  const { client, wire } = await broker.subscriber(FILTER);
  const sent = await client.blast({ ...wire, qos }, messages);
  client.dismiss();
  const { counted, digestMs } = await window;
  await daemon.request('close_connection', { session_id: session });
  return { rate: (sent.messages / sent.ms) * 1000, lost: sent.messages - counted, digestMs };
}
