// Each decoder against what nobody would send: no throw, no hang, an outcome that is JSON and bounded by the bytes.
// Inputs a decoder: see cases.ts.
import { deflateSync, gzipSync } from 'node:zlib';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { encode as encodeMsgpack } from '@msgpack/msgpack';
import { encode as encodeCbor } from 'cborg';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { decodePayload, loadFormats } from '../../src/payload/decode.ts';
import { severityOf } from '../../src/payload/errors-in.ts';
import { createAllowance } from '../../src/payload/formats/allowance.ts';
import { decodeCbor } from '../../src/payload/formats/cbor.ts';
import { inflate } from '../../src/payload/formats/inflate.ts';
import { decodeMsgpack } from '../../src/payload/formats/msgpack.ts';
import { formatOfText, signatureOf } from '../../src/payload/formats/signature.ts';
import { decodeSparkplug } from '../../src/payload/formats/sparkplug.ts';
import { FIELDS, type Message } from '../../src/payload/formats/sparkplug-fields.ts';
import { shapeOf } from '../../src/payload/shape.ts';
import { cases, tally } from '../fuzz/cases.ts';
import { corpus } from './corpus.ts';

const CASES = cases(4_000, 22);
const TIMEOUT_MS = 30_000 + CASES * 2;
/** Characters of JSON for a byte: a tag and a zero are a date, eight bits are eight truths. */
const MAX_GROWTH = 50;
const MAX_LEVELS = 70;

beforeAll(loadFormats);

const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
const VALUES = fc.jsonValue({ maxDepth: 3 });
const SENT = corpus().map((one) => one.bytes);
const FILES = corpus().flatMap(({ format, bytes }) => (/[/_]/.test(format ?? '') ? [bytes] : []));

/** Sound bytes with a few that are not. */
function damaged(sound: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Buffer> {
  const damage = fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 3 });
  return fc.tuple(sound, damage, fc.nat(40)).map(([whole, where, cut]) => {
    const copy = Buffer.from(whole.subarray(0, cut < 30 ? whole.length : cut - 30));
    for (const [at, value] of where) if (copy.length > 0) copy[at % copy.length] = value;
    return copy;
  });
}

/** Pieces of a format in any order: most are nearly right. */
function pieces(heads: readonly string[]): fc.Arbitrary<Buffer> {
  const piece = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...heads).map((hex) => Buffer.from(hex, 'hex')) },
    { weight: 1, arbitrary: bytes(4) },
  );
  return fc.array(piece, { maxLength: 24 }).map((list) => Buffer.concat(list));
}

const CBOR_PIECES = [
  ...[
    '00',
    '17',
    '18ff',
    '19ffff',
    '1affffffff',
    '1bffffffffffffffff',
    '20',
    '3bffffffffffffffff',
    '40',
    '41ff',
    '5b1000000000000000',
  ],
  ...[
    '60',
    '6161',
    '63616263',
    '7bffffffffffffffff',
    '80',
    '81',
    '82',
    '9f',
    '9bffffffffffffffff',
    'a0',
    'a1',
    'a2',
    'bf',
    'ba00000002',
  ],
  ...[
    'c0',
    'c1',
    'c2',
    'c3',
    'c4',
    'd9d9f7',
    'dbffffffffffffffff',
    'f4',
    'f6',
    'f7',
    'f800',
    'f97e00',
    'fa41aa6666',
    'fb7ff0000000000000',
    'ff',
  ],
];
const MSGPACK_PIECES = [
  ...[
    '00',
    '7f',
    'e0',
    '80',
    '81',
    '82',
    '90',
    '91',
    '92',
    'a0',
    'a161',
    'a3616263',
    'c0',
    'c1',
    'c2',
    'c3',
    'c400',
    'c6ffffffff',
    'c70305010203',
  ],
  ...[
    'ca7fc00000',
    'cb7ff0000000000000',
    'cc01',
    'cfffffffffffffffff',
    'd38000000000000000',
    'd4ff00',
    'd6ff514b67b0',
    'd7ffffffffffffffffff',
  ],
  ...[
    'c70cff000000007fffffffffffffff',
    'd90161',
    'dbffffffff',
    'dc0001',
    'ddffffffff',
    'de0001',
    'dfffffffff',
    'a95f5f70726f746f5f5f',
  ],
];

/** A message by the table of fields, with values of each kind, and now and then one that is not of it. */
const sparkplug: fc.Arbitrary<Uint8Array> = message('Payload', 3);

function message(name: Message, depth: number): fc.Arbitrary<Uint8Array> {
  const fields = [...FIELDS[name]].filter(([, { kind }]) => depth > 0 || !(kind in FIELDS));
  if (fields.length === 0) return fc.constant(new Uint8Array());
  const written = fields.map(([number, { kind }]) => {
    const inner = isMessage(kind) ? message(kind, depth - 1) : scalar(kind);
    return inner.map((value) => ({ number, kind, value }));
  });
  return fc.array(fc.oneof({ maxDepth: 3 }, ...written), { maxLength: 4 }).map((list) => {
    const writer = new BinaryWriter();
    for (const { number, kind, value } of list) writeField(writer, number, kind, value);
    return writer.finish();
  });
}

function isMessage(kind: string): kind is Message {
  return kind in FIELDS;
}

function scalar(kind: string): fc.Arbitrary<unknown> {
  if (kind === 'uint32') return fc.oneof(fc.nat(40), fc.integer({ min: 0, max: 0xffffffff }));
  if (kind === 'uint64') return fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
  if (kind === 'float') return fc.float();
  if (kind === 'double') return fc.double();
  if (kind === 'bool') return fc.boolean();
  return kind === 'string' ? fc.string({ unit: 'binary', maxLength: 8 }) : bytes(24);
}

