import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { decodePayload, loadFormats } from '../../src/payload/decode.ts';
import { corpus } from './corpus.ts';

function decode(content: string | Uint8Array) {
  const bytes = Buffer.from(content);
  return decodePayload(bytes, bytes.length);
}

beforeAll(loadFormats);

test.each(corpus())('decode $name -> $type $format', ({ topic, bytes, type, format, payload }) => {
  const decoded = decodePayload(bytes, bytes.length, topic);
  expect(decoded.payload_type).toBe(type);
  expect(decoded.payload_format).toBe(format);
  if (payload !== undefined) expect(decoded.payload).toEqual(payload);
  if (type === 'binary') expect(decoded.payload).toBe(bytes.toString('base64'));
  expect(JSON.parse(JSON.stringify(decoded))).toEqual(decoded);
});

describe('numbers keep their digits', () => {
  test.each([
    ['0', 0],
    ['-40', -40],
    ['-0.0', 0],
    [' 21.50\r\n', 21.5],
    ['1e3', 1000],
    ['21.299999999999997', 21.299999999999997],
    ['0.10000000000000001', 0.1],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
    ['100000000000000000000000.0', 1e23],
  ])('%s is the number %d', (text, number) => {
    expect(decode(text)).toEqual({ payload: number, payload_type: 'number' });
  });

  test.each([
    '9007199254740992',
    '-9007199254740993',
    '12345678901234567890',
    '1e999',
    '-1e999',
    '1e-999',
    '3.14159265358979323846',
    '0.12345678901234567891',
    '007',
    '+5',
    '.5',
    '5.',
    'NaN',
    '0x10',
  ])('%s stays text', (text) => {
    expect(decode(text)).toEqual({ payload: text, payload_type: 'text' });
  });

  test('a number within JSON that a double would change becomes a string of its digits', () => {
    const text = '{"ts":1700000000123456789,"v":[21.5,3.14159265358979323846,-1e400],"s":"1700000000123456789"}';
    expect(decode(text)).toEqual({
      payload: {
        ts: '1700000000123456789',
        v: [21.5, '3.14159265358979323846', '-1e400'],
        s: '1700000000123456789',
      },
      payload_type: 'json',
    });
  });

  test('quoting a long number makes no bad JSON good', () => {
    expect(decode('{12345678901234567890:1}').payload_type).toBe('text');
    expect(decode('[012345678901234567890]').payload_type).toBe('text');
  });

  test('property: a finite double printed by JSON comes back', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        const { payload, payload_type: type } = decode(JSON.stringify(number));
        const isPlainInteger = Number.isInteger(number) && !Number.isSafeInteger(number);
        if (isPlainInteger || Math.abs(number) < 2.3e-308) expect([type, 'number']).toContain(type);
        else expect(payload).toBe(number === 0 ? 0 : number);
      }),
    );
  });
});

describe('JSON', () => {
  test.each([
    ['"on"', 'on'],
    ['null', null],
    ['\ufeff {"a":[1]} ', { a: [1] }],
    ['{"s":"\\ud800"}', { s: '\ud800' }],
  ])('%j is json', (text, payload) => {
    expect(decode(text)).toEqual({ payload, payload_type: 'json' });
  });

  test('64 levels are json, 65 are text; brackets in strings do not count', () => {
    expect(decode('['.repeat(64) + ']'.repeat(64)).payload_type).toBe('json');
    expect(decode('['.repeat(65) + ']'.repeat(65)).payload_type).toBe('text');
    expect(decode(JSON.stringify({ s: '[{"\\['.repeat(100), t: '\\' })).payload_type).toBe('json');
  });

  test('a __proto__ key is own data and pollutes nothing', () => {
    const { payload } = decode('{"__proto__":{"polluted":true},"a":{"constructor":{"prototype":{"polluted":1}}}}');
    expect(JSON.stringify(payload)).toContain('"__proto__":{"polluted":true}');
    expect(Object.getPrototypeOf(payload)).toBe(Object.prototype);
    expect('polluted' in {}).toBe(false);
  });
});

describe('a truncated payload', () => {
  test.each([
    ['abc€', 6, 'abc€'],
    ['abc€', 5, 'abc'],
    ['abc€', 4, 'abc'],
    ['a😀', 4, 'a'],
    ['{"a":1}', 7, '{"a":1}'],
    ['42', 2, '42'],
    ['ab', 0, ''],
  ])('%j, %d bytes kept -> text %j', (text, kept, head) => {
    const bytes = Buffer.from(text).subarray(0, kept);
    expect(decodePayload(bytes, 1000)).toEqual({ payload: head, payload_type: 'text', payload_truncated: true });
  });

  test('binary: base64 of whole groups', () => {
    const decoded = decodePayload(Buffer.from([0xff, 0xfe, 0xfd, 0xfc]), 10);
    expect(decoded).toEqual({
      payload: '//79',
      payload_type: 'binary',
      payload_encoding: 'base64',
      payload_truncated: true,
    });
  });
});

describe('hostile input', () => {
  const MIB = 1024 * 1024;
  test.each([
    ['brackets', '['.repeat(MIB)],
    ['a 100,000-deep array', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['digits', '1'.repeat(MIB)],
    ['zeros', `1${'0'.repeat(MIB)}1.0`],
    ['a fraction of zeros', `0.${'0'.repeat(MIB)}1`],
    ['escaped quotes', `"${'\\"'.repeat(MIB / 2)}"`],
    ['backslashes', `"${'\\\\'.repeat(MIB / 2)}"`],
    ['open string', `["${'a'.repeat(MIB)}]`],
    ['long numbers', `[${Array.from({ length: 40_000 }, () => '12345678901234567890').join()}]`],
    ['white space', ' '.repeat(MIB)],
  ])('%s: decoded without delay', (_, text) => {
    const began = performance.now();
    decode(text);
    expect(performance.now() - began).toBeLessThan(1000); // 50 ms; quadratic would be minutes
  });

  test('property: never throws, and what it says is true', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.string({ unit: 'binary' }).map((text) => new Uint8Array(Buffer.from(text))),
      fc.json().map((text) => new Uint8Array(Buffer.from(text))),
    );
    fc.assert(
      fc.property(bytes, fc.nat(8), (content, missing) => {
        const buffer = Buffer.from(content);
        const decoded = decodePayload(buffer, buffer.length + missing);
        expect(decoded.payload_truncated ?? false).toBe(missing > 0);
        if (decoded.payload_type === 'binary' && missing === 0) {
          expect(Buffer.from(String(decoded.payload), 'base64').equals(buffer)).toBe(true);
        }
        if (decoded.payload_type === 'text' && missing === 0)
          expect(Buffer.from(String(decoded.payload))).toEqual(buffer);
        if (decoded.payload_type === 'text') expect(buffer.toString().startsWith(String(decoded.payload))).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test('property: JSON documents come back as they were', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5, noUnicodeString: false }), (text) => {
        const { payload, payload_type: type } = decode(text);
        const reference: unknown = JSON.parse(text);
        if (type === 'json' && !/\d{16}|[eE]/.test(text)) expect(payload).toEqual(reference);
      }),
    );
  });
});
