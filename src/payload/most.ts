// Owns the choice of the largest few of many, in one pass. Pure.

/** At most `limit` of the entries, those with the largest numbers; of equal ones those that came first. */
export function most<T>(entries: Iterable<T>, limit: number, numberOf: (entry: T) => number): T[] {
  const descending = (a: T, b: T) => numberOf(b) - numberOf(a);
  let found: T[] = [];
  let least = Number.NEGATIVE_INFINITY;
  for (const entry of entries) {
    if (numberOf(entry) <= least) continue;
    found.push(entry);
    if (found.length < 2 * limit) continue;
    found = found.sort(descending).slice(0, limit);
    least = numberOf(found[limit - 1] ?? entry);
  }
  return found.sort(descending).slice(0, limit);
}
