// Owns the fair choice: k of many positions, spread evenly over time and shared fairly among groups. Deterministic,
// linear. Must not know what a position or a group stands for.

/** Candidates in time order. All arrays but `positions` and `taken` are indexed by position, `taken` by group. */
export type Candidates = {
  positions: Int32Array;
  times: Float64Array;
  groupOf: Int32Array;
  /** How many of each group were chosen before; it makes the group wait for the others. */
  taken: Int32Array;
};

/** The golden ratio's fraction: phases that fill an interval evenly however many there are. */
export const PHASE = 0.6180339887498949;

/** min(k, candidates) positions: max-min fair among groups, in each group one for every equal slice of time. */
export function fairSpread(candidates: Candidates, k: number): Int32Array {
  const { positions, groupOf, taken } = candidates;
  if (k <= 0) return new Int32Array(0);
  if (positions.length <= k) return positions;
  const counts = new Int32Array(taken.length);
  for (const position of positions) counts[groupOf[position] ?? 0] = (counts[groupOf[position] ?? 0] ?? 0) + 1;
  const quotas = shareOut(counts, taken, k);
  const byGroup = sortByGroup(candidates, counts);
  const chosen = new Int32Array(k);
  let length = 0;
  let start = 0;
  let phase = 0.5;
  for (let group = 0; group < counts.length; group++) {
    const end = start + (counts[group] ?? 0);
    const quota = quotas[group] ?? 0;
    if (quota > 0) {
      chosen.set(overTime(byGroup.subarray(start, end), candidates, quota, phase), length);
      length += quota;
      phase = (phase + PHASE) % 1;
    }
    start = end;
  }
  return chosen.sort();
}

/**
 * Max-min fairness: shares of `k` among takers that want `counts` and had `taken` before, so that the smallest totals
 * are as large as can be. What cannot be shared evenly goes to takers evenly spaced.
 */
function shareOut(counts: Int32Array, taken: Int32Array, k: number): Int32Array {
  const level = waterLevel(counts, taken, k);
  const shares = counts.map((count, i) => clamp(level - (taken[i] ?? 0), count));
  let rest = k - sum(shares);
  if (rest <= 0) return shares;
  const waiting: number[] = [];
  for (let i = 0; i < shares.length; i++) {
    const share = shares[i] ?? 0;
    if (share < (counts[i] ?? 0) && (taken[i] ?? 0) + share <= level) waiting.push(i);
  }
  rest = Math.min(rest, waiting.length);
  for (let j = 0; j < rest; j++) {
    const i = waiting[Math.floor(((j + 0.5) * waiting.length) / rest)] ?? 0;
    shares[i] = (shares[i] ?? 0) + 1;
  }
  return shares;
}

/** The highest whole level to which everyone can be filled with no more than k. */
function waterLevel(counts: Int32Array, taken: Int32Array, k: number): number {
  let low = 0;
  let high = 0;
  for (let i = 0; i < counts.length; i++) high = Math.max(high, (counts[i] ?? 0) + (taken[i] ?? 0));
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    let need = 0;
    for (let i = 0; i < counts.length; i++) need += clamp(middle - (taken[i] ?? 0), counts[i] ?? 0);
    if (need <= k) low = middle;
    else high = middle - 1;
  }
  return low;
}

function clamp(value: number, most: number): number {
  return value <= 0 ? 0 : value < most ? value : most;
}

function sum(values: Int32Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

/** A counting sort, so positions of a group stay in time order. */
function sortByGroup({ positions, groupOf }: Candidates, counts: Int32Array): Int32Array {
  const next = new Int32Array(counts.length);
  for (let group = 1; group < counts.length; group++) next[group] = (next[group - 1] ?? 0) + (counts[group - 1] ?? 0);
  const sorted = new Int32Array(positions.length);
  for (const position of positions) {
    const group = groupOf[position] ?? 0;
    const at = next[group] ?? 0;
    sorted[at] = position;
    next[group] = at + 1;
  }
  return sorted;
}

/** `quota` of one group's positions: one for each equal slice of the whole time, more where slices are empty. */
function overTime(group: Int32Array, { positions, times }: Candidates, quota: number, phase: number): Int32Array {
  if (quota >= group.length) return group;
  const first = times[positions[0] ?? 0] ?? 0;
  const span = (times[positions[positions.length - 1] ?? 0] ?? 0) - first;
  const counts = new Int32Array(quota);
  for (const position of group) {
    const slice = span > 0 ? Math.floor((((times[position] ?? 0) - first) / span) * quota) : 0;
    const at = Math.min(slice, quota - 1);
    counts[at] = (counts[at] ?? 0) + 1;
  }
  const shares = shareOut(counts, new Int32Array(quota), quota);
  const chosen = new Int32Array(quota);
  let length = 0;
  let start = 0;
  for (let slice = 0; slice < quota; slice++) {
    const count = counts[slice] ?? 0;
    const share = shares[slice] ?? 0;
    for (let j = 0; j < share; j++) {
      const rank = share === count ? j : Math.floor(((j + phase) * count) / share);
      chosen[length++] = group[start + rank] ?? 0;
    }
    start += count;
  }
  return chosen;
}
