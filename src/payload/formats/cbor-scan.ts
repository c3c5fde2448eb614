// Owns the look at CBOR (RFC 8949) before a library decodes it: well-formed, shallow, and no length beyond the bytes
// that are there.
import { MAX_DEPTH, Scan } from './scan.ts';

/** Different tags of one payload. */
const MAX_TAGS = 32;
const BREAK = 0xff;
const INDEFINITE = Number.POSITIVE_INFINITY;

export type CborScan = { scan: Scan; tags: Set<number>; selfDescribed: boolean };

/** undefined: it is not one CBOR item from the first byte to the last, or more than is decoded. */
export function scanCbor(bytes: Buffer): CborScan | undefined {
  const scan = new Scan(true);
  const tags = new Set<number>();
  let pos = 0;
  let tagsInARow = 0;
  while (pos < bytes.length && !scan.done) {
    const byte = bytes[pos] ?? 0;
    if (byte === BREAK) {
      if (tagsInARow > 0 || !scan.close()) return undefined;
      pos++;
      continue;
    }
    const argument = argumentAt(bytes, pos);
    if (argument === undefined) return undefined;
    pos = argument.end;
    if (byte >> 5 === 6) {
      tags.add(argument.value);
      // A tag is a level for whoever recurses, and nothing ends a chain of them but a value.
      if (++tagsInARow > MAX_TAGS_IN_A_ROW || tags.size > MAX_TAGS) return undefined;
      continue;
    }
    tagsInARow = 0;
    const end = itemAt(scan, bytes, byte, argument);
    if (end === undefined) return undefined;
    pos = end;
  }
  const selfDescribed = bytes[0] === 0xd9 && bytes[1] === 0xd9 && bytes[2] === 0xf7;
  return scan.done && pos === bytes.length ? { scan, tags, selfDescribed } : undefined;
}

/** Together with MAX_DEPTH arrays a few hundred calls deep, where a stack has thousands. */
const MAX_TAGS_IN_A_ROW = MAX_DEPTH / 16;

type Argument = { value: number; end: number };

/** What stands in the first byte or behind it (RFC 8949, 3): a number, a length, a count. */
function argumentAt(bytes: Buffer, pos: number): Argument | undefined {
  const byte = bytes[pos] ?? 0;
  const minor = byte & 31;
  const at = pos + 1;
  if (minor < 24) return { value: minor, end: at };
  if (minor === 31) return byte === 0x9f || byte === 0xbf ? { value: INDEFINITE, end: at } : undefined;
  if (minor > 27) return undefined;
  const width = 1 << (minor - 24);
  if (width > bytes.length - at) return undefined;
  if (width === 1) return { value: bytes[at] ?? 0, end: at + 1 };
  if (width === 2) return { value: bytes.readUInt16BE(at), end: at + 2 };
  if (width === 4) return { value: bytes.readUInt32BE(at), end: at + 4 };
  return { value: bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4), end: at + 8 };
}

/** Where the item ends, undefined: it is not sound. */
function itemAt(scan: Scan, bytes: Buffer, byte: number, { value, end }: Argument): number | undefined {
  if (!scan.begin()) return undefined;
  const room = bytes.length - end;
  switch (byte >> 5) {
    case 0:
    case 1:
      scan.integer(byte < 0x20 ? value : -1 - value);
      return end;
    case 2:
      if (value > room) return undefined;
      scan.plain();
      return end + value;
    case 3:
      return value <= room && scan.text(bytes.subarray(end, end + value)) ? end + value : undefined;
    case 4:
      return scan.open(false, value, room) ? end : undefined;
    case 5:
      return scan.open(true, value * 2, room) ? end : undefined;
    default:
      return simpleValue(scan, byte) ? end : undefined;
  }
}

/** false, true, null, undefined and floating point numbers; there are no others (RFC 8949, 3.3). */
function simpleValue(scan: Scan, byte: number): boolean {
  const minor = byte & 31;
  if (minor < 20 || minor === 24) return false;
  if (minor < 24) scan.word();
  else scan.float(minor === 27 ? 64 : 32);
  return true;
}
