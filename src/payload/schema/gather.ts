// Owns what is remembered of the values at one place of the payloads: types, counts, bounds, formats, fields. One pass,
// in bounded memory. Must not know JSON Schema.
import { isList, isRecord } from '../types.ts';
import { type EpochFormat, formatsOf, isEpoch } from './formats.ts';
import { namesTime } from './hints.ts';
import { isIdentifier } from './identifier.ts';

export type Numbers = {
  count: number;
  whole: number;
  min: number;
  max: number;
  /** Formats that all of them have. */
  epochs: readonly EpochFormat[];
  /** Distinct ones, until they are too many. */
  distinct: Map<number, number>;
  /** Within one topic never falling, and how often rising. */
  rising: { topic: string; last: number; ups: number; downs: number };
};
export type Strings = { count: number; distinct: Map<string, number>; many: boolean; formats: readonly string[] };
export type Lists = { count: number; least: number; most: number; items: Values; places: Values[] };
export type Records = {
  count: number;
  fields: Map<string, Values>;
  /** Of keys that are identifiers, too long, too many, or names that objects inherit. */
  others: Values | undefined;
  otherKeys: Set<string>;
};

export type Values = {
  name: string;
  count: number;
  nulls: number;
  booleans: number;
  binaries: number;
  empties: number;
  numbers?: Numbers;
  strings?: Strings;
  lists?: Lists;
  records?: Records;
  /** Values that were not looked into. */
  beyond: number;
};

/** One payload, and where and when it came. */
export type Sample = {
  payload: unknown;
  payload_type: string;
  /** What the bytes were, where they were no plain text: `cbor`, `image/png`. */
  payload_format?: string;
  topic: string;
  at: number;
  /** The payload as it may be shown: with every digit of its numbers. */
  shown?: () => unknown;
};

/** Levels of objects and lists; JSON of MQTT devices has five. */
const MAX_DEPTH = 16;
/** Named fields of one object; an attacker's has a new key in every message. */
const MAX_FIELDS = 100;
const MAX_KEY_LENGTH = 128;
/** Places of all payloads together. */
const MAX_PLACES = 2_000;
/** Distinct values remembered of one place. */
const MAX_DISTINCT = 24;
const MAX_DISTINCT_LENGTH = 80;
/** Places of a list told apart, for tuples. */
export const MAX_TUPLE = 8;
const MAX_OTHER_KEYS = 1_000;

type Walk = { places: number; sample: Sample };

/** Everything the samples show; `name` is that of the whole, such as the last level of a topic. */
export function gather(samples: readonly Sample[], name: string): Values {
  const root = valuesOf(name);
  const walk: Walk = { places: 1, sample: { payload: null, payload_type: '', topic: '', at: 0 } };
  for (const sample of samples) {
    walk.sample = sample;
    if (sample.payload_type === 'binary') take(root, 'binaries');
    else if (sample.payload_type === 'empty') take(root, 'empties');
    else add(root, sample.payload, 0, walk);
  }
  return root;
}

function valuesOf(name: string): Values {
  return { name, count: 0, nulls: 0, booleans: 0, binaries: 0, empties: 0, beyond: 0 };
}

function take(values: Values, what: 'binaries' | 'empties' | 'nulls' | 'booleans' | 'beyond'): void {
  values.count += 1;
  values[what] += 1;
}

function add(values: Values, value: unknown, depth: number, walk: Walk): void {
  if (value === null || value === undefined) take(values, 'nulls');
  else if (typeof value === 'boolean') take(values, 'booleans');
  else if (depth > MAX_DEPTH) take(values, 'beyond');
  else {
    values.count += 1;
    if (typeof value === 'number') addNumber(values, value, walk.sample);
    else if (typeof value === 'string') addString(values, value);
    else if (isList(value)) addList(values, value, depth, walk);
    else if (isRecord(value)) addRecord(values, value, depth, walk);
    else values.beyond += 1;
  }
}

