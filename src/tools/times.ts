// Owns how a time is written: ISO 8601 with milliseconds and zone.

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** Seconds with millisecond precision. */
export function seconds(ms: number): number {
  return Math.round(ms) / 1000;
}
