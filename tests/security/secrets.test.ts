// No credential anywhere, beside tests/e2e/secrets.test.ts: on record, in what a host is told meanwhile, where a call or
// the program ends in the middle, where the program itself fails; with a password that every encoding changes.
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, createServer, type Server as NetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { certificate } from '../support/broker-cert.ts';
import { startFakeBroker, startMute } from '../support/fake-broker.ts';
import { type Fields, Script } from '../support/fake-host.ts';
import { leaks, marker } from '../support/leaks.ts';
import { dig, envelope } from '../support/streams.ts';
import { greet } from './every-output.ts';

/** Quotes, a backslash, a letter of two bytes, a space, a percent sign, a control character; no two encodings are alike. */
const odd = (plain: string): string => `Q"\\/ü 100%\t${plain}`;

async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'secrets-test-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  return dir;
}

/** Its port. */
async function listening(server: NetServer): Promise<number> {
  await once(server.listen(0, 'localhost'), 'listening');
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

/** A host that wants every log line, with an audit trail and a profile whose password is in the environment. */
async function prepared(url: string, secret: string, more: object = {}) {
  const dir = await folder();
  const [config, logFile, record] = ['config.json', 'log', 'audit.jsonl'].map((file) => join(dir, file));
  const profiles = { plant: { url, username: 'u', password: { env: 'BROKER_SECRET' } }, ...more };
  const policy = { publish: { allow: ['a/#'] } };
  await writeFile(`${config}`, JSON.stringify({ profiles, policy, audit_file: 'audit.jsonl' }), { mode: 0o600 });
  const args = ['--config', `${config}`, '--log-level', 'debug', '--log-file', `${logFile}`];
  const script = new Script({ args, env: { BROKER_SECRET: secret } });
  await greet(script);
  const said = async () => {
    const files = await Promise.all([readFile(`${logFile}`, 'utf8'), readFile(`${record}`, 'utf8').catch(() => '')]);
    return { lines: [...script.daemon.received, ...script.daemon.stderr, ...files].join('\n'), record: files[1] };
  };
  return { script, said };
}

test('an odd password, every way, both eras, with an audit trail and a host that listens -> nowhere', async () => {
  const plain = marker();
  const secret = odd(plain);
  const broker = await startFakeBroker();
  const { script, said } = await prepared(broker.url, secret);
  const ways: Fields[] = [
    { name: 'profile', profile: 'plant' },
    { name: 'url', connection_string: broker.url.replace('//', `//u:${encodeURIComponent(secret)}@`) },
    { name: 'argument', connection_string: broker.url, username: 'u', password: secret },
  ];
  for (const way of ways) {
    const session = { session_id: way.name };
    const call = (name: string, args: Fields, more: Fields = {}) =>
      script.result('tools/call', { name, arguments: args, _meta: { progressToken: name, ...more } });
    await call('establish_connection', way);
    expect(broker.packets.at(-1)).toMatchObject({ cmd: 'connect', password: Buffer.from(secret) });
    await call('publish_message', { ...session, topic: 'a/b', payload: 'x', qos: 1 });
    expect(await call('publish_message', { ...session, topic: 'b', payload: 'x' })).toMatchObject({ isError: true });
    await call('list_topics', { ...session, duration_seconds: 2 });
    await call('test_connection', session, envelope());
    await call('list_active_connections', {}, envelope());
    const { name: _, ...connect } = way;
    await call(
      'test_connection',
      way.profile === undefined ? { connection_string: connect.connection_string } : connect,
    );
    await script.result('resources/read', { uri: 'mqtt://sessions' });
    await call('close_connection', session);
  }
  await script.end();
  const { lines, record } = await said();
  expect(record.split('\n').length).toBeGreaterThan(6);
  expect(lines).toContain('notifications/progress');
  expect(leaks(lines, [secret, plain])).toEqual([]);
});

test('a login that succeeds, over TLS, WebSocket, both and a Unix socket, a token in the path -> nowhere', async () => {
  const plain = marker();
  const token = marker();
  const broker = await startFakeBroker();
  const dir = await folder();
  const { cert, key } = certificate('localhost', {});
  const wire = (stream: Duplex) => {
    const behind = connect(broker.port, '127.0.0.1');
    behind.pipe(stream).pipe(behind);
    for (const one of [stream, behind]) one.on('error', () => {});
  };
  const web = [createHttpServer(), createHttpsServer({ cert, key })];
  for (const server of web)
    new WebSocketServer({ server }).on('connection', (socket) => wire(createWebSocketStream(socket)));
  const servers = [createTlsServer({ cert, key }, wire), ...web];
  const path = join(dir, 'broker.sock');
  const local = createServer(wire).listen(path);
  onTestFinished(() => void [...servers, local].map((server) => server.close()));
  const ports = await Promise.all(servers.map(listening));
  const login = { username: 'u', password: { env: 'BROKER_SECRET' }, verify: false };
  const profiles = {
    tls: { url: `mqtts://localhost:${ports[0]}`, ...login },
    ws: { url: `ws://localhost:${ports[1]}/mqtt?token=${token}`, ...login },
    wss: { url: `wss://localhost:${ports[2]}/mqtt?token=${token}`, ...login },
    unix: { url: `unix://${path}`, ...login },
  };
  const { script, said } = await prepared(broker.url, odd(plain), profiles);
  for (const profile of Object.keys(profiles)) {
    expect(await script.result('establish_connection', { profile })).toMatchObject({ status: 'connected' });
    expect(broker.packets.at(-1)).toMatchObject({ cmd: 'connect', password: Buffer.from(odd(plain)) });
    await script.result('publish_message', { session_id: profile, topic: 'a/b', payload: 'x', qos: 1 });
    await script.result('test_connection', { profile });
    broker.clients.at(-1)?.socket.destroy();
    await script.result('list_active_connections');
    await script.result('close_connection', { session_id: profile });
  }
  await script.end();
  expect(leaks((await said()).lines, [odd(plain), plain, token])).toEqual([]);
});

test('cancelled, or the program ended, in the middle of a connect -> nowhere', async () => {
  const plain = marker();
  const secret = odd(plain);
  const mute = await startMute();
  const url = `mqtt://127.0.0.1:${mute.port}`;
  const { script, said } = await prepared(url, secret);
  const { daemon } = script;
  const ways: Fields[] = [
    { profile: 'plant' },
    { connection_string: url.replace('//', `//u:${encodeURIComponent(secret)}@`) },
    { connection_string: url, username: 'u', password: secret },
  ];
  for (const way of ways) {
    const before = mute.sockets.length;
    const id = script.send('tools/call', { name: 'establish_connection', arguments: way });
    await expect.poll(() => mute.sockets.length).toBe(before + 1);
    daemon.notify('notifications/cancelled', { requestId: id, reason: secret });
  }
  const before = mute.sockets.length;
  for (const way of ways) script.send('establish_connection', way);
  await expect.poll(() => mute.sockets.length).toBe(before + ways.length);
  daemon.kill('SIGTERM');
  expect((await daemon.exit).code).toBe(0);
  const { lines } = await said();
  expect(lines.match(/"code":"cancelled"/g)).toHaveLength(ways.length);
  expect(leaks(lines, [secret, plain])).toEqual([]);
});

const faults = (secret: string): string => `
const secret = ${JSON.stringify(secret)};
class Odd extends Error { constructor() { super(secret); this.name = 'Odd'; this.password = secret; this.cause = new Error(secret); } }
process.once('SIGUSR2', () => {
  setTimeout(() => { throw new Odd(); });
  setTimeout(() => { throw secret; });
  setTimeout(() => { throw { toString: () => secret, message: secret, stack: secret }; });
  setTimeout(() => { throw new Error(secret + '\\n    at ' + secret); });
  Promise.reject(new Odd());
  Promise.reject(secret);
  process.emitWarning(secret, { code: 'X', detail: secret });
  const net = require('node:net');
  net.connect = net.createConnection = () => { throw new Odd(); };
  require('node:dns').lookup = () => { throw new Odd(); };
});
`;

test('the program itself fails, with the password in what is thrown -> a line on stderr without it, and it goes on', async () => {
  const secret = marker();
  const dir = await folder();
  const preload = join(dir, 'faults.cjs');
  const logFile = join(dir, 'log');
  await writeFile(preload, faults(secret));
  const args = ['--log-level', 'debug', '--log-file', logFile];
  const script = new Script({ args, env: { NODE_OPTIONS: `--require ${preload}` } });
  const { daemon } = script;
  await greet(script);
  daemon.kill('SIGUSR2');
  const told = (msg: string) => daemon.stderr.filter((line) => dig(JSON.parse(line), 'msg') === msg).length;
  await expect.poll(() => [told('uncaught exception'), told('unhandled rejection')]).toEqual([4, 2]);
  for (const connection_string of ['mqtt://127.0.0.1:1', 'mqtts://localhost:1', 'ws://127.0.0.1:1/mqtt']) {
    for (const [name, more] of Object.entries({
      establish_connection: { username: 'u', password: secret },
      test_connection: {},
    })) {
      const id = script.send('tools/call', { name, arguments: { connection_string, ...more, timeout_seconds: 1 } });
      await daemon.answer(id);
    }
  }
  expect(await script.result('ping')).toEqual({});
  await script.end();
  const lines = [...daemon.received, ...daemon.stderr, await readFile(logFile, 'utf8')].join('\n');
  expect(leaks(lines, [secret])).toEqual([]);
});
