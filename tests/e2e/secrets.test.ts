// No credential anywhere: connect with markers, make everything fail that can, then search all that came out.
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, onTestFinished, test } from 'vitest';
import { freePort, startMosquitto } from '../support/broker.ts';
import { certificate } from '../support/broker-cert.ts';
import { type Script as BrokerScript, startFakeBroker, startMute } from '../support/fake-broker.ts';
import { type Fields, Script } from '../support/fake-host.ts';
import { disguises, leaks, marker } from '../support/leaks.ts';

async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'secrets-test-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  return dir;
}

/** Everything the daemon has said: stdout, stderr, and its log file. */
async function saidBy({ daemon }: Script, logFile: string): Promise<string> {
  daemon.end();
  expect((await daemon.exit).code).toBe(0);
  const log = await readFile(logFile, 'utf8');
  expect(daemon.received.length).toBeGreaterThan(1);
  expect(log.length).toBeGreaterThan(10);
  return [...daemon.received, ...daemon.stderr, log].join('\n');
}

async function started(args: string[] = [], env: Record<string, string> = {}) {
  const logFile = join(await folder(), 'log');
  const script = new Script({ args: ['--log-level', 'debug', '--log-file', logFile, ...args], env });
  return { script, said: () => saidBy(script, logFile) };
}

/** A connect that fails, both ways. */
const refused = (script: Script, connection_string: string, more: Fields = {}) =>
  script.errorBothWays('establish_connection', { connection_string, timeout_seconds: 1, ...more });

test('disguises: what they should find', () => {
  const secret = marker();
  for (const before of ['', 'a', 'ab', 'abc']) {
    for (const after of ['', 'z', 'zz']) {
      const text = `${before}${secret}${after}`;
      for (const encoded of [text, encodeURIComponent(text), Buffer.from(text).toString('base64')]) {
        expect(leaks(`x${encoded}y`, [secret]), encoded).not.toEqual([]);
      }
    }
  }
  expect(leaks('nothing in here', [secret])).toEqual([]);
});

test('bad connection strings around the secret -> errors that do not repeat it', async () => {
  const { script, said } = await started();
  const secret = marker();
  const percent = disguises(secret)[3] ?? '';
  const bad = [
    `mqtt://u:${secret}@`,
    `mqtt://u:${secret}`,
    `mqtt://u:${secret}@host:99999`,
    `mqtt://u:${secret}@host:port`,
    `mqtt://u:${secret}@[::1`,
    `mqtt://u:${secret}@ho st`,
    `mqtt://u:${secret}@host?x=1`,
    `mqtt://u:${secret}@host#x`,
    `mqtt://u:${secret}@host/a@b`,
    `mqtt://u:${secret}/x@host`,
    `mqtt://u:12/${secret}@host`,
    `mqtt://u:${secret}?x@host`,
    `mqtt://u:${secret}#x@host`,
    `mqtt://u:${secret}%zz@host`,
    `mqtt://u:%ff${secret}@host`,
    `mqtt://u:${secret}\0@host`,
    `mqtt://u:${secret}\n@host`,
    `http://u:${secret}@host`,
    `mqtt:u:${secret}@host`,
    `mqtt//u:${secret}@host`,
    `u:${secret}@host`,
    secret,
    `ws://host/path?token=${secret}#x`,
    `ws://host/${secret}%zz`,
    `mqtt://u:${percent}@host:0`,
    `mqtt://u:${secret}${'x'.repeat(5_000)}@host`,
  ];
  for (const connection_string of bad) {
    expect((await refused(script, connection_string)).code).toBe('invalid_arguments');
  }
  const good = 'mqtt://host';
  for (const args of [
    { connection_string: good, password: { [secret]: 1 } },
    { connection_string: good, password: [secret] },
    { connection_string: good, password: secret.repeat(500) },
    { connection_string: [`mqtt://u:${secret}@host`] },
    { connection_string: good, pass: secret },
    { connection_string: good, keepalive_seconds: secret },
    { connection_string: good, protocol_version: secret },
    { connection_string: `mqtt://u:${secret}@host`, profile: 'p' },
    { password: secret },
    { profile: secret },
  ]) {
    expect((await script.errorBothWays('establish_connection', args)).code).toBe('invalid_arguments');
  }
  expect(leaks(await said(), [secret])).toEqual([]);
});

