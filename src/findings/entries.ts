// Owns what the rules have in common: which messages are live, what an evidence shows, medians, quoting.
import type { Entry, Evidence, Series, View } from './types.ts';

/** Characters of a value in an evidence or a sentence: enough to recognise it. */
const MAX_SHOWN = 100;

export function live(series: Series): Entry[] {
  return series.entries.filter(({ retain }) => !retain);
}

/** The device's own topics, and who tells of the presence of its bridge; not what else its bridge says. */
export function ownSeries(view: View): Series[] {
  return view.series.filter(({ role }) => role.role !== 'bridge' || role.presence !== undefined);
}

/** Series that carry what a device measures or does. */
export function spoken(view: View): Series[] {
  return view.series.filter(({ role }) => role.role === 'state' || role.role === 'event' || role.role === 'log');
}

export function evidence(entry: Entry, value: unknown = entry.payload): Evidence {
  return { topic: entry.topic, time: new Date(entry.at).toISOString(), value: shown(value) };
}

/** A value as it is where it is short, else the beginning of its text. */
export function shown(value: unknown, chars = MAX_SHOWN): unknown {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  if (text.length <= chars) return value;
  return `${text.slice(0, chars).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** Broker content within a sentence: quoted and short. */
export function quoted(value: unknown): string {
  return JSON.stringify(shown(value)) ?? '""';
}

/** The middle one; the mean of the two in the middle. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

/** Median absolute deviation from the median. */
export function spreadOf(values: readonly number[]): number {
  const middle = median(values);
  return median(values.map((value) => Math.abs(value - middle)));
}

/** 0.4 s, 12 s, 5 min, 3.2 h, 4 days. */
export function duration(ms: number): string {
  const seconds = Math.abs(ms) / 1000;
  const rounded = (value: number) => (value < 10 ? Math.round(value * 10) / 10 : Math.round(value));
  if (seconds < 100) return `${rounded(seconds)} s`;
  if (seconds < 6000) return `${rounded(seconds / 60)} min`;
  return seconds < 172_800 ? `${rounded(seconds / 3600)} h` : `${rounded(seconds / 86_400)} days`;
}
