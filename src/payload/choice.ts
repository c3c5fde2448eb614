// Owns the state of a digest in the making: the items as flat arrays in time order, what is kept so far and why.

import type { DigestItem } from './item.ts';
import { fairSpread } from './spread.ts';
import { inTimeOrder } from './time-order.ts';
import type { KeptBecause } from './types.ts';

/** A position is a place in time order; a group is a topic; a pair is a topic with one of its shapes. */
export type Choice = {
  /** Index of the item, by position. So are times, groupOf, severityOf, pairOf and why. */
  order: Int32Array;
  times: Float64Array;
  groupOf: Int32Array;
  /** 0 none, 1 warning, 2 error. */
  severityOf: Uint8Array;
  pairOf: Int32Array;
  /** 0: not kept; else one more than the place in REASONS. */
  why: Uint8Array;
  /** Names of the groups. */
  topics: string[];
  /** Whether a pair is the first of its group. */
  firstPair: boolean[];
  /** Kept, by group. */
  taken: Int32Array;
  /** Places that are free yet. */
  left: number;
};

export const REASONS: readonly KeptBecause[] = ['error', 'first', 'last', 'shape', 'change', 'sample'];

export function openChoice(items: readonly DigestItem[], target: number): Choice {
  const order = inTimeOrder(items);
  const size = order.length;
  const topics: string[] = [];
  const choice: Choice = {
    order,
    times: new Float64Array(size),
    groupOf: new Int32Array(size),
    severityOf: new Uint8Array(size),
    pairOf: new Int32Array(size),
    why: new Uint8Array(size),
    topics,
    firstPair: [],
    taken: new Int32Array(0),
    left: Math.min(target, size),
  };
  const groups = new Map<string, number>();
  const pairs = pairNumbers(choice.firstPair);
  for (let position = 0; position < size; position++) {
    const item = items[order[position] ?? 0];
    if (item === undefined) continue;
    let group = groups.get(item.topic);
    if (group === undefined) {
      group = topics.push(item.topic) - 1;
      groups.set(item.topic, group);
    }
    choice.times[position] = item.at;
    choice.groupOf[position] = group;
    choice.severityOf[position] = item.severity === 'error' ? 2 : item.severity === 'warning' ? 1 : 0;
    choice.pairOf[position] = pairs(group, item.shape);
  }
  choice.taken = new Int32Array(topics.length);
  return choice;
}

/** Numbers the pairs of group and shape. Most groups have one shape and cost one number, not a map. */
function pairNumbers(firstPair: boolean[]): (group: number, shape: string) => number {
  const firsts: { shape: string; pair: number }[] = [];
  const others = new Map<string, number>();
  return (group, shape) => {
    const first = firsts[group];
    if (first === undefined) {
      const pair = firstPair.push(true) - 1;
      firsts[group] = { shape, pair };
      return pair;
    }
    if (first.shape === shape) return first.pair;
    const name = `${group} ${shape}`;
    const known = others.get(name);
    if (known !== undefined) return known;
    const pair = firstPair.push(false) - 1;
    others.set(name, pair);
    return pair;
  };
}

export function keepOne(choice: Choice, position: number, reason: KeptBecause): void {
  if (choice.left <= 0 || choice.why[position] !== 0) return;
  const group = choice.groupOf[position] ?? 0;
  choice.why[position] = REASONS.indexOf(reason) + 1;
  choice.taken[group] = (choice.taken[group] ?? 0) + 1;
  choice.left--;
}

/** Keeps what is wanted and not kept yet: all of it where it fits, else a choice fair to topics and even over time. */
export function keepSpread(choice: Choice, positions: Int32Array, reason: KeptBecause): void {
  const { times, groupOf, taken } = choice;
  for (const position of fairSpread({ positions, times, groupOf, taken }, choice.left))
    keepOne(choice, position, reason);
}

/** The positions not kept yet that pass. */
export function waiting(choice: Choice, wanted: (position: number) => boolean): Int32Array {
  let count = 0;
  const found = new Int32Array(choice.why.length);
  for (let position = 0; position < found.length; position++) {
    if (choice.why[position] === 0 && wanted(position)) found[count++] = position;
  }
  return found.subarray(0, count);
}

/** Whether something of a pair is kept, by pair. */
export function coveredPairs({ why, pairOf, firstPair }: Choice): Uint8Array {
  const covered = new Uint8Array(firstPair.length);
  for (let position = 0; position < why.length; position++) {
    if (why[position] !== 0) covered[pairOf[position] ?? 0] = 1;
  }
  return covered;
}
