// The TLS layer of a check: what is wrong with a certificate is told apart, on real brokers and servers.
import { once } from 'node:events';
import { createServer as createWebServer } from 'node:https';
import { createServer, type TlsOptions } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startMosquitto } from '../support/broker.ts';
import { type CertOptions, certificate, type Pem } from '../support/broker-cert.ts';
import { startMute } from '../support/fake-broker.ts';
import { signal } from '../support/fake-caller.ts';
import { examine, examineOn, poolWith } from '../support/fake-checkup.ts';
import { request } from '../support/fake-connect.ts';

const day = 86_400_000;
const inDays = (days: number) => new Date(Date.now() + days * day);
const ca = certificate('Plant CA', { ca: true });
const good = certificate('localhost', {}, ca);
const known = { ca: Buffer.from(ca.cert) };

async function broker(tls: { cert: string; key: string; ca?: string }) {
  const started = await startMosquitto({ tls });
  onTestFinished(started.stop);
  return started;
}

const behindTls = 'connack skipped, subscribe skipped, echo skipped, sys skipped';

test('a certificate that fits -> chain, names, days, protocol and cipher are told; the session works', async () => {
  const { url } = await broker({ ...good, cert: good.cert + ca.cert });
  const { line, check } = await examine({ url, tls: known }, { probeTopic: 'probe/a' });
  expect(line).toBe('dns ok, tcp ok, tls ok, connack ok, subscribe ok, echo ok, sys ok');
  expect(check('tls').tls).toMatchObject({
    protocol: 'TLSv1.3',
    cipher: expect.stringMatching(/^TLS_/),
    servername: 'localhost',
    names: ['localhost', '127.0.0.1'],
    days_left: 364,
    problems: [],
    chain: [
      { subject: 'CN=localhost', issuer: 'CN=Plant CA' },
      { subject: 'CN=Plant CA', issuer: 'CN=Plant CA' },
    ],
  });
});

const leaf = (options: CertOptions, issuer: Pem | undefined = ca) => certificate('localhost', options, issuer);
const self = (options: CertOptions = {}) => certificate('localhost', options);

describe('a certificate that does not', () => {
  test.each<[string, Pem, object, string[], RegExp]>([
    ['self-signed', self(), {}, ['self_signed'], /self-signed/],
    ['of an unknown CA', good, {}, ['unknown_authority'], /authority that is unknown/],
    ['expired', leaf({ from: inDays(-30), to: inDays(-12) }), known, ['expired'], /expired 1[23] days ago/],
    ['not valid yet', leaf({ from: inDays(3) }), known, ['not_yet_valid'], /not valid yet/],
    ['for another name', leaf({ names: ['other'], ips: [] }), known, ['wrong_name'], /other host names/],
    [
      'expired and for another name',
      leaf({ to: inDays(-2), from: inDays(-9), names: ['other'] }),
      known,
      ['expired', 'wrong_name'],
      /, and is for/,
    ],
    ['self-signed and expired', self({ from: inDays(-9), to: inDays(-2) }), {}, ['expired'], /expired/],
  ])('%s -> told, and everything behind is skipped', async (_what, tls, options, problems, words) => {
    const { url } = await broker(tls);
    const { line, check } = await examine({ url, tls: options });
    expect(line).toBe(`dns ok, tcp ok, tls failed, ${behindTls}`);
    const found = check('tls');
    expect([...(found.tls?.problems ?? [])].sort()).toEqual(problems);
    expect(found).toMatchObject({ code: 'tls_failure', detail: expect.stringMatching(words) });
  });

  test('an authority of its chain has expired -> said so', async () => {
    const old = certificate('Old CA', { ca: true, from: inDays(-9), to: inDays(-2) });
    const { url } = await broker(certificate('localhost', {}, old));
    const { check } = await examine({ url, tls: { ca: Buffer.from(old.cert) } });
    expect(check('tls')).toMatchObject({ status: 'failed', detail: expect.stringContaining('authority whose own') });
    expect(check('tls').tls?.problems).toEqual(['expired']);
  });

  test('about to expire -> a warning, and the rest goes on', async () => {
    const { url } = await broker(leaf({ to: inDays(5.5) }));
    const { line, check } = await examine({ url, tls: known });
    expect(line).toContain('tls warning, connack ok');
    expect(check('tls').detail).toContain('ends in 5 days');
  });

  test('the profile turns verification off -> a warning with what is wrong, and the rest goes on', async () => {
    const { url } = await broker(self());
    const { line, check } = await examine({ url, tls: { rejectUnauthorized: false } });
    expect(line).toContain('tls warning, connack ok, subscribe ok');
    expect(check('tls').tls?.problems).toEqual(['self_signed']);
  });

  test('names with control characters and of any length -> cut, in one line, in typed fields only', async () => {
    const name = `evil${'x'.repeat(500)}`;
    const { url } = await broker(certificate(name, { names: ['localhost', `${'n'.repeat(300)}.x`] }));
    const { check } = await examine({ url });
    const { tls, detail, hint } = check('tls');
    expect(tls?.chain[0]?.subject.length).toBeLessThanOrEqual(200);
    expect(Math.max(...(tls?.names ?? []).map((one) => one.length))).toBeLessThanOrEqual(200);
    expect(`${detail}${hint}`).not.toContain('evil');
  });
});

