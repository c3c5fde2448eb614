// Owns gzip (RFC 1952) and zlib (RFC 1950): what is compressed, and how large it may become. The only import of node:zlib.
import { gunzipSync, inflateSync } from 'node:zlib';
import { type Allowance, createAllowance } from './allowance.ts';

/** Bytes out of one payload, whatever its size: what a payload may have at all. */
const MAX_OUTPUT = 1024 * 1024;
/** Bytes out for each byte in, of more than MIN_OUTPUT. Telemetry shrinks 3 to 30 times, a bomb 1,000 times. */
const MAX_RATIO = 64;
const MIN_OUTPUT = 32 * 1024;
/** Bytes out in any second: a tenth of it, or so, is spent on them. Stops a flood of small bombs. */
const MAX_OUTPUT_A_SECOND = 64 * 1024 * 1024;
const shared = createAllowance(MAX_OUTPUT_A_SECOND);
/** Bytes of a gzip header and trailer, and of zlib's. */
const GZIP_FRAME = 18;
const ZLIB_FRAME = 6;
/** The most that deflate can do, rounded up: a length beyond it is no length. */
const DEFLATE_RATIO = 1100;

export type Inflated =
  | { format: 'gzip' | 'zlib'; bytes: Buffer }
  /** It is compressed, but stays so. */
  | { format: 'gzip' | 'zlib'; why: string };

/** undefined: not compressed, as far as its first bytes tell; or a zlib header, of two bytes only, before no such data. */
export function inflate(bytes: Buffer, allowance = shared): Inflated | undefined {
  if (isGzip(bytes)) return gunzip(bytes, allowance);
  if (!isZlib(bytes)) return undefined;
  const outcome = attempt(inflateSync, bytes, allowance);
  return outcome === 'damaged' ? undefined : named('zlib', bytes, outcome);
}

export function isGzip(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8;
}

function gunzip(bytes: Buffer, allowance: Allowance): Inflated {
  if (bytes.length < GZIP_FRAME) return { format: 'gzip', why: 'damaged' };
  // The trailer tells the length: a bomb that is honest is not even begun.
  const declared = bytes.readUInt32LE(bytes.length - 4);
  if (declared > limitFor(bytes) && declared <= bytes.length * DEFLATE_RATIO) return tooLarge('gzip', bytes);
  return named('gzip', bytes, attempt(gunzipSync, bytes, allowance));
}

/** CMF and FLG: deflate, a window of at most 32 KiB, a check that fits, and no dictionary that we would not have. */
function isZlib(bytes: Buffer): boolean {
  if (bytes.length <= ZLIB_FRAME) return false;
  const cmf = bytes[0] ?? 0;
  const flags = bytes[1] ?? 0;
  return (cmf & 0x0f) === 8 && cmf >> 4 <= 7 && (cmf * 256 + flags) % 31 === 0 && (flags & 0x20) === 0;
}

function limitFor(bytes: Buffer): number {
  return Math.min(MAX_OUTPUT, Math.max(MIN_OUTPUT, bytes.length * MAX_RATIO));
}

function tooLarge(format: 'gzip' | 'zlib', bytes: Buffer): Inflated {
  return { format, why: `not unpacked: larger than ${Math.floor(limitFor(bytes) / 1024)} KiB` };
}

type Outcome = Buffer | 'large' | 'damaged' | 'later';

function named(format: 'gzip' | 'zlib', bytes: Buffer, outcome: Outcome): Inflated {
  if (outcome === 'large') return tooLarge(format, bytes);
  if (outcome === 'later') return { format, why: 'not unpacked: too much came at once' };
  return outcome === 'damaged' ? { format, why: 'damaged' } : { format, bytes: outcome };
}

function attempt(unpack: typeof gunzipSync, bytes: Buffer, allowance: Allowance): Outcome {
  if (!allowance.left) return 'later';
  const maxOutputLength = limitFor(bytes);
  try {
    const outcome = unpack(bytes, { maxOutputLength });
    allowance.spend(outcome.length);
    return outcome;
  } catch (error) {
    allowance.spend(maxOutputLength);
    return error instanceof RangeError ? 'large' : 'damaged';
  }
}
