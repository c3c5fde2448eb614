// Owns what a failed connect means: socket, DNS, TLS, WebSocket and CONNACK errors to one ToolError with a next step.
// Must not repeat a word of the broker: reason strings, certificate names and HTTP bodies are untrusted.

import { ToolError, type ToolErrorCode } from '../errors.ts';
import { addressOf, type Transport } from './connection-string.ts';
import { reasonText } from './reason-codes.ts';

/** `host` as in Target: IPv6 without brackets. */
export type Where = { host: string; port: number; transport: Transport };

/**
 * The ToolError for a connect that failed, whatever threw: Node's net, dns and tls, ws, mqtt.js 5.16, an AbortSignal.
 * `message` is one sentence with host:port, never a credential or broker text; `reason_code` and `reason` where the
 * broker answered CONNACK; `retryable` where waiting alone may help. A ToolError comes back as it is.
 * Source: MQTT 5.0 table 2-6, MQTT 3.1.1 table 3.1, Node's error codes, OpenSSL's X509_V_ERR names.
 */
export function connectError(error: unknown, where: Where): ToolError {
  const errors = flatten(error);
  const told = errors.find((one) => one instanceof ToolError);
  if (told !== undefined) return told;
  const facts = errors.map(factsOf);
  for (const { code, message } of facts) {
    if (typeof code === 'number' && code > 0 && code < 256) return refusal(code, message, where);
  }
  const verdicts = facts.map((fact) => judge(fact, where.transport)).filter((verdict) => verdict !== undefined);
  // Happy eyeballs tries every address of a host: the one that answered, even with a refusal, says most.
  return toError(verdicts.sort((a, b) => vagueness(a) - vagueness(b))[0] ?? unknown, where);
}

/** `what` goes on from "broker:1883 …", or says itself where {at} goes. */
type Verdict = { code: ToolErrorCode; what: string; hint: string; retryable: boolean };
type Facts = { code: unknown; name: string; message: string };

/** An AggregateError (one error for each address) and a `cause` are looked into; depth and width are bounded. */
function flatten(error: unknown, depth = 0): unknown[] {
  if (depth > 4) return [];
  const inner: unknown[] = error instanceof AggregateError ? error.errors.slice(0, 32) : [];
  if (error instanceof Error && error.cause !== undefined) inner.push(error.cause);
  return [...inner.flatMap((one) => flatten(one, depth + 1)), error];
}

function factsOf(error: unknown): Facts {
  const object = typeof error === 'object' && error !== null ? error : {};
  // A DOMException (AbortSignal) has a legacy number there that is no reason code.
  const code = 'code' in object && !(object instanceof DOMException) ? object.code : undefined;
  const name = 'name' in object && typeof object.name === 'string' ? object.name : '';
  const message = 'message' in object && typeof object.message === 'string' ? object.message : '';
  return { code, name, message };
}

function vagueness(verdict: Verdict): number {
  if (verdict.code === 'cancelled') return 4;
  if (verdict === unreachable) return 3;
  if (verdict.code === 'connection_timeout') return 2;
  return verdict.code === 'connection_refused' ? 1 : 0;
}

function judge({ code, name, message }: Facts, transport: Transport): Verdict | undefined {
  if (typeof code === 'string') {
    if (code === 'ECONNRESET' && message.includes('before secure TLS connection')) return plainPort;
    if (closedCodes.has(code)) return closed(transport);
    if (/^(HPE|WS_ERR)_/.test(code)) return noWebSocket; // the upgrade was not answered as HTTP
    if (code.startsWith('ERR_OSSL_')) return badKeys;
    const known = byCode.get(code) ?? byOpenSsl(code, message);
    if (known !== undefined) return known;
  }
  if (name === 'TimeoutError') return timedOut;
  if (name === 'AbortError') return aborted;
  const status = /^Unexpected server response: (\d{3})$/.exec(message)?.[1];
  if (status !== undefined) return httpRefusal(Number(status));
  return byMessage.find(([pattern]) => pattern.test(message))?.[1](transport);
}

function toError({ code, what, hint, retryable }: Verdict, where: Where, more = {}): ToolError {
  const at = addressOf(where);
  const message = what.includes('{at}') ? what.replace('{at}', () => at) : `${at} ${what}`;
  return new ToolError(code, `${message}.`, hint, { retryable, ...more });
}

