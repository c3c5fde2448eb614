// Owns the rules on fields that change what they are: field_type_changed, field_disappeared.
import { isRecord } from '../payload/types.ts';
import { evidence, live, quoted } from './entries.ts';
import { named } from './fields.ts';
import type { Entry, Finding, Rule, Series, View } from './types.ts';

/** Messages before a field counts as established, and after it has changed. */
const BEFORE = 5;
const AFTER_TYPE = 2;
const AFTER_GONE = 4;
const MAX_KEYS = 64;

type Kind = 'number' | 'text' | 'boolean' | 'object' | 'list';

/**
 * field_type_changed: of one kind in the first five messages or more, of another in the last two or more, and never
 * back; null does not count.
 */
export const fieldTypeChanged: Rule = (view) =>
  carriers(view).flatMap((series) =>
    [...kindsOf(live(series))].flatMap(([path, kinds]): Finding[] => {
      const at = kinds.findIndex(({ kind }, i) => i > 0 && kind !== kinds[i - 1]?.kind);
      const [before, after] = [kinds[at - 1], kinds[at]];
      if (before === undefined || after === undefined || at < BEFORE || kinds.length - at < AFTER_TYPE) return [];
      if (kinds.slice(at).some(({ kind }) => kind !== after.kind)) return [];
      const what =
        path === '' ? 'The payload' : named(path, 'A field') === 'A field' ? 'A field' : `The field ${quoted(path)}`;
      return [
        {
          code: 'field_type_changed',
          severity: 'warning',
          message: `${what} of ${quoted(series.topic)} was a ${before.kind} and is a ${after.kind} now.`,
          evidence: [evidence(before.entry, before.value), evidence(after.entry, after.value)],
          next: 'Look for an update of the device or a changed template; what reads this field may fail by now.',
        },
      ];
    }),
  );

/** field_disappeared: in each of the first five messages or more, in none of the last four or more, and nowhere between. */
export const fieldDisappeared: Rule = (view) =>
  carriers(view).flatMap((series): Finding[] => {
    const entries = live(series).filter(({ payload }) => isRecord(payload));
    const gone = Object.keys(Object(entries[0]?.payload))
      .slice(0, MAX_KEYS)
      .flatMap((key) => {
        const present = entries.map(({ payload }) => isRecord(payload) && Object.hasOwn(payload, key));
        const at = present.indexOf(false);
        return at >= BEFORE && entries.length - at >= AFTER_GONE && !present.slice(at).includes(true)
          ? [{ key, at }]
          : [];
      });
    const [first] = gone;
    const [before, after] = first === undefined ? [] : [entries[first.at - 1], entries[first.at]];
    if (before === undefined || after === undefined) return [];
    const names = gone.map(({ key }) => named(key, 'A field')).slice(0, 5);
    return [
      {
        code: 'field_disappeared',
        severity: 'warning',
        message: `${names.join(', ')} disappeared from the payloads of ${quoted(series.topic)}.`,
        evidence: [evidence(before), evidence(after)],
        next: 'Look for an update of the device, or for the sensor behind this field: one that fails is often left out.',
      },
    ];
  });

function carriers(view: View): Series[] {
  return view.series.filter(({ role }) => role.role === 'state');
}

type Sample = { kind: Kind; value: unknown; entry: Entry };

/** By path: the payload itself (''), and the first two levels of an object. */
function kindsOf(entries: readonly Entry[]): Map<string, Sample[]> {
  const kinds = new Map<string, Sample[]>();
  const add = (path: string, value: unknown, entry: Entry) => {
    const kind = kindOf(value);
    if (kind === undefined || (!kinds.has(path) && kinds.size >= 2 * MAX_KEYS)) return;
    const samples = kinds.get(path) ?? [];
    samples.push({ kind, value, entry });
    kinds.set(path, samples);
  };
  for (const entry of entries) {
    if (entry.type === 'empty' || entry.type === 'binary') continue;
    add('', entry.payload, entry);
    if (!isRecord(entry.payload)) continue;
    for (const [key, value] of Object.entries(entry.payload).slice(0, MAX_KEYS)) {
      add(key, value, entry);
      if (!isRecord(value)) continue;
      for (const [inner, deep] of Object.entries(value).slice(0, MAX_KEYS)) add(`${key}.${inner}`, deep, entry);
    }
  }
  return kinds;
}

function kindOf(value: unknown): Kind | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return typeof value === 'number' ? 'number' : 'boolean';
  if (typeof value === 'string') return 'text';
  if (Array.isArray(value)) return 'list';
  return isRecord(value) ? 'object' : undefined;
}
