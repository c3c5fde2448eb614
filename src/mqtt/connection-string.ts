// Owns the reading of connection strings: text to where, how and as whom to connect.
// Must not know sessions or policy; no part of the text but a known scheme may reach an error.

import { isIPv4, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';
import { ToolError } from '../errors.ts';

export type Transport = 'tcp' | 'tls' | 'ws' | 'wss' | 'unix';

/** Where, how and as whom to connect. `password` and `path` (its query may hold a token) are secrets. */
export type Target = {
  scheme: Scheme;
  transport: Transport;
  /** Lower case, punycode where it was not ASCII; IPv6 without brackets, a zone as `fe80::1%eth0`; unix: the path. */
  host: string;
  /** 1 to 65535; unix: 0 */
  port: number;
  /** ws and wss only: the WebSocket path with its query, escapes as written; '/' where none was given. */
  path?: string;
  /** mqtt and its kin only: the path, decoded. */
  clientId?: string;
  username?: string;
  password?: string;
};

export type Scheme = 'mqtt' | 'tcp' | 'mqtts' | 'ssl' | 'tls' | 'ws' | 'wss' | 'unix';

type Part = 'scheme' | 'user' | 'password' | 'host' | 'port' | 'path' | 'query' | 'fragment';

const MAX_LENGTH = 4096; // characters; stops a megabyte of "password" from being parsed, sealed and sent
const MAX_HOST_LENGTH = 253; // RFC 1035, 2.3.4
const MAX_SOCKET_PATH = 103; // sun_path where it is shortest (macOS), without its null
const EXAMPLE = 'Write it like mqtt://broker:1883 or mqtts://user:password@broker:8883/client-id.';
const ESCAPE = "In user name, password and client id, write '%', '/', '?', '#' and '@' as %25, %2F, %3F, %23 and %40.";

const schemes: Record<Exclude<Scheme, 'unix'>, { transport: Transport; port: number }> = {
  mqtt: { transport: 'tcp', port: 1883 },
  tcp: { transport: 'tcp', port: 1883 },
  mqtts: { transport: 'tls', port: 8883 },
  ssl: { transport: 'tls', port: 8883 },
  tls: { transport: 'tls', port: 8883 },
  ws: { transport: 'ws', port: 80 },
  wss: { transport: 'wss', port: 443 },
};

/**
 * Reads `scheme://[user[:password]@]host[:port][/client_id]`, at most 4096 characters; surrounding blanks are dropped.
 * Percent-escapes are decoded, except in a WebSocket path. The last '@' before the path ends the credentials.
 * Throws ToolError('invalid_arguments') that names the bad part and repeats nothing but a known scheme.
 * Source: product.md, Connection strings; RFC 3986; RFC 6874 (zones).
 */
export function parseConnectionString(text: string): Target {
  const trimmed = text.trim();
  if (trimmed === '') fail('', 'host', 'must be given: the connection string is empty');
  if (trimmed.length > MAX_LENGTH) {
    throw problem('The connection string is longer than 4096 characters.', 'at most 4096 characters', EXAMPLE);
  }
  const { scheme, rest } = splitScheme(trimmed);
  const start = `${scheme}://`;
  const { authority, tail } = splitTail(rest);
  refuseAt(start, authority, tail);
  const at = authority.lastIndexOf('@');
  const credentials = at === -1 ? {} : parseCredentials(start, authority.slice(0, at));
  const { host, port } = parseAddress(start, authority.slice(at + 1));
  const { transport, port: defaultPort } = schemes[scheme];
  const path = transport === 'ws' || transport === 'wss' ? parseWebSocketPath(start, tail) : parseClientId(start, tail);
  return { scheme, transport, host, port: port ?? defaultPort, ...path, ...credentials };
}

/**
 * The url of a profile: a connection string, or `unix:///path` of a socket on this machine. A connection string of a
 * caller is never the latter: what a broker said must not make the server speak to a daemon beside it.
 */
export function parseBroker(url: string): Target {
  const socket = /^unix:\/\/(.*)$/is.exec(url.trim())?.[1];
  if (socket === undefined) return parseConnectionString(url);
  const path = decode('unix://', 'path', socket);
  if (!path.startsWith('/') || Buffer.byteLength(path) > MAX_SOCKET_PATH) {
    fail('unix://', 'path', 'must be absolute, of at most 103 bytes', 'Write unix:///run/mosquitto/mosquitto.sock.');
  }
  return { scheme: 'unix', transport: 'unix', host: path, port: 0 };
}

/** host:port as an error shows it. */
export function addressOf({ host, port }: Pick<Target, 'host' | 'port'>): string {
  if (port === 0) return host;
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function splitScheme(text: string): { scheme: Exclude<Scheme, 'unix'>; rest: string } {
  const match = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text);
  const name = match?.[1]?.toLowerCase();
  if (match === null || name === undefined) {
    fail('', 'scheme', 'must come first, followed by ://', EXAMPLE);
  }
  if (!isScheme(name)) {
    const hint = name.startsWith('http')
      ? 'MQTT over WebSocket is ws://host:port/path or wss://host:port/path.'
      : EXAMPLE;
    fail('', 'scheme', 'must be one of mqtt, tcp, mqtts, ssl, tls, ws, wss', hint);
  }
  return { scheme: name, rest: text.slice(match[0].length) };
}

function isScheme(name: string): name is Exclude<Scheme, 'unix'> {
  return Object.hasOwn(schemes, name);
}

/** RFC 3986, 3.2: the authority ends at the first '/', '?' or '#'. */
function splitTail(rest: string): { authority: string; tail: string } {
  const end = rest.search(/[/?#]/);
  if (end === -1) return { authority: rest, tail: '' };
  return { authority: rest.slice(0, end), tail: rest.slice(end) };
}

function parseCredentials(start: string, text: string): { username: string; password?: string } {
  if (text === '')
    fail(start, 'user', "must not be empty before '@'", `Leave the '@' out to connect without one. ${EXAMPLE}`);
  const colon = text.indexOf(':');
  const username = decode(start, 'user', colon === -1 ? text : text.slice(0, colon));
  // A user name is a UTF-8 string, a password is binary data [MQTT-1.5.4-2]
  if (username.includes('\0')) fail(start, 'user', 'must not contain the null character', ESCAPE);
  if (colon === -1) return { username };
  return { username, password: decode(start, 'password', text.slice(colon + 1)) };
}

function parseAddress(start: string, text: string): { host: string; port?: number } {
  if (text.startsWith('[')) {
    const end = text.indexOf(']');
    if (end === -1) fail(start, 'host', "must end an IPv6 address with ']'", `Write ${start}[::1]:1883.`);
    const after = text.slice(end + 1);
    const host = parseIPv6(start, text.slice(1, end));
    if (after === '') return { host };
    if (!after.startsWith(':'))
      fail(start, 'port', "must follow the ']' of an IPv6 address after a ':'", `Write ${start}[::1]:1883.`);
    return { host, port: parsePort(start, after.slice(1)) };
  }
  const colon = text.indexOf(':');
  if (colon === -1) return { host: parseHost(start, text) };
  if (text.includes(':', colon + 1)) {
    const hint = `Write ${start}[::1]:1883. A user name and password end with '@'.`;
    fail(start, 'host', 'must be in brackets where it is an IPv6 address', hint);
  }
  return { host: parseHost(start, text.slice(0, colon)), port: parsePort(start, text.slice(colon + 1)) };
}

function parsePort(start: string, text: string): number {
  if (isPort(text)) return Number(text);
  return fail(start, 'port', 'must be a number from 1 to 65535', `Write ${start}broker:1883. ${ESCAPE}`);
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
}

function parseHost(start: string, text: string): string {
  if (text === '') fail(start, 'host', 'must not be empty', `Write ${start}broker:1883.`);
  const decoded = decode(start, 'host', text);
  const host = /^[\x20-\x7e]*$/.test(decoded) ? decoded.toLowerCase() : domainToASCII(decoded);
  const name = host.endsWith('.') ? host.slice(0, -1) : host;
  const labels = name.split('.');
  const valid = host.length <= MAX_HOST_LENGTH && labels.every((label) => /^[a-z0-9_-]{1,63}$/.test(label));
  // The resolver would read 127.1 or 0x7f000001 as an address that no allow-list knows by that name.
  const numeric = /^(\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '');
  if (!valid || (numeric && !isIPv4(host))) {
    const rule = 'must be a host name, an IPv4 address or an IPv6 address in brackets';
    fail(start, 'host', rule, `Write ${start}broker:1883.`);
  }
  return host;
}

/** RFC 6874 writes a zone as %25eth0; the %eth0 that people copy from `ip addr` is taken too. */
function parseIPv6(start: string, text: string): string {
  const [address = '', ...rest] = text.split('%');
  const zone = rest.join('%').replace(/^25/, '');
  const validZone = rest.length === 0 || /^[A-Za-z0-9._~-]{1,64}$/.test(zone);
  if (!isIPv6(address) || !validZone) {
    const hint = `Write ${start}[::1]:1883 or ${start}[fe80::1%25eth0]:1883.`;
    fail(start, 'host', 'must be a valid IPv6 address between the brackets', hint);
  }
  return rest.length === 0 ? address.toLowerCase() : `${address.toLowerCase()}%${zone}`;
}

function parseClientId(start: string, tail: string): { clientId?: string } {
  refuseFragment(start, tail);
  if (tail.includes('?')) fail(start, 'query', 'must be left out of an MQTT connection string', ESCAPE);
  const clientId = decode(start, 'path', tail.slice(1));
  // [MQTT-1.5.4-2]
  if (clientId.includes('\0')) fail(start, 'path', 'must not contain the null character: it is the client id', ESCAPE);
  return clientId === '' ? {} : { clientId };
}

function parseWebSocketPath(start: string, tail: string): { path: string } {
  refuseFragment(start, tail);
  decode(start, 'path', tail.replace(/\?.*/s, '')); // checked, sent as written: it is the request line of the upgrade
  decode(start, 'query', tail.includes('?') ? tail.slice(tail.indexOf('?')) : '');
  return { path: tail.startsWith('/') ? tail : `/${tail}` };
}

function refuseFragment(start: string, tail: string): void {
  if (tail.includes('#')) fail(start, 'fragment', 'must be left out of a connection string', ESCAPE);
}

/**
 * An '@' after the path began is most likely half a password: `mqtt://user:12/34@broker` would connect to "user" and
 * show "34@broker" as a client id.
 */
function refuseAt(start: string, authority: string, tail: string): void {
  if (!tail.includes('@')) return;
  const [, port] = authority.includes('@') ? [] : authority.split(':');
  if (port !== undefined && !isPort(port))
    fail(start, 'password', "must have '/', '?' and '#' percent-encoded", ESCAPE);
  const hint = "Write '@' in a client id or path as %40, and '/' in a user name or password as %2F.";
  fail(start, 'path', "must not contain '@'", hint);
}

function decode(start: string, part: Part, text: string): string {
  if (/\p{Cc}|\p{Cs}/u.test(text))
    fail(start, part, 'must not contain control characters or broken Unicode unescaped', ESCAPE);
  if (/%(?![0-9a-f]{2})/i.test(text)) fail(start, part, "must have two hexadecimal digits after every '%'", ESCAPE);
  try {
    return decodeURIComponent(text);
  } catch {
    return fail(start, part, 'must have percent-escapes that are UTF-8', ESCAPE);
  }
}

function fail(start: string, part: Part, rule: string, hint = EXAMPLE): never {
  const where = start === '' ? 'of the connection string' : `of the ${start} connection string`;
  throw problem(`The ${part} ${where} ${rule}.`, `a connection string; its ${part} ${rule}`, hint);
}

function problem(message: string, expected: string, hint: string): ToolError {
  return new ToolError('invalid_arguments', message, hint, { problems: [{ path: '/connection_string', expected }] });
}
