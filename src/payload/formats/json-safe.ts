// Owns the JSON form of what a decoder returns: no BigInt, Map, Date or bytes is left. Must not know which decoder.
import { isExactNumber } from '../json-scan.ts';
import { isList } from '../types.ts';

/** Digits of an integer beyond 64 bits are counted up to here: printing grows faster than its length. */
const MAX_INTEGER_BYTES = 64;

/**
 * - A 64-bit integer is a number while a double holds it, else a string of its digits, as in JSON payloads.
 * - NaN, Infinity and -Infinity are strings of that name; undefined is null.
 * - Bytes are base64; a Date is ISO 8601, null where there is no such date.
 * - A key that is no text becomes one: a number by its digits, bytes as base64, anything else as its JSON.
 * - `shortFloats`: the floating point numbers had 32 bits; they get the digits that a 32-bit number needs.
 *
 * Recurses: the scans in front of it bound the depth.
 */
export function jsonSafe(value: unknown, shortFloats = false): unknown {
  if (typeof value === 'number') return safeNumber(value, shortFloats);
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'bigint') return safeInteger(value);
  if (typeof value !== 'object' || value === null) return null;
  if (isList(value)) return value.map((one) => jsonSafe(one, shortFloats));
  if (value instanceof Uint8Array) return base64(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  return Object.fromEntries(entries.map(([key, one]) => [keyText(key), jsonSafe(one, shortFloats)]));
}

/** A key that is no text. */
export function keyText(key: unknown): string {
  if (typeof key === 'string') return key;
  const safe = jsonSafe(key);
  return typeof safe === 'object' ? JSON.stringify(safe) : String(safe);
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

export function safeInteger(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

/** An integer of any length, most significant byte first. Bytes where it is longer than anyone reads. */
export function bigInteger(bytes: Uint8Array): bigint | Uint8Array {
  if (bytes.length > MAX_INTEGER_BYTES) return bytes;
  return BigInt(`0x0${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`);
}

/** mantissa × 10^exponent: a number where a double holds it, else its digits. */
export function decimal(exponent: number, mantissa: number | bigint): number | string {
  const literal = `${mantissa}e${exponent}`;
  return isExactNumber(literal) ? Number(literal) : literal;
}

/** The shortest decimal that is the same 32-bit number: 21.3, not 21.299999237060547. */
export function shortFloat(value: number): number {
  for (let digits = 6; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}

function safeNumber(value: number, shortFloats: boolean): number | string {
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return 0;
  return shortFloats ? shortFloat(value) : value;
}
