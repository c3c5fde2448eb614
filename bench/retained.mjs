// Contest: list_topics with duration 0 of 1,000, 10,000 and 100,000 retained topics, against mosquitto_sub, on a
// mosquitto whose queues are unlimited and on one in its default configuration, which drops what a slow reader leaves.
// Ours is from call to answer on an open session, as an assistant has one, and that is the fair figure for a daemon; the
// peer's is from spawn to exit, with start and connect, as it has no session. What our connect takes is noted beside it.
import { closeSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Publisher, startMosquitto, startSub } from './support/mosquitto.mjs';
import { gone, stop, temporary, within } from './support/processes.mjs';
import { compare, compete, median } from './support/rounds.mjs';
import { connect, startDaemon } from './support/server.mjs';
import { distinctTopicOf, encode, FILTER } from './support/traffic.mjs';

export const seconds = 150;

const SIZES = [1_000, 10_000, 100_000];
/** Of the largest size, a part: what a broker keeps beside it costs it a look each. */
const PART = { filter: 'bench/site-03/#', topics: 10_000 };
/** A mosquitto counts every 10 s what it keeps: the topics of a plant are there for longer than that. */
const COUNTED_MS = 11_000;
/** mosquitto_sub that received nothing for so long gets no more. */
const SILENCE_MS = 1_000;
const WATCH_MS = 10;
const ALL_MS = 30_000;
/** A line of mosquitto_sub with the format %q. */
const LINE_BYTES = 2;

/** @type {import('./run.mjs').Contest} */
export async function run({ main, rounds, until, quick, grows }) {
  const sizes = quick ? SIZES.map((size) => size / (size > 50_000 ? 2 : 1)) : SIZES;
  const daemon = await startDaemon(main);
  const brokers = {
    unlimited: await startMosquitto(['max_queued_messages 0', 'sys_interval 1']),
    default: await startMosquitto(),
  };
  const rows = [];
  let discarded = 0;
  let filled = 0;
  /** @type {[number, number][]} */
  const points = [];
  const jobs = 2 * sizes.length + 1;
  for (const [index, size] of sizes.entries()) {
    for (const broker of Object.values(brokers)) await fill(broker, filled, size);
    filled = size;
    await sleep(COUNTED_MS);
    for (const [kind, broker] of Object.entries(brokers)) {
      const left = jobs - 2 * index - (kind === 'default' ? 1 : 0);
      const outcome = await compete({
        peer: () => (kind === 'default' ? peerReadSome(broker.port, size) : peerReadAll(broker.port, size)),
        others: { ours: () => ourList(daemon, broker.port) },
        gauge: kind === 'default' && size > 50_000 ? 'none' : 'ms',
        rounds,
        until: Date.now() + (until - Date.now()) / left,
      });
      discarded += outcome.discarded;
      rows.push(...rowsOf(outcome, size, kind));
      if (kind === 'unlimited') points.push([size, median(outcome.rounds.map(({ ours }) => ours?.ms ?? 0))]);
    }
  }
  const outcome = await compete({
    peer: () => peerReadAll(brokers.unlimited.port, PART.topics, PART.filter),
    others: { ours: () => ourList(daemon, brokers.unlimited.port, PART.filter) },
    gauge: 'ms',
    rounds,
    until,
  });
  discarded += outcome.discarded;
  rows.push(...rowsOf(outcome, PART.topics, 'unlimited', ` of ${filled.toLocaleString('en-US')}`));
  grows({ what: 'list_topics, retained topics of a mosquitto', unit: 'ms', points });
  await daemon.stop();
  for (const broker of Object.values(brokers)) await broker.stop();
  return { rows, discarded };
}

/**
 * Topics `from` to `to` of a broker.
 * @param {import('./support/mosquitto.mjs').Mosquitto} broker
 * @param {number} from
 * @param {number} to
 */
async function fill(broker, from, to) {
  const publisher = await Publisher.connect(broker);
  const content = { topic: distinctTopicOf, first: from };
  await publisher.write(encode(to - from, { version: 4, retain: true }, content).bytes);
  publisher.close();
}

/**
 * @param {import('./support/rounds.mjs').Outcome} outcome
 * @param {number} size
 * @param {string} kind
 * @param {string} [among]
 */
