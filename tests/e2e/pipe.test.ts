// The program in a shell pipe, exactly as a user types it: no handshake, no waiting, one line after the other.
import { execFile } from 'node:child_process';
import { dirname, relative } from 'node:path';
import { expect, inject, test } from 'vitest';
import { isObject } from '../../src/rpc/message.ts';
import { builtProgram, cleanEnv } from '../support/daemon.ts';
import { dig } from '../support/streams.ts';

type Ran = { code: number; answers: Map<unknown, unknown>; lines: string[]; stderr: string; ms: number };

/** Runs `printf … | node dist/main.js …` in sh, in the folder of the project. */
async function piped(requests: object[], flags: string): Promise<Ran> {
  const cwd = dirname(dirname(builtProgram()));
  const lines = requests.map((request) => `'${JSON.stringify(request)}'`).join(' ');
  return sh(`printf '%s\\n' ${lines} | node ${relative(cwd, builtProgram())} ${flags}`, cwd);
}

function sh(command: string, cwd: string): Promise<Ran> {
  const from = performance.now();
  const node = dirname(process.execPath);
  const env = { ...cleanEnv(), PATH: `${node}:${process.env.PATH ?? ''}` };
  return new Promise((resolve) => {
    execFile('sh', ['-c', command], { cwd, env, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      const lines = stdout.split('\n').filter(Boolean);
      const messages = lines.map((line): unknown => JSON.parse(line));
      const answers = new Map(messages.filter(isObject).map((message) => [message.id, message]));
      const code = error === null ? 0 : Number(error.code);
      resolve({ code, answers, lines, stderr, ms: performance.now() - from });
    });
  });
}

const call = (id: number | string, method: string, params: object = {}) => ({ jsonrpc: '2.0', id, method, params });
const collect = { session_id: 'lab', topic_pattern: 'pipe/#', duration_seconds: 10, max_messages: 3 };

test('connect, collect, publish and list by name, all in one pipe -> all answered, exit 0', async () => {
  const { code, answers, stderr } = await piped(
    [
      call(1, 'establish_connection', { connection_string: inject('mqttUrl'), name: 'lab' }),
      call(2, 'subscribe_and_collect', { ...collect, retained: 'exclude' }),
      call(3, 'publish_message', { session_id: 'lab', topic: 'pipe/a', payload: { t: 21.5 }, qos: 1 }),
      call(4, 'publish_message', { session_id: 'lab', topic: 'pipe/b', payload: 'on', qos: 2 }),
      call(5, 'publish_message', { session_id: 'lab', topic: 'pipe/a', payload: 22 }),
      call('six', 'list_active_connections'),
      call(7, 'list_topics', { session_id: 'lab', pattern: 'no-such/#', duration_seconds: 0 }),
    ],
    '--drain 20',
  );
  expect([...answers.keys()].toSorted()).toEqual([1, 2, 3, 4, 5, 7, 'six']);
  for (const answer of answers.values()) expect(answer).toHaveProperty('result');
  expect(dig(answers.get(1), 'result')).toMatchObject({ status: 'connected', name: 'lab' });
  expect(dig(answers.get(2), 'result')).toMatchObject({
    stopped_by: 'max_messages',
    topics: { 'pipe/a': 2, 'pipe/b': 1 },
  });
  expect(dig(answers.get(3), 'result')).toMatchObject({ status: 'published', acknowledged: true });
  expect(dig(answers.get(7), 'result')).toMatchObject({ topic_count: 0, absence: { grade: 'certain' } });
  expect(code).toBe(0);
  expect(stderr).toBe('');
});