function refusal(code: number, message: string, where: Where): ToolError {
  const reason = reasonText(code, 'connack', code < 0x80 ? 4 : 5);
  const [word, hint] = refusals.get(code) ?? odd;
  // mqtt.js gives the same error class to protocol errors that it found itself
  const byBroker = message === '' || message.startsWith('Connection refused');
  const what = `${byBroker ? 'refused the connection' : 'could not be connected to'}: ${reason}`;
  const retryable = refusals.get(code) === busy;
  return toError({ code: word, what, hint, retryable }, where, { reason_code: code, reason });
}

function verdict(code: ToolErrorCode, what: string, hint: string, retryable = false): Verdict {
  return { code, what, hint, retryable };
}

function refused(what: string, hint: string): Verdict {
  return verdict('connection_refused', what, hint, true);
}

function tls(what: string, hint: string): Verdict {
  return verdict('tls_failure', what, hint);
}

// --- what the network says ---

const unknown = verdict(
  'connection_refused',
  'could not be connected to, for a reason this server does not know',
  'Run test_connection on the same broker: it tells which step fails.',
);
const aborted = verdict(
  'cancelled',
  'Connecting to {at} was cancelled',
  'Connect again when the connection is wanted.',
  true,
);
const timedOut = verdict(
  'connection_timeout',
  'did not answer in time',
  'Check host and port, and whether a firewall drops the packets; on a slow link, raise timeout_seconds.',
  true,
);
const noHandshake = {
  ...timedOut,
  what: 'did not finish the TLS or WebSocket handshake in time',
};
// mqtt.js starts this clock before it opens the socket: the port need not have answered at all.
const noConnack = verdict(
  'connection_timeout',
  'did not answer CONNECT in time',
  'Check host, port and firewall, and that the port does not expect TLS (mqtts://) or WebSocket (ws://).',
  true,
);
const nobodyListens = refused(
  'refused the connection: nothing listens on this port',
  'Check host and port and that the broker runs; inside a container, localhost is the container itself.',
);
const unreachable = refused(
  'cannot be reached: there is no network route to it',
  'Check the address, the network or VPN, and inside a container its network settings.',
);
const forbidden = verdict(
  'connection_refused',
  'cannot be connected to: the operating system forbids it',
  'Check the local firewall and the sandbox that this server runs in.',
);
const exhausted = refused(
  'cannot be connected to: this machine has no free socket or port left',
  'Close connections or raise the limit of open files, then try again.',
);
const unresolved = verdict(
  'dns_failure',
  'The host name of {at} does not exist in DNS',
  'Check the spelling, or use the IP address; names such as *.local or of other containers may not resolve from here.',
);
const resolverDown = verdict(
  'dns_failure',
  'The host name of {at} could not be looked up: DNS did not answer',
  'Try again shortly, check the network, or use the IP address.',
  true,
);
const noMqtt = verdict(
  'protocol_error',
  'did not answer in valid MQTT',
  'Check that the scheme fits the port: mqtt:// is usually 1883, mqtts:// 8883; ws:// and wss:// are WebSocket.',
);
const noWebSocket = verdict(
  'protocol_error',
  'does not speak MQTT over WebSocket',
  'Check port and path (often /mqtt); use mqtt:// or mqtts:// where the port is not a WebSocket port.',
);

const closedCodes = new Set([
  'ECONNRESET',
  'EPIPE',
  'ECONNABORTED',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_STREAM_DESTROYED',
]);

function closed(transport: Transport): Verdict {
  const hints = {
    tcp: 'The port may expect TLS (mqtts://) or WebSocket (ws://), or the broker does not admit you, or is starting.',
    tls: 'The port may be one without TLS (mqtt://); or the broker wants a client certificate, or does not admit you.',
    ws: 'Check port and path; the port may expect TLS (wss://) or be a plain MQTT port (mqtt://).',
    wss: 'Check port and path; the port may be one without TLS (ws://), or want a client certificate.',
    unix: 'Something else may listen on that socket, or the broker does not admit you, or is starting.',
  };
  return refused('closed the connection before it answered CONNECT', hints[transport]);
}

