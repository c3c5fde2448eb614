import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net, { type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import mqtt, { ErrorWithReasonCode } from 'mqtt';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ToolError, type ToolErrorCode } from '../../src/errors.ts';
import { connectError, type Where } from '../../src/mqtt/connect-error.ts';

const tcp: Where = { host: 'broker', port: 1883, transport: 'tcp' };
const tlsWhere: Where = { host: 'broker', port: 8883, transport: 'tls' };
const ws: Where = { host: 'broker', port: 80, transport: 'ws' };

function coded(code: string, message = 'x'): Error {
  return Object.assign(new Error(message), { code });
}

describe('connectError on CONNACK', () => {
  test.each<[number, ToolErrorCode, boolean, string]>([
    [1, 'protocol_error', false, 'unacceptable protocol version'],
    [2, 'protocol_error', false, 'client id rejected'],
    [3, 'connection_refused', true, 'broker unavailable'],
    [4, 'auth_failed', false, 'bad user name or password'],
    [5, 'not_authorized', false, 'not authorized'],
    [0x80, 'connection_refused', false, 'unspecified error'],
    [0x81, 'protocol_error', false, 'malformed packet'],
    [0x84, 'protocol_error', false, 'unsupported protocol version'],
    [0x85, 'protocol_error', false, 'client id not valid'],
    [0x86, 'auth_failed', false, 'bad user name or password'],
    [0x87, 'not_authorized', false, 'not authorized to connect'],
    [0x88, 'connection_refused', true, 'broker unavailable'],
    [0x89, 'connection_refused', true, 'broker busy'],
    [0x8a, 'not_authorized', false, 'banned by the administrator'],
    [0x8c, 'auth_failed', false, 'bad authentication method'],
    [0x97, 'connection_refused', true, 'quota exceeded: a limit of the broker or the account was reached'],
    [0x9d, 'connection_refused', false, 'server moved'],
    [0x9f, 'connection_refused', true, 'connection rate exceeded'],
    [0xee, 'protocol_error', false, 'unknown reason code 0xee'],
  ])('%i -> %s, retryable %s', (code, word, retryable, reason) => {
    const { data } = connectError(new ErrorWithReasonCode('Connection refused: EVIL', code), tcp);
    expect(data).toMatchObject({ code: word, retryable, reason_code: code, reason });
    expect(data.message).toBe(`broker:1883 refused the connection: ${reason}.`);
    expect(data.hint).not.toBe('');
  });
});

