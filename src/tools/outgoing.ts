// Owns the step from a payload as an assistant gives it to the bytes that are sent.
import { ToolError } from '../errors.ts';

/** Largest payload published, bytes. */
const MAX_PAYLOAD_BYTES = 1024 * 1024;

/** A string in some encoding, or any other JSON value, which is serialised. */
export type Outgoing = { payload?: unknown; payload_encoding: 'utf8' | 'base64' | 'hex' };

/** Throws invalid_arguments and payload_too_large. */
export function bytesOf(outgoing: Outgoing): Buffer {
  const bytes = encoded(outgoing);
  if (bytes.length <= MAX_PAYLOAD_BYTES) return bytes;
  const message = `The payload has ${bytes.length} bytes; at most ${MAX_PAYLOAD_BYTES} are published.`;
  throw new ToolError('payload_too_large', message, 'Send a smaller payload, or split it.');
}

function encoded({ payload, payload_encoding: encoding }: Outgoing): Buffer {
  if (typeof payload === 'string') return encoding === 'utf8' ? Buffer.from(payload) : decoded(payload, encoding);
  if (encoding !== 'utf8') throw bad('/payload', `a string where payload_encoding is ${encoding}`);
  try {
    return Buffer.from(JSON.stringify(payload));
  } catch {
    throw bad('/payload', 'JSON that is nested less deeply');
  }
}

function decoded(text: string, encoding: 'base64' | 'hex'): Buffer {
  const bytes = Buffer.from(text, encoding);
  // Node skips what it cannot read; sending half a payload to a device is not for us to do.
  const plain = (value: string) =>
    value.replace(/\s/g, '').replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '');
  const same =
    encoding === 'hex' ? bytes.toString('hex') === text.toLowerCase() : plain(bytes.toString('base64')) === plain(text);
  if (!same) throw bad('/payload', encoding === 'hex' ? 'hex: an even number of digits 0-9 and a-f' : 'base64');
  return bytes;
}

function bad(path: string, expected: string): ToolError {
  const hint = 'Correct it and call again.';
  return new ToolError('invalid_arguments', `The payload does not fit: expected ${expected}.`, hint, {
    problems: [{ path, expected }],
  });
}
