// Owns how a time is written: ISO 8601 with milliseconds and zone.

let last = { ms: Number.NaN, text: '' };

export function iso(ms: number): string {
  // Writing one costs a microsecond, and many are of the same millisecond.
  if (ms !== last.ms) last = { ms, text: new Date(ms).toISOString() };
  return last.text;
}

/** Seconds with millisecond precision. */
export function seconds(ms: number): number {
  return Math.round(ms) / 1000;
}
