import fc from 'fast-check';
import { expect, test } from 'vitest';
import { suspicious } from '../../src/payload/suspicious.ts';
import { type Wording, Wordings } from '../../src/payload/wordings.ts';
import { corpus } from './corpus.ts';

/** The slow definition. */
const plain = (payload: Buffer) => payload.toString('latin1').replace(/[\d.]+/g, '#');
const mayBeKept = (payload: Buffer) => !payload.includes(0x5c);

/** What `has` says of the second payload once the first is remembered. */
function has(first: Buffer, second: Buffer): boolean {
  const wordings = new Wordings();
  const known: Wording[] = [];
  wordings.add(known, first);
  // At an odd place of a larger buffer, as payloads lie in what came out of a socket.
  const chunk = Buffer.concat([Buffer.from('7.x'), second, Buffer.from('.7')]);
  return wordings.has(known, chunk.subarray(3, 3 + second.length));
}

const few = fc.string({ unit: fc.constantFrom('1', '2', '.', 'a', '"', '{', '\\', 'é'), maxLength: 14 });
const pieces = fc.array(fc.constantFrom('"v":', '1', '22', '3.5', '.', 'fault', ' no', ',', 'ok":', 'x'), {
  maxLength: 9,
});
const payloads = fc
  .oneof(
    few,
    pieces.map((list) => list.join('')),
  )
  .map((text) => Buffer.from(text));
/** Alike more often than not: one with its numbers changed. */
const pairs = fc.oneof(
  fc.tuple(payloads, payloads),
  payloads.chain((one) =>
    fc
      .array(fc.constantFrom('1', '9', '12', '', '3.25'), { minLength: 1, maxLength: 4 })
      .map((numbers): [Buffer, Buffer] => {
        let next = 0;
        const text = one.toString('latin1').replace(/[\d.]+/g, () => numbers[next++ % numbers.length] ?? '');
        return [one, Buffer.from(text, 'latin1')];
      }),
  ),
);

test('two payloads are alike exactly where they are the same but for their numbers', () => {
  fc.assert(
    fc.property(pairs, ([first, second]) => {
      expect(has(first, second)).toBe(mayBeKept(first) && plain(first) === plain(second));
    }),
    { numRuns: 5_000 },
  );
});

test('what is alike is suspicious alike: a harmless one vouches for no trouble', () => {
  const examples = corpus().map(({ bytes }) => bytes);
  const changed = fc.tuple(fc.constantFrom(...examples), fc.constantFrom('0', '7', '12', '0.5', ''), fc.nat(60));
  fc.assert(
    fc.property(changed, ([bytes, digits, at]) => {
      const text = bytes.toString('latin1');
      const other = Buffer.from(
        at < text.length && at % 2 === 0
          ? text.slice(0, at) + digits + text.slice(at)
          : text.replace(/[\d.]+/g, digits),
        'latin1',
      );
      for (const [one, another] of [
        [bytes, other],
        [other, bytes],
      ] as const) {
        if (has(one, another)) expect(suspicious(another)).toBe(suspicious(one));
      }
    }),
    { numRuns: 5_000 },
  );
});

test('several wordings of one topic, in any order -> all known; those of another topic are not', () => {
  const wordings = new Wordings();
  const [one, other]: [Wording[], Wording[]] = [[], []];
  const texts = Array.from({ length: 8 }, (_, i) => Buffer.from(`{"${'k'.repeat(i * 500)}":1}`));
  for (const text of texts) wordings.add(one, text);
  wordings.add(other, Buffer.from('on'));
  for (const text of [...texts, ...texts.toReversed()]) {
    expect(wordings.has(one, text)).toBe(true);
    expect(wordings.has(other, text)).toBe(false);
  }
});

test('ever new wordings -> what is remembered is bounded', () => {
  const wordings = new Wordings();
  let remembered = 0;
  for (let topic = 0; topic < 1_000; topic += 1) {
    const known: Wording[] = [];
    for (let i = 0; i < 20; i += 1) wordings.add(known, Buffer.alloc(4_000, 0x61 + i));
    wordings.add(known, Buffer.alloc(5_000, 0x78));
    remembered += known.reduce((sum, { start, end }) => sum + end - start, 0);
    expect(known.length).toBeLessThanOrEqual(8);
  }
  expect(remembered).toBeGreaterThan(1024 * 1024);
  expect(remembered).toBeLessThanOrEqual(4 * 1024 * 1024);
});
