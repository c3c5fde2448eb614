// Owns the reading of a text: JSON, a number, a boolean, or the text itself. Linear, never throws.
// Must not know topics, bytes that are no text, or what a payload means.

import { isExactNumber, quoteLossy, scanJson } from './json-scan.ts';
import type { Decoded } from './types.ts';

const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** undefined: not UTF-8. A replacement character is the one sign of it, and the sender may have meant that character. */
export function utf8(bytes: Buffer): string | undefined {
  const text = bytes.toString('utf8');
  if (!text.includes('\ufffd')) return text;
  return Buffer.from(text, 'utf8').equals(bytes) ? text : undefined;
}

/** exact: a number that a double would change is no number; nearest: it is the nearest double. See decodePayload. */
export type Reading = 'exact' | 'nearest';

/** See decodePayload. */
export function decodeText(text: string, reading: Reading = 'exact'): Decoded {
  const json = trimJson(text);
  switch (json.charCodeAt(0)) {
    case 0x7b: // {
      return json.endsWith('}') ? decodeJson(json, text, reading) : asText(text);
    case 0x5b: // [
      return json.endsWith(']') ? decodeJson(json, text, reading) : asText(text);
    case 0x22: // "
      return json.length > 1 && json.endsWith('"') ? decodeJson(json, text, reading) : asText(text);
    case 0x74: // t
      return json === 'true' ? { payload: true, payload_type: 'boolean' } : asText(text);
    case 0x66: // f
      return json === 'false' ? { payload: false, payload_type: 'boolean' } : asText(text);
    case 0x6e: // n
      return json === 'null' ? { payload: null, payload_type: 'json' } : asText(text);
    default:
      return decodeNumber(json, text, reading);
  }
}

export function asText(text: string): Decoded {
  return { payload: text, payload_type: 'text' };
}

function decodeNumber(json: string, text: string, reading: Reading): Decoded {
  if (!JSON_NUMBER.test(json) || !kept(json, reading)) return asText(text);
  const value = Number(json);
  return { payload: value === 0 ? 0 : value, payload_type: 'number' }; // -0 would be written as 0 anyway
}

/** 1e999 has no nearest double. */
function kept(literal: string, reading: Reading): boolean {
  return reading === 'exact' ? isExactNumber(literal) : Number.isFinite(Number(literal));
}

function decodeJson(json: string, text: string, reading: Reading): Decoded {
  const scan = scanJson(json);
  if (scan.tooDeep) return asText(text);
  const parsed = parse(json);
  if (parsed === undefined) return asText(text);
  const exact = quoteLossy(json, scan.literals, (literal) => kept(literal, reading));
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
