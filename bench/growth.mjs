// Contest: how costs grow with the work: the exponent of size^exponent over three sizes, which is 1 where they are linear.
// Shows what other contests measured at several sizes too.
import { ourRate } from './ingest.mjs';
import { linesOf } from './publish.mjs';
import { wayToCount } from './support/counting.mjs';
import { listScripted } from './support/listing.mjs';
import { startMosquitto } from './support/mosquitto.mjs';
import { exponent, median, repeat } from './support/rounds.mjs';
import { ScriptedBroker } from './support/scripted-broker.mjs';
import { connect, encodeLines, startDaemon } from './support/server.mjs';

export const seconds = 100;

/** Linear, but for caches that a larger amount of data misses more often. */
const LINEAR = 1.2;
const MOST_ROUNDS = 3;
const IN_FLIGHT = 128;

/** @type {import('./run.mjs').Contest} */
export async function run({ main, rounds, until, quick, grown }) {
  const scale = quick ? 0.1 : 1;
  const few = Math.min(rounds, MOST_ROUNDS);
  const part = (until - Date.now()) / 4;
  const daemon = await startDaemon(main);
  const sized = async (/** @type {number[]} */ sizes, /** @type {(size: number) => Promise<number>} */ cost) => {
    const ends = Date.now() + part;
    /** @type {[number, number][]} */
    const points = [];
    for (const size of sizes.map((one) => one * scale)) {
      const all = await repeat(few, ends, async () => ({ cost: await cost(size) }));
      points.push([size, median(all.map((figures) => figures.cost ?? Number.NaN))]);
    }
    return points;
  };
  const own = [
    {
      what: 'calls, 128 in flight',
      unit: 'ms',
      points: await sized([10_000, 40_000, 160_000], (size) => calls(daemon, size)),
    },
    { what: 'messages ingested at QoS 0', unit: 'ms', points: await ingested(daemon, sized) },
    { what: 'messages published at QoS 0', unit: 'ms', points: await published(daemon, sized) },
    ...(await listed(main, sized)),
  ];
  await daemon.stop();
  return { rows: [...own, ...grown()].map(rowOf) };
}

/** @typedef {(sizes: number[], cost: (size: number) => Promise<number>) => Promise<[number, number][]>} Sized */

/** @param {import('./support/report.mjs').Series} series */
function rowOf({ what, unit, points }) {
  const { all, last } = exponent(points);
  const shown = points.map(
    ([size, cost]) =>
      `${size.toLocaleString('en-US')}: ${cost < 10 ? cost.toFixed(1) : Math.round(cost).toLocaleString('en-US')} ${unit}`,
  );
  return {
    what,
    note: shown.join(', '),
    ours: Math.max(all, last),
    unit: 'exponent',
    goal: /** @type {['<=', number, 'ours']} */ (['<=', LINEAR, 'ours']),
  };
}

/**
 * @param {import('./support/server.mjs').Server} daemon
 * @param {number} size
 */
async function calls(daemon, size) {
  const params = { name: 'list_active_connections', arguments: {} };
  return (
    await daemon.pipeline(
      encodeLines(size, () => ({ method: 'tools/call', params })),
      IN_FLIGHT,
    )
  ).ms;
}

/**
 * @param {import('./support/server.mjs').Server} daemon
 * @param {Sized} sized
 */
async function ingested(daemon, sized) {
  const broker = await ScriptedBroker.start();
  const way = await wayToCount(daemon);
  const points = await sized([50_000, 200_000, 800_000], async (messages) => {
    const { rate } = await ourRate(daemon, broker, { qos: 0, messages, way });
    return (messages / rate) * 1000;
  });
  broker.close();
  return points;
}

/**
 * @param {import('./support/server.mjs').Server} daemon
 * @param {Sized} sized
 */
async function published(daemon, sized) {
  const broker = await startMosquitto(['set_tcp_nodelay true']);
  const session = await connect(daemon, broker.port);
  const points = await sized([5_000, 20_000, 80_000], async (messages) => {
    const lines = linesOf(messages, { method: 'publish_message', session, qos: 0 });
    return (await daemon.pipeline(lines, IN_FLIGHT)).ms;
  });
  await broker.stop();
  return points;
}

/**
 * Time, and memory beyond idle.
 * @param {string} main
 * @param {Sized} sized
 */
async function listed(main, sized) {
  /** @type {Map<number, number>} */
  const bytes = new Map();
  const points = await sized([10_000, 100_000, 1_000_000], async (topics) => {
    const { ms, bytesATopic } = await listScripted(main, topics);
    bytes.set(topics, (bytesATopic * topics) / 1e6);
    return ms;
  });
  return [
    { what: 'topics listed from a scripted broker, time', unit: 'ms', points },
    { what: 'topics listed from a scripted broker, memory beyond idle', unit: 'MB', points: [...bytes] },
  ];
}
