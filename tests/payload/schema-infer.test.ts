// Every sampled message satisfies the schema inferred from it, whatever the messages are: judged by ajv.
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodePayload } from '../../src/payload/decode.ts';
import type { Sample } from '../../src/payload/schema/gather.ts';
import { inferSchema, type Schema } from '../../src/payload/schema/infer.ts';
import { relaxed } from '../../src/payload/schema/relaxed.ts';
import { thin } from '../../src/payload/schema/thin.ts';
import { compileSchema } from '../../src/payload/schema/validate.ts';

const AT = Date.UTC(2026, 0, 2);

/** Payloads as they came over the wire. */
function samplesOf(payloads: readonly (string | Buffer)[]): Sample[] {
  return payloads.map((payload, i) => {
    const bytes = Buffer.from(payload);
    const decoded = decodePayload(bytes, bytes.length);
    return { ...decoded, topic: `t/${i % 3}`, at: AT + i };
  });
}

const json = (...values: unknown[]) => samplesOf(values.map((value) => JSON.stringify(value)));
const infer = (samples: Sample[], name = 'x') => inferSchema(samples, name);

/** The schema of one field, without what is not asked for. */
function field(values: readonly unknown[], name: string): unknown {
  const { properties } = infer(json(...values.map((value) => ({ [name]: value }))));
  return Object(properties)[name];
}

const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });

function fits(schema: Schema, samples: readonly Sample[]): string[] {
  // As it leaves: through JSON.
  const sent: Schema = JSON.parse(JSON.stringify(schema));
  expect(ajv.validateSchema(sent), ajv.errorsText(ajv.errors)).toBe(true);
  const check = ajv.compile(sent);
  ajv.removeSchema(sent);
  const own = compileSchema(sent, () => ({ matches: () => true }));
  const asBaseline = compileSchema(relaxed(sent), () => ({ matches: () => true }));
  return samples.flatMap(({ payload }) => [
    ...(check(payload) ? [] : [ajv.errorsText(check.errors)]),
    ...(own.problems(payload).length === 0 ? [] : ['our own validator objects']),
    ...(asBaseline.problems(payload).length === 0 ? [] : ['it drifted from itself']),
  ]);
}

const keys = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('a', 'b', 'temp_c', 'ts', 'state', 'id', 'total', 'unit', 'value') },
  {
    weight: 2,
    arbitrary: fc.constantFrom('__proto__', 'constructor', 'toString', 'hasOwnProperty', 'a/b~c', '', '17'),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 200 }) },
);
const leaves = fc.oneof(
  fc.constantFrom(null, true, false, 0, 1, -0.5, 21.5, 1e300, 5e-324, 2 ** 53 - 1, 'ON', 'OFF', '', '21.5', '#ff0000'),
  fc.constantFrom(1_767_312_000, 1_767_312_000_000, '2026-01-02T03:04:05Z', '192.168.0.1', '00:11:22:33:44:55'),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.string({ unit: 'binary' }),
);
const { value: trees } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    leaves,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(keys, tie('value')), { maxLength: 5 }).map((entries) => Object.fromEntries(entries)),
  ),
}));
const payloads = fc.oneof(
  { weight: 6, arbitrary: trees.map((value) => JSON.stringify(value)) },
  { weight: 1, arbitrary: fc.string() },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)) },
);

