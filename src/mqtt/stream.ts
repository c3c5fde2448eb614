// Owns the opening of byte streams to a broker: TCP, TLS, WebSocket, Unix socket. Must not know MQTT.
import { connect as connectTcp } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as connectTls, createSecureContext } from 'node:tls';
import WebSocket, { createWebSocketStream } from 'ws';
import type { Transport } from './connection-string.ts';
import { readingInto } from './slabs.ts';

/** Where a stream goes. `path` is the WebSocket path, '/' where there is none. */
export type Endpoint = { transport: Transport; host: string; port: number; path: string; tls: TlsContext };

/** What a TLS connection may need beside the host name; empty: the system's authorities, verified. */
export type TlsOptions = Pick<
  ConnectionOptions,
  'ca' | 'cert' | 'key' | 'passphrase' | 'servername' | 'ALPNProtocols' | 'rejectUnauthorized'
>;

/** The same without a plain key: it is in the context, which nothing reads it out of. */
export type TlsContext = Pick<
  ConnectionOptions,
  'secureContext' | 'servername' | 'ALPNProtocols' | 'rejectUnauthorized'
>;

/** Largest WebSocket message accepted, bytes; stops a broker from filling memory with one frame. */
const MAX_WS_MESSAGE_BYTES = 17 * 1024 * 1024;

/** Throws what OpenSSL says of a certificate, key or passphrase that it cannot use. */
export function tlsContext(options: TlsOptions): TlsContext {
  const { ca, cert, key, passphrase, ...rest } = options;
  if (ca === undefined && cert === undefined && key === undefined && passphrase === undefined) return rest;
  return { ...rest, secureContext: createSecureContext(options) };
}

/**
 * Starts connecting and returns the stream at once, which emits 'connect' or 'secureConnect', or 'error'. Nagle's
 * algorithm is always off: against a delayed ACK it costs 40 ms an exchange. `isTapped`: a listener for 'data' is there
 * from the beginning, and gives its chunks back by `recycle`.
 */
export function openStream({ transport, host, port, path, tls }: Endpoint, isTapped = false): Duplex {
  if (transport === 'unix') return connectTcp({ path: host });
  if (transport === 'tcp') {
    const socket = connectTcp({
      host,
      port,
      noDelay: true,
      ...(isTapped ? { onread: readingInto((chunk) => socket.emit('data', chunk)) } : {}),
    });
    return socket;
  }
  if (transport === 'tls') {
    const socket = connectTls({ ...tls, host, port, ...(isName(host) ? { servername: tls.servername ?? host } : {}) });
    return socket.setNoDelay(true);
  }
  const authority = host.includes(':') ? `[${host}]` : host;
  const socket = new WebSocket(`${transport}://${authority}:${port}${path}`, ['mqtt'], {
    ...tls,
    perMessageDeflate: false,
    maxPayload: MAX_WS_MESSAGE_BYTES,
    followRedirects: false,
  });
  const stream = createWebSocketStream(socket, { objectMode: false });
  socket.once('open', () => {
    // ws keeps the address for as long as it lives, and a token may be in it.
    Object.assign(socket, { _url: '' });
    stream.emit('connect');
  });
  // ws leaves the writing half open; a lost connection would go unnoticed until the next keep-alive.
  stream.once('end', () => stream.destroy());
  return stream;
}

/** SNI takes names only (RFC 6066 section 3). */
function isName(host: string): boolean {
  return !host.includes(':') && !/^[\d.]+$/.test(host);
}
