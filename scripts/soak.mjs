// `make soak`: five sessions of the built daemon with mixed traffic, tool calls at a bounded rate, connections cut and a
// broker killed, on a mosquitto of its own. Watches memory, descriptors and timers; exit 1 where memory grows or
// anything is left over. SOAK_MINUTES says how long; docs/SOAK.md, what it calls growth.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import mqtt from 'mqtt';
import { grows, slopeOf } from './soak-slope.mjs';

const MINUTES = Number(process.env.SOAK_MINUTES ?? 30);
const SESSIONS = ['one', 'two', 'three', 'four', 'five'];
/** Of the second half: what an hour may add before it counts, beside three standard errors, MiB. */
const MATTERS = { rss: 4, data: 1, code: 2 };
const JUDGED_FROM_MINUTES = 10;
const ALWAYS = { sample: 5_000, message: 10 };
/**
 * The beginning is busier, and is over for a while before anything is judged: what V8 compiles of a program it compiles
 * when it has run often enough, and that is no leak.
 */
const BUSY = { call: 80, cut: 5_000, kill: 20_000, reopen: 6_000, until: 0.4 * MINUTES };
const STEADY = { call: 400, cut: 15_000, kill: 60_000, reopen: 20_000, until: MINUTES };
const ANSWER_MS = 60_000;
const MIB = 1024 * 1024;
/** The memory that five sessions may take at full traffic, 128 MB, in MiB. */
const MOST_RSS = 128e6 / MIB;

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const probe = fileURLToPath(new URL('soak-probe.cjs', import.meta.url));
const program = process.env.MOSQUITTO ?? 'mosquitto';
const path = `${process.env.PATH}:/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin`;
const dir = mkdtempSync(join(tmpdir(), 'soak-'));
const problems = [];
const codes = {};
const busy = new Set();
const reopening = new Set();
let turn = 0;
let number = 0;

