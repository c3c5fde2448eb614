// Owns the rules that hold payloads against descriptions: what was wrong before the window already. They share the codes
// unit_changed and field_disappeared. Must not know conventions beyond what a claim says.
import type { Claim, Reading } from '../conventions/types.ts';
import { isRecord } from '../payload/types.ts';
import { evidence, live, median, quoted } from './entries.ts';
import { named, numberSeries } from './fields.ts';
import type { Entry, Finding, Rule, Series, View } from './types.ts';
import { unitOf } from './unit-words.ts';

/** Live messages without a field before its absence is more than chance: some send each field in a message of its own. */
const AFTER_GONE = 4;
const MAX_NAMED = 5;
/** Percent that a sensor may be off at its end. */
const OVERSHOOT = 5;

/**
 * field_disappeared: a description names a field of a measurement, and no payload of that topic has it: a warning from
 * four live messages on, else info.
 */
export const fieldNotAsDescribed: Rule = (view) =>
  view.series.flatMap((series): Finding[] => {
    const entries = latestOf(series);
    const last = entries.at(-1);
    if (last === undefined) return [];
    const missing = readingsOf(series.topic, view).filter(
      ({ path }) => path.length > 0 && !entries.some(({ payload }) => holds(payload, path)),
    );
    const [first] = missing;
    if (first === undefined) return [];
    const names = [...new Set(missing.map(({ path }) => named(path.join('.'), 'A field')))];
    const sure = !last.retain && entries.length >= AFTER_GONE;
    return [
      {
        code: 'field_disappeared',
        severity: sure ? 'warning' : 'info',
        message: `${names.slice(0, MAX_NAMED).join(', ')} ${names.length === 1 ? 'is' : 'are'} named by the description but in none of ${entries.length} ${last.retain ? 'stored' : 'live'} payloads of ${quoted(series.topic)}.`,
        evidence: [{ topic: first.source, value: first.path.join('.') }, evidence(last)],
        next: 'Look for an update of the device that calls the field otherwise, or for the sensor behind it; then mend the template of the description.',
      },
    ];
  });

/**
 * unit_changed: a description has a measurement in one unit, and its payloads name another one beside the value; or it is
 * in percent and lies outside 0 to 100.
 */
export const unitNotAsDescribed: Rule = (view) =>
  view.series.flatMap((series) => {
    const readings = readingsOf(series.topic, view);
    return readings.flatMap(
      (reading) => namedOtherwise(reading, readings, series) ?? outOfPercent(reading, series) ?? [],
    );
  });

type Described = Reading & { source: string };

/** What descriptions say of the measurements on a topic. */
export function readingsOf(topic: string, { claims }: Pick<View, 'claims'>): Described[] {
  const of = ({ source, readings }: Claim) =>
    readings.filter((one) => one.topic === topic).map((one) => ({ ...one, source }));
  const places = new Map(claims.flatMap(of).map((one) => [one.path.join('\n'), one]));
  return [...places.values()];
}

/** Live messages; where there are none, what is stored. */
function latestOf(series: Series): Entry[] {
  const said = live(series).filter(({ type }) => type !== 'empty');
  return said.length > 0 ? said : series.entries.filter(({ type }) => type !== 'empty').slice(-1);
}

function holds(payload: unknown, path: readonly string[]): boolean {
  let here = payload;
  for (const key of path) {
    if (!isRecord(here) || !Object.hasOwn(here, key)) return false;
    here = here[key];
  }
  return true;
}

function namedOtherwise(reading: Described, all: readonly Described[], series: Series): Finding | undefined {
  const described = unitOf(reading.unit);
  const last = latestOf(series).at(-1);
  const told = last === undefined ? undefined : unitBeside(last.payload, reading.path, all);
  if (described === undefined || last === undefined || told === undefined || told === described) return undefined;
  return {
    code: 'unit_changed',
    severity: 'warning',
    message: `${nameIn(reading, series)} of ${quoted(series.topic)} is described in ${described}, but its payloads are in ${told}.`,
    evidence: [{ topic: reading.source, value: reading.unit ?? '' }, evidence(last)],
    next: 'Set the unit back on the device, or correct the description and convert where its values are used.',
    about: series.topic,
  };
}

const UNIT_KEYS = ['unit', 'units', 'uom', 'unit_of_measurement'];

/** The unit that a payload names for one of its fields; a lone `unit` only where it can mean no other one. */
export function unitBeside(
  payload: unknown,
  path: readonly string[],
  all: readonly Pick<Reading, 'path'>[],
): string | undefined {
  const above = path.slice(0, -1);
  let parent: unknown = payload;
  for (const key of above) parent = isRecord(parent) ? parent[key] : undefined;
  if (!isRecord(parent)) return undefined;
  const own = path.at(-1) ?? 'value';
  const alone = all.filter((one) => one.path.slice(0, -1).join('\n') === above.join('\n')).length <= 1;
  const keys = [
    `${own}_unit`,
    `${own}Unit`,
    ...(/temp/i.test(own) ? ['TempUnit', 'temp_unit', 'temperature_unit'] : []),
  ];
  if (alone) keys.push(...UNIT_KEYS);
  const told = [parent, payload].flatMap((one) => (isRecord(one) ? keys.map((key) => unitOf(valueAt(one, key))) : []));
  return told.find((unit) => unit !== undefined);
}

function valueAt(record: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

function outOfPercent(reading: Described, series: Series): Finding | undefined {
  if (unitOf(reading.unit) !== '%') return undefined;
  if (!/^(?:humidity|moisture|battery)$/.test(reading.kind ?? reading.path.at(-1) ?? '')) return undefined;
  const found = numberSeries(series, true).find(({ path }) => path === reading.path.join('.'));
  const values = (found?.values ?? []).slice(-AFTER_GONE);
  const last = values.at(-1);
  const value = median(values.map((one) => one.value));
  if (last === undefined || (value >= -OVERSHOOT && value <= 100 + OVERSHOOT)) return undefined;
  return {
    code: 'unit_changed',
    severity: 'warning',
    message: `${nameIn(reading, series)} of ${quoted(series.topic)} is described in percent, but is ${last.value}.`,
    evidence: [{ topic: reading.source, value: reading.unit ?? '' }, evidence(last.entry, last.value)],
    next: 'Look for an update or a changed setting of the device: raw counts, or another unit.',
    about: series.topic,
  };
}

function nameIn({ path }: Reading, { topic }: Series): string {
  return path.length === 0 ? quoted(topic) : named(path.join('.'), 'A field');
}
