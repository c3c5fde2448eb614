// Owns the order in which bytes that are no text are tried, and the words for what they are. Loaded apart: decode.ts
// says when. Never throws.

import { decodeText, utf8 } from '../text.ts';
import type { Decoded } from '../types.ts';
import { decodeCbor } from './cbor.ts';
import { inflate, isGzip } from './inflate.ts';
import { decodeMsgpack } from './msgpack.ts';
import { signatureOf } from './signature.ts';
import { decodeSparkplug } from './sparkplug.ts';

export { formatOfText, signatureOf } from './signature.ts';

/**
 * A payload that is no UTF-8, in this order: gzip; a file by its signature; zlib (with a header); MessagePack and CBOR.
 * What is unpacked is read as any payload would be, once: gzip within gzip stays packed. undefined: nothing is known.
 *
 * MessagePack and CBOR have no mark, and the beginning of nearly every byte string could be one. They are taken only
 * where the whole payload is exactly one map or array, well-formed, and looks as if meant: see looksMeant in scan.ts. Of random bytes that
 * begin like one, fewer than 1 in 10,000 pass.
 */
export function unpack(bytes: Buffer): Decoded | undefined {
  return unpackCompressed(bytes) ?? unpackOne(bytes);
}

/** A file by its signature, for bytes that are text but do not look it. */
export function unpackSigned(bytes: Buffer): Decoded | undefined {
  const signature = signatureOf(bytes);
  return signature && asBinary(bytes, signature);
}

/** Bytes on a topic of Sparkplug's, where both agree. */
export function unpackSparkplug(bytes: Buffer, topic: string): Decoded | undefined {
  const payload = decodeSparkplug(bytes, topic);
  return payload === undefined ? undefined : { payload, payload_type: 'json', payload_format: 'sparkplug_b' };
}

type Known = { payload_format: string; payload_detail?: string };

function unpackCompressed(bytes: Buffer): Decoded | undefined {
  const outcome = inflate(bytes);
  if (outcome === undefined) return undefined;
  const { format } = outcome;
  if ('why' in outcome) return asBinary(bytes, { payload_format: format, payload_detail: outcome.why });
  const inner = unpacked(outcome.bytes);
  const { payload_format: name = inner.payload_type, ...rest } = inner;
  const known = { ...rest, payload_format: `${format}+${name}` };
  // Base64 is always of the bytes received: size_bytes counts them, and the sender's file is what they are.
  return inner.payload_type === 'binary' ? { ...known, ...plain(bytes) } : known;
}

function unpacked(bytes: Buffer): Decoded {
  if (bytes.length === 0) return { payload: '', payload_type: 'empty' };
  if (isGzip(bytes)) return asBinary(bytes, { payload_format: 'gzip' });
  const text = utf8(bytes);
  return text === undefined ? (unpackOne(bytes) ?? plain(bytes)) : decodeText(text);
}

function unpackOne(bytes: Buffer): Decoded | undefined {
  const signed = unpackSigned(bytes);
  if (signed) return signed;
  const msgpack = decodeMsgpack(bytes);
  if (msgpack !== undefined) return { payload: msgpack, payload_type: 'json', payload_format: 'msgpack' };
  const cbor = decodeCbor(bytes);
  return cbor === undefined ? undefined : { payload: cbor, payload_type: 'json', payload_format: 'cbor' };
}

function asBinary(bytes: Buffer, known: Known): Decoded {
  return { ...plain(bytes), ...known };
}

function plain(bytes: Buffer): Decoded {
  return { payload: bytes.toString('base64'), payload_type: 'binary', payload_encoding: 'base64' };
}