describe('inferSchema', () => {
  test('any payloads -> each satisfies the schema, by ajv and by our own validator', () => {
    fc.assert(
      fc.property(fc.array(payloads, { minLength: 1, maxLength: 8 }), (given) => {
        const samples = samplesOf(given);
        expect(fits(infer(samples), samples)).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  test('any payloads, schema made shorter -> each still satisfies it', () => {
    const limits = fc.record({ depth: fc.nat(4), fields: fc.nat(4), enumBytes: fc.nat(40) });
    fc.assert(
      fc.property(fc.array(payloads, { minLength: 1, maxLength: 8 }), limits, (given, most) => {
        const samples = samplesOf(given);
        expect(fits(thin(infer(samples), most), samples)).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  test('the order of the messages -> does not matter for what is demanded', () => {
    const plain = fc.array(fc.dictionary(fc.constantFrom('a', 'b', 'c'), leaves), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(plain, (values) => {
        const forth = json(...values);
        const back = [...forth].reverse();
        expect(fits(infer(forth), back)).toEqual([]);
        expect(new Set(Object.keys(Object(infer(forth).properties)))).toEqual(
          new Set(Object.keys(Object(infer(back).properties))),
        );
      }),
    );
  });

  test('required, optional with its count, nullable', () => {
    expect(infer(json({ a: 1, b: 'x' }, { a: null }, { a: 2.5 }))).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      required: ['a'],
      properties: {
        a: { type: ['number', 'null'], minimum: 1, maximum: 2.5 },
        b: { type: 'string', 'x-count': 1 },
      },
      'x-observed': { samples: 3, topics: 3 },
    });
  });

  test.each([
    ['whole numbers', [1, 2, 3], { type: 'integer', minimum: 1, maximum: 3 }],
    ['any numbers', [1, 2.5], { type: 'number', minimum: 1, maximum: 2.5 }],
    ['flags', [0, 1, 0, 1, 1, 0], { type: 'integer', enum: [0, 1] }],
    ['few strings that recur', ['ON', 'OFF', 'ON', 'OFF', 'ON', 'ON'], { type: 'string', enum: ['OFF', 'ON'] }],
    ['strings that do not recur', ['red', 'green', 'blue'], { type: 'string' }],
    ['mixed', [1, 'a', null], { anyOf: [{ type: 'integer' }, { type: 'string' }, { type: 'null' }] }],
    ['a list of numbers', [[1, 2], [3.5]], { type: 'array', items: { type: 'number', maximum: 3.5 } }],
    [
      'tuples',
      [
        [1, 'a'],
        [2, 'b'],
      ],
      { type: 'array', prefixItems: [{ type: 'integer' }, { type: 'string' }], minItems: 2 },
    ],
    ['nested objects', [{ lat: 1.5 }], { type: 'object', required: ['lat'], properties: { lat: { type: 'number' } } }],
    ['date-time', ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.123+01:00'], { format: 'date-time' }],
    ['local time, as Tasmota writes it', ['2026-01-02T03:04:05'], { format: 'date-time-local' }],
    ['uuid', ['0e37df36-f698-11e6-8dd4-cb9ced3df976'], { format: 'uuid' }],
    ['ipv4', ['192.168.178.20', '10.0.0.1'], { format: 'ipv4' }],
    ['ipv6', ['fe80::1', '2001:db8::8a2e:370:7334'], { format: 'ipv6' }],
    ['mac', ['00:11:22:aa:bb:cc'], { format: 'mac' }],
    ['colour', ['#ff8800', '#fff'], { format: 'hex-color' }],
    ['uri', ['http://10.0.0.1/cam.jpg'], { format: 'uri' }],
    ['numbers in quotes', ['21.5', '-3'], { type: 'string', format: 'number' }],
    ['one that breaks the format', ['192.168.178.20', 'none'], { type: 'string' }],
  ])('%s', (_what, values, expected) => {
    expect(field(values, 'f')).toMatchObject(expected);
    if (!JSON.stringify(expected).includes('format')) expect(field(values, 'f')).not.toHaveProperty('format');
  });

  test.each([
    ['ts', 1_767_312_000, 'epoch-seconds'],
    ['last_seen', 1_700_000_000_000, 'epoch-milliseconds'],
    ['x', AT / 1000 + 60, 'epoch-seconds'],
  ])('%s: %d -> %s, without bounds', (name, value, format) => {
    expect(field([value, value + 5], name)).toEqual({ type: 'integer', format });
  });

  test.each([
    ['temp_c', { 'x-unit': '°C' }],
    ['battery_pct', { 'x-unit': '%' }],
    ['power_w', { 'x-unit': 'W' }],
    ['voltage', { 'x-quantity': 'voltage' }],
    ['roomTemperature', { 'x-quantity': 'temperature' }],
    ['w', {}],
    ['anything', {}],
  ])('a number called %s -> %j', (name, hint) => {
    expect(field([1.5, 2.5], name)).toEqual({ type: 'number', minimum: 1.5, maximum: 2.5, ...hint });
  });

  test('names of devices -> no enum: the next device has another one', () => {
    const ids = ['a', 'a', 'a', 'b', 'b', 'b'];
    expect(field(ids, 'state')).toMatchObject({ enum: ['a', 'b'] });
    for (const name of ['id', 'device_id', 'serial', 'name']) expect(field(ids, name)).toEqual({ type: 'string' });
  });

  test('a unit beside the value -> its unit', () => {
    expect(infer(json({ value: 21.5, unit: '°C' }))).toHaveProperty('properties.value.x-unit', '°C');
  });

  test('a counter, by name or by how it rises -> no upper bound', () => {
    expect(field([5, 7], 'total_kwh')).toMatchObject({ 'x-unit': 'kWh' });
    expect(field([5, 7], 'messages_total')).toEqual({ type: 'integer', minimum: 5, 'x-grows': true });
    const rising = [1, 2, 4, 7, 9].map((n, i) => ({ payload: n, payload_type: 'number', topic: 't', at: AT + i }));
    expect(infer(rising)).toMatchObject({ minimum: 1, 'x-grows': true });
    expect(infer(rising)).not.toHaveProperty('maximum');
  });

  test('an object keyed by identifiers -> a map', () => {
    const schema = infer(json({ '1001': { on: true }, '1002': { on: false } }, { '1003': { on: true } }));
    expect(schema).toMatchObject({
      type: 'object',
      additionalProperties: { required: ['on'] },
      'x-keys': { distinct: 3 },
    });
    expect(schema).not.toHaveProperty('properties');
  });

  test('thousands of random keys -> a hundred named, the others share a schema', () => {
    const values = Array.from({ length: 50 }, (_, n) =>
      Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`key ${'abcdefghij'[i % 10]} of ${n}-${i} x`, i])),
    );
    const samples = json(...values);
    const schema = infer(samples);
    expect(Object.keys(Object(schema.properties)).length).toBe(100);
    expect(fits(schema, samples)).toEqual([]);
  });

  test('bare numbers, text, booleans, bytes and nothing', () => {
    expect(infer(samplesOf(['21.5', '22']), 'temp_c')).toMatchObject({ type: 'number', minimum: 21.5, 'x-unit': '°C' });
    expect(infer(samplesOf(['hello']))).toMatchObject({ type: 'string' });
    expect(infer(samplesOf(['true', 'false']))).toMatchObject({ type: 'boolean' });
    expect(infer(samplesOf([Buffer.from([0xff, 0xfe])]))).toMatchObject({ type: 'string', contentEncoding: 'base64' });
    expect(infer(samplesOf(['', '{"a":1}']))).toMatchObject({
      anyOf: [{ type: 'object' }, { type: 'string', maxLength: 0 }],
    });
  });

  test('bytes of a format that all share -> it is said', () => {
    const image = { payload: 'iVBORw==', payload_type: 'binary', payload_format: 'image/png', topic: 't', at: AT };
    expect(infer([image, image])).toMatchObject({ contentEncoding: 'base64', contentMediaType: 'image/png' });
    const packed = { payload: { a: 1 }, payload_type: 'json', payload_format: 'cbor', topic: 't', at: AT };
    expect(infer([packed])).toMatchObject({ type: 'object', 'x-payload-format': 'cbor' });
    expect(infer([packed, image])).not.toHaveProperty('x-payload-format');
  });
});

test('lists sixty levels deep -> a schema, and no work that doubles with each level', () => {
  const payload: unknown = JSON.parse(`${'['.repeat(60)}${']'.repeat(60)}`);
  expect(inferSchema([{ payload, payload_type: 'json', topic: 'a', at: 0 }], 'a')).toMatchObject({ type: 'array' });
});
