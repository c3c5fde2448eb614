// Owns the step from what was seen of payloads to a JSON Schema 2020-12 that all of them satisfy. Pure.
import { gather, type Lists, type Numbers, type Records, type Sample, type Strings, type Values } from './gather.ts';
import { hintOf, namesGrowing } from './hints.ts';

/** A JSON Schema object. */
export type Schema = { [keyword: string]: unknown };

const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

/** A string is one of a few where so many different ones were seen at most, each so often on average. */
const MAX_ENUM = 12;
const MIN_RECURRENCE = 3;
/** Rises of a number without a fall that make it a counter. */
const MIN_RISES = 4;
const MIN_TUPLES = 2;
const MAX_SHOWN_KEYS = 3;

/**
 * Types, required, enums where few strings recur, formats, fields and items; `anyOf` where types are mixed. `minimum`
 * and `maximum` are what was observed: `x-observed` at the root says so, and drift is told with a margin around them.
 * Of counters and times there is no bound. Fields seen in part of the messages have `x-count`.
 */
export function inferSchema(samples: readonly Sample[], name: string): Schema {
  const topics = new Set(samples.map(({ topic }) => topic)).size;
  const observed = { samples: samples.length, topics };
  return { $schema: DIALECT, ...schemaOf(gather(samples, name)), ...formatOf(samples), 'x-observed': observed };
}

/** What all the payloads were before they were decoded; an image still is one. */
function formatOf(samples: readonly Sample[]): Schema {
  const [format, another] = new Set(samples.map(({ payload_format }) => payload_format));
  if (format === undefined || another !== undefined) return {};
  const asItCame = samples.every(({ payload_type }) => payload_type === 'binary');
  return asItCame && format.includes('/') ? { contentMediaType: format } : { 'x-payload-format': format };
}

function schemaOf(values: Values): Schema {
  if (values.beyond > 0) return { $comment: 'not looked into: too deep' };
  const branches: Schema[] = [];
  if (values.records) branches.push(ofRecords(values.records));
  if (values.lists) branches.push(ofLists(values.lists));
  if (values.numbers) branches.push(ofNumbers(values.numbers, values.name));
  if (values.strings) branches.push(ofStrings(values.strings, values.name));
  if (values.booleans > 0) branches.push({ type: 'boolean' });
  if (values.binaries > 0) branches.push({ type: 'string', contentEncoding: 'base64' });
  if (values.empties > 0) branches.push({ type: 'string', maxLength: 0 });
  const [first, ...more] = branches;
  if (first === undefined) return values.nulls > 0 ? { type: 'null' } : {};
  if (more.length === 0) return values.nulls > 0 ? nullable(first) : first;
  return { anyOf: values.nulls > 0 ? [...branches, { type: 'null' }] : branches };
}

function nullable(schema: Schema): Schema {
  const { enum: allowed, type, ...rest } = schema;
  return { type: [type, 'null'], ...(Array.isArray(allowed) ? { enum: [...allowed, null] } : {}), ...rest };
}

function ofNumbers({ count, whole, min, max, epochs, distinct, rising }: Numbers, name: string): Schema {
  const type = whole === count ? 'integer' : 'number';
  const [format] = epochs;
  if (format !== undefined) return { type, format };
  const flag = count >= 2 * MIN_RECURRENCE && distinct.size === 2 && distinct.has(0) && distinct.has(1);
  if (flag) return { type, enum: [0, 1] };
  const grows = namesGrowing(name) || (rising.downs === 0 && rising.ups >= MIN_RISES);
  return { type, minimum: min, ...(grows ? { 'x-grows': true } : { maximum: max }), ...hintOf(name) };
}

function ofStrings({ count, distinct, many, formats }: Strings, name: string): Schema {
  const [format] = formats;
  if (format === 'number') return { type: 'string', format, ...hintOf(name) };
  if (format !== undefined) return { type: 'string', format };
  const few = !IDENTITY.test(name) && !many && distinct.size <= MAX_ENUM && count >= distinct.size * MIN_RECURRENCE;
  return { type: 'string', ...(few ? { enum: [...distinct.keys()].sort() } : {}) };
}

/** Another device has another one: what few were seen is no choice. */
const IDENTITY =
  /(?:^|[^a-z])(?:id|uid|uuid|eui|sn|serial|mac|name|device|host|hostname|src|source|ssid|client|user)$/i;

function ofLists({ count, least, most, items, places }: Lists): Schema {
  const kinds = new Set(places.map((place) => JSON.stringify(typesOf(place))));
  if (count >= MIN_TUPLES && least === most && most > 1 && kinds.size > 1) {
    return { type: 'array', prefixItems: places.map(placeSchema), minItems: least };
  }
  return { type: 'array', ...(items.count > 0 ? { items: schemaOf(items) } : {}) };
}

/** A place of a tuple: scalars in full, what is structured by its type. */
function placeSchema(place: Values): Schema {
  if (!place.records && !place.lists) return schemaOf(place);
  const types = typesOf(place);
  return { type: types.length === 1 ? types[0] : types };
}

function typesOf(values: Values): string[] {
  const { records, lists, numbers, strings, booleans, nulls } = values;
  const found = { object: records, array: lists, number: numbers, string: strings };
  const types = Object.entries(found).flatMap(([type, seen]) => (seen === undefined ? [] : [type]));
  return [...types, ...(booleans > 0 ? ['boolean'] : []), ...(nulls > 0 ? ['null'] : [])];
}

function ofRecords({ count, fields, others, otherKeys }: Records): Schema {
  const names = [...fields.keys()];
  const required = names.filter((key) => fields.get(key)?.count === count);
  const unit = unitOf(fields);
  const properties = [...fields].map(([key, values]) => {
    const support = values.count < count ? { 'x-count': values.count } : {};
    const said = unit !== undefined && isValue(key) && values.numbers ? { 'x-unit': unit } : {};
    return [key, { ...schemaOf(values), ...said, ...support }] as const;
  });
  return {
    type: 'object',
    ...(properties.length > 0 ? { properties: Object.fromEntries(properties) } : {}),
    ...(required.length > 0 ? { required } : {}),
    ...(others === undefined ? {} : { additionalProperties: schemaOf(others), 'x-keys': keysShown(otherKeys) }),
  };
}

/** What a map is keyed by. */
function keysShown(keys: ReadonlySet<string>): { distinct: number; examples: string[] } {
  const examples = [...keys].sort().slice(0, MAX_SHOWN_KEYS);
  return { distinct: keys.size, examples: examples.map((key) => key.slice(0, 40)) };
}

/** The payload says its unit itself: `{"value": 21.4, "unit": "°C"}`. */
function unitOf(fields: ReadonlyMap<string, Values>): string | undefined {
  for (const key of ['unit', 'units', 'unit_of_measurement', 'einheit']) {
    const { strings } = fields.get(key) ?? {};
    const [only, another] = strings?.distinct.keys() ?? [];
    if (only !== undefined && another === undefined && strings?.many === false && only.length <= 16) return only;
  }
  return undefined;
}

function isValue(key: string): boolean {
  return /^(?:value|val|v|reading|measurement|wert|valor|valeur|state)$/i.test(key);
}
