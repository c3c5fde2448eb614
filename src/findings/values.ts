// Owns what a field's values give away: stuck_value, counter_restarted, restarted.
import { evidence, live, quoted } from './entries.ts';
import { called, type NumberSeries, nameOf, numberSeries, placeOf } from './fields.ts';
import type { Entry, Finding, Rule, Series, View } from './types.ts';

/** Equal values in a row, at least, for a field that used to vary, and for one that never did in this window. */
const STUCK_AFTER_VARYING = 8;
const STUCK_ALL_ALONG = 20;
/** Share of messages at which a field has to change to count as one that varies. */
const VARIES = 0.5;

/** What changes at the same pace: a stuck one is compared with its like. */
const SLOW = /temp|humid|moist|pressure|co2|voc|pm(?:25|10|2_5)|illumin|lux|dew|level|ppm/i;
const FAST = /power|current|watt|ampere|flow|vibration|rms|noise|accel|frequency|^[xyz]$/i;
const COUNTER =
  /total|counter|(?<!dis|ac)count(?!ry|er_?temp)|energy|kwh|(?:^|_)wh$|pulses|odometer|consumption|import|export|(?:rx|tx)_?(?:bytes|packets)/i;
const UPTIME = /^(?:uptime|up_time|sys_?uptime|uptime_?(?:s|sec|secs|seconds|ms)|device_?uptime)$/i;
/** Counters that never fall by themselves, so that they need not have been seen growing: a load may be off. */
const METER = /energy|kwh|(?:^|[._])wh$|odometer/i;
const STANDING = 5;
/** The day's counters begin anew at midnight, others at a button. */
const DAILY = /today|daily|day|yesterday|month|week|year|session|trip|since/i;

/** Series of fields that carry measurements. */
function measured(view: View, withRetained = false): NumberSeries[] {
  const carriers = view.series.filter(({ role }) => role.role === 'state' || role.role === 'event');
  return carriers.flatMap((series) => numberSeries(series, withRetained));
}

/**
 * stuck_value: a field that changed with most messages has one value in the last 8 or more; or a measurement (not 0, not
 * a whole number) has one value in all of 20 messages or more while one of its like on the device changes with every
 * other message.
 */
export const stuckValue: Rule = (view) => {
  const all = measured(view).filter((one) => !COUNTER.test(nameOf(one)) && !UPTIME.test(nameOf(one)));
  const found = all.flatMap((one): Finding[] => {
    const values = one.values.map(({ value }) => value);
    const last = one.values.at(-1);
    if (last === undefined || last.value === 0) return [];
    const run = lastRun(values);
    const head = values.slice(0, -run);
    const varied = head.length >= 5 && changes(head) >= 0.8 * (head.length - 1) && new Set(head).size >= 4;
    const frozen = run >= STUCK_AFTER_VARYING && run >= head.length / 4 && varied;
    const alone = run === values.length && run >= STUCK_ALL_ALONG && !Number.isInteger(last.value);
    if (!frozen && !(alone && hasLivelyLike(one, all))) return [];
    const first = one.values.at(-run);
    return [
      {
        code: 'stuck_value',
        severity: 'warning',
        message: `${quoted(called(one))} is stuck at ${last.value}: the same in the last ${run} messages${frozen ? ', before that it changed nearly every time' : ', while its like changes'}.`,
        evidence: [first, last].flatMap((at) => (at ? [evidence(at.entry, at.value)] : [])),
        next: 'Change what it measures (warm the sensor, switch the load) and see whether the value follows; restart the device if not.',
        about: placeOf(one),
      },
    ];
  });
  return oncePerTopic(found);
};

function lastRun(values: readonly number[]): number {
  const last = values.at(-1);
  const other = values.findLastIndex((value) => value !== last);
  return values.length - 1 - other;
}

function changes(values: readonly number[]): number {
  return values.filter((value, i) => i > 0 && value !== values[i - 1]).length;
}

function hasLivelyLike(one: NumberSeries, all: readonly NumberSeries[]): boolean {
  const pace = [SLOW, FAST].find((kind) => kind.test(nameOf(one)));
  if (pace === undefined) return false;
  return all.some((other) => {
    const values = other.values.map(({ value }) => value);
    return (
      other !== one &&
      pace.test(nameOf(other)) &&
      values.length >= 10 &&
      changes(values) >= VARIES * (values.length - 1)
    );
  });
}

/** A payload that froze as a whole is one finding. */
function oncePerTopic(found: Finding[]): Finding[] {
  const topics = new Set<string | undefined>();
  return found.filter(({ evidence: [first] }) => {
    const known = topics.has(first?.topic);
    topics.add(first?.topic);
    return !known;
  });
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
          message: `The counter ${quoted(called(one))} restarted: from ${drop.before.value} to ${drop.after.value}.`,
          evidence: [evidence(drop.before.entry, drop.before.value), evidence(drop.after.entry, drop.after.value)],
          next: daily
            ? 'A counter of a day or a session begins anew by design; check that the time of it fits.'
            : 'Look for a restart of the device at that time, and correct what adds the differences up.',
          about: placeOf(one),
        },
      ];
    });

/** restarted: a field with an uptime's name falls below half of its value, once; or Tasmota tells why it restarted. */
export const restarted: Rule = (view) => {
  const drops = [...measured(view, true), ...spokenUptimes(view)]
    .filter((one) => UPTIME.test(nameOf(one)))
    .flatMap((one): Finding[] => {
      const drop = onlyDrop(one, 1);
      if (drop === undefined) return [];
      const unseen = drop.before.entry.retain ? ' (before the window)' : '';
      return [
        {
          code: 'restarted',
          severity: 'warning',
          message: `The device restarted${unseen}: ${quoted(called(one))} fell from ${drop.before.value} to ${drop.after.value}.`,
          evidence: [evidence(drop.before.entry, drop.before.value), evidence(drop.after.entry, drop.after.value)],
          next: RESTART_NEXT,
        },
      ];
    });
  return [...drops, ...view.series.flatMap(announcedRestart)].slice(0, 1);
};

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