function rowsOf(outcome, size, kind, among = '') {
  const { rounds } = outcome;
  const fewest = Math.min(...rounds.map(({ ours }) => ours?.topics ?? 0));
  const peers = median(rounds.map(({ peer }) => peer.topics ?? 0));
  const complete = rounds.filter(({ ours }) => ours?.complete === 1).length;
  const untrue = rounds.filter(({ ours }) => ours?.complete === 1 && ours.topics !== size).length;
  const where = `${size.toLocaleString('en-US')}${among} topics, ${kind === 'default' ? 'default mosquitto' : 'unlimited queues'}`;
  const time = compare(outcome, 'ours', 'ms');
  const again = compare(outcome, 'ours', 'again', 'ms');
  const connected = compare(outcome, 'ours', 'connected', 'ms');
  /** @type {import('./support/report.mjs').Row[]} */
  const rows = [
    {
      what: `${where}: topics listed, fewest of ${rounds.length}`,
      note: `retained_complete in ${complete} of ${rounds.length}`,
      ours: fewest,
      peer: peers,
      peerIs: 'mosquitto_sub',
      goal: ['>=', size, 'ours'],
    },
    { what: `${where}: retained_complete that was not true`, ours: untrue, goal: ['<=', 0, 'ours'] },
  ];
  // Where the peer does not get them all its time says nothing.
  const fair = peers === size;
  const peer = fair ? { peerIs: 'mosquitto_sub -C, spawn to exit' } : {};
  const show = (/** @type {ReturnType<typeof compare>} */ figures) => (fair ? figures : { ours: figures.ours });
  rows.push({
    what: `${where}: first listing of a session`,
    note: `${connected.ours.toFixed(0)} ms with its connect`,
    unit: 'ms',
    ...peer,
    ...show(time),
    ...(fair ? { goal: ['<=', 1.3] } : {}),
  });
  rows.push({
    what: `${where}: the next one`,
    unit: 'ms',
    ...peer,
    ...show(again),
    ...(fair ? { goal: ['<=', 1.3] } : {}),
  });
  return rows;
}

/**
 * @param {import('./support/server.mjs').Server} daemon
 * @param {number} port
 * @param {string} [pattern]
 */
async function ourList(daemon, port, pattern = FILTER) {
  const start = performance.now();
  const session = await connect(daemon, port);
  const args = { session_id: session, pattern, duration_seconds: 0 };
  const began = performance.now();
  const result = await daemon.request('list_topics', args);
  const middle = performance.now();
  const second = await daemon.request('list_topics', args);
  const again = performance.now() - middle;
  await daemon.request('close_connection', { session_id: session });
  return {
    ms: middle - began,
    connected: middle - start,
    again,
    topics: Math.min(result.total_topics, second.total_topics),
    complete: result.retained_complete && second.retained_complete ? 1 : 0,
  };
}

/**
 * Spawn to exit of one that gets them all, its output thrown away.
 * @param {number} port
 * @param {number} topics
 * @param {string} [filter]
 */
async function peerReadAll(port, topics, filter = FILTER) {
  const began = performance.now();
  const child = startSub(port, ['-t', filter, '-C', String(topics)]);
  await within(gone(child), ALL_MS, `mosquitto_sub -C ${topics}`);
  return { ms: performance.now() - began, topics };
}

/**
 * How many it gets until no more come; the time is that of its exit, or of the last one where it waits for more.
 * @param {number} port
 * @param {number} size
 */
async function peerReadSome(port, size) {
  const file = join(temporary(), 'received');
  const output = openSync(file, 'w');
  const began = performance.now();
  const child = startSub(port, ['-t', FILTER, '-F', '%q', '-C', String(size)], output);
  closeSync(output);
  let bytes = 0;
  let last = began;
  let ended = 0;
  const end = gone(child).then(() => {
    ended = performance.now();
  });
  while (ended === 0 && performance.now() - last < SILENCE_MS) {
    await Promise.race([sleep(WATCH_MS), end]);
    const now = statSync(file).size;
    if (now !== bytes) last = performance.now();
    bytes = now;
  }
  if (ended > 0) return { ms: ended - began, topics: size };
  await stop(child);
  return { ms: last - began, topics: bytes / LINE_BYTES };
}