function httpRefusal(status: number): Verdict {
  const what = `answered the WebSocket request with HTTP ${status}`;
  if (status === 401 || status === 407)
    return verdict('auth_failed', what, 'The web server before the broker wants a login of its own.');
  if (status === 403)
    return verdict(
      'not_authorized',
      what,
      'The web server before the broker does not admit this client; check the path.',
    );
  if (status >= 500 || status === 429)
    return refused(what, 'The broker behind the web server may be down or busy; try again shortly.');
  return verdict(
    'connection_refused',
    what,
    'Check the WebSocket path, often /mqtt, the port, and ws:// against wss://.',
  );
}

// --- what TLS says ---

const plainPort = tls(
  'does not speak TLS on this port',
  'It may be a plain port: use mqtt:// or ws://, or give the TLS port, usually 8883.',
);
const handshake = tls(
  'broke off the TLS handshake',
  'The broker may want a client certificate (cert_file and key_file of a profile), or other TLS versions or ciphers.',
);
const wantsCertificate = tls(
  'wants a client certificate, or does not trust the one it got',
  'Use a profile with a cert_file and key_file that the broker trusts.',
);
const noCommonTls = tls(
  'has no TLS version or cipher in common with this server',
  'Check the TLS versions and ciphers of the broker; 1.2 or newer is needed.',
);
const badKeys = tls(
  'cannot be connected to: the CA, client certificate or key given here cannot be used',
  'Check ca_file, cert_file, key_file and key_passphrase of the profile: PEM, and key and certificate a pair.',
);
const selfSigned = tls('shows a self-signed certificate', 'If it is the right one, give it as ca_file in a profile.');
const selfSignedCa = tls(
  'shows a certificate of a self-signed authority that is unknown here',
  "Give the broker's CA as ca_file in a profile.",
);
const unknownCa = tls('shows a certificate of an unknown authority', "Give the broker's CA as ca_file in a profile.");
const wrongName = tls(
  'shows a certificate for another host name',
  'Connect by a name in the certificate, or set servername in a profile.',
);
const unverified = tls(
  'shows a certificate that cannot be verified',
  "Check the broker's certificate chain; give its CA as ca_file in a profile.",
);

/** OpenSSL's alerts and X509_V_ERR names moved between its versions, so parts of code and text are looked for. */
function byOpenSsl(code: string, message: string): Verdict | undefined {
  const text = `${code} ${message.slice(0, 400)}`.toUpperCase().replace(/[^A-Z0-9]+/g, '_');
  if (!/^(ERR_SSL|EPROTO|CERT_|CRL_|INVALID_|PATH_LENGTH|UNABLE_TO|ERR_TLS)/.test(text)) return undefined;
  return (
    openSsl.find(([pattern]) => pattern.test(text))?.[1] ?? (/^(ERR_SSL|EPROTO)/.test(text) ? handshake : unverified)
  );
}

const openSsl: [RegExp, Verdict][] = [
  [/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|UNKNOWN_PROTOCOL|BAD_RECORD_TYPE/, plainPort],
  [/CERTIFICATE_REQUIRED|ALERT_(BAD_|UNSUPPORTED_|NO_)?CERTIFICATE|ALERT_UNKNOWN_CA/, wantsCertificate],
  [/UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION|NO_SHARED_CIPHER|NO_CIPHERS|INSUFFICIENT_SECURITY/, noCommonTls],
  [
    /NO_APPLICATION_PROTOCOL/,
    tls('does not know the ALPN protocol that was offered', 'Change or remove alpn in the profile.'),
  ],
  [/UNRECOGNIZED_NAME/, tls('does not know the server name that was asked for', 'Set servername in a profile.')],
];

