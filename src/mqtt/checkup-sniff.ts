// Owns the guess what speaks on a port that did not answer as it should: MQTT, TLS, a web server, nothing.
// Must not know credentials: what it sends is a CONNECT without any.
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { within } from './race.ts';
import { type Endpoint, openStream } from './stream.ts';

/** Of a port that is open: `silent` said nothing, `closed` hung up without a word. */
export type Speaks = 'mqtt' | 'tls' | 'http' | 'ssh' | 'silent' | 'closed' | 'other';

/** Each of at most two looks takes this long, ms: a port that answers does so at once. */
const LOOK_MS = 1_500;

type Place = Omit<Endpoint, 'path'>;

/** Looks without TLS, and where that tells nothing, with it. */
export async function speaksOnPort(place: Place, signal: AbortSignal): Promise<Speaks> {
  const plain = await look(() => openStream({ ...place, transport: 'tcp', path: '/' }), 'connect', signal);
  if (plain !== 'silent' && plain !== 'closed') return plain;
  return (await speaksInTls(place, signal)) === undefined ? plain : 'tls';
}

/** Undefined: there is no TLS on the port. */
export async function speaksInTls(place: Place, signal: AbortSignal): Promise<Speaks | undefined> {
  const tls = { ...place.tls, rejectUnauthorized: false };
  let secured = false;
  const open = () => {
    const stream = openStream({ ...place, transport: 'tls', path: '/', tls });
    stream.once('secureConnect', () => {
      secured = true;
    });
    return stream;
  };
  const speaks = await look(open, 'secureConnect', signal);
  return secured ? speaks : undefined;
}

async function look(open: () => Duplex, ready: string, signal: AbortSignal): Promise<Speaks> {
  signal.throwIfAborted();
  const stream = open();
  const said = new Promise<Speaks>((resolve) => {
    stream.once(ready, () => stream.write(anonymousConnect()));
    stream.once('data', (bytes: Buffer) => resolve(nameOf(bytes)));
    for (const event of ['error', 'end', 'close']) stream.once(event, () => resolve('closed'));
  });
  try {
    return await within(said, LOOK_MS, signal, () => new Error('silent'));
  } catch {
    signal.throwIfAborted();
    return 'silent';
  } finally {
    stream.on('error', () => {}).destroy();
  }
}

function nameOf(bytes: Buffer): Speaks {
  if (bytes[0] === 0x20 && (bytes[1] ?? 0) < 0x80) return 'mqtt';
  // An alert or a handshake record (RFC 8446 section 5.1).
  if ((bytes[0] === 0x15 || bytes[0] === 0x16) && bytes[1] === 3) return 'tls';
  const text = bytes.subarray(0, 5).toString('latin1');
  if (text.startsWith('HTTP/')) return 'http';
  return text.startsWith('SSH-') ? 'ssh' : 'other';
}

/** MQTT 3.1.1: every broker understands it enough to answer. */
function anonymousConnect(): Buffer {
  const id = Buffer.from(`mqtt-mcp-${randomBytes(6).toString('hex')}`);
  const head = Buffer.from([0x10, 12 + id.length, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 10, 0, id.length]);
  return Buffer.concat([head, id]);
}
