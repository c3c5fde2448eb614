// Owns how far a schema may be trusted: a number from 0 to 1 that falls with few and with surprising samples. Pure.

/** 95 %, two-sided. */
const Z = 1.96;

/**
 * Lower bound of the Wilson score interval (E. B. Wilson, JASA 22, 1927, p. 209) for the share of messages that show
 * nothing new. Unsurprising are those whose structure was seen more than once: the share of singletons estimates the
 * chance of something new (I. J. Good, Biometrika 40, 1953, p. 237). 1 sample gives 0.21, 10 alike 0.72, 100 alike 0.96.
 */
export function confidenceOf(shapes: readonly string[]): number {
  const n = shapes.length;
  if (n === 0) return 0;
  const seen = new Map<string, number>();
  for (const shape of shapes) seen.set(shape, (seen.get(shape) ?? 0) + 1);
  const singletons = n === 1 ? 0 : [...seen.values()].filter((count) => count === 1).length;
  return Math.round(wilsonLower(n - singletons, n) * 100) / 100;
}

function wilsonLower(successes: number, n: number): number {
  const p = successes / n;
  const centre = p + (Z * Z) / (2 * n);
  const spread = Z * Math.sqrt((p * (1 - p)) / n + (Z * Z) / (4 * n * n));
  return Math.max(0, (centre - spread) / (1 + (Z * Z) / n));
}
