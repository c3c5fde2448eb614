// What stands in front of the decoders, and what they must not mistake.
import { deflateSync, gzipSync } from 'node:zlib';
import { encode as encodeMsgpack } from '@msgpack/msgpack';
import { encode as encodeCbor } from 'cborg';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { decodePayload, loadFormats } from '../../src/payload/decode.ts';
import { createAllowance } from '../../src/payload/formats/allowance.ts';
import { inflate } from '../../src/payload/formats/inflate.ts';
import { mayBePacked } from '../../src/payload/packed.ts';
import { suspicious } from '../../src/payload/suspicious.ts';
import { corpus } from './corpus.ts';

beforeAll(loadFormats);

function decode(bytes: Uint8Array, topic?: string) {
  return decodePayload(Buffer.from(bytes), bytes.length, topic);
}

describe('limits', () => {
  test('64 levels are decoded, 65 stay bytes; 100,000 too', () => {
    const nested = (levels: number) => Buffer.from(`a16161${'81'.repeat(levels)}63616263`, 'hex');
    expect(decode(nested(63))).toMatchObject({ payload_type: 'json', payload_format: 'cbor' });
    expect(decode(nested(64)).payload_type).toBe('binary');
    expect(decode(nested(100_000)).payload_type).toBe('binary');
    const packed = (levels: number) => Buffer.from(`81a161${'91'.repeat(levels)}01`, 'hex');
    expect(decode(packed(63))).toMatchObject({ payload_type: 'json', payload_format: 'msgpack' });
    expect(decode(packed(64)).payload_type).toBe('binary');
    expect(decode(packed(100_000)).payload_type).toBe('binary');
  });

  test('100,000 values are decoded, more stay bytes', () => {
    const of = (count: number) => encodeCbor({ v: new Array(count).fill(1) });
    expect(decode(of(99_990)).payload_format).toBe('cbor');
    expect(decode(of(100_000)).payload_type).toBe('binary');
  });

  test('a chain of tags stays bytes', () => {
    expect(decode(Buffer.from(`a16161${'c0'.repeat(100_000)}01`, 'hex')).payload_type).toBe('binary');
  });

  test('an integer of 1 MiB is not printed', () => {
    const long = Buffer.concat([Buffer.from('a1616ec25a000ffff0', 'hex'), Buffer.alloc(0xffff0, 0xff)]);
    expect(decode(long)).toMatchObject({ payload_format: 'cbor', payload: { n: expect.stringMatching(/^\/{100}/) } });
  });

  test('what unpacks to more than 64 times its size, and 32 KiB, stays packed and says so', () => {
    const detail = (bytes: Buffer) => decode(bytes).payload_detail;
    expect(decode(gzipSync('a'.repeat(32 * 1024)))).toMatchObject({ payload_format: 'gzip+text' });
    expect(detail(gzipSync('a'.repeat(32 * 1024 + 1)))).toBe('not unpacked: larger than 32 KiB');
    expect(detail(deflateSync('a'.repeat(32 * 1024 + 1)))).toBe('not unpacked: larger than 32 KiB');
    const mixed = Array.from({ length: 60_000 }, (_, i) => (i * 7919) % 100_000).join();
    expect(decode(gzipSync(mixed))).toMatchObject({ payload_type: 'text', payload: mixed });
    expect(detail(gzipSync(mixed.repeat(4)))).toBe('not unpacked: larger than 1024 KiB');
  });

  test('a trailer that lies about the length changes nothing', () => {
    const bytes = gzipSync('a'.repeat(100_000));
    bytes.writeUInt32LE(10, bytes.length - 4);
    expect(inflate(bytes)).toMatchObject({ why: 'not unpacked: larger than 32 KiB' });
    bytes.writeUInt32LE(0xffffffff, bytes.length - 4);
    expect(inflate(bytes)).toMatchObject({ why: 'not unpacked: larger than 32 KiB' });
  });

  test('megabytes of truths and empty metrics on a Sparkplug topic: bounded', () => {
    const topic = 'spBv1.0/g/NDATA/n';
    expect(decode(Buffer.from('1200'.repeat(200_000), 'hex'), topic).payload_type).not.toBe('json');
    const bits = booleanArrays(100, 1250);
    const { payload, payload_format } = decode(bits, topic);
    expect(payload_format).toBe('sparkplug_b');
    expect(JSON.stringify(payload).length).toBeLessThan(1_000_000);
  });

  test('a flood: once the work of a second is done, what comes stays packed until it is over', () => {
    let now = 0;
    const allowance = createAllowance(100_000, () => now);
    const unpack = () => inflate(gzipSync('a'.repeat(30_000)), allowance);
    for (let i = 0; i < 4; i++) expect(unpack()).toHaveProperty('bytes.length', 30_000);
    expect(unpack()).toEqual({ format: 'gzip', why: 'not unpacked: too much came at once' });
    now = 999;
    expect(unpack()).toHaveProperty('why');
    now = 1000;
    expect(unpack()).toHaveProperty('bytes.length', 30_000);
  });
});

