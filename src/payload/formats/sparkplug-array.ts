// Owns the arrays of Sparkplug 3.0 (6.4.15): numbers, truths or texts packed into bytes, least significant byte first.
import { safeInteger, shortFloat } from './json-safe.ts';

/** Elements read of one payload; what is more stays base64. Stops a megabyte of bits from becoming 50 MB of truths. */
export const MAX_ELEMENTS = 100_000;

/** How many more. */
export type Room = { left: number };

type Element = { width: number; at(view: DataView, offset: number): unknown };

const ELEMENTS: ReadonlyMap<unknown, Element> = new Map<unknown, Element>([
  ['Int8Array', { width: 1, at: (view, i) => view.getInt8(i) }],
  ['Int16Array', { width: 2, at: (view, i) => view.getInt16(i, true) }],
  ['Int32Array', { width: 4, at: (view, i) => view.getInt32(i, true) }],
  ['Int64Array', { width: 8, at: (view, i) => safeInteger(view.getBigInt64(i, true)) }],
  ['UInt8Array', { width: 1, at: (view, i) => view.getUint8(i) }],
  ['UInt16Array', { width: 2, at: (view, i) => view.getUint16(i, true) }],
  ['UInt32Array', { width: 4, at: (view, i) => view.getUint32(i, true) }],
  ['UInt64Array', { width: 8, at: (view, i) => safeInteger(view.getBigUint64(i, true)) }],
  ['FloatArray', { width: 4, at: (view, i) => printable(view.getFloat32(i, true), shortFloat) }],
  ['DoubleArray', { width: 8, at: (view, i) => printable(view.getFloat64(i, true), (value) => value) }],
  ['DateTimeArray', { width: 8, at: (view, i) => safeInteger(view.getBigInt64(i, true)) }],
]);

/** undefined: no array, or not as its datatype says. */
export function arrayOf(bytes: Uint8Array, datatype: unknown, room: Room): unknown[] | undefined {
  const elements = elementsOf(bytes, datatype, room.left);
  room.left -= elements?.length ?? 0;
  return elements;
}

function elementsOf(bytes: Uint8Array, datatype: unknown, most: number): unknown[] | undefined {
  if (datatype === 'BooleanArray') return booleans(bytes, most);
  if (datatype === 'StringArray') return texts(bytes, most);
  const element = ELEMENTS.get(datatype);
  if (element === undefined || bytes.length % element.width !== 0) return undefined;
  const length = bytes.length / element.width;
  if (length > most) return undefined;
  const view = viewOf(bytes);
  return Array.from({ length }, (_, i) => element.at(view, i * element.width));
}

/** A count of four bytes, then a bit each, the highest first. */
function booleans(bytes: Uint8Array, most: number): boolean[] | undefined {
  if (bytes.length < 4) return undefined;
  const length = viewOf(bytes).getUint32(0, true);
  if (length > most || Math.ceil(length / 8) !== bytes.length - 4) return undefined;
  return Array.from({ length }, (_, i) => (((bytes[4 + (i >> 3)] ?? 0) >> (7 - (i & 7))) & 1) === 1);
}

/** Each ends in a zero byte. */
function texts(bytes: Uint8Array, most: number): string[] | undefined {
  if (bytes.length > 0 && bytes.at(-1) !== 0) return undefined;
  const parts = new TextDecoder().decode(bytes).split('\0', most + 2);
  return parts.length > most + 1 ? undefined : parts.slice(0, -1);
}

function printable(value: number, short: (value: number) => number): number | string {
  return Number.isFinite(value) ? short(value) : String(value);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
