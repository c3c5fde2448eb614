// The built program as a process: flags, environment, signals, end of input, and what it leaves behind.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, inject, onTestFinished, test, vi } from 'vitest';
import { builtProgram, cleanEnv, type Daemon, startDaemon } from '../support/daemon.ts';
import { dig, initializeParams } from '../support/streams.ts';

const ok = { code: 0, signal: null };

/** Runs it to its end with nothing on stdin. */
function run(args: string[], env: Record<string, string> = {}, input = '') {
  const { status, stdout, stderr } = spawnSync(process.execPath, [builtProgram(), ...args], {
    env: cleanEnv(env),
    input,
    encoding: 'utf8',
    timeout: 10_000,
  });
  return { status, stdout, stderr };
}

/** A folder of the test's own. */
function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'bitsperity-mqtt-mcp-process-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

function configFile(content: unknown): string {
  const file = join(folder(), 'config.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

/** The tests' broker behind a door that remembers the last bytes that went in. */
async function watchedBroker(): Promise<{ url: string; last: () => string }> {
  const { hostname, port } = new URL(inject('mqttUrl'));
  let last = '';
  const door = createServer((client) => {
    const broker = connect(Number(port), hostname);
    client.on('data', (chunk) => {
      last = chunk.toString('hex');
      broker.write(chunk);
    });
    broker.pipe(client);
    for (const socket of [client, broker]) {
      socket.on('error', () => {});
      socket.on('close', () => (socket === client ? broker : client).destroy());
    }
  });
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void door.close());
  const address = door.address();
  return { url: `mqtt://127.0.0.1:${dig(address, 'port')}`, last: () => last };
}

/** A port that accepts and never answers. */
async function silentPort(): Promise<string> {
  const server = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => void server.close());
  return `mqtt://127.0.0.1:${dig(server.address(), 'port')}`;
}

/** MQTT 3.1.1 section 3.14, MQTT 5.0 section 3.14: reason code 0 may be left out. */
const DISCONNECT = /e000$|e0020000$|e00100$/;

