// Owns CBOR (RFC 8949): scanned here, decoded by cborg, whose only import this is.
import { decode } from 'cborg';
import { isList } from '../types.ts';
import { scanCbor } from './cbor-scan.ts';
import { bigInteger, decimal, jsonSafe } from './json-safe.ts';

/** Bytes of a CBOR item that says what it is (RFC 8949, 3.4.6). */
const SELF_DESCRIBED = 55799;

/**
 * JSON-safe, undefined where the payload is no CBOR or does not look meant. Tags: 0 stays its text, 1 is ISO 8601, 2 and
 * 3 are integers, 4 is a number; any other leaves what it tags. Strings of indefinite length are not decoded.
 */
export function decodeCbor(bytes: Buffer): unknown {
  const first = bytes[0] ?? 0;
  if (first < 0x80 || (first > 0xbf && first !== 0xd9)) return undefined;
  const scanned = scanCbor(bytes);
  if (scanned === undefined) return undefined;
  const { scan, tags, selfDescribed } = scanned;
  if (first === 0xd9 ? !selfDescribed : !scan.looksMeant()) return undefined;
  try {
    const value: unknown = decode(bytes, { useMaps: true, tags: handlersOf(tags) });
    return jsonSafe(value, scan.floats32 > 0 && scan.floats64 === 0);
  } catch {
    return undefined;
  }
}

type TagHandler = (content: () => unknown) => unknown;

function handlersOf(tags: ReadonlySet<number>): Record<number, TagHandler> {
  const handlers: Record<number, TagHandler> = {};
  for (const tag of tags) handlers[tag] = TAGS.get(tag) ?? ((content) => content());
  return handlers;
}

const TAGS: ReadonlyMap<number, TagHandler> = new Map<number, TagHandler>([
  [SELF_DESCRIBED, (content) => content()],
  [1, (content) => dateOf(content())],
  [2, (content) => integerOf(content(), (value) => value)],
  [3, (content) => integerOf(content(), (value) => -1n - value)],
  [4, (content) => decimalOf(content())],
]);

function dateOf(seconds: unknown): unknown {
  return typeof seconds === 'number' ? new Date(seconds * 1000) : seconds;
}

function integerOf(content: unknown, of: (value: bigint) => bigint): unknown {
  if (!(content instanceof Uint8Array)) return content;
  const value = bigInteger(content);
  return typeof value === 'bigint' ? of(value) : value;
}

/** Longer mantissas than a 64-bit integer's stay as they are. */
function decimalOf(content: unknown): unknown {
  if (!isList(content) || content.length !== 2) return content;
  const [exponent, mantissa] = content;
  const isNumber = typeof mantissa === 'bigint' || Number.isSafeInteger(mantissa);
  if (!Number.isSafeInteger(exponent) || !isNumber) return content;
  return decimal(Number(exponent), BigInt(String(mantissa)));
}
