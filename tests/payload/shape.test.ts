import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodePayload } from '../../src/payload/decode.ts';
import { isNewShape, shapeOf, trackShapes } from '../../src/payload/shape.ts';

function shape(text: string): string {
  const { payload, payload_type: type } = decodePayload(Buffer.from(text), Buffer.byteLength(text));
  return shapeOf(payload, type);
}

test.each([
  ['', 'empty'],
  ['21.5', 'number'],
  ['true', 'boolean'],
  ['hello', 'text'],
  ['"hello"', 'string'],
  ['null', 'null'],
  ['{"b":1,"a":"x"}', '{a:string,b:number}'],
  ['{"a":{"c":null,"b":true}}', '{a:{b:boolean,c:null}}'],
  ['[1,2,"x",3]', '[number|string]'],
  ['[]', '[]'],
  ['[{"a":1},{"a":2},{"a":"x"}]', '[{a:number}|{a:string}]'],
  ['{"a b":1,"__proto__":2}', '{__proto__:number,"a b":number}'],
])('%s has the shape %s', (text, expected) => {
  expect(shape(text)).toBe(expected);
});

test('values and the order of keys do not matter, structure does', () => {
  expect(shape('{"a":1,"b":"x"}')).toBe(shape('{"b":"y","a":2.5}'));
  expect(shape('{"a":1}')).not.toBe(shape('{"a":"1"}'));
  expect(shape('{"a":1}')).not.toBe(shape('{"a":null}'));
});

test('bounded: wide, long and deep payloads have short shapes that still differ', () => {
  const wide = (type: string) =>
    `{${Array.from({ length: 120 }, (_, i) => `"key number ${i}":${i === 119 ? type : 1}`).join()}}`;
  expect(shape(wide('1')).length).toBeLessThan(1100);
  expect(shape(wide('1'))).not.toBe(shape(wide('"x"')));
  expect(shape(`{"${'k'.repeat(100_000)}":1}`).length).toBeLessThan(200);
  expect(shape('['.repeat(60) + ']'.repeat(60))).toBe('[[[[[[[[[…]]]]]]]]]');
});

test('property: any JSON has a shape, white space has no part in it', () => {
  fc.assert(fc.property(fc.json(), (text) => shape(text) !== '' && shape(text) === shape(` ${text} `)));
});

test('isNewShape: new once, and nothing is new past the limit', () => {
  const seen = trackShapes(2);
  expect(['a', 'a', 'b', 'c', 'c', 'a'].map((name) => isNewShape(seen, name))).toEqual([
    true,
    false,
    true,
    false,
    false,
    false,
  ]);
  expect(seen.overflowed).toBe(true);
});
