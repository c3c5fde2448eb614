// Owns the rule stuck_value: a measurement that no longer moves.
import { readingsOf, unitBeside } from './described.ts';
import { evidence } from './entries.ts';
import { called, type NumberSeries, named, nameOf, numberSeries, placeOf } from './fields.ts';
import { once } from './memo.ts';
import type { Finding, Rule, Series, View } from './types.ts';
import { unitOf } from './unit-words.ts';
import { COUNTER, measured, UPTIME } from './values.ts';

/** Equal values in a row, at least, for a field that used to vary, and for one that never did in this window. */
const STUCK_AFTER_VARYING = 8;
const STUCK_ALL_ALONG = 20;
/** Share of messages at which a field has to change to count as one that varies. */
const VARIES = 0.5;

/** What changes at the same pace: a stuck one is compared with its like. */
const SLOW = /temp|humid|moist|pressure|co2|voc|pm(?:25|10|2_5)|illumin|lux|dew|level|ppm/i;
const FAST = /power|current|watt|ampere|flow|vibration|rms|noise|accel|frequency|^[xyz]$/i;
/** Equal values, and the time they span, ms, before one that never moved is worth a word by itself. */
const STUCK_BY_ITSELF = 8;
const STUCK_BY_ITSELF_MS = 5_000;
/** What does not move by nature. */
const FIXED =
  /set_?point|target|limit|thresh|(?:^|_)(?:min|max)|offset|factor|calib|lat|lon|alt|price|tariff|version|scale|gain|nominal|batt|vcc|vbat|interval/i;
/** A quiet room has one temperature for hours, at the resolution of most sensors. */
const CLIMATE = /temp|humid|dew|moist/i;
const MOVING_UNITS = new Set(['W', 'kW', 'A', 'bar', 'psi', 'l/min', 'm³/h', 'm/s', 'km/h', 'lx']);
/** Device classes of what hardly ever repeats a value while it is not zero. */
const RESTLESS =
  /^(?:power|apparent_power|reactive_power|current|power_factor|sound_pressure|illuminance|irradiance|wind_speed|signal_strength|frequency)$/;

/**
 * stuck_value: a field that changed with most messages has one value in the last 8 or more; or a measurement (not 0, not
 * a whole number) has one value in all of 20 messages or more while one of its like on the device changes with every
 * other message, or while its description says what never rests (power, current, noise). Where nothing is there to
 * compare with, info: 8 messages or more over 5 s, of a value with two decimals, with one where it is no climate, or a
 * whole one of a unit that hardly rests.
 */
export const stuckValue: Rule = (view) => {
  const all = measured(view).filter((one) => !COUNTER.test(nameOf(one)) && !UPTIME.test(nameOf(one)));
  const lively = livelyOf(view.all ?? view.series);
  const found = all.flatMap((one): Finding[] => {
    const last = one.values.at(-1);
    if (last === undefined || last.value === 0) return [];
    const run = lastRun(one.values.map(({ value }) => value));
    const why = reasonOf(one, run, lively, view);
    if (why === undefined) return [];
    const first = one.values.at(-run);
    return [
      {
        code: 'stuck_value',
        severity: why.severity,
        message: `${named(called(one), 'A field')} is ${why.words.replace('{value}', String(last.value)).replace('{run}', String(run))}.`,
        evidence: [first, last].flatMap((at) => (at ? [evidence(at.entry, at.value)] : [])),
        next: 'Change what it measures (warm the sensor, switch the load) and see whether the value follows; restart the device if not.',
        about: placeOf(one),
      },
    ];
  });
  return oncePerTopic(found);
};

type Reason = { severity: 'warning' | 'info'; words: string };

function reasonOf(one: NumberSeries, run: number, lively: readonly NumberSeries[], view: View): Reason | undefined {
  const values = one.values.map(({ value }) => value);
  const head = values.slice(0, -run);
  const varied = head.length >= 5 && changes(head) >= 0.8 * (head.length - 1) && new Set(head).size >= 4;
  const stuck = 'stuck at {value}: the same in the last {run} messages';
  if (run >= STUCK_AFTER_VARYING && run >= head.length / 4 && varied)
    return { severity: 'warning', words: `${stuck}, before that it changed nearly every time` };
  const decimals = String(one.values[0]?.value ?? 0).split('.')[1]?.length ?? 0;
  if (run < values.length || FIXED.test(nameOf(one))) return undefined;
  if (decimals > 0 && run >= STUCK_ALL_ALONG && hasLivelyLike(one, lively))
    return { severity: 'warning', words: `${stuck}, while its like changes` };
  const readings = readingsOf(one.topic, view);
  const described = readings.find(({ path }) => path.join('.') === one.path);
  const kind = described?.kind;
  if (decimals > 0 && run >= STUCK_ALL_ALONG && RESTLESS.test(kind ?? ''))
    return { severity: 'warning', words: `${stuck}, though what its description says it measures never rests` };
  const [first, last] = [one.values[0], one.values.at(-1)];
  const spanMs = (last?.entry.at ?? 0) - (first?.entry.at ?? 0);
  const unit = unitBeside(last?.entry.payload, one.path.split('.'), readings) ?? unitOf(described?.unit);
  const fine = decimals >= 2 || (decimals === 1 && !CLIMATE.test(nameOf(one))) || MOVING_UNITS.has(unit ?? '');
  if (run < STUCK_BY_ITSELF || spanMs < STUCK_BY_ITSELF_MS || !fine) return undefined;
  return { severity: 'info', words: '{value} in all {run} live messages: it is very steady, or stuck' };
}

function lastRun(values: readonly number[]): number {
  const last = values.at(-1);
  const other = values.findLastIndex((value) => value !== last);
  return values.length - 1 - other;
}

function changes(values: readonly number[]): number {
  return values.filter((value, i) => i > 0 && value !== values[i - 1]).length;
}

const livelyOf = once((all: readonly Series[]) =>
  all.filter(({ role }) => role.role === 'state' || role.role === 'event').flatMap((series) => livelyIn(series)),
);
/** Worked out for each series before they are all asked for. */
export const livelyIn = once((series: Series) =>
  numberSeries(series).filter((one) => isLively(one) && (SLOW.test(nameOf(one)) || FAST.test(nameOf(one)))),
);

/** Changes with every other message. */
function isLively({ values }: NumberSeries): boolean {
  const numbers = values.map(({ value }) => value);
  return numbers.length >= 10 && changes(numbers) >= VARIES * (numbers.length - 1);
}

function hasLivelyLike(one: NumberSeries, lively: readonly NumberSeries[]): boolean {
  const pace = [SLOW, FAST].find((kind) => kind.test(nameOf(one)));
  return pace !== undefined && lively.some((other) => other !== one && pace.test(nameOf(other)));
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
