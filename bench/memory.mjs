// Contest: resident memory of the daemon: idle against a bare Node, five sessions at full traffic, a million topics.
import { setTimeout as sleep } from 'node:timers/promises';
import { idle } from './start.mjs';
import { count, wayToCount } from './support/counting.mjs';
import { listScripted } from './support/listing.mjs';
import { compare, compete, median, repeat } from './support/rounds.mjs';
import { ScriptedBroker } from './support/scripted-broker.mjs';
import { connect, startDaemon } from './support/server.mjs';
import { FILTER } from './support/traffic.mjs';

export const seconds = 100;

const SESSIONS = 5;
const WINDOW_SECONDS = 60;
const TRAFFIC_MS = 3_000;
/** Messages a session is sent at a time. */
const BURST = 20_000;
const TOPICS = 1_000_000;
/** Since they take long and vary little. */
const MOST_ROUNDS = 3;

/** @type {import('./run.mjs').Contest} */
export async function run({ main, rounds, until, quick }) {
  const few = Math.min(rounds, MOST_ROUNDS);
  const outcome = await compete({
    peer: async () => ({ bytes: await idle(['-e', 'process.stdin.resume()']) }),
    others: { ours: async () => ({ bytes: await idle([main], true) }) },
    gauge: 'bytes',
    rounds: 1,
    until,
  });
  const rest = until - Date.now();
  const busy = await repeat(few, Date.now() + rest / 2, () => fullTraffic(main, quick));
  const topics = quick ? TOPICS / 10 : TOPICS;
  const listed = await repeat(few, until, () => listScripted(main, topics));
  const { ours, peer, ratio } = compare(outcome, 'ours', 'bytes');
  const of = (/** @type {import('./support/rounds.mjs').Figures[]} */ all, /** @type {string} */ figure) =>
    median(all.map((figures) => figures[figure] ?? Number.NaN));
  const counter = busy[0]?.whole ? 'whole_window' : 'list_topics, as whole_window is not available yet';
  const rate = Math.round(of(busy, 'rate')).toLocaleString('en-US');
  const many = topics.toLocaleString('en-US');
  return {
    discarded: outcome.discarded,
    rows: [
      {
        what: 'idle, VmRSS',
        unit: 'MB',
        ours: ours / 1e6,
        peer: peer / 1e6,
        peerIs: 'bare node',
        ratio,
        goal: ['<=', 1.15],
      },
      {
        what: 'five sessions at full traffic, VmHWM',
        note: `${rate} messages/s in all, by ${counter}`,
        unit: 'MB',
        ours: of(busy, 'peak') / 1e6,
        peer: peer / 1e6,
        peerIs: 'bare node',
        ratio: of(busy, 'peak') / peer,
        goal: ['<=', 128, 'ours'],
      },
      { what: `list_topics of ${many} topics: counted`, ours: of(listed, 'counted'), goal: ['>=', topics, 'ours'] },
      {
        what: `list_topics of ${many} topics: bytes a topic, VmHWM less idle`,
        unit: 'bytes',
        ours: of(listed, 'bytesATopic'),
        goal: ['<=', 300, 'ours'],
      },
      { what: `list_topics of ${many} topics: time`, unit: 's', ours: of(listed, 'ms') / 1000 },
    ],
  };
}

/**
 * Five sessions of one daemon, each sent as much as it reads.
 * @param {string} main
 * @param {boolean} quick
 */
async function fullTraffic(main, quick) {
  const broker = await ScriptedBroker.start();
  const daemon = await startDaemon(main);
  const way = await wayToCount(daemon);
  const windows = [];
  const clients = [];
  for (let i = 0; i < SESSIONS; i += 1) {
    const session = await connect(daemon, broker.port);
    windows.push(count(daemon, { session, filter: FILTER, seconds: WINDOW_SECONDS, way }));
    clients.push(await broker.subscriber(FILTER));
  }
  await sleep(200);
  const began = performance.now();
  const sent = await Promise.all(
    clients.map(async ({ client, wire }) => {
      let messages = 0;
      while (performance.now() - began < TRAFFIC_MS / (quick ? 3 : 1)) {
        messages += (await client.blast(wire, BURST)).messages;
      }
      return messages;
    }),
  );
  const ms = performance.now() - began;
  for (const { client } of clients) client.dismiss();
  const lost = sent.map(async (messages, i) => messages - ((await windows[i])?.counted ?? 0));
  if ((await Promise.all(lost)).some((number) => number !== 0))
    throw new Error('messages were lost under full traffic');
  const { peak } = daemon.memory;
  await daemon.stop();
  broker.close();
  return {
    peak,
    rate: (sent.reduce((sum, messages) => sum + messages, 0) / ms) * 1000,
    whole: way === 'whole_window' ? 1 : 0,
  };
}
