// Owns how long after one field another one moves: lag statistics between series of moments. Pure, bounded.
// Must not know what the moments are of.

export type Series = {
  name: string;
  /** ms, ascending. */
  times: readonly number[];
  /** When it spoke at all, changed or not: a schedule shows there. Without it `times` are taken. */
  arrivals?: readonly number[] | undefined;
};

export type Lag = {
  leader: string;
  follower: string;
  /** Changes of the leader that were followed, and all of them. */
  pairs: number;
  of: number;
  median_ms: number;
  min_ms: number;
  max_ms: number;
};

/** Fewer pairs than this say nothing. */
const MIN_PAIRS = 3;
/** Share of the leader's changes, and of the follower's, that must be such pairs. */
const MIN_SHARE = 0.7;
/** Of the time between two changes of the follower: nearer than this to the leader by chance is unlikely. */
const MAX_CHANCE = 0.1;
/** A lag that varies less than this share of that time is steady. */
const STEADY = 0.1;
/** Gaps that vary less than this share of their median are a schedule: two schedules go together without a reason. */
const SCHEDULED = 0.3;
/** Series compared with each other, those with the most moments: 60 x 60 pairs. */
const MAX_SERIES = 60;

/**
 * Pairs of series where a change of one is followed by one of the other within `withinMs`, so regularly that chance
 * does not explain it: most changes of either belong to a pair, the lag is short against the follower's own pace or
 * always about the same, and they are not both on a schedule of their own. Strongest first.
 */
export function lagsOf(series: readonly Series[], withinMs: number, most: number): Lag[] {
  const busiest = series
    .filter(({ times }) => times.length >= MIN_PAIRS)
    .toSorted((a, b) => b.times.length - a.times.length || (a.name < b.name ? -1 : 1))
    .slice(0, MAX_SERIES);
  const found: Weighed[] = [];
  for (const [i, one] of busiest.entries()) {
    for (const other of busiest.slice(i + 1)) {
      const lag = nearer(lagBetween(one, other, withinMs), lagBetween(other, one, withinMs));
      if (lag) found.push(lag);
    }
  }
  return found
    .toSorted((a, b) => b.weight - a.weight || a.median_ms - b.median_ms || (a.leader < b.leader ? -1 : 1))
    .slice(0, most)
    .map(({ weight: _, ...lag }) => lag);
}

type Weighed = Lag & { weight: number };

/** With a period of their own, the first follows the second and the second the first: the shorter way round counts. */
function nearer(one: Weighed | undefined, other: Weighed | undefined): Weighed | undefined {
  if (!one || !other) return one ?? other;
  return other.median_ms < one.median_ms ? other : one;
}

function lagBetween(leader: Series, follower: Series, withinMs: number): Weighed | undefined {
  const gaps = followed(leader.times, follower.times, withinMs);
  const of = leader.times.length;
  const share = Math.min(gaps.length / of, gaps.length / follower.times.length);
  if (gaps.length < MIN_PAIRS || share < MIN_SHARE) return undefined;
  if (isScheduled(leader.arrivals ?? leader.times) && isScheduled(follower.arrivals ?? follower.times))
    return undefined;
  const { median, spread, min, max } = rangeOf(gaps);
  const pace = spacing(follower.times);
  if (median > pace * MAX_CHANCE && spread > pace * STEADY) return undefined;
  const names = { leader: leader.name, follower: follower.name };
  const weight = share * Math.log(1 + gaps.length);
  return { ...names, pairs: gaps.length, of, median_ms: median, min_ms: min, max_ms: max, weight };
}

/** For each moment of one the first of the other at or after it, before the next of the first: the time between. */
function followed(leader: readonly number[], follower: readonly number[], withinMs: number): number[] {
  const gaps: number[] = [];
  let next = 0;
  for (const [i, at] of leader.entries()) {
    while ((follower[next] ?? Number.POSITIVE_INFINITY) < at) next += 1;
    const then = follower[next];
    if (then === undefined) break;
    const until = Math.min(at + withinMs, leader[i + 1] ?? Number.POSITIVE_INFINITY);
    if (then <= until) gaps.push(then - at);
  }
  return gaps;
}

/** `spread`: between the tenth and the ninetieth percentile. */
function rangeOf(values: readonly number[]): { median: number; spread: number; min: number; max: number } {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
  return { median: at(0.5), spread: at(0.9) - at(0.1), min: at(0), max: at(1) };
}

function isScheduled(times: readonly number[]): boolean {
  const gaps = times.slice(1).map((at, i) => at - (times[i] ?? 0));
  const { median, spread } = rangeOf(gaps);
  return spread < median * SCHEDULED;
}

function spacing(times: readonly number[]): number {
  const first = times[0] ?? 0;
  const last = times.at(-1) ?? first;
  return times.length < 2 ? Number.POSITIVE_INFINITY : (last - first) / (times.length - 1);
}
