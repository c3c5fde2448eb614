// Owns the way to compare: contestants in turn, rounds in which the machine moved thrown away, medians, growth.

/** @typedef {Record<string, number>} Figures what one run of a contestant measured */
/** @typedef {() => Promise<Figures>} Contestant */
/** @typedef {{ peer: Figures, [name: string]: Figures }} Round the peer's figures are the mean of before and after */
/** @typedef {{ rounds: Round[], discarded: number }} Outcome */

/** A round is thrown away when the peer's figure before and after it differ by more than this. */
const MOST_MOVE = 1 / 3;

/**
 * Runs peer, others, peer, others, …, peer. Every round lies between two runs of the peer; it counts when these two
 * agree, and is repeated otherwise, at most once for every round wanted.
 * @param {{ peer: Contestant, others: Record<string, Contestant>, gauge: string, rounds: number, until: number }} contest
 *   `gauge`: the peer's figure that tells whether the machine moved. `until`: no round starts after it, ms since the epoch
 * @returns {Promise<Outcome>}
 */
export async function compete({ peer, others, gauge, rounds, until }) {
  /** @type {Round[]} */
  const good = [];
  /** @type {Round[]} */
  const bad = [];
  let before = await peer();
  while (good.length < rounds && good.length + bad.length < 2 * rounds) {
    if (good.length > 0 && Date.now() > until) break;
    /** @type {Record<string, Figures>} */
    const figures = {};
    for (const [name, run] of Object.entries(others)) figures[name] = await run();
    const after = await peer();
    (moved(before[gauge], after[gauge]) ? bad : good).push({ ...figures, peer: mean(before, after) });
    before = after;
  }
  // A machine that never stood still: better these figures than none, and the count of discarded rounds says so.
  return { rounds: good.length > 0 ? good : bad, discarded: bad.length };
}

/**
 * For what has no peer.
 * @param {number} rounds
 * @param {number} until
 * @param {() => Promise<Figures>} run
 */
export async function repeat(rounds, until, run) {
  /** @type {Figures[]} */
  const all = [];
  for (let round = 0; round < rounds && (round === 0 || Date.now() < until); round += 1) all.push(await run());
  return all;
}

/**
 * @param {number | undefined} a
 * @param {number | undefined} b
 */
function moved(a = 0, b = 0) {
  return Math.abs(a - b) > MOST_MOVE * Math.min(a, b);
}

/**
 * @param {Figures} a
 * @param {Figures} b
 * @returns {Figures}
 */
function mean(a, b) {
  return Object.fromEntries(Object.keys(a).map((key) => [key, ((a[key] ?? 0) + (b[key] ?? 0)) / 2]));
}

/** @param {number[]} values */
export function median(values) {
  return quantile(values, 0.5);
}

/**
 * @param {number[]} values
 * @param {number} q
 */
export function quantile(values, q) {
  const sorted = values.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * q;
  const low = sorted[Math.floor(place)] ?? Number.NaN;
  const high = sorted[Math.ceil(place)] ?? Number.NaN;
  return low + (high - low) * (place - Math.floor(place));
}

/**
 * The median of one figure, and of its ratio to the peer's in the same round; lowest and highest ratio.
 * @param {Outcome} outcome
 * @param {string} name
 * @param {string} figure
 * @param {string} [peers]
 */
export function compare({ rounds }, name, figure, peers = figure) {
  const own = rounds.map((round) => round[name]?.[figure] ?? Number.NaN);
  const peer = rounds.map((round) => round.peer[peers] ?? Number.NaN);
  const ratios = own.map((value, i) => value / (peer[i] ?? Number.NaN));
  return {
    ours: median(own),
    peer: median(peer),
    ratio: median(ratios),
    spread: [Math.min(...ratios), Math.max(...ratios)],
  };
}

/**
 * The exponent of a cost that grows as size^exponent: the slope of the straight line through the logarithms, and of its
 * last step alone, which a fixed cost hides least.
 * @param {[size: number, cost: number][]} points
 */
export function exponent(points) {
  const logs = points.map(([size, cost]) => [Math.log(size), Math.log(cost)]);
  const x = logs.reduce((sum, [size = 0]) => sum + size, 0) / logs.length;
  const y = logs.reduce((sum, [, cost = 0]) => sum + cost, 0) / logs.length;
  const up = logs.reduce((sum, [size = 0, cost = 0]) => sum + (size - x) * (cost - y), 0);
  const across = logs.reduce((sum, [size = 0]) => sum + (size - x) ** 2, 0);
  const [[x1 = 0, y1 = 0] = [], [x2 = 0, y2 = 0] = []] = logs.slice(-2);
  return { all: up / across, last: (y2 - y1) / (x2 - x1) };
}
