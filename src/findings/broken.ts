// Owns the rules on values that no working device sends: what a driver says for a sensor that is gone, JSON that is cut.
// They share the codes stuck_value and field_type_changed.
import { evidence, live, quoted } from './entries.ts';
import { called, fieldSeries, named, nameOf, placeOf } from './fields.ts';
import type { Finding, Rule } from './types.ts';

/** Live messages, at least, all of one kind. */
const ALL_OF = 4;
const MEASURES = /temp|humid|moist|pressure|co2|illumin|lux/i;
const NO_NUMBER = /^(?:nan|-?inf(?:inity)?)$/i;

/**
 * stuck_value, in all of four live messages or more: a temperature of -127 (a DS18B20 that is not connected; a warning)
 * or 85 (its value before it measured; info), or a measurement that is "nan" (a warning).
 */
export const brokenSensor: Rule = (view) =>
  view.series
    .filter(({ role }) => role.role === 'state' || role.role === 'event')
    .flatMap((series) => fieldSeries(series))
    .flatMap((one): Finding[] => {
      const [first, last] = [one.values[0], one.values.at(-1)];
      const name = nameOf(one);
      if (first === undefined || last === undefined || one.values.length < ALL_OF || !MEASURES.test(name)) return [];
      const why = one.values.every(({ value }) => value === first.value) ? meaningOf(first.value, name) : undefined;
      if (why === undefined) return [];
      return [
        {
          code: 'stuck_value',
          severity: why.severity,
          message: `${named(called(one), 'A field')} is ${why.words} in all ${one.values.length} live messages.`,
          evidence: [evidence(first.entry, first.value), evidence(last.entry, last.value)],
          next: 'Look after the sensor itself: its wiring, its power, its address in the configuration of the device.',
          about: placeOf(one),
        },
      ];
    });

function meaningOf(value: unknown, name: string): { severity: 'warning' | 'info'; words: string } | undefined {
  if (typeof value === 'string' && NO_NUMBER.test(value.trim())) return { severity: 'warning', words: 'no number' };
  if (!/temp/i.test(name)) return undefined;
  if (value === -127) return { severity: 'warning', words: '-127, which a DS18B20 says that is not connected,' };
  return value === 85 ? { severity: 'info', words: '85, which a DS18B20 says before it has measured,' } : undefined;
}

/** field_type_changed: all of four live payloads or more begin as a JSON object does, and none is one. */
export const brokenJson: Rule = (view) =>
  view.series.flatMap((series): Finding[] => {
    const entries = series.role.role === 'state' || series.role.role === 'event' ? live(series) : [];
    const [first, last] = [entries[0], entries.at(-1)];
    const broken = entries.every(
      ({ type, payload }) => type === 'text' && typeof payload === 'string' && /^\s*(?:\[\s*)?\{\s*"/.test(payload),
    );
    if (first === undefined || last === undefined || entries.length < ALL_OF || !broken) return [];
    return [
      {
        code: 'field_type_changed',
        severity: 'warning',
        message: `The payloads of ${quoted(series.topic)} begin as JSON but are none, all ${entries.length} live ones: cut or written wrongly.`,
        evidence: [evidence(first), evidence(last)],
        next: 'Look for a buffer of the device that is too small for its messages, or for a template with a slip; nobody can read its fields.',
        about: series.topic,
      },
    ];
  });