test('a broker that wants a client certificate -> told at tls; with one -> in', async () => {
  const { url } = await broker({ ...good, ca: ca.cert });
  const { line, check } = await examine({ url, tls: known });
  expect(line).toBe(`dns ok, tcp ok, tls failed, ${behindTls}`);
  expect(check('tls')).toMatchObject({ code: 'tls_failure', detail: expect.stringContaining('client certificate') });
  expect(check('tls').tls?.problems).toEqual([]);
  expect(check('sys').detail).toBe('Not tried: tls failed.');
  const { cert, key } = certificate('me', {}, ca);
  const mine = { ...known, cert: Buffer.from(cert), key: Buffer.from(key) };
  expect((await examine({ url, tls: mine })).line).toContain('tls ok, connack ok');
});

test('servername of the profile -> compared instead of the host', async () => {
  const { url } = await broker(leaf({ names: ['broker.plant'], ips: [] }));
  const { check } = await examine({ url, tls: { ...known, servername: 'broker.plant' } });
  expect(check('tls')).toMatchObject({ status: 'ok', tls: { servername: 'broker.plant' } });
});

test('a profile whose CA is none -> tls_failure', async () => {
  const pool = poolWith({ url: 'mqtts://localhost:1', tls: { cert: Buffer.from('x'), key: Buffer.from('y') } });
  await expect(pool.check({ profile: 'p', timeoutSeconds: 1 }, signal, () => {})).rejects.toMatchObject({
    data: { code: 'tls_failure' },
  });
});

test('an open session over TLS -> its broker is looked at with the same trust', async () => {
  const { url } = await broker(good);
  const pool = poolWith({ url, tls: known });
  await pool.establish(request({ connectionString: undefined, profile: 'p', name: 's' }), signal);
  expect((await examineOn(pool, { session: 's' })).line).toContain('tls ok, connack ok');
});

describe('the wrong scheme for the port', () => {
  test('mqtts:// to a plain MQTT port -> mqtt:// is named', async () => {
    const plain = await startMosquitto();
    onTestFinished(plain.stop);
    const { line, check } = await examine(`mqtts://localhost:${plain.port}`);
    expect(line).toBe(`dns ok, tcp ok, tls failed, ${behindTls}`);
    expect(check('tls').hint).toContain('speaks MQTT without TLS: use mqtt://');
  });

  test('mqtt:// to a TLS port -> mqtts:// is named', async () => {
    const { port } = await broker(good);
    const { line, check } = await examine(`mqtt://localhost:${port}`);
    expect(line).toContain('tls skipped, connack failed');
    expect(check('connack').hint).toContain('expects TLS: use mqtts://');
  });

  async function serving(
    options: TlsOptions,
    server = createServer(options, (socket) => void socket.on('error', () => {})),
  ) {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void server.close());
    const address = server.address();
    return address !== null && typeof address === 'object' ? address.port : 0;
  }

  test('mqtts:// to a TLS server without MQTT -> tls ok, connack says so', async () => {
    const url = `mqtts://localhost:${await serving(good)}`;
    const { line, check } = await examine({ url, tls: known }, { timeoutSeconds: 1 });
    expect(line).toContain('tls ok, connack failed');
    expect(check('connack').hint).toContain('something else than a broker');
  });

  test('mqtts:// to a web server -> wss:// is named; wss:// to it -> its HTTP status', async () => {
    const server = createWebServer(good, (_request, response) => void response.writeHead(403).end());
    const port = await serving(good, server);
    const secure = await examine({ url: `mqtts://localhost:${port}`, tls: known });
    expect(secure.check('connack').hint).toContain('wss://');
    const socket = await examine({ url: `wss://localhost:${port}/mqtt`, tls: known });
    expect(socket.check('tls')).toMatchObject({ status: 'ok', tls: { alpn: 'http/1.1' } });
    expect(socket.check('connack')).toMatchObject({
      code: 'not_authorized',
      detail: expect.stringContaining('HTTP 403'),
    });
  });

  test('mqtts:// to a port that says nothing -> tls fails in time, no socket left', async () => {
    const { port, sockets } = await startMute();
    const { line } = await examine(`mqtts://127.0.0.1:${port}`, { timeoutSeconds: 1 });
    expect(line).toBe(`dns ok, tcp ok, tls failed, ${behindTls}`);
    await expect.poll(() => sockets.every(({ closed }) => closed)).toBe(true);
  });
});