test('lines that are no messages, with the secret in them -> errors that do not repeat it', async () => {
  const { script, said } = await started();
  const secret = marker();
  const url = `mqtt://u:${secret}@host`;
  script.daemon.send(
    `establish_connection ${url}`,
    `{"jsonrpc":"2.0","id":1,"method":"establish_connection","params":{"connection_string":"${url}"`,
    `{"jsonrpc":"2.0","id":2,"method":"establish_connection","params":["${url}"]}`,
    `{"jsonrpc":"2.0","id":3,"method":"establish_connection","params":"${url}"}`,
    `{"jsonrpc":"1.0","id":4,"method":"establish_connection","params":{"password":"${secret}"}}`,
    `{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"establish_connection","arguments":"${url}"}}`,
    `{"jsonrpc":"2.0","id":6,"method":"tools/call","params":{"name":"establish","arguments":{"password":"${secret}"}}}`,
    `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":{"x":"${secret}"}}}`,
    `["${secret}"]`,
    `"${secret}"`,
    secret,
    '{"jsonrpc":"2.0","id":"last","method":"ping"}',
  );
  await script.daemon.answer('last');
  expect(leaks(await said(), [secret])).toEqual([]);
});

test('every way a connect fails -> nothing of user name and password', async () => {
  const { script, said } = await started();
  const secret = marker();
  const shared = new URL(inject('mqttUrl')).host;
  const mute = await startMute();
  const strict = await startMosquitto({ users: { me: 'other' } });
  onTestFinished(strict.stop);
  const ca = certificate('test CA', { ca: true });
  const tls = await startMosquitto({ tls: certificate('broker', {}, ca) });
  onTestFinished(tls.stop);
  const closed = await freePort();
  const web = createServer(({ url = '', headers }, response) => {
    response.writeHead(401, { 'www-authenticate': `${url}` }).end(JSON.stringify(headers));
  });
  web.listen(0, '127.0.0.1');
  await once(web, 'listening');
  onTestFinished(() => void web.close());
  const address = web.address();
  const webPort = address !== null && typeof address === 'object' ? address.port : 0;

  const user = `me:${secret}`;
  expect((await refused(script, `mqtt://${user}@127.0.0.1:${closed}`)).code).toBe('connection_refused');
  expect((await refused(script, `mqtt://${user}@no-such-host.invalid`, { timeout_seconds: 10 })).code).toBe(
    'dns_failure',
  );
  expect((await refused(script, `mqtt://${user}@127.0.0.1:${mute.port}`)).code).toBe('connection_timeout');
  expect((await refused(script, `mqtts://${user}@127.0.0.1:${mute.port}`)).code).toBe('connection_timeout');
  expect((await refused(script, `mqtts://${user}@127.0.0.1:${tls.port}`)).code).toBe('tls_failure');
  // In which state of the handshake a plain port hangs up depends on who is in between.
  expect(['connection_refused', 'tls_failure']).toContain((await refused(script, `mqtts://${user}@${shared}`)).code);
  for (const protocol_version of [4, 5]) {
    const more = { protocol_version, timeout_seconds: 5 };
    const error = await refused(script, `mqtt://${user}@127.0.0.1:${strict.port}`, more);
    expect(error.code).toMatch(/auth_failed|not_authorized/);
    await refused(script, strict.url, { ...more, username: 'me', password: secret });
  }
  expect((await refused(script, `ws://${user}@127.0.0.1:${webPort}/${secret}?token=${secret}`)).code).toBe(
    'auth_failed',
  );
  expect((await refused(script, `ws://${shared}/${secret}`)).code).toMatch(/refused|protocol/);
  await script.connect('taken', inject('mqttUrl'));
  expect((await refused(script, `mqtt://${user}@127.0.0.1`, { name: 'taken' })).code).toBe('invalid_arguments');
  for (const name of ['b', 'c', 'd', 'e']) await script.connect(name, inject('mqttUrl'));
  expect((await refused(script, `mqtt://${user}@127.0.0.1`)).code).toBe('session_limit');
  const text = await said();
  expect(leaks(text, [secret])).toEqual([]);
});

