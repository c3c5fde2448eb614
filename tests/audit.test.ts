// What is put on record of a write, and what happens to the write where that cannot be done.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { openAudit } from '../src/audit.ts';
import { ConfigError } from '../src/config.ts';
import type { Rules } from '../src/policy.ts';
import { startServer, type TestServer } from './mcp/server.ts';
import { onlooker, ownPrefix } from './resources/onlooker.ts';
import { startDaemon } from './support/daemon.ts';
import { type FakeBroker, type Script, startFakeBroker } from './support/fake-broker.ts';
import { dig, type Message, type Wire } from './support/streams.ts';

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'bitsperity-mqtt-mcp-audit-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const linesOf = (file: string): Message[] =>
  (existsSync(file) ? readFileSync(file, 'utf8') : '')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

let id = 0;
async function call(wire: Wire, method: string, args: Message): Promise<unknown> {
  id += 1;
  const answer = await wire.call(id, method, args);
  return answer.result ?? { error: dig(answer, 'error', 'data') };
}

async function audited(rules: Rules = {}, url = inject('mqttUrl'), file = join(folder(), 'audit.jsonl')) {
  const server: TestServer = startServer({ rules, audit: openAudit(file) });
  await call(server, 'establish_connection', { connection_string: url, name: 'lab' });
  const write = (topic: string, more: Message = {}) =>
    call(server, 'publish_message', { session_id: 'lab', topic, payload: 'marker-payload', qos: 1, ...more });
  return { server, file, write, lines: () => linesOf(file) };
}

/** SHA-256 of `marker-payload`. */
const HASH = /^[0-9a-f]{64}$/;

