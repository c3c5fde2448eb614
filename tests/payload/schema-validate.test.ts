// Our validator of schemas given at run time, against ajv as the oracle.
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { covers } from '../../src/payload/schema/baseline.ts';
import { confidenceOf } from '../../src/payload/schema/confidence.ts';
import { compilePattern } from '../../src/payload/schema/patterns.ts';
import { BadSchema, compileSchema } from '../../src/payload/schema/validate.ts';

const ajv = new Ajv2020({ strict: false, validateFormats: false });

const values = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<unknown>(null, true, 0, 1, 2.5, -3, 'a', 'ab', '', '€😀'),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c', 'x1'), tie('value'), { maxKeys: 4 }),
  ),
})).value;

/** undefined: the code that ajv made of an always failing `not` or `prefixItems` does not run. */
function judgedByAjv(check: ValidateFunction, value: unknown): boolean | undefined {
  try {
    return check(value);
  } catch (error) {
    if (error instanceof ReferenceError) return undefined;
    throw error;
  }
}

const small = fc.nat(3);
const { schema: schemas } = fc.letrec<{ schema: unknown }>((tie) => {
  const many = fc.array(tie('schema'), { minLength: 1, maxLength: 3 });
  const named = fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('schema'), { maxKeys: 3 });
  const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { maxLength: 2 });
  const type = fc.constantFrom('null', 'boolean', 'integer', 'number', 'string', 'array', 'object');
  return {
    schema: fc.oneof(
      { maxDepth: 3 },
      fc.boolean(),
      fc.record(
        {
          type: fc.oneof(type, fc.uniqueArray(type, { minLength: 1, maxLength: 3 })),
          enum: fc.uniqueArray(fc.constantFrom<unknown>(1, 'a', null, 2.5), { minLength: 1, maxLength: 3 }),
          const: values,
          minimum: fc.integer({ min: -3, max: 3 }),
          maximum: fc.integer({ min: -3, max: 3 }),
          exclusiveMinimum: small,
          exclusiveMaximum: small,
          multipleOf: fc.constantFrom(1, 2, 0.5),
          minLength: small,
          maxLength: small,
          pattern: fc.constantFrom('^a', 'b$', '[0-9]'),
        },
        { requiredKeys: [] },
      ),
      fc.record(
        {
          properties: named,
          required: names,
          additionalProperties: tie('schema'),
          patternProperties: fc.dictionary(fc.constantFrom('^x', '[ab]'), tie('schema'), { maxKeys: 2 }),
          propertyNames: fc.record({ maxLength: small }),
          dependentRequired: fc.dictionary(fc.constantFrom('a', 'b'), names, { maxKeys: 2 }),
          minProperties: small,
          maxProperties: small,
          items: tie('schema'),
          // Never false, where ajv is wrong about a short list.
          prefixItems: fc.array(fc.constantFrom({ type: 'integer' }, { minLength: 2 }, {}), {
            minLength: 1,
            maxLength: 3,
          }),
          minItems: small,
          maxItems: small,
          uniqueItems: fc.boolean(),
        },
        { requiredKeys: [] },
      ),
      fc.record(
        {
          contains: fc.constantFrom({ type: 'integer' }, { const: 'a' }, { minLength: 1, type: 'string' }),
          allOf: many,
          anyOf: many,
          oneOf: many,
          not: tie('schema'),
          if: tie('schema'),
          // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
          then: tie('schema'),
          else: tie('schema'),
        },
        { requiredKeys: [] },
      ),
    ),
  };
});