test('through tools/call and a handshake, in one pipe -> the same', async () => {
  const clientInfo = { name: 'sh', version: '1' };
  const { code, answers } = await piped(
    [
      call(0, 'initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo }),
      { jsonrpc: '2.0', method: 'notifications/initialized' },
      call(1, 'tools/call', {
        name: 'establish_connection',
        arguments: { connection_string: inject('mqttUrl'), name: 'lab' },
      }),
      call(2, 'tools/call', {
        name: 'publish_message',
        arguments: { session_id: 'lab', topic: 'pipe2/a', payload: 'x' },
      }),
    ],
    '--drain 20',
  );
  expect(dig(answers.get(2), 'result', 'structuredContent')).toMatchObject({ status: 'published' });
  expect(dig(answers.get(2), 'result')).not.toHaveProperty('isError');
  expect(code).toBe(0);
});

test('a collection that outlasts the drain -> cancelled, answered, exit 0', async () => {
  const { code, answers, ms } = await piped(
    [
      call(1, 'establish_connection', { connection_string: inject('mqttUrl'), name: 'lab' }),
      call(2, 'subscribe_and_collect', { ...collect, topic_pattern: 'nobody/speaks/here', duration_seconds: 300 }),
    ],
    '--drain 1.5',
  );
  expect(dig(answers.get(1), 'result', 'status')).toBe('connected');
  expect(dig(answers.get(2), 'error', 'data')).toMatchObject({
    code: 'cancelled',
    hint: expect.stringContaining('--drain'),
  });
  expect(code).toBe(0);
  expect(ms).toBeLessThan(8_000);
});

test('nothing left to do -> it does not wait for the drain', async () => {
  const { code, ms } = await piped([call(1, 'ping')], '--drain 60');
  expect(code).toBe(0);
  expect(ms).toBeLessThan(5_000);
});

test('a connect that fails -> who waits for the session gets its failure, exit 0', async () => {
  const { code, answers } = await piped(
    [
      call(1, 'establish_connection', { connection_string: 'mqtt://127.0.0.1:1', name: 'lab' }),
      call(2, 'publish_message', { session_id: 'lab', topic: 'a', payload: 'x' }),
    ],
    '--drain 20',
  );
  for (const id of [1, 2]) expect(dig(answers.get(id), 'error', 'data', 'code')).toBe('connection_refused');
  expect(code).toBe(0);
});

test('no newline at the end, and carriage returns -> read all the same', async () => {
  const cwd = dirname(dirname(builtProgram()));
  const lines = `${JSON.stringify(call(1, 'ping'))}\\r\\n\\r\\n${JSON.stringify(call(2, 'ping'))}`;
  const { code, answers } = await sh(`printf '${lines}' | node dist/main.js`, cwd);
  expect([...answers.keys()]).toEqual([1, 2]);
  expect(code).toBe(0);
});

test('nobody reads the output -> it ends quietly', async () => {
  const cwd = dirname(dirname(builtProgram()));
  const many = `for i in $(seq 2000); do echo '{"jsonrpc":"2.0","id":'$i',"method":"tools/list"}'; done`;
  const { code, lines, stderr } = await sh(`{ ${many}; } | node dist/main.js | head -n 1`, cwd);
  expect(lines).toHaveLength(1);
  // On a machine with much else to do the watchdog may have a word.
  expect(stderr.split('\n').filter((line) => line !== '' && !line.includes('event loop stalled'))).toEqual([]);
  expect(code).toBe(0);
});

test('--read-only -> no publish_message: not listed, no method, no tool; reading works', async () => {
  const write = { session_id: 'lab', topic: 'pipe3/a', payload: 'x' };
  const { code, answers } = await piped(
    [
      call(1, 'tools/list'),
      call(2, 'establish_connection', { connection_string: inject('mqttUrl'), name: 'lab' }),
      call(3, 'publish_message', write),
      call(4, 'tools/call', { name: 'publish_message', arguments: write }),
      call(5, 'list_topics', { session_id: 'lab', pattern: 'pipe3/#', duration_seconds: 0 }),
    ],
    '--read-only --drain 60',
  );
  const tools = dig(answers.get(1), 'result', 'tools');
  const names = Array.isArray(tools) ? tools.map((tool: unknown) => dig(tool, 'name')) : [];
  expect(names).toContain('subscribe_and_collect');
  expect(names).not.toContain('publish_message');
  expect(dig(answers.get(3), 'error', 'code')).toBe(-32_601);
  expect(dig(answers.get(4), 'error', 'code')).toBe(-32_602);
  expect(dig(answers.get(2), 'result')).toMatchObject({ status: 'connected' });
  expect(dig(answers.get(5), 'result')).toMatchObject({ status: 'success', topic_count: 0 });
  expect(code).toBe(0);
});
