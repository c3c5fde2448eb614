// Owns the step from payload bytes to what an assistant reads: text here, everything else in formats/, which is loaded
// apart. Never throws. Must not know what a payload means.

import { asText, decodeText, type Reading, utf8 } from './text.ts';
import type { Decoded } from './types.ts';

/** What is known of bytes that are no text. */
type Formats = typeof import('./formats/unpack.ts');
let formats: Formats | undefined;

/**
 * Loads what knows the other formats: 5 ms of three libraries, which a start does not have. Whoever connects to a broker
 * waits for it; until then what is no text is plain binary.
 */
export async function loadFormats(): Promise<void> {
  formats = await import('./formats/unpack.ts');
}

/**
 * Decodes a payload of `size` bytes of which `bytes` were kept. `topic` matters for Sparkplug B alone.
 *
 * - empty: `""`. All UTF-8 is text unless it is JSON (RFC 8259) as a whole, where white space around it and a byte order
 *   mark before it are allowed. Text always wins: it is never taken for CBOR, MessagePack or a compressed payload. The
 *   two exceptions are no text to the eye either: Sparkplug's bytes on a Sparkplug topic, and a text with U+0000 in it
 *   that begins as a binary file does.
 * - An object, an array, a quoted string (without its quotes) and null are json; `true` and `false` are boolean.
 * - A number that a double would change (an integer beyond 2^53 - 1, too many digits, 1e999) is never changed: alone
 *   it is text, within JSON it becomes a string of its digits, as protobuf's JSON mapping does with 64-bit integers.
 *   Who compares types and ranges, not digits, asks for the `nearest` double: there it stays a number.
 * - Deeper than 64 levels is text. A `__proto__` key is own data. Of equal keys the last wins, as in JSON.parse.
 * - Not UTF-8: what formats/unpack.ts makes of it, with its payload_format; else base64, binary.
 * - Fewer bytes than `size`: the beginning as text, cut between characters, or as base64; payload_truncated.
 */
export function decodePayload(bytes: Buffer, size: number, topic = '', reading: Reading = 'exact'): Decoded {
  if (bytes.length < size) return decodeHead(bytes);
  if (bytes.length === 0) return { payload: '', payload_type: 'empty' };
  if (topic.startsWith('spBv1.0/')) {
    const decoded = formats?.unpackSparkplug(bytes, topic);
    if (decoded !== undefined) return decoded;
  }
  const text = utf8(bytes);
  if (text === undefined) return formats?.unpack(bytes) ?? binary(bytes);
  const decoded = decodeText(text, reading);
  return decoded.payload_type === 'text' ? nameText(decoded, text, bytes) : decoded;
}

function nameText(decoded: Decoded, text: string, bytes: Buffer): Decoded {
  if (text.includes('\0')) return formats?.unpackSigned(bytes) ?? decoded;
  const format = formats?.formatOfText(text);
  return format === undefined ? decoded : { ...decoded, payload_format: format };
}

/** The kept beginning of a larger payload. */
function decodeHead(bytes: Buffer): Decoded {
  const text = utf8(bytes.subarray(0, wholeCharacters(bytes)));
  if (text !== undefined) return { ...asText(text), payload_truncated: true };
  const whole = bytes.subarray(0, bytes.length - (bytes.length % 3));
  return { ...binary(whole), ...formats?.signatureOf(bytes), payload_truncated: true };
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

function binary(bytes: Buffer): Decoded {
  return { payload: bytes.toString('base64'), payload_type: 'binary', payload_encoding: 'base64' };
}