describe('flags and variables', () => {
  test('--help -> the options on stdout, exit 0', () => {
    const { status, stdout, stderr } = run(['--help']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const flags = ['--help', '--version', '--config', '--read-only', '--demo', '--drain', '--log-level', '--log-file'];
    const variables = ['MQTT_MCP_CONFIG', 'MQTT_MCP_READ_ONLY', 'MQTT_MCP_DRAIN', 'MQTT_MCP_LOG_LEVEL'];
    for (const word of [...flags, ...variables]) expect(stdout).toContain(word);
    expect(run(['-h']).stdout).toBe(stdout);
  });

  test('--version -> the version of package.json, exit 0', () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'));
    expect(run(['--version'])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
  });

  test('`--help | true` -> a quiet end', () => {
    const command = `"${process.execPath}" "${builtProgram()}" --help | true`;
    expect(spawnSync('sh', ['-c', command], { env: cleanEnv(), encoding: 'utf8' })).toMatchObject({
      status: 0,
      stderr: '',
    });
  });

  test.each([
    ['an unknown flag', ['--no-such'], {}, '--no-such'],
    ['a word, which may be a secret', ['serve'], {}, '--help'],
    ['a flag without its value', ['--drain'], {}, '--drain'],
    ['--drain with a word', ['--drain', 'soon'], {}, '--drain'],
    ['--drain below zero', ['--drain=-1'], {}, '--drain'],
    ['--drain without end', ['--drain', 'Infinity'], {}, '--drain'],
    ['a bad MQTT_MCP_DRAIN', [], { MQTT_MCP_DRAIN: '1s' }, 'MQTT_MCP_DRAIN'],
    ['an unknown --log-level', ['--log-level', 'loud'], {}, '--log-level'],
    ['a bad MQTT_MCP_LOG_LEVEL', [], { MQTT_MCP_LOG_LEVEL: 'INFO' }, 'MQTT_MCP_LOG_LEVEL'],
    ['a bad MQTT_MCP_READ_ONLY', [], { MQTT_MCP_READ_ONLY: 'maybe' }, 'MQTT_MCP_READ_ONLY'],
    ['a value for a switch', ['--read-only=1'], {}, '--read-only'],
  ])('%s -> exit 2 and one line that names it', (_name, args, env, named) => {
    const { status, stdout, stderr } = run(args, env);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^bitsperity-mqtt-mcp: [^\n]+\n$/);
    expect(stderr).toContain(named);
  });

  test.each([
    ['no JSON', '{', 'not valid JSON'],
    ['an unknown key', { profile: {} }, 'profile'],
    [
      'an unknown key, deep',
      { profiles: { plant: { url: 'mqtt://x', pasword: 'hunter2' } } },
      'profiles.plant.pasword',
    ],
    ['a wrong type', { policy: { read_only: 'hunter2' } }, 'policy.read_only'],
    ['a missing key', { profiles: { plant: {} } }, 'profiles.plant.url'],
    ['an array', [], 'config'],
  ])('a config with %s -> exit 2 and one line that names the key, no value', (_name, content, named) => {
    const file = configFile(content);
    for (const { status, stdout, stderr } of [run(['--config', file]), run([], { MQTT_MCP_CONFIG: file })]) {
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).toMatch(/^bitsperity-mqtt-mcp: config: [^\n]+\n$/);
      expect(stderr).toContain(named);
      expect(stderr).not.toContain('hunter2');
    }
  });

  test('a config that is not there -> exit 2 and its name', () => {
    const { status, stderr } = run(['--config', '/no/such/config.json']);
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining('/no/such/config.json') });
  });

  test('flags win over variables', async () => {
    const good = configFile({ profiles: { mine: { url: inject('mqttUrl') } } });
    const env = { MQTT_MCP_CONFIG: '/no/such/config.json', MQTT_MCP_DRAIN: 'bad', MQTT_MCP_LOG_LEVEL: 'bad' };
    const daemon = startDaemon({ args: ['--config', good, '--drain', '5', '--log-level', 'error'], env });
    expect(await daemon.call(1, 'establish_connection', { profile: 'mine' })).toHaveProperty('result.name', 'mine');
    await daemon.finish();
    expect(await daemon.exit).toEqual(ok);
    expect(daemon.stderr).toEqual([]);
  });

  test.each([
    ['--read-only', ['--read-only'], {}, undefined],
    ['MQTT_MCP_READ_ONLY', [], { MQTT_MCP_READ_ONLY: '1' }, undefined],
    ['the config', [], {}, { policy: { read_only: true } }],
    ['--read-only over a config', ['--read-only'], {}, { policy: { read_only: false } }],
  ])('%s -> no tool that publishes', async (_name, args, env, config) => {
    const daemon = startDaemon({ args: config ? [...args, '--config', configFile(config)] : args, env });
    const list = JSON.stringify(await daemon.call(1, 'tools/list'));
    expect(list).toContain('list_topics');
    expect(list).not.toContain('publish_message');
  });

  test('MQTT_MCP_READ_ONLY=0 -> wins over the config', async () => {
    const args = ['--config', configFile({ policy: { read_only: true } })];
    const daemon = startDaemon({ args, env: { MQTT_MCP_READ_ONLY: '0' } });
    expect(JSON.stringify(await daemon.call(1, 'tools/list'))).toContain('publish_message');
  });
});

