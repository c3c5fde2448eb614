// Owns the keywords of JSON Schema 2020-12 that are understood, as a table of checks. Interprets, never compiles to
// code; every step is paid for, so that no schema and no payload can hang it. Must not know where schemas come from.
import { isList, isRecord } from '../types.ts';
import { hasFormat } from './formats.ts';

/** What is wrong with a value at `path` (JSON Pointer); `expected` in words of the schema. */
export type Problem = { path: string; keyword: string; expected: unknown; value: unknown };

export type Check = {
  /** Everything that is wrong with `value` at `path`. */
  check(schema: unknown, value: unknown, path: string): Problem[];
  /** Whether a pattern matches anywhere in a text. */
  matches(pattern: string, text: string): boolean;
  /** Pays for `steps`; throws OutOfSteps. */
  pay(steps: number): void;
  /** What `$ref` points to. */
  resolve(reference: string): unknown;
};

type Keyword = (
  limit: unknown,
  value: unknown,
  path: string,
  check: Check,
  schema: Record<string, unknown>,
) => Problem[];

export const KEYWORDS: ReadonlyMap<string, Keyword> = new Map(
  Object.entries({
    $ref: (to, value, path, { check, resolve }) => check(resolve(String(to)), value, path),
    type: (types, value, path) =>
      typesIn(types).some((one) => isType(value, one)) ? [] : [{ path, keyword: 'type', expected: types, value }],
    enum: (allowed, value, path, { pay }) =>
      list(allowed).some((one) => equal(one, value, pay)) ? [] : [{ path, keyword: 'enum', expected: allowed, value }],
    const: (only, value, path, { pay }) =>
      equal(only, value, pay) ? [] : [{ path, keyword: 'const', expected: only, value }],
    minimum: bound('minimum', (value, limit) => value >= limit),
    maximum: bound('maximum', (value, limit) => value <= limit),
    exclusiveMinimum: bound('exclusiveMinimum', (value, limit) => value > limit),
    exclusiveMaximum: bound('exclusiveMaximum', (value, limit) => value < limit),
    multipleOf: bound('multipleOf', (value, limit) => Number.isInteger(value / limit)),
    minLength: size(
      'minLength',
      (value) => lengthOf(value),
      (length, limit) => length >= limit,
    ),
    maxLength: size(
      'maxLength',
      (value) => lengthOf(value),
      (length, limit) => length <= limit,
    ),
    minItems: size(
      'minItems',
      (value) => (isList(value) ? value.length : undefined),
      (length, limit) => length >= limit,
    ),
    maxItems: size(
      'maxItems',
      (value) => (isList(value) ? value.length : undefined),
      (length, limit) => length <= limit,
    ),
    minProperties: size('minProperties', keyCount, (length, limit) => length >= limit),
    maxProperties: size('maxProperties', keyCount, (length, limit) => length <= limit),
    pattern: (pattern, value, path, { matches, pay }) => {
      if (typeof value !== 'string') return [];
      pay(value.length);
      return matches(String(pattern), value) ? [] : [{ path, keyword: 'pattern', expected: pattern, value }];
    },
    format: (format, value, path) =>
      hasFormat(value, String(format)) ? [] : [{ path, keyword: 'format', expected: format, value }],
    required: (names, value, path) => {
      if (!isRecord(value)) return [];
      const missing = list(names).filter((name) => !Object.hasOwn(value, String(name)));
      return missing.map((name) => ({
        path: `${path}/${token(String(name))}`,
        keyword: 'required',
        expected: 'to be there',
        value: undefined,
      }));
    },
    dependentRequired: (rules, value, path, check) =>
      Object.entries(record(rules)).flatMap(([name, names]) =>
        isRecord(value) && Object.hasOwn(value, name)
          ? (KEYWORDS.get('required')?.(names, value, path, check, {}) ?? [])
          : [],
      ),
    properties: (properties, value, path, { check }) =>
      Object.entries(record(properties)).flatMap(([name, schema]) =>
        isRecord(value) && Object.hasOwn(value, name) ? check(schema, value[name], `${path}/${token(name)}`) : [],
      ),
    patternProperties: (patterns, value, path, { check, matches }) =>
      Object.entries(record(patterns)).flatMap(([pattern, schema]) =>
        entriesOf(value).flatMap(([name, field]) =>
          matches(pattern, name) ? check(schema, field, `${path}/${token(name)}`) : [],
        ),
      ),
    additionalProperties: (schema, value, path, { check, matches }, { properties, patternProperties }) => {
      const patterns = Object.keys(record(patternProperties));
      const named = record(properties);
      const additional = entriesOf(value).filter(
        ([name]) => !Object.hasOwn(named, name) && !patterns.some((one) => matches(one, name)),
      );
      return additional.flatMap(([name, field]) =>
        schema === false
          ? [
              {
                path: `${path}/${token(name)}`,
                keyword: 'additionalProperties',
                expected: 'not to be there',
                value: field,
              },
            ]
          : check(schema, field, `${path}/${token(name)}`),
      );
    },
    propertyNames: (schema, value, path, { check }) =>
      entriesOf(value).flatMap(([name]) => check(schema, name, `${path}/${token(name)}`)),
    prefixItems: (schemas, value, path, { check }) =>
      list(schemas).flatMap((schema, at) =>
        isList(value) && at < value.length ? check(schema, value[at], `${path}/${at}`) : [],
      ),
    items: (schema, value, path, { check }, { prefixItems }) => {
      const from = list(prefixItems).length;
      return isList(value) ? value.slice(from).flatMap((one, at) => check(schema, one, `${path}/${from + at}`)) : [];
    },
    uniqueItems: (wanted, value, path, { pay }) => {
      if (wanted !== true || !isList(value)) return [];
      const twice = value.some((one, at) => value.slice(0, at).some((other) => equal(one, other, pay)));
      return twice ? [{ path, keyword: 'uniqueItems', expected: 'no element twice', value }] : [];
    },
    contains: (schema, value, path, { check }, { minContains, maxContains }) => {
      if (!isList(value)) return [];
      const found = value.filter((one) => check(schema, one, path).length === 0).length;
      const least = typeof minContains === 'number' ? minContains : 1;
      const fits = found >= least && (typeof maxContains !== 'number' || found <= maxContains);
      return fits ? [] : [{ path, keyword: 'contains', expected: schema, value }];
    },
    allOf: (schemas, value, path, { check }) => list(schemas).flatMap((schema) => check(schema, value, path)),
    anyOf: (schemas, value, path, { check }) => nearest(list(schemas), path, (schema) => check(schema, value, path)),
    oneOf: (schemas, value, path, { check }) => {
      const fitting = list(schemas).filter((schema) => check(schema, value, path).length === 0).length;
      if (fitting === 1) return [];
      if (fitting > 1) return [{ path, keyword: 'oneOf', expected: 'only one of the alternatives to fit', value }];
      return nearest(list(schemas), path, (schema) => check(schema, value, path));
    },
    not: (schema, value, path, { check }) =>
      check(schema, value, path).length > 0 ? [] : [{ path, keyword: 'not', expected: { not: schema }, value }],
    if: (condition, value, path, { check }, { then: yes = true, else: no = true }) =>
      check(check(condition, value, path).length === 0 ? yes : no, value, path),
  } satisfies Record<string, Keyword>),
);

