// Owns the account of what a digest left out.

import { type Choice, coveredPairs } from './choice.ts';
import { wireCost } from './wire-cost.ts';

/**
 * `by_topic` names up to 20 topics that lost most, the rest is under "(other topics)". `by_kind`: error, warning, shape
 * (a shape of its topic that nothing kept shows), change (of level), ordinary; a kind that lost nothing is not named.
 */
export type Omitted = { count: number; by_topic: Record<string, number>; by_kind: Record<string, number> };

export const MAX_OMITTED_TOPICS = 20;
/** A topic may be 65,535 bytes long [MQTT-1.5.4]: names beyond this, on the wire, go to the others. */
const MAX_NAMES_COST = 32 * 1024;
export const OTHER_TOPICS = '(other topics)';

export function omittedOf(choice: Choice, changed: Uint8Array): Omitted {
  const counts = new Int32Array(choice.topics.length);
  const kinds = new Map<string, number>();
  const covered = coveredPairs(choice);
  let count = 0;
  for (let position = 0; position < choice.why.length; position++) {
    if (choice.why[position] !== 0) continue;
    const group = choice.groupOf[position] ?? 0;
    counts[group] = (counts[group] ?? 0) + 1;
    const kind = kindOf(choice, changed, covered, position);
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    count++;
  }
  return { count, by_topic: byTopic(choice.topics, counts), by_kind: Object.fromEntries([...kinds].sort(byName)) };
}

function kindOf(choice: Choice, changed: Uint8Array, covered: Uint8Array, position: number): string {
  const severity = choice.severityOf[position];
  if (severity !== 0) return severity === 2 ? 'error' : 'warning';
  if (covered[choice.pairOf[position] ?? 0] === 0) return 'shape';
  return changed[position] === 1 ? 'change' : 'ordinary';
}

/** fromEntries makes own keys, also of a topic named `__proto__`. */
function byTopic(topics: readonly string[], counts: Int32Array): Record<string, number> {
  const least = counts.length <= MAX_OMITTED_TOPICS ? 1 : Math.max(1, counts.toSorted().at(-MAX_OMITTED_TOPICS) ?? 1);
  const entries: [string, number][] = [];
  let others = 0;
  for (let group = 0; group < counts.length; group++) {
    const count = counts[group] ?? 0;
    if (count >= least) entries.push([topics[group] ?? '', count]);
    else others += count;
  }
  entries.sort((a, b) => b[1] - a[1] || byName(a, b));
  const named = new Map<string, number>();
  let cost = 0;
  for (const [topic, count] of entries) {
    cost += wireCost(topic, MAX_NAMES_COST);
    if (named.size < MAX_OMITTED_TOPICS && cost <= MAX_NAMES_COST) named.set(topic, count);
    else others += count;
  }
  if (others > 0) named.set(OTHER_TOPICS, (named.get(OTHER_TOPICS) ?? 0) + others);
  return Object.fromEntries([...named].sort(byName));
}

function byName([a]: readonly [string, number], [b]: readonly [string, number]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
