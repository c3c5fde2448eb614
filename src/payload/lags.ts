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
/**
 * Gaps that vary less than this share of their median are a schedule, also one that jitters: two schedules go together
 * without a reason. Of gaps that are random it is well above 1.
 */
const SCHEDULED = 0.6;
/** How often, among all pairs compared, chance alone may bring what is told. */
const MAX_LUCK = 0.01;
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
  const compared = busiest.length * (busiest.length - 1);
  for (const [i, one] of busiest.entries()) {
    for (const other of busiest.slice(i + 1)) {
      const lag = nearer(lagBetween(one, other, withinMs), lagBetween(other, one, withinMs));
      if (lag && lag.luck * compared <= MAX_LUCK) found.push(lag);
    }
  }
  return found
    .toSorted((a, b) => b.weight - a.weight || a.median_ms - b.median_ms || (a.leader < b.leader ? -1 : 1))
    .slice(0, most)
    .map(({ weight: _, luck: __, ...lag }) => lag);
}

/** `luck`: how likely two that know nothing of each other show as much. */
type Weighed = Lag & { weight: number; luck: number };

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
  const [first, second] = [beatOf(leader), beatOf(follower)];
  if (first > 0 && second > 0) return undefined;
  const { median, spread, min, max } = rangeOf(gaps);
  const pace = spacing(follower.times);
  if (median > pace * MAX_CHANCE && spread > pace * STEADY) return undefined;
  // What goes by a beat can only come on one: that it comes at the same time after another is no wonder then.
  const luck = luckOf(gaps.length, of, { width: Math.max(max - min, first, second), pace, withinMs });
  const names = { leader: leader.name, follower: follower.name };
  const weight = share * Math.log(1 + gaps.length);
  return { ...names, pairs: gaps.length, of, median_ms: median, min_ms: min, max_ms: max, weight, luck };
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
  const at = (place: number) => sorted[place] ?? 0;
  const last = sorted.length - 1;
  const tenth = Math.floor(last * 0.1);
  return { median: at(Math.floor(last * 0.5)), spread: at(last - tenth) - at(tenth), min: at(0), max: at(last) };
}

/** Of a series that goes by a schedule its median gap, ms; 0 of one that does not. */
function beatOf({ times, arrivals = times }: Series): number {
  const gaps = arrivals.slice(1).map((at, i) => at - (arrivals[i] ?? 0));
  const { median, spread } = rangeOf(gaps);
  return spread < median * SCHEDULED ? median : 0;
}

/**
 * The probability that `pairs` of `of` moments are followed, all within some window of `width`, by one that comes once in
 * `pace` ms whenever it likes; an upper bound.
 */
function luckOf(pairs: number, of: number, { width, pace, withinMs }: Record<'width' | 'pace' | 'withinMs', number>) {
  const once = 1 - Math.exp(-Math.max(1, width) / pace);
  let ways = Math.max(1, withinMs / Math.max(1, width));
  for (let i = 1; i <= of - pairs; i++) ways *= (pairs + i) / i;
  return ways * once ** pairs;
}

function spacing(times: readonly number[]): number {
  const first = times[0] ?? 0;
  const last = times.at(-1) ?? first;
  return times.length < 2 ? Number.POSITIVE_INFINITY : (last - first) / (times.length - 1);
}
