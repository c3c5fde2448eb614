// Owns counts by name that stay small on the wire whatever the names: a topic may be 65,535 bytes long [MQTT-1.5.4].
import { OTHER_TOPICS } from './omitted.ts';
import { wireCost } from './wire-cost.ts';

/** The entries in their order, until they cost `budget` bytes; what is beyond is added up under "(other topics)". */
export function boundedCounts(entries: Iterable<readonly [string, number]>, budget: number): Record<string, number> {
  const named = new Map<string, number>();
  let left = budget;
  let others = 0;
  for (const [name, count] of entries) {
    left -= wireCost(name, left) + 2 * 12;
    if (left >= 0) named.set(name, count);
    else others += count;
  }
  if (others > 0) named.set(OTHER_TOPICS, (named.get(OTHER_TOPICS) ?? 0) + others);
  return Object.fromEntries(named);
}
