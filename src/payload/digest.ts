// Owns the choice of the messages that are worth an assistant's attention (product.md, Pruning). Pure, deterministic,
// linear (n log n only where the input is not in time order). Must not know payloads: items say what matters of them.

import { type Choice, coveredPairs, keepOne, keepSpread, openChoice, REASONS, waiting } from './choice.ts';
import type { DigestItem } from './item.ts';
import { type LevelState, levelChanged, trackLevel } from './level.ts';
import { type Omitted, omittedOf } from './omitted.ts';
import { PHASE } from './spread.ts';
import type { KeptBecause } from './types.ts';

export type Kept = { index: number; reason: KeptBecause };

export type Digest = { kept: Kept[]; omitted: Omitted };

/**
 * Exactly min(target, items) of the items, in time order. First and last stay from a target of 2 on. Errors, then
 * warnings, take what is left: all of them where they fit, else spread over time and fair to topics, the newest among
 * them. Then come one of every shape of every topic, changes of level, and an even spread that is fair to topics.
 * A target of 1 is the newest error, or else the last message.
 *
 * Items of one millisecond without `seq` are ordered by content, so their order in `items` decides nothing.
 */
export function digest(items: readonly DigestItem[], target: number): Digest {
  const choice = openChoice(items, Math.max(0, Math.floor(target)));
  const changed = findChanges(items, choice);
  keepEnds(choice);
  keepTrouble(choice, 2);
  keepTrouble(choice, 1);
  keepLast(choice);
  keepShapes(choice);
  keepSpread(
    choice,
    waiting(choice, (position) => changed[position] === 1),
    'change',
  );
  keepSpread(
    choice,
    waiting(choice, () => true),
    'sample',
  );
  return { kept: keptOf(items, choice), omitted: omittedOf(choice, changed) };
}

/** Two places are theirs before anything else is chosen, whatever they are called for. */
function keepEnds(choice: Choice): void {
  if (choice.left < 2) return;
  const last = choice.why.length - 1;
  keepOne(choice, 0, choice.severityOf[0] === 0 ? 'first' : 'error');
  keepOne(choice, last, choice.severityOf[last] === 0 ? 'last' : 'error');
}

/** For a target of 1, once no error took the place. */
function keepLast(choice: Choice): void {
  if (choice.why.length > 0 && choice.left > 0) keepOne(choice, choice.why.length - 1, 'last');
}

function keepTrouble(choice: Choice, severity: 1 | 2): void {
  const wanted = (position: number): boolean => choice.severityOf[position] === severity;
  const newest = waiting(choice, wanted).at(-1);
  if (newest === undefined) return;
  keepOne(choice, newest, 'error');
  keepSpread(choice, waiting(choice, wanted), 'error');
}

/**
 * One of every pair that nothing kept shows yet. A shape that turns up later is shown where it turned up; the one that
 * a topic has from the start is shown anywhere, so that the first shapes of many topics are no crowd at the beginning.
 */
function keepShapes(choice: Choice): void {
  if (choice.left <= 0) return;
  const { pairOf, firstPair } = choice;
  const covered = coveredPairs(choice);
  const skip = new Int32Array(firstPair.length);
  for (const pair of pairOf) skip[pair] = (skip[pair] ?? 0) + 1;
  let phase = 0.5;
  for (let pair = 0; pair < skip.length; pair++) {
    skip[pair] = firstPair[pair] ? Math.floor(phase * (skip[pair] ?? 0)) : 0;
    phase = (phase + PHASE) % 1;
  }
  const shown = waiting(choice, (position) => {
    const pair = pairOf[position] ?? 0;
    if (covered[pair] === 1) return false;
    skip[pair] = (skip[pair] ?? 0) - 1;
    return skip[pair] === -1;
  });
  keepSpread(choice, shown, 'shape');
}

/** 1 where the level of a topic, or of a field of its payloads, changed; by position. */
function findChanges(items: readonly DigestItem[], { order, groupOf, topics }: Choice): Uint8Array {
  const changed = new Uint8Array(order.length);
  const counts = new Int32Array(topics.length);
  for (const group of groupOf) counts[group] = (counts[group] ?? 0) + 1;
  const series: (Map<string, LevelState> | undefined)[] = [];
  const scalars: (LevelState | undefined)[] = [];
  for (let position = 0; position < order.length; position++) {
    const group = groupOf[position] ?? 0;
    const item = items[order[position] ?? 0];
    if (item === undefined || (counts[group] ?? 0) < 2) continue;
    if (item.value !== undefined) {
      scalars[group] ??= trackLevel();
      if (levelChanged(scalars[group], item.value)) changed[position] = 1;
    }
    for (const [path, value] of item.levels ?? []) {
      series[group] ??= new Map();
      if (levelChanged(seriesOf(series[group], path), value)) changed[position] = 1;
    }
  }
  return changed;
}

/** A topic whose fields have ever new names is followed only so far. */
const MAX_SERIES = 64;

function seriesOf(series: Map<string, LevelState>, path: string): LevelState {
  const known = series.get(path);
  if (known !== undefined) return known;
  const state = trackLevel();
  if (series.size < MAX_SERIES) series.set(path, state);
  return state;
}

function keptOf(items: readonly DigestItem[], { order, why }: Choice): Kept[] {
  const kept: Kept[] = [];
  for (let position = 0; position < why.length; position++) {
    const reason = REASONS[(why[position] ?? 0) - 1];
    if (reason !== undefined) kept.push({ index: order[position] ?? 0, reason });
  }
  const time = ({ index }: Kept): number => items[index]?.at ?? 0;
  return kept.sort((a, b) => time(a) - time(b) || a.index - b.index);
}