function addNumber(values: Values, value: number, { topic, at }: Sample): void {
  values.numbers ??= {
    count: 0,
    whole: 0,
    min: value,
    max: value,
    epochs: ['epoch-seconds', 'epoch-milliseconds'],
    distinct: new Map(),
    rising: { topic: '', last: value, ups: 0, downs: 0 },
  };
  const { numbers, name } = values;
  numbers.count += 1;
  if (Number.isInteger(value)) numbers.whole += 1;
  numbers.min = Math.min(numbers.min, value);
  numbers.max = Math.max(numbers.max, value);
  if (numbers.epochs.length > 0)
    numbers.epochs = numbers.epochs.filter((one) => isEpoch(value, one, at, namesTime(name)));
  count(numbers.distinct, value);
  const { rising } = numbers;
  if (rising.topic === topic && value > rising.last) rising.ups += 1;
  if (rising.topic === topic && value < rising.last) rising.downs += 1;
  rising.topic = topic;
  rising.last = value;
}

function addString(values: Values, value: string): void {
  const { strings } = values;
  if (!strings) {
    values.strings = { count: 1, distinct: new Map(), many: false, formats: formatsOf(value) };
  } else {
    strings.count += 1;
    if (strings.formats.length > 0) strings.formats = formatsOf(value, strings.formats);
  }
  if (values.strings?.many !== false) return;
  if (value.length > MAX_DISTINCT_LENGTH || !count(values.strings.distinct, value)) values.strings.many = true;
}

/** false: there are too many different ones. */
function count<T>(distinct: Map<T, number>, value: T): boolean {
  const before = distinct.get(value);
  if (before === undefined && distinct.size >= MAX_DISTINCT) return false;
  distinct.set(value, (before ?? 0) + 1);
  return true;
}

function addList(values: Values, list: readonly unknown[], depth: number, walk: Walk): void {
  values.lists ??= { count: 0, least: list.length, most: list.length, items: valuesOf(values.name), places: [] };
  const { lists } = values;
  lists.count += 1;
  lists.least = Math.min(lists.least, list.length);
  lists.most = Math.max(lists.most, list.length);
  const fits = lists.least === lists.most && list.length <= MAX_TUPLE;
  if (!fits) lists.places = [];
  list.forEach((element, at) => {
    add(lists.items, element, depth + 1, walk);
    if (!fits) return;
    lists.places[at] ??= valuesOf(values.name);
    const place = lists.places[at];
    // Never higher than it is: a place of a place of a place would double the work at each of any number of levels.
    if (place) add(place, element, Math.max(depth + 1, MAX_DEPTH - 1), { places: MAX_PLACES, sample: walk.sample });
  });
}

function addRecord(values: Values, record: Record<string, unknown>, depth: number, walk: Walk): void {
  values.records ??= { count: 0, fields: new Map(), others: undefined, otherKeys: new Set() };
  const { records } = values;
  records.count += 1;
  for (const [key, value] of Object.entries(record)) {
    const field = records.fields.get(key) ?? newField(records, key, walk);
    if (field) add(field, value, depth + 1, walk);
    else {
      records.others ??= valuesOf(isIdentifier(key) ? values.name : '');
      if (records.otherKeys.size < MAX_OTHER_KEYS) records.otherKeys.add(key.slice(0, MAX_KEY_LENGTH));
      add(records.others, value, depth + 1, walk);
    }
  }
}

/** Names such as `constructor` would be found in every object by a validator that does not look for own ones only. */
function newField(records: Records, key: string, walk: Walk): Values | undefined {
  const odd = key in Object.prototype || key.length > MAX_KEY_LENGTH || isIdentifier(key);
  if (odd || records.fields.size >= MAX_FIELDS || walk.places >= MAX_PLACES) return undefined;
  walk.places += 1;
  const field = valuesOf(key);
  records.fields.set(key, field);
  return field;
}
