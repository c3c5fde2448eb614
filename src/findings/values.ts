// Owns what a field's numbers give away when they fall: counter_restarted, restarted.
import { duration, evidence, live } from './entries.ts';
import { called, type NumberSeries, named, nameOf, numberSeries, placeOf } from './fields.ts';
import type { Entry, Finding, Rule, Series, View } from './types.ts';
import { twoChains } from './writers.ts';

export const COUNTER =
  /total|counter|(?<!dis|ac)count(?!ry|er_?temp)|energy|kwh|(?:^|_)wh$|pulses|odometer|consumption|import|export|(?:rx|tx)_?(?:bytes|packets)/i;
export const UPTIME =
  /^(?:uptime|up_time|sys_?uptime|uptime_?(?:s|sec|secs|seconds|ms|min|mins|minutes|h|hours)|up_(?:s|secs?|seconds|ms)|device_?uptime)$/i;
/** Counters that never fall by themselves, so that they need not have been seen growing: a load may be off. */
const METER = /energy|kwh|(?:^|[._])wh$|odometer/i;
const STANDING = 5;
/** The day's counters begin anew at midnight, others at a button. */
const DAILY = /today|daily|day|yesterday|month|week|year|session|trip|since/i;

/** Series of fields that carry measurements. */
export function measured(view: View, withRetained = false): NumberSeries[] {
  const carriers = view.series.filter(({ role }) => role.role === 'state' || role.role === 'event');
  return carriers.flatMap((series) => numberSeries(series, withRetained));
}

/**
 * counter_restarted: a field with a counter's name that only grew, at least twice, or was stored before, or stood still
 * for five messages where it counts energy, falls below half of its value, once. Counters of a day, a session and the like are info.
 */
export const counterRestarted: Rule = (view) =>
  measured(view, true)
    .filter((one) => COUNTER.test(nameOf(one)) && !UPTIME.test(nameOf(one)))
    .flatMap((one) => {
      const drop = onlyDrop(one);
      if (drop === undefined) return [];
      const daily = DAILY.test(one.path) || DAILY.test(one.topic);
      return [
        {
          code: 'counter_restarted' as const,
          severity: daily ? ('info' as const) : ('warning' as const),
          message: `The counter ${named(called(one))} restarted: from ${drop.before.value} to ${drop.after.value}.`,
          evidence: [evidence(drop.before.entry, drop.before.value), evidence(drop.after.entry, drop.after.value)],
          next: daily
            ? 'A counter of a day or a session begins anew by design; check that the time of it fits.'
            : 'Look for a restart of the device at that time, and correct what adds the differences up.',
          about: placeOf(one),
        },
      ];
    });

/** A start so shortly before the window is worth a word, ms. */
const RECENT_MS = 120_000;

/**
 * restarted: a field with an uptime's name falls below half of its value, once; or falls back to where it began, twice or
 * more (an error: a loop); or Tasmota tells why it restarted. Info: an uptime that counts seconds says that the device started within two minutes before the window.
 */
export const restarted: Rule = (view) => {
  const drops = [...measured(view, true), ...spokenUptimes(view)]
    .filter((one) => UPTIME.test(nameOf(one)))
    .flatMap((one): Finding[] => {
      const loop = restartLoop(one);
      if (loop !== undefined) return [loop];
      const drop = onlyDrop(one, 1);
      if (drop === undefined) return [];
      const unseen = drop.before.entry.retain ? ' (before the window)' : '';
      return [
        {
          code: 'restarted',
          severity: 'warning',
          message: `The device restarted${unseen}: ${named(called(one))} fell from ${drop.before.value} to ${drop.after.value}.`,
          evidence: [evidence(drop.before.entry, drop.before.value), evidence(drop.after.entry, drop.after.value)],
          next: RESTART_NEXT,
          rank: 2,
        },
      ];
    });
  return [...drops, ...view.series.flatMap(announcedRestart), ...startedShortlyBefore(view)];
};

/** Restarts, at least, that are a loop. */
const LOOP = 2;
/** Values since the last start, at least, where it does not begin near 0. */
const RUN = 3;