const byCode = new Map(
  verdictsOf([
    ['ETIMEDOUT ESOCKETTIMEDOUT ERR_SOCKET_CONNECTION_TIMEOUT', timedOut],
    ['ERR_TLS_HANDSHAKE_TIMEOUT', noHandshake],
    ['EHOSTUNREACH ENETUNREACH EHOSTDOWN ENETDOWN EADDRNOTAVAIL EAFNOSUPPORT', unreachable],
    ['EINVAL', unreachable], // connect to fe80::… without a zone
    ['ECONNREFUSED', nobodyListens],
    ['EACCES EPERM', forbidden],
    ['EMFILE ENFILE ENOBUFS', exhausted],
    ['ENOTFOUND ENODATA EAI_NONAME EAI_NODATA EBADNAME', unresolved],
    ['EAI_AGAIN EAI_FAIL ESERVFAIL', resolverDown],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', selfSigned],
    ['SELF_SIGNED_CERT_IN_CHAIN', selfSignedCa],
    [
      'CERT_HAS_EXPIRED',
      tls('shows a certificate that has expired', 'The broker needs a new one; check the clock here too.'),
    ],
    ['CERT_NOT_YET_VALID', tls('shows a certificate that is not valid yet', 'Check the clock of this machine.')],
    ['CERT_REVOKED', tls('shows a certificate that was revoked', 'The broker needs a new one.')],
    ['ERR_TLS_CERT_ALTNAME_INVALID HOSTNAME_MISMATCH', wrongName],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE UNABLE_TO_GET_ISSUER_CERT CERT_UNTRUSTED', unknownCa],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', unknownCa],
  ]),
);

function verdictsOf(rows: [string, Verdict][]): [string, Verdict][] {
  return rows.flatMap(([codes, meaning]) => codes.split(' ').map((code): [string, Verdict] => [code, meaning]));
}

/** mqtt.js, mqtt-packet and ws throw these without a code: fixed texts of those packages, not of the broker. */
const byMessage: [RegExp, (transport: Transport) => Verdict][] = [
  [/^connack timeout$/, () => noConnack],
  [/^Opening handshake has timed out$/, () => noHandshake],
  [/^TLS not authorized$/, () => unverified],
  [/^(Couldn't connect to server|Connection closed|client disconnecting|socket hang up)/i, closed],
  [/^(Invalid Upgrade header|Invalid Sec-WebSocket|Server sent|WebSocket)/, () => noWebSocket],
  [/^(Invalid|Cannot|Malformed|Packet|Not supported|Unknown|Protocol error|unrecognized|topicAlias)/, () => noMqtt],
];

// --- what CONNACK says: 1 to 5 are MQTT 3.1.1 (table 3.1), 0x80 and up MQTT 5.0 (3.2.2.2) ---

type Refusal = [code: ToolErrorCode, hint: string];

const busy: Refusal = [
  'connection_refused',
  'The broker runs but takes no more connections now; try again in some seconds.',
];
const badLogin: Refusal = [
  'auth_failed',
  'Check user name and password; in a connection string, percent-encode special characters.',
];
const notAllowed: Refusal = [
  'not_authorized',
  'Give a user name and password, or check them and what the broker allows this client.',
];
const badVersion: Refusal = ['protocol_error', 'Try the other protocol_version: 4 (MQTT 3.1.1) or 5.'];
const badClientId: Refusal = [
  'protocol_error',
  'Give another client_id: letters and digits, at most 23, or one that the broker knows.',
];
const banned: Refusal = [
  'not_authorized',
  'An administrator banned this client id, user or address and has to lift that.',
];
const badMethod: Refusal = [
  'auth_failed',
  'The broker wants a way to authenticate unknown here; ask it for a password login.',
];
const moved: Refusal = ['connection_refused', 'Ask whoever runs the broker for the new address.'];
const unsaid: Refusal = [
  'connection_refused',
  'The log of the broker says why: often the client id, the user, or a limit.',
];
const odd: Refusal = [
  'protocol_error',
  'Try protocol_version 4 or other options of the connection, and look into the log of the broker.',
];

const refusals = new Map(
  refusalsOf([
    [[1, 0x84], badVersion],
    [[2, 0x85], badClientId],
    [[3, 0x88, 0x89, 0x8b, 0x96, 0x97, 0x9f], busy],
    [[4, 0x86], badLogin],
    [[5, 0x87], notAllowed],
    [[0x80, 0x83, 0x8e, 0x98], unsaid],
    [[0x8a], banned],
    [[0x8c], badMethod],
    [[0x9c, 0x9d], moved],
  ]),
);

function refusalsOf(rows: [number[], Refusal][]): [number, Refusal][] {
  return rows.flatMap(([codes, meaning]) => codes.map((code): [number, Refusal] => [code, meaning]));
}
