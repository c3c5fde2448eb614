// Owns the look at MessagePack (msgpack.org, spec.md) before a library decodes it: well-formed, shallow, and no length
// beyond the bytes that are there.
import { Scan } from './scan.ts';

/** undefined: it is not one MessagePack value from the first byte to the last, or more than is decoded. */
export function scanMsgpack(bytes: Buffer): Scan | undefined {
  const scan = new Scan(false);
  let pos = 0;
  while (pos < bytes.length && !scan.done) {
    if (!scan.begin()) return undefined;
    const end = valueAt(scan, bytes, pos);
    if (end === undefined) return undefined;
    pos = end;
  }
  return scan.done && pos === bytes.length ? scan : undefined;
}

/** Where the value ends, undefined: it is not sound. */
function valueAt(scan: Scan, bytes: Buffer, pos: number): number | undefined {
  const byte = bytes[pos] ?? 0;
  const at = pos + 1;
  if (byte < 0x80 || byte >= 0xe0) return through(scan, bytes, at);
  if (byte < 0x90) return opened(scan, bytes, true, byte & 15, at);
  if (byte < 0xa0) return opened(scan, bytes, false, byte & 15, at);
  if (byte < 0xc0) return text(scan, bytes, byte & 31, at);
  if (byte >= 0xd9) return sized(scan, bytes, byte, at);
  if (byte >= 0xc4 && byte <= 0xc9) return binary(scan, bytes, byte, at);
  const width = WIDTHS[byte - 0xc0];
  if (width === undefined) return undefined;
  if (at + width > bytes.length) return undefined;
  if (byte === 0xca || byte === 0xcb) scan.float(byte === 0xca ? 32 : 64);
  else if (byte <= 0xc3) scan.word();
  else scan.plain();
  return at + width;
}

/** Bytes behind c0 to d8; undefined: never used, or its length is written behind it. */
const WIDTHS: readonly (number | undefined)[] = [
  ...[0, undefined, 0, 0], // nil, never used, false, true
  ...[undefined, undefined, undefined, undefined, undefined, undefined], // bin, ext
  ...[4, 8, 1, 2, 4, 8, 1, 2, 4, 8], // float, uint, int
  ...[2, 3, 5, 9, 17], // fixext, with its type
];

/** str, array and map with a length of 8, 16 or 32 bits. */
function sized(scan: Scan, bytes: Buffer, byte: number, at: number): number | undefined {
  const width = byte === 0xd9 ? 1 : byte === 0xda || byte === 0xdc || byte === 0xde ? 2 : 4;
  const length = lengthAt(bytes, at, width);
  if (length === undefined) return undefined;
  if (byte <= 0xdb) return text(scan, bytes, length, at + width);
  return opened(scan, bytes, byte >= 0xde, length, at + width);
}

/** bin c4 to c6, ext c7 to c9, whose length does not count the byte of its type. */
function binary(scan: Scan, bytes: Buffer, byte: number, at: number): number | undefined {
  const isExt = byte >= 0xc7;
  const width = 1 << (byte - (isExt ? 0xc7 : 0xc4));
  const length = lengthAt(bytes, at, width);
  return length === undefined ? undefined : through(scan, bytes, at + width + length + (isExt ? 1 : 0));
}

function lengthAt(bytes: Buffer, at: number, width: number): number | undefined {
  return at + width <= bytes.length ? bytes.readUIntBE(at, width) : undefined;
}

function text(scan: Scan, bytes: Buffer, length: number, at: number): number | undefined {
  const end = at + length;
  return end <= bytes.length && scan.text(bytes.subarray(at, end)) ? end : undefined;
}

function opened(scan: Scan, bytes: Buffer, isMap: boolean, count: number, at: number): number | undefined {
  return scan.open(isMap, isMap ? count * 2 : count, bytes.length - at) ? at : undefined;
}

function through(scan: Scan, bytes: Buffer, end: number): number | undefined {
  if (end > bytes.length) return undefined;
  scan.plain();
  return end;
}