describe('a write', () => {
  test('sent -> what was decided and what became of it, with all but the payload; on the disk before the answer', async () => {
    const topic = ownPrefix();
    const { write, lines, file } = await audited();
    expect(await write(topic)).toMatchObject({ status: 'published' });
    const [decided, became] = lines();
    expect(decided).toEqual({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      write: expect.any(String),
      session: expect.any(String),
      name: 'lab',
      broker: new URL(inject('mqttUrl')).host,
      topic,
      qos: 1,
      retain: false,
      size_bytes: 14,
      sha256: expect.stringMatching(HASH),
      decision: 'allowed',
    });
    expect(became).toEqual({ ...decided, time: expect.any(String), outcome: 'acknowledged' });
    expect(await write(topic, { qos: 0 })).toMatchObject({ status: 'published' });
    expect(lines().map(({ outcome }) => outcome)).toEqual([undefined, 'acknowledged', undefined, 'sent']);
    expect(readFileSync(file, 'utf8')).not.toContain('marker');
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test('the broker never has it before its line is on the disk', async () => {
    const file = join(folder(), 'audit.jsonl');
    let before: Message[] | undefined;
    const seen: Script = ({ cmd }) => {
      if (cmd === 'publish') before = linesOf(file);
      return false;
    };
    const broker: FakeBroker = await startFakeBroker(seen);
    const { write } = await audited({}, broker.url, file);
    expect(await write('a')).toMatchObject({ status: 'published' });
    expect(before).toMatchObject([{ topic: 'a', decision: 'allowed' }]);
  });

  test('denied by the policy, by the minute -> one line each, nothing sent', async () => {
    const at = ownPrefix();
    const { write, lines } = await audited({ publish: { allow: [`${at}/yes`] }, max_publishes_per_minute: 1 });
    await write(`${at}/no`);
    await write(`${at}/yes`);
    await write(`${at}/yes`);
    expect(lines()).toMatchObject([
      { topic: `${at}/no`, decision: 'denied', outcome: 'refused' },
      { decision: 'allowed' },
      { decision: 'allowed', outcome: 'acknowledged' },
      { topic: `${at}/yes`, decision: 'denied', outcome: 'refused' },
    ]);
  });

  test('probes that may not be sent -> one line each, of whoever would have sent them', async () => {
    const at = ownPrefix();
    const { server, lines } = await audited({ publish: { deny: [`${at}/no`] }, danger_topics: [`${at}/danger`] });
    const connection_string = inject('mqttUrl');
    for (const topic of [`${at}/no`, `${at}/danger`]) {
      const before = lines().length;
      const args = { probe_topic: topic, session_id: 'lab' };
      const answers = [
        await call(server, 'monitor_performance', { ...args, topic_pattern: at, duration_seconds: 1 }),
        await call(server, 'test_connection', args),
        await call(server, 'test_connection', { probe_topic: topic, connection_string }),
      ];
      for (const answer of answers) expect(answer).toMatchObject({ error: { code: 'policy_denied' } });
      const line = {
        topic,
        broker: new URL(connection_string).host,
        size_bytes: 0,
        decision: 'denied',
        outcome: 'refused',
      };
      const names = ['lab', 'lab', 'check'].map((name) => ({ ...line, name }));
      expect(lines().slice(before)).toMatchObject(names);
    }
    const invalid = await call(server, 'test_connection', { probe_topic: 'a/#', session_id: 'lab' });
    expect(invalid).toMatchObject({ error: { code: 'invalid_topic' } });
    expect(lines()).toHaveLength(6);
  });

  test('confirmed by a token -> says so; the preview alone is no write', async () => {
    const topic = `${ownPrefix()}/factory_reset`;
    const { write, lines } = await audited();
    const preview = await write(topic);
    expect(preview).toMatchObject({ status: 'confirmation_required' });
    expect(lines()).toEqual([]);
    expect(await write(topic, { confirmation_token: dig(preview, 'confirmation_token') })).toMatchObject({
      status: 'published',
    });
    expect(lines()).toMatchObject([{ decision: 'confirmed' }, { decision: 'confirmed', outcome: 'acknowledged' }]);
  });

  test('refused by the broker -> refused, with why', async () => {
    const broker = await startFakeBroker((packet, { send }) => {
      if (packet.cmd !== 'publish') return false;
      send({ cmd: 'puback', messageId: packet.messageId ?? 0, reasonCode: 0x87 });
      return true;
    });
    const { write, lines } = await audited({}, broker.url);
    expect(await write('a')).toHaveProperty('error');
    expect(lines().at(-1)).toMatchObject({ decision: 'allowed', outcome: 'refused', error: 'publish_denied' });
  });

  test('many at once -> two lines each, none torn', async () => {
    const at = ownPrefix();
    const { write, lines } = await audited();
    await Promise.all(Array.from({ length: 200 }, (_, n) => write(`${at}/${n}`, { payload: 'x'.repeat(n) })));
    expect(lines()).toHaveLength(400);
    expect(new Set(lines().map(({ write }) => write)).size).toBe(200);
  });
});

describe('a file that goes away', () => {
  test('renamed -> the next write makes a new one, for its owner alone; what was written stays', async () => {
    const { write, file, lines } = await audited({ publish: { allow: ['a/#'] } });
    await write('a/1');
    renameSync(file, `${file}.1`);
    expect(await write('a/2')).toMatchObject({ status: 'published' });
    expect(lines()).toMatchObject([{ topic: 'a/2' }, { topic: 'a/2', outcome: 'acknowledged' }]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(linesOf(`${file}.1`)).toMatchObject([{ topic: 'a/1' }, { topic: 'a/1' }]);
    renameSync(file, `${file}.2`);
    await write('denied');
    expect(lines()).toMatchObject([{ topic: 'denied', decision: 'denied' }]);
  });

  test('renamed, and an empty one in its place -> that one is written', async () => {
    const { write, file, lines } = await audited();
    await write('a/1');
    renameSync(file, `${file}.1`);
    writeFileSync(file, '');
    await write('a/2');
    expect(lines()).toMatchObject([{ topic: 'a/2' }, { topic: 'a/2' }]);
  });

  test('moved while many are written -> each line is in one of the files', async () => {
    const { write, file, lines } = await audited();
    const writes = Array.from({ length: 100 }, (_, n) => write(`a/${n}`));
    await expect.poll(() => existsSync(file)).toBe(true);
    renameSync(file, `${file}.1`);
    await Promise.all(writes);
    await write('a/last');
    expect(lines().length + linesOf(`${file}.1`).length).toBe(202);
  });

  test('and none can be made in its place -> policy_denied, and nothing reaches the broker', async () => {
    const broker = await startFakeBroker();
    const { write, file } = await audited({}, broker.url);
    await write('a/1');
    rmSync(file);
    mkdirSync(file);
    expect(await write('a/2')).toMatchObject({
      error: { code: 'policy_denied', message: expect.stringContaining('EISDIR') },
    });
    rmSync(file, { recursive: true });
    execFileSync('mkfifo', [file]);
    expect(await write('a/3')).toMatchObject({ error: { code: 'policy_denied' } });
    expect(broker.packets.filter(({ cmd }) => cmd === 'publish')).toHaveLength(1);
  });
});

test('characters that reorder or hide what is read -> escaped in the file', async () => {
  const { write, file, lines } = await audited();
  await write('a\u202eb\u200bc');
  expect(readFileSync(file, 'utf8')).toContain('a\\u202eb\\u200bc');
  expect(lines()[0]).toMatchObject({ topic: 'a\u202eb\u200bc' });
});

test('a file that others may write -> told; one that others may read is not', () => {
  const file = join(folder(), 'audit.jsonl');
  const told: string[] = [];
  for (const mode of [0o600, 0o640, 0o666]) {
    writeFileSync(file, '');
    chmodSync(file, mode);
    openAudit(file, (...what) => told.push(what.join(' ')));
  }
  expect(told).toEqual(['audit_file 0666']);
});

test('the built program -> no file before the first write; a pipe for one ends it with a line that says so', async () => {
  const dir = folder();
  writeFileSync(join(dir, 'config.json'), JSON.stringify({ audit_file: 'audit' }));
  const args = ['--config', join(dir, 'config.json'), '--log-file', join(dir, 'log')];
  const daemon = startDaemon({ args });
  await daemon.call(1, 'ping');
  daemon.end();
  await daemon.exit;
  expect([existsSync(join(dir, 'audit')), existsSync(join(dir, 'log'))]).toEqual([false, false]);
  execFileSync('mkfifo', [join(dir, 'audit'), join(dir, 'log')]);
  const piped = startDaemon({ args: args.slice(0, 2) });
  expect(await piped.exit).toMatchObject({ code: 2 });
  expect(piped.stderr.join()).toMatch(/audit_file: cannot open .*: it is a pipe/);
  const logged = startDaemon({ args: args.slice(2) });
  expect(await logged.exit).toMatchObject({ code: 2 });
  expect(logged.stderr.join()).toMatch(/--log-file: it is a pipe/);
});

test('a pipe in the place of the log file by the first line -> said; it serves, and the end of its input ends it', async () => {
  const log = join(folder(), 'log');
  const daemon = startDaemon({ args: ['--log-file', log] });
  await daemon.call(1, 'ping');
  execFileSync('mkfifo', [log]);
  daemon.send('nonsense');
  expect(await daemon.call(2, 'ping')).toHaveProperty('result');
  daemon.end();
  expect(await daemon.exit).toMatchObject({ code: 0 });
  expect(daemon.stderr.join()).toMatch(/"bad line".*--log-file: ENXIO/);
});

describe('where it cannot be put on record', () => {
  test('a full disk -> policy_denied, and nothing reaches the broker', async () => {
    const broker = await startFakeBroker();
    const { write } = await audited({ publish: { allow: ['a'] } }, broker.url, '/dev/full');
    for (const topic of ['a', 'b']) {
      expect(await write(topic)).toMatchObject({
        error: { code: 'policy_denied', message: expect.stringContaining('ENOSPC') },
      });
    }
    expect(broker.packets.map(({ cmd }) => cmd)).not.toContain('publish');
  });

  test('a file that cannot be opened -> one line at start that names the key, and exit code 2', async () => {
    const dir = folder();
    expect(() => openAudit(join(dir, 'none', 'audit.jsonl'))).toThrow(ConfigError);
    writeFileSync(join(dir, 'config.json'), JSON.stringify({ audit_file: 'none/audit.jsonl' }));
    const daemon = startDaemon({ args: ['--config', join(dir, 'config.json')] });
    expect(await daemon.exit).toMatchObject({ code: 2 });
    expect(daemon.stderr.join()).toMatch(/audit_file: cannot open .*ENOENT/);
  });
});

test('the built program -> the path is relative to the config, what is there stays, and send_and_verify is on record', async () => {
  const dir = folder();
  const file = join(dir, 'audit.jsonl');
  writeFileSync(file, '{"old":1}\n');
  chmodSync(file, 0o640);
  writeFileSync(join(dir, 'config.json'), JSON.stringify({ audit_file: 'audit.jsonl' }));
  const daemon = startDaemon({ args: ['--config', join(dir, 'config.json')] });
  const topic = ownPrefix();
  const broker = await onlooker();
  await broker.watch(topic);
  const connection_string = inject('mqttUrl').replace('//', '//user:marker@');
  await call(daemon, 'establish_connection', { connection_string, name: 'lab' });
  const args = { session_id: 'lab', topic, payload: 'x', expect: { topic_pattern: topic }, timeout_seconds: 1 };
  await call(daemon, 'send_and_verify', args);
  await broker.saw(topic);
  expect(linesOf(file)).toMatchObject([{ old: 1 }, { topic }, { topic, outcome: expect.any(String) }]);
  expect(readFileSync(file, 'utf8')).not.toContain('marker');
});