const broker = await ownBroker();
const proxy = await ownProxy(broker.port);
const daemon = startDaemon();
process.once('exit', () => {
  broker.kill();
  daemon.child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
let failure;
try {
  await soak();
} catch (error) {
  failure = error;
}
proxy.close();
broker.kill();
daemon.child.kill('SIGKILL');
rmSync(dir, { recursive: true, force: true });
if (failure) problems.push(failure.stack);
for (const problem of problems) console.error(`soak: ${problem}`);
console.log(problems.length === 0 ? 'soak: nothing grew, nothing is left over' : 'soak: FAILED');
process.exit(problems.length === 0 ? 0 : 1);

async function soak() {
  const clientInfo = { name: 'soak', version: '1.0.0' };
  await daemon.request('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo });
  daemon.write({ method: 'notifications/initialized' });
  // What is loaded with the first connect and stays is no leftover.
  await open('first');
  await call('subscribe_and_collect', { session_id: 'first', topic_pattern: 'soak/#', duration_seconds: 10 });
  await call('close_connection', { session_id: 'first' });
  await sleep(2_000);
  const before = await daemon.sample();

  const publishers = [5, 4].map((protocolVersion) =>
    mqtt.connect(`mqtt://127.0.0.1:${broker.port}`, { protocolVersion, reconnectPeriod: 500 }),
  );
  for (const publisher of publishers) publisher.on('error', () => {});
  for (const name of SESSIONS) await open(name);
  const samples = [];
  const began = performance.now();
  const minutes = () => (performance.now() - began) / 60_000;
  const always = [
    again(ALWAYS.message, () => publishOne(publishers)),
    again(ALWAYS.sample, async () => {
      samples.push({ minutes: minutes(), ...(await daemon.sample()) });
      if (samples.length % 12 === 0) console.log(figures(samples.at(-1)));
    }),
  ];
  for (const every of [BUSY, STEADY]) {
    const stops = [
      again(every.call, () => oneCall()),
      again(every.cut, () => proxy.cut()),
      again(every.kill, () => broker.restart()),
      again(every.reopen, () => reopen()),
    ];
    while (minutes() < every.until && daemon.child.exitCode === null) await sleep(500);
    for (const stop of stops) stop();
  }
  for (const stop of always) stop();
  await Promise.all(busy);
  for (const name of SESSIONS) await call('close_connection', { session_id: name });
  for (const publisher of publishers) publisher.end(true);
  await sleep(3_000);
  judge(before, await daemon.sample(), samples);
}

function again(ms, act) {
  const timer = setInterval(() => {
    const done = Promise.resolve(act()).catch((error) => problems.push(error.message));
    busy.add(done);
    done.then(() => busy.delete(done));
  }, ms);
  return () => clearInterval(timer);
}

function judge(before, after, samples) {
  console.log(`before: ${figures(before)}`);
  console.log(`after:  ${figures(after)}`);
  console.log(`calls: ${JSON.stringify(codes)}`);
  if (after.fds > before.fds) problems.push(`${after.fds - before.fds} descriptors are left over`);
  for (const [name, count] of Object.entries(after.resources)) {
    const had = before.resources[name] ?? 0;
    if (count > had) problems.push(`${name}: ${count - had} left over`);
  }
  const most = Math.max(...samples.map(({ rss }) => rss));
  console.log(`RSS at most ${most.toFixed(1)} MiB, descriptors at most ${Math.max(...samples.map(({ fds }) => fds))}`);
  if (most > MOST_RSS) problems.push(`RSS went to ${most.toFixed(1)} MiB, ${MOST_RSS.toFixed(1)} are allowed`);
  const half = samples.filter(({ minutes }) => minutes >= MINUTES / 2);
  for (const what of ['rss', 'heap', 'data', 'code']) {
    const line = slopeOf(half.map((sample) => [sample.minutes / 60, sample[what]]));
    console.log(
      `${what}: ${line.slope.toFixed(2)} ± ${line.error.toFixed(2)} MiB an hour around ${line.mean.toFixed(1)} MiB, ${half.length} samples`,
    );
    // The heap is the sum of the two behind it.
    const judged = MINUTES >= JUDGED_FROM_MINUTES && MATTERS[what] !== undefined;
    if (judged && grows(line, MATTERS[what])) problems.push(`${what} grows`);
  }
}

function figures({ minutes = 0, rss, heap, data, fds, resources }) {
  const held = JSON.stringify(resources);
  const sizes = `RSS ${rss.toFixed(1)} MiB  heap ${heap.toFixed(1)} MiB, ${data.toFixed(1)} without code`;
  return `${minutes.toFixed(1)} min  ${sizes}  descriptors ${fds}  ${held}`;
}

/** All tools in turn, over all sessions; a session that is away answers with an error, which is an answer. */
function oneCall() {
  turn += 1;
  const session_id = SESSIONS[(turn + Math.floor(turn / 10)) % SESSIONS.length];
  const expect = { topic_pattern: 'soak/+/state' };
  const calls = [
    ['list_active_connections', {}],
    ['subscribe_and_collect', { session_id, topic_pattern: 'soak/#', duration_seconds: 10 }],
    ['publish_message', { session_id, topic: 'soak/out', payload: `${turn}`, qos: turn % 3 }],
    ['list_topics', { session_id, duration_seconds: 1 }],
    ['send_and_verify', { session_id, topic: 'soak/out', payload: `${turn}`, expect, timeout_seconds: 5 }],
    ['watch_changes', { session_id, topic_patterns: ['soak/+/state'], duration_seconds: 2 }],
    ['get_topic_schema', { session_id, topic_pattern: 'soak/#', duration_seconds: 1 }],
    ['monitor_performance', { session_id, duration_seconds: 2 }],
    ['debug_device', { session_id, device_id: 'device3', duration_seconds: 10 }],
    ['test_connection', { session_id }],
  ];
  const [name, args] = calls[turn % calls.length];
  return call(name, args);
}

async function reopen() {
  const name = SESSIONS[Math.floor(Math.random() * SESSIONS.length)];
  if (reopening.has(name)) return;
  reopening.add(name);
  await call('close_connection', { session_id: name });
  for (let tries = 0; tries < 20; tries += 1) {
    if ((await open(name)) === undefined) {
      reopening.delete(name);
      return;
    }
    await sleep(500);
  }
  problems.push('a session could not be opened again within 20 tries');
}

function open(name) {
  return call('establish_connection', { connection_string: `mqtt://127.0.0.1:${proxy.port}`, name });
}

/** The code of its error, if it is one. */
async function call(name, args) {
  const result = await daemon.request('tools/call', { name, arguments: args });
  const code = result.isError ? JSON.parse(result.content[0].text).error.code : undefined;
  const key = `${name}: ${code ?? 'ok'}`;
  codes[key] = (codes[key] ?? 0) + 1;
  if (code === 'invalid_arguments') problems.push(`${name}: its arguments are refused`);
  return code;
}

function publishOne(publishers) {
  number += 1;
  const publisher = publishers[number % publishers.length];
  if (!publisher.connected) return;
  const topic = `soak/device${number % 40}/${['state', 'log', 'blob'][number % 3]}`;
  const payload =
    number % 50 === 0
      ? Buffer.alloc(20_000, number)
      : JSON.stringify({ n: number, temperature: 20 + (number % 10), text: 'x'.repeat(number % 300) });
  publisher.publish(topic, payload, { qos: number % 3, retain: number % 7 === 0 }, () => {});
}

async function ownBroker() {
  const port = await freePort();
  const conf = join(dir, 'mosquitto.conf');
  writeFileSync(conf, `listener ${port} 127.0.0.1\nallow_anonymous true\n`);
  let child;
  const start = async () => {
    child = spawn(program, ['-c', conf], { stdio: 'ignore', env: { ...process.env, PATH: path } });
    child.once('error', (error) => problems.push(`mosquitto did not start: ${error.message}`));
    for (let tries = 0; tries < 100 && !(await listens(port)); tries += 1) await sleep(50);
  };
  await start();
  return {
    port,
    kill: () => child.kill('SIGKILL'),
    restart: async () => {
      const over = once(child, 'exit');
      child.kill('SIGKILL');
      await over;
      await start();
    },
  };
}

/** Between the daemon and the broker; cut() ends half of its connections without a word. */
async function ownProxy(target) {
  const open = new Set();
  const server = createServer((near) => {
    const far = createConnection(target, '127.0.0.1');
    const cut = () => {
      for (const socket of [near, far]) socket.resetAndDestroy();
    };
    const pair = { cut };
    open.add(pair);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ]) {
      one.on('error', () => {});
      one.on('close', () => {
        other.destroy();
        open.delete(pair);
      });
      one.pipe(other);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: server.address().port,
    cut: () => {
      for (const [at, pair] of [...open].entries()) if (at % 2 === 0) pair.cut();
    },
    close: () => server.close(),
  };
}

function listens(port) {
  return new Promise((done) => {
    const socket = createConnection(port, '127.0.0.1', () => socket.destroy() && done(true));
    socket.on('error', () => done(false));
  });
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

function startDaemon() {
  const stdio = ['pipe', 'pipe', 'pipe', 'ipc'];
  const flags = ['--expose-gc', ...(process.env.SOAK_FLAGS?.split(' ') ?? [])];
  const child = spawn(process.execPath, [...flags, '--require', probe, main], { stdio });
  child.stderr.resume();
  child.stdin.on('error', () => {});
  child.once('exit', (code) => code !== null && problems.push(`the daemon ended with code ${code}`));
  const waiting = new Map();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { id, result, error } = JSON.parse(line);
    const done = waiting.get(id);
    waiting.delete(id);
    done?.(result ?? { isError: true, content: [{ text: JSON.stringify({ error }) }] });
  });
  let lastId = 0;
  const write = (message) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const request = (method, params) => {
    const id = ++lastId;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no answer to ${method} ${params.name ?? ''}`)), ANSWER_MS);
      waiting.set(id, (result) => {
        clearTimeout(late);
        resolve(result);
      });
      write({ id, method, params });
    });
  };
  const sample = async () => {
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
    const rss = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
    const fds = readdirSync(`/proc/${child.pid}/fd`).length;
    child.send('sample');
    const [{ heap, code, resources }] = await once(child, 'message');
    return { rss, fds, heap: heap / MIB, data: (heap - code) / MIB, code: code / MIB, resources };
  };
  return { child, request, write, sample };
}