describe('connectError on sockets, DNS, TLS and WebSocket', () => {
  test.each<[Where, unknown, ToolErrorCode, boolean, RegExp]>([
    [tcp, coded('ECONNREFUSED'), 'connection_refused', true, /nothing listens/],
    [tcp, coded('ECONNRESET'), 'connection_refused', true, /closed the connection before/],
    [tcp, coded('EPIPE'), 'connection_refused', true, /closed the connection before/],
    [tcp, new Error('Connection closed'), 'connection_refused', true, /closed the connection before/],
    [tcp, new Error("Couldn't connect to server"), 'connection_refused', true, /closed the connection before/],
    [tcp, coded('EHOSTUNREACH'), 'connection_refused', true, /no network route/],
    [tcp, coded('ENETUNREACH'), 'connection_refused', true, /no network route/],
    [tcp, coded('EACCES'), 'connection_refused', false, /forbids/],
    [tcp, coded('EMFILE'), 'connection_refused', true, /no free socket/],
    [tcp, coded('ETIMEDOUT'), 'connection_timeout', true, /did not answer in time/],
    [tcp, new Error('connack timeout'), 'connection_timeout', true, /did not answer CONNECT/],
    [tcp, new DOMException('EVIL', 'TimeoutError'), 'connection_timeout', true, /did not answer in time/],
    [tcp, new DOMException('EVIL', 'AbortError'), 'cancelled', true, /was cancelled/],
    [tcp, new Error('x', { cause: new DOMException('EVIL', 'TimeoutError') }), 'connection_timeout', true, /in time/],
    [tcp, coded('ENOTFOUND'), 'dns_failure', false, /does not exist in DNS/],
    [tcp, coded('EAI_AGAIN'), 'dns_failure', true, /DNS did not answer/],
    [tcp, new Error('Invalid header flag bits, must be 0x0 for connack packet'), 'protocol_error', false, /valid MQTT/],
    [tcp, new Error('Cannot parse return code'), 'protocol_error', false, /valid MQTT/],
    [
      tcp,
      new ErrorWithReasonCode('Protocol error: duplicate CONNACK', 130),
      'protocol_error',
      false,
      /could not be connected to: protocol/,
    ],
    [tlsWhere, coded('DEPTH_ZERO_SELF_SIGNED_CERT'), 'tls_failure', false, /self-signed certificate/],
    [tlsWhere, coded('SELF_SIGNED_CERT_IN_CHAIN'), 'tls_failure', false, /self-signed authority/],
    [tlsWhere, coded('CERT_HAS_EXPIRED'), 'tls_failure', false, /expired/],
    [tlsWhere, coded('CERT_NOT_YET_VALID'), 'tls_failure', false, /not valid yet/],
    [
      tlsWhere,
      coded('ERR_TLS_CERT_ALTNAME_INVALID', "altnames: EVIL is not in the cert's list"),
      'tls_failure',
      false,
      /another host name/,
    ],
    [tlsWhere, coded('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'tls_failure', false, /unknown authority/],
    [tlsWhere, coded('UNABLE_TO_GET_ISSUER_CERT_LOCALLY'), 'tls_failure', false, /unknown authority/],
    [tlsWhere, coded('CERT_SIGNATURE_FAILURE'), 'tls_failure', false, /cannot be verified/],
    [tlsWhere, new Error('TLS not authorized'), 'tls_failure', false, /cannot be verified/],
    [tlsWhere, coded('ERR_SSL_WRONG_VERSION_NUMBER'), 'tls_failure', false, /does not speak TLS/],
    [
      tlsWhere,
      coded('EPROTO', 'write EPROTO 00:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:'),
      'tls_failure',
      false,
      /does not speak TLS/,
    ],
    [
      tlsWhere,
      coded('ECONNRESET', 'Client network socket disconnected before secure TLS connection was established'),
      'tls_failure',
      false,
      /does not speak TLS/,
    ],
    [tlsWhere, coded('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'), 'tls_failure', false, /wants a client certificate/],
    [tlsWhere, coded('ERR_SSL_TLSV1_ALERT_UNKNOWN_CA'), 'tls_failure', false, /client certificate/],
    [tlsWhere, coded('ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE'), 'tls_failure', false, /broke off/],
    [tlsWhere, coded('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'), 'tls_failure', false, /no TLS version/],
    [tlsWhere, coded('ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL'), 'tls_failure', false, /ALPN/],
    [tlsWhere, coded('ERR_OSSL_BAD_DECRYPT'), 'tls_failure', false, /certificate or key/],
    [tlsWhere, coded('EPROTO'), 'tls_failure', false, /broke off/],
    [ws, new Error('Unexpected server response: 401'), 'auth_failed', false, /HTTP 401/],
    [ws, new Error('Unexpected server response: 403'), 'not_authorized', false, /HTTP 403/],
    [ws, new Error('Unexpected server response: 404'), 'connection_refused', false, /HTTP 404/],
    [ws, new Error('Unexpected server response: 503'), 'connection_refused', true, /HTTP 503/],
    [ws, new Error('Opening handshake has timed out'), 'connection_timeout', true, /handshake/],
    [ws, new Error('Server sent no subprotocol'), 'protocol_error', false, /WebSocket/],
    [ws, new Error('Invalid Upgrade header'), 'protocol_error', false, /WebSocket/],
    [ws, coded('HPE_INVALID_CONSTANT', 'Parse Error: Expected HTTP/'), 'protocol_error', false, /WebSocket/],
    [ws, new Error('socket hang up'), 'connection_refused', true, /closed the connection/],
    [
      tcp,
      new AggregateError([coded('ENETUNREACH'), coded('ECONNREFUSED')], 'x'),
      'connection_refused',
      true,
      /nothing listens/,
    ],
    [tcp, new AggregateError([coded('ENETUNREACH'), coded('ETIMEDOUT')]), 'connection_timeout', true, /in time/],
    [
      tcp,
      new AggregateError([coded('ETIMEDOUT'), coded('ECONNREFUSED')]),
      'connection_refused',
      true,
      /nothing listens/,
    ],
    [tcp, new AggregateError([]), 'connection_refused', false, /does not know/],
    [tcp, coded('EVIL EVIL', 'EVIL'), 'connection_refused', false, /does not know/],
    [tcp, coded('constructor', 'EVIL'), 'connection_refused', false, /does not know/],
    [tcp, new Error('EVIL'), 'connection_refused', false, /does not know/],
    [tcp, undefined, 'connection_refused', false, /does not know/],
    [tcp, 'EVIL', 'connection_refused', false, /does not know/],
    [tcp, { code: 'ECONNREFUSED' }, 'connection_refused', true, /nothing listens/],
  ])('case %#', (where, error, code, retryable, words) => {
    const { data } = connectError(error, where);
    expect(data).toMatchObject({ code, retryable });
    expect(data.message).toMatch(words);
    expect(data.message).toContain(`${where.host}:${where.port}`);
    expect(data.message).toMatch(/^[^\n]*\.$/);
    expect(JSON.stringify(data)).not.toContain('EVIL');
    expect(data.hint).not.toBe('');
  });

  test('a ToolError comes back as it is, also from inside', () => {
    const told = new ToolError('policy_denied', 'no', 'never');
    expect(connectError(told, tcp)).toBe(told);
    expect(connectError(new Error('outer', { cause: told }), tcp)).toBe(told);
  });

  test('an IPv6 host is in brackets', () => {
    expect(connectError(coded('ECONNREFUSED'), { ...tcp, host: '::1' }).message).toContain('[::1]:1883');
  });

  test('a cause that is its own cause ends', () => {
    const error: Error & { cause?: unknown } = new Error('x');
    error.cause = error;
    expect(connectError(error, tcp).data.code).toBe('connection_refused');
  });
});

describe('connectError on real errors', () => {
  const servers: Server[] = [];
  let key = '';
  let cert = '';

  beforeAll(() => {
    const folder = mkdtempSync(join(tmpdir(), 'connect-error-'));
    const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=EVIL.example'];
    execFileSync('openssl', [...request, '-keyout', keyFile, '-out', certFile], { stdio: 'ignore' });
    key = readFileSync(keyFile, 'utf8');
    cert = readFileSync(certFile, 'utf8');
    rmSync(folder, { recursive: true });
  });

  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  async function listen(server: Server): Promise<number> {
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address: AddressInfo | string | null = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return address.port;
  }

  /** What mqtt.js makes of a connect to there; its 'close' without an error is what a session sees as closed. */
  async function failure(url: string, options: mqtt.IClientOptions = {}): Promise<ToolError> {
    const { hostname, port, protocol } = new URL(url);
    const transports = { 'mqtt:': 'tcp', 'mqtts:': 'tls', 'ws:': 'ws', 'wss:': 'wss' } as const;
    const transport = Object.entries(transports).find(([scheme]) => scheme === protocol)?.[1] ?? 'tcp';
    const client = mqtt.connect(url, {
      reconnectPeriod: 0,
      connectTimeout: 2000,
      password: 'S3CR3T',
      username: 'u',
      ...options,
    });
    const error = await new Promise<unknown>((resolve) => {
      client.once('error', resolve);
      client.once('close', () => setImmediate(() => resolve(new Error('Connection closed'))));
    });
    client.end(true);
    return connectError(error, { host: hostname, port: Number(port), transport });
  }

  async function closedPort(): Promise<number> {
    const server = net.createServer();
    const port = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    servers.pop();
    return port;
  }

  /** Answers the first bytes with `bytes` and hangs up. */
  function answering(bytes: Buffer | string): Server {
    return net.createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end(bytes));
    });
  }

  test('a closed port -> connection_refused', async () => {
    const { data } = await failure(`mqtt://127.0.0.1:${await closedPort()}`);
    expect(data).toMatchObject({ code: 'connection_refused', retryable: true });
    expect(data.message).toContain('nothing listens');
  });

  test('a closed port of localhost, every address tried -> connection_refused', async () => {
    const { data } = await failure(`mqtt://localhost:${await closedPort()}`);
    expect(data.code).toBe('connection_refused');
    expect(data.message).toContain('nothing listens');
  });

  test('a closed WebSocket port -> connection_refused', async () => {
    const { data } = await failure(`ws://127.0.0.1:${await closedPort()}/mqtt`);
    expect(data.message).toContain('nothing listens');
  });

  test('a host that does not exist -> dns_failure', async () => {
    expect((await failure('mqtt://no-such-host.invalid:1883')).data.code).toBe('dns_failure');
  });

  test('a self-signed certificate -> tls_failure without its name', async () => {
    const port = await listen(tls.createServer({ key, cert }));
    const { data } = await failure(`mqtts://127.0.0.1:${port}`);
    expect(data).toMatchObject({ code: 'tls_failure', retryable: false });
    expect(data.message).toContain('self-signed');
    expect(JSON.stringify(data)).not.toContain('EVIL');
  });

  test('a trusted certificate for another name -> tls_failure without that name', async () => {
    const port = await listen(tls.createServer({ key, cert }));
    const { data } = await failure(`mqtts://localhost:${port}`, {
      ca: cert,
      host: '127.0.0.1',
      servername: 'localhost',
    });
    expect(data.code).toBe('tls_failure');
    expect(data.message).toContain('another host name');
    expect(JSON.stringify(data)).not.toContain('EVIL');
  });

  test('a client certificate is wanted -> tls_failure', async () => {
    const server = tls.createServer({ key, cert, requestCert: true, rejectUnauthorized: true, ca: cert });
    const { data } = await failure(`mqtts://127.0.0.1:${await listen(server)}`, { rejectUnauthorized: false });
    // The alert may lose against the reset that follows it; both say what to try.
    expect(['tls_failure', 'connection_refused']).toContain(data.code);
    expect(`${data.message} ${data.hint}`).toContain('client certificate');
  });

  test('TLS spoken to a port that answers in plain -> tls_failure', async () => {
    const { data } = await failure(`mqtts://127.0.0.1:${await listen(answering('HTTP/1.1 400 Bad Request\r\n\r\n'))}`);
    expect(data.code).toBe('tls_failure');
    expect(data.message).toContain('does not speak TLS');
  });

  test('TLS spoken to a port that hangs up -> tls_failure', async () => {
    const { data } = await failure(`mqtts://127.0.0.1:${await listen(answering(''))}`);
    expect(data.code).toBe('tls_failure');
    expect(data.message).toContain('does not speak TLS');
  });

  test('a port that hangs up before CONNACK -> connection_refused', async () => {
    const { data } = await failure(`mqtt://127.0.0.1:${await listen(answering(''))}`);
    expect(data.code).toBe('connection_refused');
    expect(data.message).toContain('before it answered CONNECT');
  });

  test('a port that never answers -> connection_timeout', async () => {
    const port = await listen(net.createServer((socket) => socket.unref()));
    const { data } = await failure(`mqtt://127.0.0.1:${port}`, { connectTimeout: 100 });
    expect(data.code).toBe('connection_timeout');
  });

  test('a port that speaks HTTP -> protocol_error', async () => {
    const { data } = await failure(`mqtt://127.0.0.1:${await listen(answering('HTTP/1.1 400 EVIL\r\n\r\n'))}`);
    expect(data.code).toBe('protocol_error');
    expect(JSON.stringify(data)).not.toContain('EVIL');
  });

  test('WebSocket spoken to a port that is not HTTP -> protocol_error', async () => {
    const { data } = await failure(`ws://127.0.0.1:${await listen(answering('EVIL'))}/mqtt`);
    expect(data.code).toBe('protocol_error');
    expect(data.message).toContain('WebSocket');
  });

  test('CONNACK of MQTT 5 with a reason string -> its code in our words', async () => {
    const reason = Buffer.from('EVIL S3CR3T');
    const properties = Buffer.concat([Buffer.from([0x1f, 0, reason.length]), reason]);
    const connack = Buffer.concat([Buffer.from([0x20, properties.length + 3, 0, 0x86, properties.length]), properties]);
    const { data } = await failure(`mqtt://127.0.0.1:${await listen(answering(connack))}`, { protocolVersion: 5 });
    expect(data).toMatchObject({ code: 'auth_failed', reason_code: 0x86, reason: 'bad user name or password' });
    expect(JSON.stringify(data)).not.toMatch(/EVIL|S3CR3T/);
  });

  test('CONNACK of MQTT 3.1.1 -> its code in our words', async () => {
    const port = await listen(answering(Buffer.from([0x20, 2, 0, 5])));
    const { data } = await failure(`mqtt://127.0.0.1:${port}`, { protocolVersion: 4 });
    expect(data).toMatchObject({ code: 'not_authorized', reason_code: 5, reason: 'not authorized' });
  });

  test('a 3.1.1 broker that refuses CONNECT of version 5 -> protocol_error, code 1', async () => {
    const port = await listen(answering(Buffer.from([0x20, 2, 0, 1])));
    const { data } = await failure(`mqtt://127.0.0.1:${port}`, { protocolVersion: 5 });
    expect(data).toMatchObject({ code: 'protocol_error', reason_code: 1 });
    expect(data.hint).toContain('protocol_version');
  });
});
