// Owns arguments drawn from a schema, and from around it. Must not know any tool.
import fc from 'fast-check';
import { type Fields, fieldsOf } from '../tools/wrong-calls.ts';

/** Values by the name of their property, where a schema says less than it takes to get further than the first check. */
export type Known = Record<string, fc.Arbitrary<unknown>>;

/** What the schema allows. */
export function fromSchema(schema: Fields, known: Known, name = ''): fc.Arbitrary<unknown> {
  const own = known[name];
  const drawn = byType(schema, known);
  return own === undefined ? drawn : fc.oneof({ weight: 6, arbitrary: own }, { weight: 1, arbitrary: drawn });
}

/** Mostly what it allows, and in one of three something missing, unknown, of a wrong type or far too much. */
export function aroundSchema(schema: Fields, known: Known): fc.Arbitrary<unknown> {
  const spoiling = fc.tuple(fc.nat(), fc.constantFrom('missing', 'wrong', 'unknown'), wrong);
  const spoilt = fc.tuple(fromSchema(schema, known), fc.array(spoiling, { minLength: 1, maxLength: 2 }));
  return fc.oneof(
    { weight: 20, arbitrary: fromSchema(schema, known) },
    { weight: 9, arbitrary: spoilt.map(([args, changes]) => changes.reduce((at, change) => spoil(at, change), args)) },
    { weight: 1, arbitrary: wrong },
  );
}

const LONG = 'x'.repeat(70_000);
const wrong: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    '',
    0,
    -1,
    1e308,
    -1e308,
    0.1,
    2 ** 53,
    [],
    {},
    [[]],
    LONG,
    '\0',
    '\ud800',
    '#',
    '\n',
  ),
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(40, 3_000).map((depth) => JSON.parse(`${'['.repeat(depth)}1${']'.repeat(depth)}`)),
);

function spoil(args: unknown, [place, way, value]: [number, string, unknown]): unknown {
  const entries = Object.entries(fieldsOf(args));
  const [key = 'none'] = entries[place % Math.max(1, entries.length)] ?? [];
  const rest = entries.filter(([name]) => name !== key);
  if (way === 'missing') return Object.fromEntries(rest);
  if (way === 'wrong') return Object.fromEntries([...rest, [key, value]]);
  const names = ['x', '', 'a/b~c', '__proto__', 'constructor', '\n\u202e', LONG];
  return JSON.parse(JSON.stringify(Object.fromEntries([...entries, [names[place % names.length] ?? '', value]])));
}

function byType(schema: Fields, known: Known): fc.Arbitrary<unknown> {
  const {
    type,
    enum: allowed,
    const: only,
    minimum,
    maximum,
    minLength,
    maxLength,
    items,
    minItems,
    maxItems,
  } = schema;
  if (only !== undefined) return fc.constant(only);
  if (Array.isArray(allowed)) return fc.constantFrom<unknown>(...allowed);
  const [min, max] = [numberOr(minimum, -1e9), numberOr(maximum, 1e9)];
  if (type === 'integer') return fc.oneof(fc.constantFrom(min, max), fc.integer({ min, max }));
  if (type === 'number') return fc.oneof(fc.constantFrom(min, max), fc.double({ min, max, noNaN: true }));
  if (type === 'boolean') return fc.boolean();
  if (type === 'string') {
    return fc.string({
      unit: 'binary',
      minLength: numberOr(minLength, 0),
      maxLength: Math.min(12, numberOr(maxLength, 12)),
    });
  }
  if (type === 'array') {
    const length = { minLength: numberOr(minItems, 0), maxLength: Math.min(4, numberOr(maxItems, 4)) };
    return fc.array(fromSchema(fieldsOf(items), known, 'topic_pattern'), length);
  }
  return type === 'object' ? object(schema, known) : fc.jsonValue({ maxDepth: 3 });
}

function object(schema: Fields, known: Known): fc.Arbitrary<unknown> {
  const properties = Object.entries(fieldsOf(schema.properties));
  if (properties.length === 0)
    return fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 });
  const required: unknown[] = Array.isArray(schema.required) ? schema.required : [];
  const drawn = properties.map(([name, inner]) => [name, fromSchema(fieldsOf(inner), known, name)] as const);
  const requiredKeys = properties.map(([name]) => name).filter((name) => required.includes(name));
  return fc.record(Object.fromEntries(drawn), { requiredKeys });
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}