/** Keywords that only say something, or are read by another one. */
export const SILENT = new Set(
  (
    '$schema $id $comment $defs $anchor definitions title description default examples deprecated readOnly writeOnly' +
    ' contentEncoding contentMediaType contentSchema then else minContains maxContains'
  ).split(' '),
);

/** One reference token of a JSON Pointer (RFC 6901). */
export function token(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** The type of a value, as JSON Schema names it. */
export function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (isList(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function typesIn(types: unknown): string[] {
  return list(types, true).map(String);
}

function isType(value: unknown, type: string): boolean {
  const own = typeOf(value);
  return own === type || (own === 'integer' && type === 'number');
}

/** Nothing where one alternative fits; else what is wrong by the one that comes nearest: of the value's type, if any. */
function nearest(schemas: readonly unknown[], path: string, check: (schema: unknown) => Problem[]): Problem[] {
  let best: Problem[] | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const schema of schemas) {
    const problems = check(schema);
    if (problems.length === 0) return [];
    const distance = problems.length + (problems.some((one) => isWrongType(one, path)) ? WRONG_TYPE : 0);
    if (distance < least) best = problems;
    least = Math.min(distance, least);
  }
  const wrong = best?.find((one) => isWrongType(one, path));
  if (!wrong) return best ?? [];
  const types = schemas.flatMap((schema) => typesIn(record(schema).type));
  return [{ ...wrong, expected: types.length > 0 ? [...new Set(types)] : wrong.expected }];
}

/** Farther from fitting than any number of wrong fields. */
const WRONG_TYPE = 1_000_000;

function isWrongType({ keyword, path: at }: Problem, path: string): boolean {
  return keyword === 'type' && at === path;
}

function bound(keyword: string, fits: (value: number, limit: number) => boolean): Keyword {
  return (limit, value, path) =>
    typeof value !== 'number' || typeof limit !== 'number' || fits(value, limit)
      ? []
      : [{ path, keyword, expected: limit, value }];
}

function size(
  keyword: string,
  measure: (value: unknown) => number | undefined,
  fits: (length: number, limit: number) => boolean,
): Keyword {
  return (limit, value, path) => {
    const length = measure(value);
    return length === undefined || typeof limit !== 'number' || fits(length, limit)
      ? []
      : [{ path, keyword, expected: limit, value }];
  };
}

/** In characters, not UTF-16 units. */
function lengthOf(value: unknown): number | undefined {
  return typeof value === 'string' ? [...value].length : undefined;
}

function keyCount(value: unknown): number | undefined {
  return isRecord(value) ? Object.keys(value).length : undefined;
}

function entriesOf(value: unknown): [string, unknown][] {
  return isRecord(value) ? Object.entries(value) : [];
}

function record(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}

function list(value: unknown, alone = false): readonly unknown[] {
  if (isList(value)) return value;
  return alone && value !== undefined ? [value] : [];
}

function equal(a: unknown, b: unknown, pay: (steps: number) => void): boolean {
  pay(1);
  if (a === b) return true;
  if (isList(a)) return isList(b) && a.length === b.length && a.every((one, at) => equal(one, b[at], pay));
  if (!isRecord(a) || !isRecord(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key], pay))
  );
}
