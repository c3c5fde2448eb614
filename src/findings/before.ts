// Owns the rules that find a change before the window by what payloads show on their own: against the stored message, or
// against what air can be. They share the codes unit_changed, field_disappeared and field_type_changed.
import { isRecord } from '../payload/types.ts';
import { readingsOf, unitBeside } from './described.ts';
import { evidence, live, median, quoted } from './entries.ts';
import { called, fieldSeries, type NumberSeries, named, nameOf, numberSeries, placeOf } from './fields.ts';
import type { Finding, Rule, Series, View } from './types.ts';
import { isQuantity, unitOf } from './unit-words.ts';
import { conversion, steady } from './units.ts';

/** Live messages that show how it is now. */
const NOW = 4;
const MAX_NAMED = 5;

function carriers(view: View): Series[] {
  return view.series.filter(({ role }) => role.role === 'state' || role.role === 'event');
}

/** unit_changed: four live values or more lie steadily where a conversion of units brings the one stored before. */
export const unitChangedSinceStored: Rule = (view) =>
  carriers(view)
    .flatMap((series) => numberSeries(series, true))
    .flatMap((one): Finding[] => {
      const [before, ...after] = one.values;
      const [now] = after;
      if (!before?.entry.retain || now === undefined || now.entry.retain || after.length < NOW) return [];
      const values = after.map(({ value }) => value);
      const like = steady(values) && before.value !== 0 ? conversion(before.value, median(values), one) : undefined;
      if (like === undefined) return [];
      return [
        {
          code: 'unit_changed',
          severity: 'warning',
          message: `The unit of ${named(called(one))} seems to have changed before the window: ${before.value} was stored, now it is about ${now.value}, ${like}.`,
          evidence: [evidence(before.entry, before.value), evidence(now.entry, now.value)],
          next: 'Look for an update or a changed setting of the device, and compare with another instrument.',
          about: placeOf(one),
        },
      ];
    });

const TEMPERATURE = /^(?:air_?|room_?|ambient_?|outdoor_?|indoor_?)?temp(?:erature)?(?:_?c)?$/i;
const HUMIDITY = /^(?:relative_?|rel_?)?hum(?:idity)?$/i;
/** Vapour pressure, hPa, of air that is saturated at 35 °C: it was never measured higher outdoors. */
const WETTEST = 56.2;

/**
 * unit_changed: temperature and humidity of one payload mean air that does not exist (a dew point above 35 °C), and as
 * °F the temperature fits. A warning where description or payload says °C, info where nothing says a unit.
 */
export const impossibleAir: Rule = (view) =>
  carriers(view).flatMap((series): Finding[] => {
    const fields = numberSeries(series);
    const [warm, wet] = [TEMPERATURE, HUMIDITY].map((name) => fields.find((one) => name.test(nameOf(one))));
    const last = warm?.values.at(-1);
    if (warm === undefined || wet === undefined || last === undefined || !isImpossible(middle(warm), middle(wet)))
      return [];
    const path = warm.path.split('.');
    const readings = readingsOf(series.topic, view);
    const described = readings.find((one) => one.path.join('.') === warm.path);
    const told = unitBeside(last.entry.payload, path, readings) ?? unitOf(described?.unit);
    if (told !== undefined && told !== '°C') return [];
    const source =
      told !== undefined && described !== undefined ? [{ topic: described.source, value: described.unit }] : [];
    return [
      {
        code: 'unit_changed',
        severity: told === undefined ? 'info' : 'warning',
        message: `${quoted(warm.path)} of ${quoted(series.topic)} reads like °F${told === undefined ? ', and nothing says its unit' : ', but is described in °C'}: ${last.value} °C at this humidity is no air.`,
        evidence: [...source, evidence(last.entry)],
        next: 'Look for an update or a changed unit setting of the device, and compare with another thermometer.',
        about: placeOf(warm),
      },
    ];
  });

function middle({ values }: NumberSeries): number {
  return median(values.slice(-NOW).map(({ value }) => value));
}

/** Magnus' formula. */
function isImpossible(celsius: number, percent: number): boolean {
  const asFahrenheit = (celsius - 32) / 1.8;
  if (percent <= 0 || percent > 100 || celsius > 120 || asFahrenheit > 50) return false;
  return (percent / 100) * 6.112 * Math.exp((17.62 * celsius) / (243.12 + celsius)) > WETTEST;
}

/** field_disappeared, info: the stored payload has fields that none of four live ones or more has. */
export const fieldGoneSinceStored: Rule = (view) =>
  carriers(view).flatMap((series): Finding[] => {
    const stored = series.entries.find(({ retain }) => retain);
    const spoken = live(series).filter(({ payload }) => isRecord(payload));
    const [now] = spoken;
    if (!isRecord(stored?.payload) || now === undefined || spoken.length < NOW) return [];
    const seen = new Set(spoken.flatMap(({ payload }) => Object.keys(Object(payload))));
    const gone = Object.keys(stored.payload).filter((key) => !seen.has(key));
    // Payloads of another kind altogether are no drift.
    if (gone.length === 0 || gone.length === Object.keys(stored.payload).length) return [];
    return [
      {
        code: 'field_disappeared',
        severity: 'info',
        message: `${gone
          .map((key) => named(key, 'A field'))
          .slice(0, MAX_NAMED)
          .join(
            ', ',
          )} of the stored payload ${gone.length === 1 ? 'is' : 'are'} in none of the ${spoken.length} live ones of ${quoted(series.topic)}.`,
        evidence: [evidence(stored), evidence(now)],
        next: 'Look for an update of the device, or for the sensor behind this field; or it sends whole states only when it starts.',
      },
    ];
  });

/** field_type_changed, info (a warning where described with a unit): a field is a text with number and unit in all of four payloads. */
export const quantityAsText: Rule = (view) =>
  carriers(view).flatMap((series) =>
    fieldSeries(series).flatMap(({ path, values, topic }): Finding[] => {
      const last = values.at(-1);
      const all = values.every(({ value }) => typeof value === 'string' && isQuantity(value));
      if (path === '' || last === undefined || values.length < NOW || !all) return [];
      const described = readingsOf(topic, view).some((one) => one.unit !== undefined && one.path.join('.') === path);
      return [
        {
          code: 'field_type_changed',
          severity: described ? 'warning' : 'info',
          message: `${named(path, 'A field')} of ${quoted(topic)} is a text that holds a number and its unit: who expects a number cannot read it.`,
          evidence: [evidence(last.entry, last.value)],
          next: 'Look for an update of the device; take the number out of the text where it is used.',
          about: placeOf({ topic, path }),
        },
      ];
    }),
  );