/** It falls again and again to where it began; not two uptimes in turns, of which each goes on. */
function restartLoop(one: NumberSeries): Finding | undefined {
  let began = 0;
  let falls = 0;
  const starts: NumberSeries['values'] = [];
  for (const [i, after] of one.values.entries()) {
    const before = one.values[i - 1];
    if (before === undefined || after.value >= before.value) continue;
    falls += 1;
    const again = i - began >= RUN && after.value <= (one.values[began]?.value ?? 0);
    if (after.value <= before.value / 2 || again) starts.push(after);
    began = i;
  }
  const goesOn = starts.every(({ value }, i) => i === 0 || value > (starts[i - 1]?.value ?? value));
  const [first, last] = [starts[0], starts.at(-1)];
  if (first === undefined || last === undefined || starts.length < LOOP || 2 * starts.length < falls) return undefined;
  if (goesOn || twoChains(one.values, 0)) return undefined;
  const within = duration(last.entry.at - (one.values[0]?.entry.at ?? last.entry.at));
  return {
    code: 'restarted',
    severity: 'error',
    message: `The device is in a restart loop: ${named(called(one))} began anew ${starts.length} times within ${within}.`,
    evidence: starts.slice(-3).map(({ entry, value }) => evidence(entry, value)),
    next: 'Look at its power supply and its log first (a crash, a watchdog, too little memory); undo the last update or change of its configuration.',
    rank: 3,
  };
}

function startedShortlyBefore(view: View): Finding[] {
  const uptimes = [...measured(view), ...spokenUptimes(view)].filter((one) => UPTIME.test(nameOf(one)));
  return uptimes.flatMap((one): Finding[] => {
    const [first, last] = [one.values[0], one.values.at(-1)];
    if (first === undefined || last === undefined || first.entry.retain) return [];
    const pace = (1000 * (last.value - first.value)) / (last.entry.at - first.entry.at);
    const started = first.entry.at - 1000 * first.value;
    if (last.entry.at - first.entry.at < 2_000 || Math.abs(pace - 1) > 0.3 || view.began - started > RECENT_MS)
      return [];
    return [
      {
        code: 'restarted',
        severity: 'info',
        message: `The device started only ${duration(Math.max(0, view.ended - started))} before the end of the window: ${named(called(one))} is ${last.value}.`,
        evidence: [evidence(first.entry, first.value), evidence(last.entry, last.value)],
        next: RESTART_NEXT,
      },
    ];
  });
}

const RESTART_NEXT = 'Find out why: power supply, watchdog or crash, an update; look for a reset reason in its status.';

/** Tasmota: INFO3 is sent once after each start. */
function announcedRestart(series: Series): Finding[] {
  const told = series.role.convention === 'tasmota' && /\/INFO3$/.test(series.topic) ? live(series).at(-1) : undefined;
  if (told === undefined) return [];
  return [
    {
      code: 'restarted',
      severity: 'warning',
      message: 'The device restarted within the window and told its reason.',
      evidence: [evidence(told)],
      next: RESTART_NEXT,
      rank: 1,
    },
  ];
}

/** Tasmota's `"Uptime":"1T02:03:04"`, in seconds. */
function spokenUptimes(view: View): NumberSeries[] {
  return view.series.flatMap(({ topic, entries }) => {
    const values = entries.flatMap((entry: Entry) => {
      const said = typeof entry.payload === 'object' && entry.payload !== null ? Object.entries(entry.payload) : [];
      const text = said.find(([key]) => key === 'Uptime')?.[1];
      const [, d, h, m, s] = typeof text === 'string' ? (/^(\d+)T(\d\d):(\d\d):(\d\d)$/.exec(text) ?? []) : [];
      if (d === undefined) return [];
      return [{ value: ((Number(d) * 24 + Number(h)) * 60 + Number(m)) * 60 + Number(s), entry }];
    });
    return values.length > 1 ? [{ topic, path: 'Uptime', values }] : [];
  });
}

/** The one place where a series that otherwise never falls loses more than half. */
function onlyDrop({ topic, path, values }: NumberSeries, rises = 2) {
  const falls = values.flatMap((after, i) => {
    const before = values[i - 1];
    return before !== undefined && after.value < before.value ? [{ before, after, at: i }] : [];
  });
  const [drop] = falls;
  if (drop === undefined || falls.length > 1 || drop.before.value <= 0 || drop.after.value < 0) return undefined;
  if (drop.after.value > drop.before.value / 2) return undefined;
  const grew = new Set(values.slice(0, drop.at).map(({ value }) => value)).size - 1;
  const stored = drop.before.entry.retain && values.length > drop.at + 1;
  const stood = drop.at >= STANDING && values.length > drop.at + 1 && METER.test(`${topic}.${path}`);
  return grew >= rises || stored || stood || rises === 1 ? drop : undefined;
}
