// Owns the opening of byte streams to a broker: TCP, TLS, WebSocket. Must not know MQTT.
import { connect as connectTcp } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import WebSocket, { createWebSocketStream } from 'ws';
import type { Transport } from './connection-string.ts';

/** Where a stream goes. `path` is the WebSocket path, '/' where there is none. */
export type Endpoint = { transport: Transport; host: string; port: number; path: string; tls: TlsOptions };

/** What a TLS connection may need beside the host name; empty: the system's authorities, verified. */
export type TlsOptions = Pick<
  ConnectionOptions,
  'ca' | 'cert' | 'key' | 'passphrase' | 'servername' | 'ALPNProtocols' | 'rejectUnauthorized'
>;

/** Largest WebSocket message accepted, bytes; stops a broker from filling memory with one frame. */
const MAX_WS_MESSAGE_BYTES = 17 * 1024 * 1024;

/**
 * Starts connecting and returns the stream at once, which emits 'connect' or 'secureConnect', or 'error'. Nagle's algorithm is always off:
 * against a delayed ACK it costs 40 ms an exchange.
 */
export function openStream({ transport, host, port, path, tls }: Endpoint): Duplex {
  if (transport === 'tcp') return connectTcp({ host, port, noDelay: true });
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
  socket.once('open', () => stream.emit('connect'));
  return stream;
}

/** SNI takes names only (RFC 6066 section 3). */
function isName(host: string): boolean {
  return !host.includes(':') && !/^[\d.]+$/.test(host);
}
