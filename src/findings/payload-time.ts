// Owns the time that a payload tells of itself, and the rules on it: clock_skew, stale. Must not know topics.
import { isRecord } from '../payload/types.ts';
import { duration, evidence, live, median, spreadOf } from './entries.ts';
import { named } from './fields.ts';
import { once } from './memo.ts';
import type { Entry, Finding, Rule, View } from './types.ts';

/** `zoned`: it names an instant; without a zone it is some local time. */
export type PayloadTime = { ms: number; zoned: boolean; field: string };

const KEYS =
  /^_?(?:ts|time|timestamp|date_?time|time_?stamp|sent_?at|last_?seen|epoch|unix_?time|utc|now|measured_?at)$/i;
const MAX_KEYS = 64;
const ISO = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?\s?(Z|[+-]\d\d:?\d\d)?$/i;
/** 2001 and 2100: a number outside is no time. */
const EARLIEST = Date.UTC(2001, 0, 1);
const LATEST = Date.UTC(2100, 0, 1);

/** Under the usual keys, in the payload itself or one level below: ISO 8601, or epoch in s, ms, µs or ns. */
export function payloadTime(payload: unknown): PayloadTime | undefined {
  return isRecord(payload) ? timeOf(payload) : undefined;
}

const timeOf = once((payload: Record<string, unknown>) => timeIn(payload, '') ?? inner(payload));

function inner(payload: Record<string, unknown>): PayloadTime | undefined {
  for (const [key, value] of Object.entries(payload).slice(0, MAX_KEYS)) {
    const found = timeIn(value, `${key}.`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function timeIn(value: unknown, prefix: string): PayloadTime | undefined {
  if (!isRecord(value)) return undefined;
  for (const [key, one] of Object.entries(value).slice(0, MAX_KEYS)) {
    const time = KEYS.test(key) ? instantOf(one) : undefined;
    if (time !== undefined) return { ...time, field: `${prefix}${key}` };
  }
  return undefined;
}

function instantOf(value: unknown): { ms: number; zoned: boolean } | undefined {
  if (typeof value === 'number') {
    const ms = [value * 1000, value, value / 1e3, value / 1e6].find((one) => one >= EARLIEST && one <= LATEST);
    return ms === undefined ? undefined : { ms, zoned: true };
  }
  if (typeof value !== 'string' || value.length > 40) return undefined;
  const [whole, zone] = ISO.exec(value) ?? [];
  if (whole === undefined) return undefined;
  const spelled = whole.replace(' ', 'T').replace(',', '.').replace(/\s/g, '');
  const ms = Date.parse(zone === undefined ? `${spelled}Z` : spelled);
  return Number.isNaN(ms) || ms < EARLIEST || ms > LATEST ? undefined : { ms, zoned: zone !== undefined };
}

/** What a clock may be off, ms, before it is worth a word; and how steadily, as a share of that. */
const SKEW_MS = 120_000;
const STEADY = 0.1;
const QUARTER_MS = 900_000;

/**
 * clock_skew: the times in three live payloads or more lie 2 min or more before or after their arrival, steadily (MAD
 * under a tenth). A time without a zone may be off by any quarter of an hour up to 14 h. last_seen is no clock.
 */
export const clockSkew: Rule = (view) =>
  view.series.flatMap((series): Finding[] => {
    const told = live(series).flatMap((entry) => {
      const time = payloadTime(entry.payload);
      return time === undefined || /seen$/i.test(time.field) ? [] : [{ entry, time, skew: time.ms - entry.at }];
    });
    const [first] = told;
    // A clock goes on; what stands still is a date, such as that of the next alarm.
    if (new Set(told.map(({ time }) => time.ms)).size < 2) return [];
    if (first === undefined || told.length < 3 || series.role.role === 'command') return [];
    const skews = told.map(({ skew, time }) => (time.zoned ? skew : offQuarter(skew)));
    const by = median(skews);
    if (Math.abs(by) < SKEW_MS || spreadOf(skews) > STEADY * Math.abs(by)) return [];
    return [
      {
        code: 'clock_skew',
        severity: 'warning',
        message: `The clock of the device is ${duration(by)} ${by > 0 ? 'ahead' : 'behind'}: ${named(first.time.field)} against the time of arrival.`,
        evidence: [evidence(first.entry, new Date(first.time.ms).toISOString())],
        next: 'Check its time server (NTP) and time zone; or it sends measurements of a while ago.',
        rank: Math.abs(by),
      },
    ];
  });

function offQuarter(skew: number): number {
  const quarters = Math.round(skew / QUARTER_MS);
  return Math.abs(quarters) <= 56 ? skew - quarters * QUARTER_MS : skew;
}

/** After so long Zigbee2MQTT gives up a device that sleeps, by default. */
const STALE_MS = 25 * 3_600_000;

/** stale: nothing live came, and the latest time in the stored payloads is more than 25 h old. */
export const stale: Rule = (view) => {
  const latest = latestTime(view);
  if (latest === undefined || spoke(view) || view.ended - latest.time.ms < STALE_MS) return [];
  return [
    {
      code: 'stale',
      severity: 'warning',
      message: `The last sign of life is ${duration(view.ended - latest.time.ms)} old, by ${named(latest.time.field)} in a stored message.`,
      evidence: [evidence(latest.entry, new Date(latest.time.ms).toISOString())],
      next: 'Check power, battery and range of the device; a stored message does not show that it still lives.',
    },
  ];
};

/** Whether the device itself said something within the window. */
export function spoke(view: View): boolean {
  return view.series.some(
    ({ role, entries }) =>
      (role.role === 'state' || role.role === 'event' || role.role === 'log') && entries.some(({ retain }) => !retain),
  );
}

/** The latest instant that a stored payload of the device tells. */
export function latestTime(view: View): { time: PayloadTime; entry: Entry } | undefined {
  const carriers = view.series.filter(({ role }) => role.role === 'state' || role.role === 'event');
  const told = carriers.flatMap(({ entries }) => {
    const entry = entries.at(-1);
    const time = entry === undefined ? undefined : payloadTime(entry.payload);
    return entry === undefined || time === undefined || time.ms > entry.at + SKEW_MS ? [] : [{ time, entry }];
  });
  return told.toSorted((a, b) => b.time.ms - a.time.ms)[0];
}