describe('compileSchema', () => {
  test('any schema, any value -> as ajv judges it', () => {
    let refused = 0;
    let rejected = 0;
    fc.assert(
      fc.property(schemas, fc.array(values, { minLength: 1, maxLength: 4 }), (schema, given) => {
        const sent = JSON.parse(JSON.stringify({ allOf: [schema] }));
        const check = ajv.compile(sent);
        ajv.removeSchema(sent);
        const own = compileSchema(sent, compilePattern);
        for (const value of JSON.parse(JSON.stringify(given))) {
          const problems = own.problems(value);
          const fits = judgedByAjv(check, value);
          if (fits === undefined) continue;
          if (!fits) rejected += 1;
          else refused += 1;
          expect(problems.length === 0, JSON.stringify([sent, value, problems])).toBe(fits);
        }
      }),
      { numRuns: 500 },
    );
    expect(Math.min(refused, rejected)).toBeGreaterThan(50);
    // Some seconds; on a machine with much else to do ten times that.
  }, 120_000);

  test('$ref -> what it points to, also to itself', () => {
    const tree = {
      $ref: '#/$defs/a~1b',
      $defs: { 'a/b': { type: 'object', properties: { left: { $ref: '#/$defs/a~1b' } }, required: ['v'] } },
    };
    const { problems } = compileSchema(tree, compilePattern);
    expect(problems({ v: 1, left: { v: 2 } })).toEqual([]);
    expect(problems({ v: 1, left: { left: {} } })).toMatchObject([
      { path: '/left/left/v', keyword: 'required' },
      { path: '/left/v', keyword: 'required' },
    ]);
  });

  test('anyOf -> what is wrong by the alternative that comes nearest', () => {
    const schema = { anyOf: [{ type: 'object', properties: { t: { type: 'number' } } }, { type: 'string' }] };
    const { problems } = compileSchema(schema, compilePattern);
    expect(problems({ t: 'x' })).toMatchObject([{ path: '/t', keyword: 'type', expected: 'number' }]);
    expect(problems(7)).toMatchObject([{ path: '', keyword: 'type', expected: ['object', 'string'] }]);
  });

  test.each([
    ['2026-01-02T03:04:05Z', 'date-time', true],
    ['2026-13-02T03:04:05Z', 'date-time', false],
    ['300.1.1.1', 'ipv4', false],
    [1_767_312_000, 'epoch-seconds', true],
    [1_767_312_000_000, 'epoch-seconds', false],
    ['anything', 'a format of others', true],
  ])('%s as %s -> %s', (value, format, fits) => {
    expect(compileSchema({ format }, compilePattern).problems(value).length === 0).toBe(fits);
  });

  test.each([
    ['nested too deep', Array.from({ length: 70 }).reduce<unknown>((inner) => ({ not: inner }), true)],
    ['a list of names that is none', { required: 'a' }],
    ['properties that are none', { properties: [] }],
    ['a bound that is none', { minimum: '3' }],
    ['a schema that is none', { items: 3 }],
    ['a $ref elsewhere', { $ref: 'other.json' }],
    ['a $dynamicRef', { $dynamicRef: '#a' }],
  ])('%s -> refused', (_what, schema) => {
    expect(() => compileSchema(schema, compilePattern)).toThrow(BadSchema);
  });

  test('a value that takes too many steps -> unknown, in no time', () => {
    const wide = Array.from({ length: 5_000 }, (_, i) => ({ i }));
    expect(compileSchema({ uniqueItems: true }, compilePattern).problems(wide)).toBe('unknown');
    const tangle = {
      $defs: Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`d${i}`, twice(i + 1)])),
      ...twice(0),
    };
    expect(compileSchema(tangle, compilePattern).problems(1)).toBe('unknown');
  });
});

function twice(i: number): object {
  return i === 40 ? {} : { allOf: [{ $ref: `#/$defs/d${i}` }, { $ref: `#/$defs/d${i}` }] };
}

describe('covers', () => {
  test.each([
    ['plant/line{n}/temp', 'plant/line17/temp', true],
    ['plant/line{n}/temp', 'plant/line/temp', false],
    ['plant/line{n}/temp', 'plant/line1/temp/x', false],
    ['{uuid}/ahu-{n}-{n}', 'x/ahu-01-02', true],
    ['{uuid}/ahu-{n}-{n}', 'x/ahu-01-', false],
    ['a/+/c', 'a/b/c', true],
    ['a/#', 'a', true],
    ['a/#', 'a/b/c', true],
    ['#', 'a', true],
    ['a/b', 'a/B', false],
  ])('%s, %s -> %s', (template, topic, expected) => {
    expect(covers(template, topic)).toBe(expected);
  });

  test('a level of many placeholders -> no search that takes for ever', () => {
    expect(covers(`${'{n}a'.repeat(5_000)}b`, 'xa'.repeat(30_000))).toBe(false);
  });
});

describe('confidenceOf', () => {
  test('falls with few samples, and with those that show something new', () => {
    const alike = (n: number) => confidenceOf(Array.from({ length: n }, () => 'a'));
    expect([0, 1, 2, 10, 100, 500].map(alike)).toEqual([0, 0.21, 0.34, 0.72, 0.96, 0.99]);
    expect(confidenceOf(Array.from({ length: 10 }, (_, i) => `shape ${i}`))).toBe(0);
    expect(confidenceOf(['a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'b'])).toBeLessThan(alike(10));
  });
});
