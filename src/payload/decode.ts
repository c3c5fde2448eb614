// Owns the step from payload bytes to what an assistant reads. Never throws, linear in the bytes.
// Must not know topics or what a payload means.

import { isExactNumber, quoteLossy, scanJson } from './json-scan.ts';
import type { Decoded } from './types.ts';

const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/**
 * Decodes a payload of `size` bytes of which `bytes` were kept.
 *
 * - empty: `""`. Not UTF-8: base64, binary. All other UTF-8 is text unless it is JSON (RFC 8259) as a whole, where
 *   white space around it and a byte order mark before it are allowed.
 * - An object, an array, a quoted string (without its quotes) and null are json; `true` and `false` are boolean.
 * - A number that a double would change (an integer beyond 2^53 - 1, too many digits, 1e999) is never changed: alone
 *   it is text, within JSON it becomes a string of its digits, as protobuf's JSON mapping does with 64-bit integers.
 * - Deeper than 64 levels is text. A `__proto__` key is own data. Of equal keys the last wins, as in JSON.parse.
 * - Fewer bytes than `size`: the beginning as text, cut between characters, or as base64; payload_truncated.
 */
export function decodePayload(bytes: Buffer, size: number): Decoded {
  if (bytes.length < size) return decodeHead(bytes);
  if (bytes.length === 0) return { payload: '', payload_type: 'empty' };
  const text = utf8(bytes);
  return text === undefined ? binary(bytes) : decodeText(text);
}

function decodeText(text: string): Decoded {
  const json = trimJson(text);
  switch (json.charCodeAt(0)) {
    case 0x7b: // {
      return json.endsWith('}') ? decodeJson(json, text) : asText(text);
    case 0x5b: // [
      return json.endsWith(']') ? decodeJson(json, text) : asText(text);
    case 0x22: // "
      return json.length > 1 && json.endsWith('"') ? decodeJson(json, text) : asText(text);
    case 0x74: // t
      return json === 'true' ? { payload: true, payload_type: 'boolean' } : asText(text);
    case 0x66: // f
      return json === 'false' ? { payload: false, payload_type: 'boolean' } : asText(text);
    case 0x6e: // n
      return json === 'null' ? { payload: null, payload_type: 'json' } : asText(text);
    default:
      return decodeNumber(json, text);
  }
}

function decodeNumber(json: string, text: string): Decoded {
  if (!JSON_NUMBER.test(json) || !isExactNumber(json)) return asText(text);
  const value = Number(json);
  return { payload: value === 0 ? 0 : value, payload_type: 'number' }; // -0 would be written as 0 anyway
}

function decodeJson(json: string, text: string): Decoded {
  const scan = scanJson(json);
  if (scan.tooDeep) return asText(text);
  const parsed = parse(json);
  if (parsed === undefined) return asText(text);
  const exact = quoteLossy(json, scan.literals);
  return { payload: exact === json ? parsed : parse(exact), payload_type: 'json' };
}

function parse(json: string): unknown {
  try {
    const value: unknown = JSON.parse(json);
    return value;
  } catch {
    return undefined;
  }
}

/** The kept beginning of a larger payload. */
function decodeHead(bytes: Buffer): Decoded {
  const text = utf8(bytes.subarray(0, wholeCharacters(bytes)));
  const head = text === undefined ? binary(bytes.subarray(0, bytes.length - (bytes.length % 3))) : asText(text);
  return { ...head, payload_truncated: true };
}

/** The length without a character that the end cuts in two. */
function wholeCharacters(bytes: Buffer): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

/** undefined: not UTF-8. A replacement character is the one sign of it, and the sender may have meant that character. */
function utf8(bytes: Buffer): string | undefined {
  const text = bytes.toString('utf8');
  if (!text.includes('\ufffd')) return text;
  return Buffer.from(text, 'utf8').equals(bytes) ? text : undefined;
}

/** Without a byte order mark and without JSON's white space around it. */
function trimJson(text: string): string {
  let start = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  let end = text.length;
  while (start < end && isJsonSpace(text.charCodeAt(start))) start++;
  while (end > start && isJsonSpace(text.charCodeAt(end - 1))) end--;
  return end - start === text.length ? text : text.slice(start, end);
}

function isJsonSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

function asText(text: string): Decoded {
  return { payload: text, payload_type: 'text' };
}

function binary(bytes: Buffer): Decoded {
  return { payload: bytes.toString('base64'), payload_type: 'binary', payload_encoding: 'base64' };
}
