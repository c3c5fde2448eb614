// Owns the rule unit_changed: a unit that is named differently, or a step by a factor that units differ by.
import { evidence, median, quoted } from './entries.ts';
import { called, fieldSeries, type NumberSeries, named, nameOf, numberSeries, placeOf } from './fields.ts';
import type { Finding, Rule, Series } from './types.ts';
import { unitOf } from './unit-words.ts';

/** Values on each side of a step, at least and at most. */
const SIDE = 3;
const WINDOW = 10;
/** How far the values of a side may lie apart, of their median. */
const STEADY = 0.15;
/** How near a factor has to be; of what jumps by itself (a load that is switched on), nearer. */
const NEAR = 0.05;
const NEARER = 0.02;
const JUMPY = /power|current|watt|load|lux|illumin|flow|speed|bright/i;
/** What is set, or filled and emptied: 1 may well be followed by 100. */
const FREE = /position|level|dim|volume|percent|open|valve|tilt|fan/i;
const TEMPERATURE = /temp|dew|°|celsius|fahrenheit|thermo|water|air$|oven/i;
const FACTORS: readonly [factor: number, like: string][] = [
  [1000, 'k to its unit, such as kW to W or m to mm'],
  [0.001, 'a unit to its k, such as W to kW or mm to m'],
  [100, 'a hundredfold, such as m to cm or bar to kPa'],
  [0.01, 'a hundredth, such as cm to m or % to a fraction'],
];

/**
 * unit_changed: a field whose name has "unit" in it changes once; or a field lies steadily (within 15 %) at a, then at
 * 1.8 a + 32 (a temperature), or at 1000, 100, 1/100 or 1/1000 of a (within 5 %; within 2 % for loads), for three
 * messages or more on each side. Info where it may jump so by itself: a load, a position, a level.
 */
export const unitChanged: Rule = (view) => {
  const carriers = view.series.filter(({ role }) => role.role === 'state' || role.role === 'event');
  const named = carriers.flatMap(namedUnits);
  const stepped = carriers.flatMap((series) => numberSeries(series).flatMap(stepOf));
  const told = new Set(named.map(({ evidence: [first] }) => first?.topic));
  return [...named, ...stepped.filter(({ evidence: [first] }) => !told.has(first?.topic))];
};

function namedUnits(series: Series): Finding[] {
  const units = fieldSeries(series, true).filter(({ path }) =>
    /(?:^|[._]|[a-z](?=U))(?:unit|units|uom|unit_of_measurement)$/i.test(path),
  );
  return units.flatMap((one): Finding[] => {
    const at = one.values.findIndex(({ value }, i) => i > 0 && value !== one.values[i - 1]?.value);
    const [before, after] = [one.values[at - 1], one.values[at]];
    const turns = one.values.filter(({ value }, i) => i > 0 && value !== one.values[i - 1]?.value).length;
    if (before === undefined || after === undefined || turns !== 1 || typeof after.value !== 'string') return [];
    return [
      {
        code: 'unit_changed',
        severity: 'warning',
        message: `The unit of ${quoted(nameOf({ topic: one.topic, path: '' }))} changed${fromTo(before.value, after.value)}.`,
        evidence: [evidence(before.entry), evidence(after.entry)],
        next: 'Set the unit back on the device, or convert where its values are used.',
        about: one.topic,
      },
    ];
  });
}

/** In our own words: what a payload says stays in the evidence. */
function fromTo(before: unknown, after: unknown): string {
  const [from, to] = [unitOf(before), unitOf(after)];
  return from === undefined || to === undefined ? '' : ` from ${from} to ${to}`;
}

function stepOf(one: NumberSeries): Finding[] {
  const { values } = one;
  for (let at = SIDE; at + SIDE <= values.length; at++) {
    // Most values do not step at all; medians are worked out only where one does.
    if (!leaps(values[at - 1]?.value ?? 0, values[at]?.value ?? 0)) continue;
    const before = values.slice(Math.max(0, at - WINDOW), at).map(({ value }) => value);
    const after = values.slice(at, at + WINDOW).map(({ value }) => value);
    const like = steady(before) && steady(after) ? conversion(median(before), median(after), one) : undefined;
    const [from, to] = [values[at - 1], values[at]];
    if (like === undefined || from === undefined || to === undefined) continue;
    return [
      {
        code: 'unit_changed',
        severity: JUMPY.test(nameOf(one)) || FREE.test(nameOf(one)) ? 'info' : 'warning',
        message: `The unit of ${named(called(one))} seems to have changed: from about ${from.value} to ${to.value}, ${like}.`,
        evidence: [evidence(from.entry, from.value), evidence(to.entry, to.value)],
        next: 'Look for an update or a changed setting of the device at that time, and compare with another instrument.',
        about: placeOf(one),
      },
    ];
  }
  return [];
}

function leaps(from: number, to: number): boolean {
  return Math.abs(to - from) > STEADY * Math.max(Math.abs(from), Math.abs(to));
}

export function steady(values: readonly number[]): boolean {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  // A median costs a sort; most windows are not steady whatever it is.
  if (most - least > STEADY * Math.max(Math.abs(least), Math.abs(most))) return false;
  const middle = median(values);
  return middle !== 0 && most - least <= STEADY * Math.abs(middle);
}

/** What a step is like; undefined where units do not differ so. */
export function conversion(before: number, after: number, place: { topic: string; path: string }): string | undefined {
  if (TEMPERATURE.test(nameOf(place)) && Math.abs(after - before) >= 10) {
    if (before > -50 && before < 400 && isNear(after, before * 1.8 + 32, 1.5)) return 'as from °C to °F';
    if (after > -50 && after < 400 && isNear(before, after * 1.8 + 32, 1.5)) return 'as from °F to °C';
  }
  const near = JUMPY.test(nameOf(place)) ? NEARER : NEAR;
  return FACTORS.find(([factor]) => Math.abs(after / before / factor - 1) <= near)?.[1];
}

function isNear(value: number, wanted: number, tolerance: number): boolean {
  return Math.abs(value - wanted) <= Math.max(tolerance, 0.02 * Math.abs(wanted));
}