test('test_connection, however it ends -> nothing of user name and password, path or token', async () => {
  const dir = await folder();
  const config = join(dir, 'config.json');
  const secret = marker();
  const user = `me:${secret}`;
  const strict = await startMosquitto({ users: { me: secret }, acl: 'user me\ntopic read a/#' });
  onTestFinished(strict.stop);
  const tls = await startMosquitto({ tls: certificate('broker') });
  onTestFinished(tls.stop);
  const mute = await startMute();
  const password = { command: [process.execPath, '-e', `console.log('${secret}')`] };
  await writeFile(config, JSON.stringify({ profiles: { plant: { url: strict.url, username: 'me', password } } }));
  const { script, said } = await started(['--config', config]);
  const strings = [
    `mqtt://${user}@127.0.0.1:${strict.port}/known-client`,
    `mqtt://${user}x@127.0.0.1:${strict.port}`,
    `mqtt://${user}@127.0.0.1:${await freePort()}`,
    `mqtt://${user}@no-such-host.invalid`,
    `mqtt://${user}@127.0.0.1:${mute.port}`,
    `mqtts://${user}@localhost:${tls.port}`,
    `mqtt://${user}@localhost:${tls.port}`,
    `mqtts://${user}@127.0.0.1:${strict.port}`,
    `ws://${user}@127.0.0.1:${strict.port}/${secret}?token=${secret}`,
  ];
  const health: unknown[] = [];
  // As many at once as may be.
  for (let n = 0; n < strings.length; n += 3) {
    const asked = strings.slice(n, n + 3).map((connection_string) => {
      const args = { connection_string, timeout_seconds: 1, probe_topic: 'a/probe' };
      return script.result('test_connection', args);
    });
    for (const { overall_health } of await Promise.all(asked)) health.push(overall_health);
  }
  expect(new Set(health)).toEqual(new Set(['unhealthy']));
  const refused = { connection_string: strings[1], timeout_seconds: 1 };
  await script.result('tools/call', { name: 'test_connection', arguments: refused });
  expect(await script.result('test_connection', { profile: 'plant' })).toMatchObject({ overall_health: 'healthy' });
  await script.result('establish_connection', { profile: 'plant', name: 'p' });
  await script.result('test_connection', { session_id: 'p', probe_topic: 'a/probe' });
  for (const args of [
    { connection_string: `mqtt://${user}@h:x` },
    { connection_string: `mqtt://${user}@h`, profile: secret },
  ]) {
    expect((await script.errorBothWays('test_connection', args)).code).toBe('invalid_arguments');
  }
  expect(leaks(await said(), [secret])).toEqual([]);
});

test('a broker that repeats the secret in every reason it gives -> we do not', async () => {
  const { script, said } = await started();
  const secret = marker();
  let talk: BrokerScript = () => false;
  const broker = await startFakeBroker((packet, client) => talk(packet, client));
  const properties = { reasonString: secret, userProperties: { [secret]: secret } };
  talk = (packet, { send }) => {
    if (packet.cmd !== 'connect') return false;
    send({ cmd: 'connack', sessionPresent: false, reasonCode: 0x86, properties });
    return true;
  };
  const args = { username: 'u', password: secret };
  expect((await refused(script, broker.url, args)).code).toBe('auth_failed');
  talk = () => false;
  await script.connect('echo', broker.url, args);
  talk = (packet, { send }) => {
    const { messageId = 0 } = packet;
    if (packet.cmd === 'subscribe') send({ cmd: 'suback', messageId, granted: [0x87], properties });
    else if (packet.cmd === 'publish' && packet.qos === 1)
      send({ cmd: 'puback', messageId, reasonCode: 0x87, properties });
    else return false;
    return true;
  };
  const session = { session_id: 'echo' };
  const listening = { ...session, topic_pattern: 'a' };
  expect((await script.errorBothWays('subscribe_and_collect', listening)).code).toBe('subscribe_denied');
  const write = { ...session, topic: 'a', payload: 'x', qos: 1 };
  expect((await script.errorBothWays('publish_message', write)).code).toBe('publish_denied');
  broker.clients.at(-1)?.send({ cmd: 'disconnect', reasonCode: 0x98, properties });
  talk = () => true;
  await expect.poll(async () => (await script.session('echo')).connection_error).toMatch(/administrative action/);
  expect((await script.errorBothWays('publish_message', write)).code).toBe('not_connected');
  expect(leaks(await said(), [secret])).toEqual([]);
});