/** A Sparkplug payload of BooleanArrays, `count` of them, of `bytes` bytes. */
function booleanArrays(count: number, bytes: number): Buffer {
  const bits = Buffer.alloc(4 + bytes, 0xff);
  bits.writeUInt32LE(bytes * 8);
  const metric = Buffer.concat([Buffer.from('20208201', 'hex'), varint(bits.length), bits]);
  const one = Buffer.concat([Buffer.from('12', 'hex'), varint(metric.length), metric]);
  return Buffer.concat(new Array(count).fill(one));
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let left = value; ; left >>= 7) {
    if (left < 0x80) return Buffer.from([...bytes, left]);
    bytes.push((left & 0x7f) | 0x80);
  }
}

describe('text always wins', () => {
  const SENSOR = fc.oneof(
    fc.json({ maxDepth: 3 }),
    fc
      .record({ t: fc.double({ min: -50, max: 90, noNaN: true }), h: fc.integer(), id: fc.string() })
      .map((one) => JSON.stringify(one)),
    fc.double().map(String),
    fc.integer().map(String),
    fc.constantFrom(
      'ON',
      'OFF',
      'online',
      'offline',
      'true',
      'null',
      'NaN',
      '""',
      'unavailable',
      '°C',
      '±5',
      '½',
      'Küche',
      '温度',
    ),
    fc.array(fc.float({ noNaN: true }), { minLength: 1, maxLength: 8 }).map((list) => list.join(';')),
    fc.tuple(fc.string(), fc.float({ noNaN: true })).map(([unit, value]) => `${value.toFixed(2)} ${unit}`),
    fc.date({ noInvalidDate: true }).map((date) => `${date.toISOString()} [I] loop took 12 ms`),
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.uuid(),
    fc.base64String({ maxLength: 40 }),
  );
  const TOPICS = fc.constantFrom('home/kitchen/state', 'spBv1.0/g/NDATA/n', 'spBv1.0/g/DCMD/n/d', 'spBv1.0/STATE/host');

  test('10,000 payloads of the kind that sensors send are never taken for anything else', () => {
    fc.assert(
      fc.property(SENSOR, TOPICS, (text, topic) => {
        const { payload_type, payload_format } = decode(Buffer.from(text), topic);
        expect(payload_format).toBeUndefined();
        expect(payload_type).not.toBe('binary');
      }),
      { numRuns: 10_000 },
    );
  });

  test('100,000 random byte strings are hardly ever taken for CBOR or MessagePack', () => {
    let taken = 0;
    fc.assert(
      fc.property(
        fc.integer({ min: 0x80, max: 0xbf }),
        fc.uint8Array({ minLength: 2, maxLength: 32 }),
        (first, rest) => {
          if (/cbor|msgpack/.test(decode(Uint8Array.of(first, ...rest)).payload_format ?? '')) taken++;
        },
      ),
      { numRuns: 100_000 },
    );
    expect(taken).toBeLessThan(20);
  });
});

describe('what was encoded comes back', () => {
  const VALUES = fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.jsonValue({ maxDepth: 4 }), {
    minKeys: 1,
    maxKeys: 6,
  });
  const kept = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

  test('CBOR', () => {
    fc.assert(fc.property(VALUES, (value) => same(decode(encodeCbor(kept(value))), 'cbor', value)));
  });

  test('MessagePack', () => {
    fc.assert(fc.property(VALUES, (value) => same(decode(encodeMsgpack(kept(value))), 'msgpack', value)));
  });

  test('gzip and zlib', () => {
    fc.assert(
      fc.property(VALUES, (value) => {
        same(decode(gzipSync(JSON.stringify(value))), 'gzip+json', value);
        const deflated = decode(deflateSync(JSON.stringify(value)));
        if (deflated.payload_type !== 'text') same(deflated, 'zlib+json', value);
      }),
    );
  });

  /** Two rooms have no such value: an invalid surrogate, a __proto__ key. A number beyond 2^53 may change its form. */
  function same(decoded: ReturnType<typeof decode>, format: string, value: unknown): void {
    const text = JSON.stringify(value);
    if (/__proto__|\\ud[89a-f]|\ufffd|\d{16}|e[+-]?\d/i.test(text)) return;
    expect(decoded.payload_format).toBe(format);
    expect(decoded.payload).toEqual(kept(value));
  }
});

test('a cut payload keeps its format by signature', () => {
  const png = Buffer.from('89504e470d0a1a0a0000000d4948445200000280000001e00802000000ff', 'hex');
  expect(decodePayload(png, 5000)).toMatchObject({
    payload_type: 'binary',
    payload_format: 'image/png',
    payload_detail: '640x480',
    payload_truncated: true,
  });
});

test('every payload that is decoded from other than its text is looked into by the pre-filter', () => {
  const packed = corpus().filter(
    ({ type, format }) => type !== 'binary' && /cbor|msgpack|gzip|zlib|sparkplug/.test(format ?? ''),
  );
  expect(packed.length).toBeGreaterThan(80);
  for (const { bytes } of packed) expect(suspicious(bytes)).toBe(true);
  for (const text of ['21.5', '{"t":21.5}', 'ON', '[1]', '\t{"a":1}', 'x=5', 'xyz', '8', 'H2O', '(8)', 'hello']) {
    expect(mayBePacked(Buffer.from(text))).toBe(false);
  }
});
