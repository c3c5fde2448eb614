// Owns the way from payloads to series of values, one a field: nested objects, and lists of named metrics (Sparkplug B).
import { isList, isRecord } from '../payload/types.ts';
import { quoted } from './entries.ts';
import { once } from './memo.ts';
import type { Entry, Series } from './types.ts';

/** Fields of one payload, and their depth. Stops payloads of a thousand keys, and metrics without end. */
const MAX_FIELDS = 64;
const MAX_DEPTH = 4;
const MAX_KEY_CHARS = 64;

export type Scalar = number | string | boolean | null;

/** One field's values over time. `path` is '' for a payload that is the value itself. */
export type FieldSeries = { topic: string; path: string; values: { value: Scalar; entry: Entry }[] };

/** The scalars of a payload by their place: `wifi.rssi`, `metrics.Temperature`. */
export function fieldsOf(payload: unknown): Map<string, Scalar> {
  const fields = new Map<string, Scalar>();
  collect(payload, '', 0, fields);
  return fields;
}

/** Worked out for each message before its series is asked for. */
export const fieldsIn = once(({ payload }: Entry) => fieldsOf(payload));

function collect(value: unknown, path: string, depth: number, fields: Map<string, Scalar>): void {
  if (fields.size >= MAX_FIELDS || depth > MAX_DEPTH) return;
  if (value === null || typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean') {
    fields.set(path, value);
    return;
  }
  const under = (key: string) => (path === '' ? key : `${path}.${key}`);
  if (isList(value)) {
    for (const one of value.slice(0, MAX_FIELDS)) {
      if (isRecord(one) && typeof one.name === 'string' && Object.hasOwn(one, 'value')) {
        collect(one.value, under(one.name.slice(0, MAX_KEY_CHARS)), depth + 1, fields);
      }
    }
    return;
  }
  if (!isRecord(value)) return;
  for (const [key, inner] of Object.entries(value).slice(0, MAX_FIELDS)) {
    if (key.length <= MAX_KEY_CHARS) collect(inner, under(key), depth + 1, fields);
  }
}

/** Every field of a topic; retained messages are taken in only where `withRetained` is set. */
export function fieldSeries(series: Series, withRetained = false): FieldSeries[] {
  return withRetained ? allFields(series) : liveFields(series);
}

const allFields = once(({ topic, entries }: Series) => collectSeries(topic, entries));
const liveFields = once(({ topic, entries }: Series) =>
  collectSeries(
    topic,
    entries.filter(({ retain }) => !retain),
  ),
);

function collectSeries(topic: string, entries: readonly Entry[]): FieldSeries[] {
  const all = new Map<string, FieldSeries>();
  for (const entry of entries) {
    for (const [path, value] of fieldsIn(entry)) {
      const known = all.get(path);
      if (known === undefined) all.set(path, { topic, path, values: [{ value, entry }] });
      else known.values.push({ value, entry });
    }
  }
  return [...all.values()];
}

export type NumberSeries = { topic: string; path: string; values: { value: number; entry: Entry }[] };

/** Those fields whose values are all numbers. */
export function numberSeries(series: Series, withRetained = false): NumberSeries[] {
  return withRetained ? allNumbers(series) : liveNumbers(series);
}

const allNumbers = once((series: Series) => fieldSeries(series, true).flatMap(numbersOf));
const liveNumbers = once((series: Series) => fieldSeries(series, false).flatMap(numbersOf));

function numbersOf({ values, ...place }: FieldSeries): NumberSeries[] {
  if (!values.every(({ value }) => typeof value === 'number' && Number.isFinite(value))) return [];
  return [
    { ...place, values: values.flatMap(({ value, entry }) => (typeof value === 'number' ? [{ value, entry }] : [])) },
  ];
}

/** What a field measures, by the last words of its path, or of the topic where the path says nothing. */
export function nameOf({ topic, path }: { topic: string; path: string }): string {
  const last = path.slice(path.lastIndexOf('.') + 1);
  const says = /^(?:|value|val|v|state|status|reading|metrics)$/i.test(last) ? '' : last;
  if (says !== '') return says;
  const levels = topic.split('/').filter((level) => !/^(?:state|value|status)$/i.test(level));
  return levels.at(-1) ?? '';
}

/** The field as a person names it. */
export function called({ topic, path }: { topic: string; path: string }): string {
  return path === '' || path === 'value' ? nameOf({ topic, path }) : path;
}

/** Letters, digits and what joins them, with a space at most: what is longer or a sentence is no name. */
const NAME = /^(?=.{1,40}$)[\p{L}\p{N}_\-.:/$]+(?: [\p{L}\p{N}_\-.:/$]+)?$/u;

/** A field's name within a sentence, which somebody who reads it may obey: only what looks like a name. */
export function named(name: string, otherwise = 'a field'): string {
  return NAME.test(name) ? quoted(name) : otherwise;
}

export function placeOf({ topic, path }: { topic: string; path: string }): string {
  return `${topic}\n${path}`;
}