describe('the log', () => {
  const entry = {
    time: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/),
    level: expect.any(String),
    msg: expect.any(String),
  };

  test('one JSON object a line on stderr; a bad line is told without quoting it', async () => {
    const daemon = startDaemon({ args: ['--log-level', 'debug'] });
    daemon.send('not JSON: hunter2');
    await daemon.call(1, 'ping');
    await daemon.finish();
    await daemon.exit;
    const entries = daemon.stderr.map((line) => JSON.parse(line));
    expect(entries.length).toBeGreaterThanOrEqual(2);
    for (const one of entries) expect(one).toMatchObject(entry);
    expect(entries.map(({ level }) => level)).toContain('warn');
    expect(daemon.stderr.join()).not.toContain('hunter2');
  });

  test('--log-file -> the same lines, appended, for its owner only', async () => {
    const file = join(folder(), 'log.ndjson');
    writeFileSync(file, '{"before":true}\n', { mode: 0o600 });
    const daemon = startDaemon({ args: ['--log-file', file] });
    daemon.send('x');
    await daemon.finish();
    expect(await daemon.exit).toEqual(ok);
    expect(readFileSync(file, 'utf8').split('\n').filter(Boolean)).toEqual(['{"before":true}', ...daemon.stderr]);
    expect(daemon.stderr.length).toBe(1);
    expect(statSync(file).mode & 0o077).toBe(0);
  });

  test('a --log-file that cannot be written -> said on stderr, served all the same', async () => {
    const daemon = startDaemon({ args: ['--log-file', '/no/such/folder/log'] });
    expect(await daemon.call(1, 'ping')).toHaveProperty('result');
    await daemon.finish();
    expect(await daemon.exit).toEqual(ok);
    expect(daemon.stderr.join()).toContain('--log-file');
  });

  test('nobody reads stderr any more -> served all the same', async () => {
    const daemon = startDaemon();
    daemon.child.stderr.destroy();
    for (let i = 0; i < 50; i += 1) daemon.send('not JSON');
    expect(await daemon.call(1, 'ping')).toHaveProperty('result');
    await daemon.finish();
    expect(await daemon.exit).toEqual(ok);
  });
});