test('connected, in every way to give a secret -> not in results, lists, errors or logs, to the very end', async () => {
  const dir = await folder();
  const [inUrl, asArgument, encoded, plain, fromEnv, fromFile, fromCommand, token] = Array.from({ length: 8 }, marker);
  const secrets = [inUrl, asArgument, encoded, plain, fromEnv, fromFile, fromCommand, token].map(String);
  const passwords = secrets.slice(0, 7);
  const users = Object.fromEntries(passwords.map((password, n) => [`user${n}`, password]));
  const broker = await startMosquitto({ users, acl: 'user user0\ntopic readwrite a/#' });
  onTestFinished(broker.stop);
  await writeFile(join(dir, 'pass.txt'), `${fromFile}\n`);
  const command = [process.execPath, '-e', `console.error('${fromCommand}'); console.log('${fromCommand}')`];
  const profiles = {
    plain: { url: broker.url, username: 'user3', password: plain },
    env: { url: broker.url, username: 'user4', password: { env: 'BROKER_SECRET' } },
    file: { url: broker.url, username: 'user5', password: { file: 'pass.txt' } },
    command: { url: broker.url, username: 'user6', password: { command } },
    failing: {
      url: broker.url,
      password: { command: [process.execPath, '-e', `console.log('${fromCommand}'); process.exit(1)`] },
    },
    missing: { url: broker.url, password: { env: `NO_${'SUCH'}` } },
  };
  const config = join(dir, 'config.json');
  await writeFile(config, JSON.stringify({ profiles }));
  const { script, said } = await started(['--config', config], { BROKER_SECRET: String(fromEnv) });

  const at = broker.url.replace('mqtt://', '');
  const percent = disguises(String(encoded))[3];
  const ways: Fields[] = [
    { name: 'in-url', connection_string: `mqtt://user0:${inUrl}@${at}` },
    { name: 'as-argument', connection_string: broker.url, username: 'user1', password: asArgument },
    { name: 'encoded', connection_string: `mqtt://user2:${percent}@${at}` },
    ...['plain', 'env', 'file', 'command'].map((profile) => ({ name: profile, profile })),
  ];
  for (const way of ways) {
    const { name, status } = await script.result('establish_connection', way);
    expect(status).toBe('connected');
    const session = { session_id: name };
    await script.result('list_active_connections');
    await script.result('tools/call', { name: 'list_active_connections', arguments: {} });
    await script.result('publish_message', { ...session, topic: 'a/b', payload: 'x' });
    await script.result('list_topics', { ...session, duration_seconds: 0 });
    await script.errorBothWays('publish_message', { ...session, topic: 'a/#', payload: 'x' });
    // Whatever the pool says of it while it is there.
    await script.errorBothWays('establish_connection', way);
    if (name !== 'in-url') await script.result('close_connection', session);
  }
  for (const profile of ['failing', 'missing', 'nope']) await script.errorBothWays('establish_connection', { profile });
  await script.errorBothWays('establish_connection', {
    connection_string: `ws://127.0.0.1:${await freePort()}/mqtt?token=${token}`,
  });

  const collecting = script.send('subscribe_and_collect', {
    session_id: 'in-url',
    topic_pattern: 'a/#',
    duration_seconds: 10,
    max_messages: 1,
  });
  await script.subscribed('in-url', 'a/#');
  await broker.kill();
  await expect.poll(async () => (await script.session('in-url')).is_connected).toBe(false);
  await script.errorBothWays('publish_message', { session_id: 'in-url', topic: 'a', payload: 'x' });
  await broker.restart();
  await expect.poll(async () => (await script.session('in-url')).is_connected, { timeout: 10_000 }).toBe(true);
  await script.result('publish_message', { session_id: 'in-url', topic: 'a/b', payload: 'x' });
  await script.resultOf(collecting);
  expect(leaks(await said(), secrets)).toEqual([]);
});

test('DEBUG is set, which makes mqtt.js and its kin talkative -> they stay silent', async () => {
  const { script, said } = await started([], { DEBUG: '*' });
  const secret = marker();
  await script.connect('x', inject('mqttUrl'), { username: 'u', password: secret });
  await script.result('publish_message', { session_id: 'x', topic: 'a', payload: secret });
  const text = await said();
  expect(leaks(text, [secret])).toEqual([]);
  for (const line of script.daemon.stderr) expect(() => JSON.parse(line), line).not.toThrow();
});

test('a config that is wrong beside a secret -> one line on stderr without it', async () => {
  const dir = await folder();
  const secret = marker();
  const config = join(dir, 'config.json');
  for (const content of [
    `{"profiles":{"p":{"url":"mqtt://u:${secret}@h","password":"${secret}","pasword":"${secret}"}}}`,
    `{"profiles":{"p":{"password":["${secret}"]}}}`,
    `{"profiles":{"p":{"url":["mqtt://u:${secret}@h"]}}}`,
    `{"profiles":{"p":{"url":"mqtt://h","password":"${secret}"}}`,
  ]) {
    await writeFile(config, content);
    const { daemon } = new Script({ args: ['--config', config] });
    expect((await daemon.exit).code).toBe(2);
    expect(daemon.stderr).toHaveLength(1);
    expect(daemon.received).toEqual([]);
    expect(leaks(daemon.stderr.join(), [secret])).toEqual([]);
  }
});
