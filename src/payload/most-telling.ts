// Owns the choice among changes where not all can be told. Deterministic. Must not know what an event is.
import type { Entry } from './change-log.ts';

/**
 * At most `target` entries, in their order: those `near` an event first, then the first change of each field, then
 * changes of words and truths, then of numbers. Where a kind does not fit as a whole, an even spread of it over time.
 */
export function mostTelling(entries: readonly Entry[], target: number, near: (entry: Entry) => boolean): Entry[] {
  if (entries.length <= target) return [...entries];
  const ranks = ranksOf(entries, near);
  const kept = new Set<number>();
  for (let rank = 0; rank < RANKS && kept.size < target; rank++) {
    const positions = entries.flatMap((_, i) => (ranks[i] === rank ? [i] : []));
    for (const position of spread(positions, target - kept.size)) kept.add(position);
  }
  return entries.filter((_, i) => kept.has(i));
}

const RANKS = 5;

function ranksOf(entries: readonly Entry[], near: (entry: Entry) => boolean): number[] {
  const seen = new Set<string>();
  return entries.map((entry) => {
    const isNew = entry.changes.some(({ path }) => {
      const key = `${entry.topic}\0${path}`;
      const fresh = !seen.has(key);
      seen.add(key);
      return fresh;
    });
    if (near(entry)) return 0;
    if (entry.appeared) return 4;
    if (isNew) return 1;
    return entry.changes.some(({ delta }) => delta === undefined) ? 2 : 3;
  });
}

/** Up to `most` of them, evenly, the first and the last among them. */
function spread(positions: readonly number[], most: number): number[] {
  if (positions.length <= most) return [...positions];
  if (most === 1) return positions.slice(-1);
  const stride = (positions.length - 1) / (most - 1);
  return Array.from({ length: most }, (_, i) => positions[Math.round(i * stride)] ?? 0);
}
