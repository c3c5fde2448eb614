// Contest: 40,000 messages a second for ten seconds through a real mosquitto in its default configuration. Nothing may be
// lost, and the daemon answers `ping` meanwhile.
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { count, wayToCount } from './support/counting.mjs';
import { counted, Publisher, startMosquitto, startSub } from './support/mosquitto.mjs';
import { gone, stop, temporary, within } from './support/processes.mjs';
import { compete, median, quantile } from './support/rounds.mjs';
import { connect, startDaemon } from './support/server.mjs';
import { encode, FILTER } from './support/traffic.mjs';

export const seconds = 170;

const RATE = 40_000;
const SECONDS = 10;
/** From the call to the subscription, and from the last message to the end of the window. */
const SUBSCRIBE_MS = 500;
const SLACK_SECONDS = 2;
const PING_EVERY_MS = 10;
const DROPPED = 'publish/messages/dropped';
/** $SYS is brought up to date every second. */
const TICK_MS = 1_500;

/** @type {import('./run.mjs').Contest} */
export async function run({ main, rounds, until, quick }) {
  const broker = await startMosquitto(['sys_interval 1']); // it tells every second what it dropped
  const daemon = await startDaemon(main);
  const traffic = {
    frames: encode(1000, { version: 4 }),
    seconds: quick ? 3 : SECONDS,
    publisher: await Publisher.connect(broker),
  };
  const way = await wayToCount(daemon);
  const session = await connect(daemon, broker.port);
  const outcome = await compete({
    peer: () => peerRun(broker, traffic),
    others: { ours: () => ourRun(daemon, broker, traffic, { session, way }) },
    gauge: 'sendMs',
    rounds,
    until,
  });
  traffic.publisher.close();
  await daemon.stop();
  await broker.stop();
  const all = outcome.rounds;
  const ours = (/** @type {string} */ figure) => all.map((round) => round.ours?.[figure] ?? Number.NaN);
  const total = (/** @type {number[]} */ values) => values.reduce((sum, value) => sum + value, 0);
  const sent = `of ${(RATE * traffic.seconds * all.length).toLocaleString('en-US')} in ${all.length} runs`;
  const counter = way === 'list_topics' ? 'list_topics, as whole_window is not available yet' : 'whole_window';
  return {
    discarded: outcome.discarded,
    rows: [
      {
        what: `lost ${sent}; counted by ${counter}`,
        ours: total(ours('lost')),
        peer: total(all.map(({ peer }) => peer.lost ?? 0)),
        peerIs: 'mosquitto_sub',
        goal: ['<=', 0, 'ours'],
      },
      {
        what: 'dropped by the broker ($SYS), all runs',
        ours: total(ours('dropped')),
        peer: total(all.map(({ peer }) => peer.dropped ?? 0)),
        peerIs: 'mosquitto_sub',
        goal: ['<=', 0, 'ours'],
      },
      {
        what: 'publisher wrote it all and the broker read it within',
        unit: 's',
        ours: median(ours('sendMs')) / 1000,
        peer: median(all.map(({ peer }) => peer.sendMs ?? 0)) / 1000,
        peerIs: 'with mosquitto_sub',
      },
      { what: 'ping while ingesting, p50', unit: 'ms', ours: median(ours('p50')) },
      {
        what: 'ping while ingesting, p99',
        note: `the bench's own loop was late by ${median(ours('ownDelay')).toFixed(1)} ms`,
        unit: 'ms',
        ours: median(ours('p99')),
        goal: ['<=', 50, 'ours'],
      },
      {
        what: 'ping while ingesting, longest of all runs',
        unit: 'ms',
        ours: Math.max(...ours('longest')),
        goal: ['<=', 50, 'ours'],
      },
    ],
  };
}

/** @typedef {{ frames: import('./support/traffic.mjs').Frames, seconds: number, publisher: Publisher }} Traffic */
/** @typedef {import('./support/mosquitto.mjs').Mosquitto} Mosquitto */

/**
 * @param {Mosquitto} broker
 * @param {Traffic} traffic
 */
async function peerRun(broker, traffic) {
  const droppedBefore = await counted(broker, DROPPED);
  const file = join(temporary(), 'received');
  const output = openSync(file, 'w');
  const messages = RATE * traffic.seconds;
  const child = startSub(broker.port, ['-t', FILTER, '-F', '%q', '-C', String(messages)], output);
  closeSync(output);
  await sleep(SUBSCRIBE_MS);
  const { ms } = await traffic.publisher.pace(traffic.frames, RATE, traffic.seconds);
  await within(gone(child), SLACK_SECONDS * 1000, 'mosquitto_sub').catch(() => stop(child));
  const received = readFileSync(file).length / 2;
  return {
    sendMs: ms,
    lost: messages - received,
    dropped: (await droppedBy(broker)) - droppedBefore,
  };
}

/**
 * @param {import('./support/server.mjs').Server} daemon
 * @param {Mosquitto} broker
 * @param {Traffic} traffic
 * @param {{ session: string, way: string }} how
 */
async function ourRun(daemon, broker, traffic, how) {
  const droppedBefore = await counted(broker, DROPPED);
  const window = count(daemon, { ...how, filter: FILTER, seconds: Math.max(10, traffic.seconds + SLACK_SECONDS) });
  await sleep(SUBSCRIBE_MS);
  const pings = startPinging(daemon);
  const own = monitorEventLoopDelay({ resolution: 1 });
  own.enable();
  const { sent, ms } = await traffic.publisher.pace(traffic.frames, RATE, traffic.seconds);
  own.disable();
  const latencies = await pings.stop();
  return {
    sendMs: ms,
    lost: sent - (await window).counted,
    dropped: (await droppedBy(broker)) - droppedBefore,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    longest: Math.max(...latencies),
    ownDelay: own.percentile(99) / 1e6,
  };
}

/**
 * Dropped so far, now that all is over.
 * @param {Mosquitto} broker
 */
async function droppedBy(broker) {
  await sleep(TICK_MS);
  return counted(broker, DROPPED);
}

/**
 * A ping every few milliseconds, whether the last one is answered or not.
 * @param {import('./support/server.mjs').Server} daemon
 */
function startPinging(daemon) {
  /** @type {Promise<number>[]} */
  const pings = [];
  const one = async () => {
    const began = performance.now();
    await daemon.request('ping');
    return performance.now() - began;
  };
  const timer = setInterval(() => pings.push(one()), PING_EVERY_MS);
  return {
    stop: () => {
      clearInterval(timer);
      return Promise.all(pings);
    },
  };
}
