// Owns MessagePack (msgpack.org, spec.md): scanned here, decoded by @msgpack/msgpack, whose only import this is.
import { decode } from '@msgpack/msgpack';
import { jsonSafe, keyText } from './json-safe.ts';
import { scanMsgpack } from './msgpack-scan.ts';

/**
 * JSON-safe, undefined where the payload is no MessagePack or does not look meant. A timestamp is ISO 8601, any other
 * extension `{"type": number, "data": base64}`. The library refuses a `__proto__` key: such a payload stays binary.
 */
export function decodeMsgpack(bytes: Buffer): unknown {
  const first = bytes[0] ?? 0;
  if (!(first >= 0x80 && first <= 0x9f) && !(first >= 0xdc && first <= 0xdf)) return undefined;
  const scan = scanMsgpack(bytes);
  if (!scan?.looksMeant()) return undefined;
  try {
    const value = decode(bytes, { useBigInt64: true, mapKeyConverter: keyText });
    return jsonSafe(value, scan.floats32 > 0 && scan.floats64 === 0);
  } catch {
    return undefined;
  }
}