function writeField(writer: BinaryWriter, number: number, kind: string, value: unknown): void {
  if (kind === 'uint32') writer.tag(number, WireType.Varint).uint32(Number(value));
  else if (kind === 'uint64') writer.tag(number, WireType.Varint).uint64(String(value));
  else if (kind === 'float') writer.tag(number, WireType.Bit32).float(Number(value));
  else if (kind === 'double') writer.tag(number, WireType.Bit64).double(Number(value));
  else if (kind === 'bool') writer.tag(number, WireType.Varint).bool(value === true);
  else if (kind === 'string') writer.tag(number, WireType.LengthDelimited).string(String(value));
  else writer.tag(number, WireType.LengthDelimited).bytes(value instanceof Uint8Array ? value : new Uint8Array());
}

/** Files by their beginnings, and whatever else. */
const files = fc.oneof(
  damaged(fc.constantFrom(...FILES)),
  fc.tuple(fc.constantFrom(...FILES), bytes(64)).map(([file, rest]) => Buffer.concat([file.subarray(0, 24), rest])),
);

const compressed = fc.tuple(fc.oneof(bytes(80), fc.constantFrom(...SENT)), fc.boolean()).map(([content, gzip]) => {
  return gzip ? gzipSync(content, { level: 1 }) : deflateSync(content, { level: 1 });
});

const cbor = fc.oneof(
  pieces(CBOR_PIECES),
  damaged(VALUES.map((value) => encodeCbor(JSON.parse(JSON.stringify(value))))),
  bytes(40),
);
const msgpack = fc.oneof(pieces(MSGPACK_PIECES), damaged(VALUES.map((value) => encodeMsgpack(value))), bytes(40));
const TOPICS = ['spBv1.0/g/DDATA/n/d', 'spBv1.0/STATE/h', 'home/state'];

/** Runs in a row. In between others get their turn: zlib lets go of its memory only then. */
const BATCH = 10_000;

/** `reached`: the share of inputs that the decoder had something to say to. A fuzz that reaches nothing shows nothing. */
async function fuzz(inputs: fc.Arbitrary<Uint8Array>, decoder: (input: Buffer) => unknown, reached: number) {
  const { seed = 0 } = fc.readConfigureGlobal();
  let decoded = 0;
  const property = fc.property(inputs, (input) => {
    const outcome = decoder(Buffer.from(input));
    if (outcome === undefined) return;
    decoded++;
    expectBounded(outcome, input.length);
  });
  for (let done = 0; done < CASES; done += BATCH) {
    fc.assert(property, { numRuns: Math.min(BATCH, CASES - done), seed: seed + done });
    tally('decoders', Math.min(BATCH, CASES - done));
    await new Promise(setImmediate);
  }
  expect(decoded / CASES).toBeGreaterThan(reached);
}

function expectBounded(outcome: unknown, size: number): void {
  const json = JSON.stringify(outcome);
  if (json.length > 400 + size * MAX_GROWTH) expect(json.length).toBeLessThan(400 + size * MAX_GROWTH);
  if (levels(outcome) > MAX_LEVELS) expect(levels(outcome)).toBeLessThan(MAX_LEVELS);
  if (!sameJson(JSON.parse(json), outcome)) expect(JSON.parse(json)).toEqual(outcome);
}

function levels(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(levels));
}

/** Nothing was lost or changed: no undefined, NaN, -0, Date, Map, BigInt. */
function sameJson(parsed: unknown, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return Object.is(parsed, value);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed) !== Array.isArray(value)) return false;
  const [keys, others] = [Object.entries(parsed), new Map(Object.entries(value))];
  return keys.length === others.size && keys.every(([key, one]) => others.has(key) && sameJson(one, others.get(key)));
}

describe(`${CASES} inputs each`, () => {
  test('CBOR', () => fuzz(cbor, decodeCbor, 0.02), TIMEOUT_MS);
  test('MessagePack', () => fuzz(msgpack, decodeMsgpack, 0.02), TIMEOUT_MS);
  test(
    'Sparkplug B',
    () => fuzz(damaged(sparkplug), (input) => decodeSparkplug(input, TOPICS[0] ?? ''), 0.1),
    TIMEOUT_MS,
  );

  test(
    'gzip and zlib',
    () => {
      const unpack = (input: Buffer) => {
        const outcome = inflate(input, createAllowance(Number.POSITIVE_INFINITY));
        return outcome && 'bytes' in outcome ? { format: outcome.format, size: outcome.bytes.length } : outcome;
      };
      return fuzz(damaged(compressed), unpack, 0.1);
    },
    TIMEOUT_MS,
  );

  test(
    'files by signature',
    () => {
      return fuzz(files, (input) => signatureOf(input) ?? formatOfText(input.toString('latin1')), 0.1);
    },
    TIMEOUT_MS,
  );

  test(
    'any of them, whole or cut, on any topic, and what reads the outcome',
    () => {
      const anything = fc.oneof(cbor, msgpack, damaged(sparkplug), damaged(compressed), files);
      let turn = 0;
      const decoder = (input: Buffer) => {
        const topic = TOPICS[turn++ % TOPICS.length] ?? '';
        const outcome = decodePayload(input, input.length + (turn % 7 === 0 ? 1 : 0), topic);
        severityOf({ topic, ...outcome });
        shapeOf(outcome.payload, outcome.payload_type);
        return outcome;
      };
      return fuzz(anything, decoder, 0.99);
    },
    TIMEOUT_MS,
  );
});