describe('start-up', () => {
  test.runIf(existsSync('/proc/self/fd'))(
    'no port, no socket, no file; the same after discover and tools/list',
    async () => {
      const cwd = folder();
      const daemon = startDaemon({ cwd });
      const own = dirname(builtProgram());
      const open = () => {
        const dir = `/proc/${daemon.child.pid}/fd`;
        return readdirSync(dir)
          .filter((fd) => Number(fd) > 2)
          .map((fd) => {
            try {
              return readlinkSync(`${dir}/${fd}`);
            } catch {
              return ''; // closed in between: a part of the program was being read
            }
          })
          .filter((target) => /^socket:|^\//.test(target) && target !== '/dev/null' && !target.startsWith(own));
      };
      await daemon.call(1, 'initialize', initializeParams());
      await daemon.call(2, 'tools/list');
      expect(open()).toEqual([]);
      expect(readdirSync(cwd)).toEqual([]);
      await daemon.finish();
      expect(await daemon.exit).toEqual(ok);
      expect(readdirSync(cwd)).toEqual([]);
      expect(daemon.stderr).toEqual([]);
    },
  );

  test('stdout has protocol lines only, from the first byte', async () => {
    const daemon = startDaemon({ args: ['--log-level', 'debug'] });
    await daemon.call(0, 'initialize', initializeParams());
    await daemon.finish();
    expect(daemon.received).toHaveLength(1);
  });
});

describe('the end', () => {
  type State = { name: string; enter(daemon: Daemon): Promise<unknown>; left: unknown[] };
  const cancelledError = { error: { code: -32000, data: { code: 'cancelled' } } };

  const states: State[] = [
    { name: 'before any message', enter: async () => {}, left: [] },
    { name: 'after a probe', enter: (daemon) => daemon.call(1, 'server/discover'), left: [] },
    { name: 'after initialize', enter: (daemon) => daemon.call(1, 'initialize', initializeParams()), left: [] },
    {
      name: 'after a bad line',
      enter: (daemon) => {
        daemon.send('bad');
        return daemon.next();
      },
      left: [],
    },
    {
      name: 'while it connects',
      enter: async (daemon) => {
        daemon.request('c', 'establish_connection', { connection_string: await silentPort(), timeout_seconds: 30 });
        return daemon.call(2, 'ping');
      },
      left: [{ id: 'c', ...cancelledError }],
    },
    {
      name: 'in the middle of a collection',
      enter: async (daemon) => {
        await daemon.call(1, 'establish_connection', { connection_string: inject('mqttUrl'), name: 'here' });
        const args = { session_id: 'here', topic_pattern: 'process/#', duration_seconds: 300 };
        daemon.request('c', 'subscribe_and_collect', args);
        return daemon.call(2, 'ping');
      },
      left: [{ id: 'c', ...cancelledError }],
    },
  ];

  const ends: [string, (daemon: Daemon) => void][] = [
    ['EOF', (daemon) => daemon.end()],
    ['SIGTERM', (daemon) => daemon.kill('SIGTERM')],
    ['SIGINT', (daemon) => daemon.kill('SIGINT')],
    [
      'EOF and SIGTERM at once',
      (daemon) => {
        daemon.end();
        daemon.kill('SIGTERM');
      },
    ],
  ];

  test.each(states.flatMap((state) => ends.map(([end, leave]) => [`${end} ${state.name}`, state, leave] as const)))(
    '%s -> everything read is answered, exit 0',
    async (_title, state, leave) => {
      const daemon = startDaemon({ args: ['--drain', '0.2'] });
      // A process that has not set itself up yet dies of a signal: the first answer says that it has.
      if (state.left.length === 0 && leave !== ends[0]?.[1]) await daemon.call(0, 'ping');
      await state.enter(daemon);
      const from = performance.now();
      leave(daemon);
      expect(await daemon.exit).toEqual(ok);
      expect(performance.now() - from).toBeLessThan(2_000);
      expect(await daemon.finish()).toMatchObject(state.left);
      expect(daemon.stderr.filter((line) => !/bad line|event loop stalled/.test(line))).toEqual([]);
    },
  );

  test.each([
    ['EOF', (daemon: Daemon) => daemon.end()],
    ['SIGTERM', (daemon: Daemon) => daemon.kill('SIGTERM')],
  ])('%s with an open session -> DISCONNECT, and at once', async (_name, leave) => {
    const broker = await watchedBroker();
    const daemon = startDaemon({ args: ['--drain', '60'] });
    await daemon.call(1, 'establish_connection', { connection_string: broker.url });
    const from = performance.now();
    leave(daemon);
    expect(await daemon.exit).toEqual(ok);
    expect(performance.now() - from).toBeLessThan(1_500);
    expect(broker.last()).toMatch(DISCONNECT);
  });

  test('SIGTERM after EOF -> no more drain, everything answered, DISCONNECT', async () => {
    const broker = await watchedBroker();
    const daemon = startDaemon({ args: ['--drain', '60'] });
    daemon.request(1, 'establish_connection', { connection_string: broker.url, name: 'here' });
    await daemon.answer(1);
    daemon.request(2, 'list_topics', {
      session_id: 'here',
      pattern: 'process/#',
      duration_seconds: 60,
      _meta: { progressToken: 1 },
    });
    daemon.end();
    await daemon.next((one) => dig(one, 'method') === 'notifications/progress');
    daemon.kill('SIGTERM');
    expect(await daemon.answer(2)).toMatchObject(cancelledError);
    expect(await daemon.exit).toEqual(ok);
    expect(broker.last()).toMatch(DISCONNECT);
  });

  test('a second signal -> out at once', async () => {
    const daemon = startDaemon({ args: ['--drain', '60'] });
    daemon.request(1, 'establish_connection', { connection_string: await silentPort(), timeout_seconds: 30 });
    await daemon.call(2, 'ping');
    daemon.kill('SIGTERM');
    await vi.waitFor(() => {
      daemon.kill('SIGTERM');
      expect(daemon.child.exitCode).toBe(0);
    });
  });

  test('a long drain -> as long as it takes and no longer', async () => {
    const from = performance.now();
    const lines = [
      {
        jsonrpc: '2.0',
        id: 1,
        method: 'establish_connection',
        params: { connection_string: inject('mqttUrl'), name: 'b' },
      },
      {
        jsonrpc: '2.0',
        id: 2,
        method: 'list_topics',
        params: { session_id: 'b', pattern: 'process/none/#', duration_seconds: 2 },
      },
    ];
    const { status, stdout, stderr } = run(['--drain', '20'], {}, lines.map((line) => JSON.stringify(line)).join('\n'));
    const answers = stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(answers).toMatchObject([
      { id: 1, result: { status: 'connected' } },
      { id: 2, result: { status: 'success' } },
    ]);
    expect(performance.now() - from).toBeLessThan(6_000);
  });

  test('a piped script that connects, publishes and collects by name -> all of it, exit 0', () => {
    const line = (id: number, method: string, params: object) => JSON.stringify({ jsonrpc: '2.0', id, method, params });
    const topic = 'process/script';
    const input = [
      line(1, 'establish_connection', { connection_string: inject('mqttUrl'), name: 'b' }),
      line(2, 'publish_message', { session_id: 'b', topic, payload: { on: true }, retain: true, qos: 1 }),
      line(3, 'subscribe_and_collect', {
        session_id: 'b',
        topic_pattern: topic,
        duration_seconds: 10,
        max_messages: 1,
      }),
    ];
    const { status, stdout, stderr } = run([], { MQTT_MCP_DRAIN: '20' }, `${input.join('\r\n')}\r\n`);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const answers = stdout
      .split('\n')
      .filter(Boolean)
      .map((text) => JSON.parse(text));
    const byId = answers.sort((a, b) => a.id - b.id);
    expect(byId).toMatchObject([
      { id: 1, result: { status: 'connected' } },
      { id: 2, result: { status: 'published', acknowledged: true } },
      { id: 3, result: { status: 'success', stopped_by: 'max_messages', original_message_count: 1 } },
    ]);
  });

  test('stdin from /dev/null, and no stdin at all -> exit 0, nothing said', () => {
    for (const redirect of ['</dev/null', '<&-']) {
      const command = `"${process.execPath}" "${builtProgram()}" ${redirect}`;
      const { status, stdout, stderr } = spawnSync('sh', ['-c', command], {
        env: cleanEnv(),
        encoding: 'utf8',
        timeout: 10_000,
      });
      expect({ redirect, status, stdout, stderr }).toEqual({ redirect, status: 0, stdout: '', stderr: '' });
    }
  });

  test.runIf(existsSync('/usr/bin/script'))(
    'a terminal on stdin -> a hint how a host starts it, then it serves',
    () => {
      const command = `"${process.execPath}" "${builtProgram()}"`;
      const { status, stdout } = spawnSync('script', ['-qec', command, '/dev/null'], {
        env: cleanEnv(),
        input: '{"jsonrpc":"2.0","id":1,"method":"ping"}\n',
        encoding: 'utf8',
        timeout: 10_000,
      });
      expect(stdout).toContain('mcpServers');
      expect(stdout).toContain('{"jsonrpc":"2.0","id":1,"result":{}}');
      expect(status).toBe(0);
    },
  );

  test('stdin from a file, stdout to a file -> every answer is in it', () => {
    const dir = folder();
    const count = 3_000;
    const lines = Array.from({ length: count }, (_, id) => JSON.stringify({ jsonrpc: '2.0', id, method: 'ping' }));
    writeFileSync(join(dir, 'in'), lines.join('\n'));
    const command = `"${process.execPath}" "${builtProgram()}" <in >out`;
    expect(spawnSync('sh', ['-c', command], { env: cleanEnv(), cwd: dir, timeout: 20_000 }).status).toBe(0);
    const ids = readFileSync(join(dir, 'out'), 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => dig(JSON.parse(line), 'id'));
    expect(ids).toEqual(Array.from({ length: count }, (_, id) => id));
  });
});

describe('the pipes', () => {
  test('stdout closed early -> a quiet exit 0, with DISCONNECT', async () => {
    const broker = await watchedBroker();
    const daemon = startDaemon();
    await daemon.call(1, 'establish_connection', { connection_string: broker.url, name: 'here' });
    daemon.child.stdout.destroy();
    daemon.request(2, 'ping');
    expect(await daemon.exit).toEqual(ok);
    expect(daemon.stderr).toEqual([]);
    expect(broker.last()).toMatch(DISCONNECT);
  });

  test('`| head -1` -> a quiet end', () => {
    const ping = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}\\n';
    const command = `printf '${ping.repeat(200)}' | "${process.execPath}" "${builtProgram()}" | head -1 | wc -l`;
    const { status, stdout, stderr } = spawnSync('sh', ['-c', command], {
      env: cleanEnv(),
      encoding: 'utf8',
      timeout: 10_000,
    });
    expect({ status, lines: stdout.trim(), stderr }).toEqual({ status: 0, lines: '1', stderr: '' });
  });

  test('a reader that is slow -> little memory, then every answer, in order', async () => {
    const daemon = startDaemon();
    await daemon.call('first', 'ping');
    daemon.child.stdout.pause();
    const count = 2_500;
    for (let id = 0; id < count; id += 1) daemon.request(id, 'tools/list');
    if (existsSync('/proc/self/status')) {
      // 2,500 answers are some 200 MB; a daemon that held them would show it.
      const status = () => readFileSync(`/proc/${daemon.child.pid}/status`, 'utf8');
      const megabytes = () => Number(/VmHWM:\s+(\d+)/.exec(status())?.[1]) / 1024;
      await vi.waitFor(() => expect(daemon.child.stdin.writableNeedDrain).toBe(true));
      expect(megabytes()).toBeLessThan(130);
    }
    daemon.child.stdout.resume();
    daemon.end();
    await daemon.over;
    expect(daemon.received.slice(1).map((line) => dig(JSON.parse(line), 'id'))).toEqual(
      Array.from({ length: count }, (_, i) => i),
    );
    expect(await daemon.exit).toEqual(ok);
  });

  test('a reader that never reads -> SIGTERM still ends it', async () => {
    const daemon = startDaemon();
    await daemon.call('first', 'ping');
    daemon.child.stdout.pause();
    for (let id = 0; id < 200; id += 1) daemon.request(id, 'tools/list');
    await vi.waitFor(() => expect(daemon.child.stdout.readableLength).toBeGreaterThan(0));
    daemon.kill('SIGTERM');
    await new Promise((resolve) => daemon.child.once('exit', resolve));
    expect(daemon.child.exitCode).toBe(0);
    daemon.child.stdout.resume();
  });

  test('a message split at every byte, a line of 10 MiB, and what follows', async () => {
    const daemon = startDaemon();
    const bytes = Buffer.from(`${JSON.stringify({ jsonrpc: '2.0', id: 'ä€😀', method: 'ping' })}\n`);
    for (const byte of bytes) daemon.child.stdin.write(Buffer.from([byte]));
    expect(await daemon.next()).toEqual({ jsonrpc: '2.0', id: 'ä€😀', result: {} });
    daemon.child.stdin.write(Buffer.alloc(10 * 1024 * 1024, 'x'));
    daemon.send('', { jsonrpc: '2.0', id: 2, method: 'ping' });
    expect(await daemon.next()).toMatchObject({ error: { code: -32700 } });
    expect(await daemon.next()).toEqual({ jsonrpc: '2.0', id: 2, result: {} });
    expect(await daemon.finish()).toEqual([]);
  });
});
