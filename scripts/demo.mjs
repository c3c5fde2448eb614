// `make demo`: drives the built daemon over its real stdin and stdout, as an assistant's host would, through all its
// tools on the embedded broker; prints each step for a person and checks each answer (a wrong one: exit 1).
// Usage: node scripts/demo.mjs [path of the built main.js]
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';

const MAIN = process.argv[2] ? resolve(process.argv[2]) : fileURLToPath(new URL('../dist/main.js', import.meta.url));
const TOTAL_MS = 50_000;
const LAMP = 'home/livingroom/lamp';
const TOOLS = [
  'close_connection',
  'debug_device',
  'establish_connection',
  'get_topic_schema',
  'list_active_connections',
  'list_topics',
  'monitor_performance',
  'publish_message',
  'send_and_verify',
  'subscribe_and_collect',
  'test_connection',
  'watch_changes',
];

class WrongAnswer extends Error {}

const onTerminal = process.stdout.isTTY === true;
const coloured = onTerminal && process.env.NO_COLOR === undefined;
const paint = (code) => (text) => (coloured ? `\x1b[${code}m${text}\x1b[0m` : text);
const [bold, dim, green, yellow] = [paint(1), paint(2), paint(32), paint(33)];

async function story(daemon) {
  const { request, call } = daemon;
  print(
    bold('bitsperity-mqtt-mcp demo'),
    '\nThe built daemon, asked as an assistant asks it, on an embedded broker.\n',
  );

  step('initialize');
  const clientInfo = { name: 'make-demo', version: '1.0.0' };
  const hello = await request('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo });
  check(hello.protocolVersion === '2025-11-25', `initialize negotiated ${hello.protocolVersion}, not 2025-11-25`);
  daemon.notify('notifications/initialized');
  answer(
    `${hello.serverInfo.name} ${hello.serverInfo.version}, MCP ${hello.protocolVersion}, ${sinceStart()} after its start`,
  );

  step('tools/list');
  const { tools } = await request('tools/list', {});
  const names = tools.map((tool) => tool.name);
  const missing = TOOLS.filter((name) => !names.includes(name));
  check(missing.length === 0, `tools/list lacks ${missing.join(', ')}`);
  answer(`${names.length} tools: ${names.join(', ')}`);

  await testConnection(call);

  const opened = await ask(call, 'establish_connection', { profile: 'demo', name: 'plant' });
  check(opened.status === 'connected' && opened.name === 'plant', 'establish_connection did not connect as "plant"');
  const version = opened.protocol_version === 5 ? '5' : '3.1.1';
  answer(`${opened.status} to ${opened.broker}:${opened.port}, MQTT ${version}, in ${ms(opened.connect_ms)}`);

  const open = await ask(call, 'list_active_connections', {});
  const [session] = open.active_connections;
  check(open.total_count === 1 && open.active_connections.length === 1, `${open.total_count} sessions instead of 1`);
  check(session.session_id === opened.session_id && session.is_connected, 'the session listed is not the one opened');
  answer(
    `${open.total_count} of ${open.max_connections} sessions: "${session.name}", connected, expires ${session.expires_at}`,
  );

  await listTopics(call);
  await inferSchemas(call);
  const suspect = { session_id: 'plant', device_id: 'Gateway', duration_seconds: 10 };
  step('debug_device', suspect);
  answer('runs for 10 s; the next steps happen meanwhile');
  const debugging = call('debug_device', suspect);
  debugging.catch(() => {}); // awaited below; until then a failure of the steps between comes first
  await collectWhileTheLampObeys(daemon);
  await verifyThatTheLampObeys(call);
  await watchWhatChanges(call);
  step('debug_device: its answer');
  showDevice(await debugging);
  await measureTraffic(call);

  const closed = await ask(call, 'close_connection', { session_id: 'plant' });
  check(
    closed.status === 'closed' && closed.session_id === opened.session_id,
    'close_connection closed another session',
  );
  answer(`${closed.status} at ${closed.closed_at}`);

  step('end of input');
  const code = await daemon.end();
  check(code === 0, `the daemon ended with code ${code}`);
  answer('the daemon ended with code 0');
}

async function testConnection(call) {
  const found = await ask(call, 'test_connection', { profile: 'demo', probe_topic: 'demo/probe' });
  const by = Object.fromEntries(found.checks.map((one) => [one.name, one]));
  check(found.overall_health === 'healthy', `test_connection: ${found.summary}`);
  check(by.echo.round_trips.length === 3, 'test_connection did not probe each QoS');
  answer(`${found.overall_health}: ${found.summary}`);
  for (const { name, status, detail: text } of found.checks) detail(`${name.padEnd(9)} ${status.padEnd(7)}  ${text}`);
}

async function measureTraffic(call) {
  const wanted = { session_id: 'plant', duration_seconds: 3, probe_topic: 'demo/probe', top: 3 };
  const found = await ask(call, 'monitor_performance', wanted);
  check(found.throughput_metrics.messages > 0, 'monitor_performance heard nothing');
  const probes = found.latency_metrics.by_qos;
  check(probes.length === 3 && probes.every(({ lost }) => lost === 0), 'monitor_performance lost probes');
  answer(found.summary);
  for (const { topic, messages_per_second, share_percent } of found.top_topics) {
    detail(`${topic.padEnd(36)} ${messages_per_second} messages/s, ${share_percent} %`);
  }
}

async function listTopics(call) {
  const found = await ask(call, 'list_topics', { session_id: 'plant', pattern: '#', duration_seconds: 1 });
  const retained = found.topics.filter((topic) => topic.retained);
  check(found.status === 'success' && found.topic_count === found.topics.length, 'list_topics counts wrongly');
  for (const topic of [`${LAMP}/state`, 'plant/line1/pump/availability', 'home/hall/door/contact']) {
    check(
      retained.some((one) => one.topic === topic),
      `list_topics lacks the retained topic ${topic}`,
    );
  }
  check(retained.length < found.topics.length, 'list_topics heard nothing live');
  const complete = `${found.retained_complete ? 'complete' : 'perhaps not complete'}, ${found.retained_evidence}`;
  answer(`${found.total_topics} topics, ${retained.length} of them retained (${complete}); some of them:`);
  const telling = found.topics.filter(({ topic }) => !/\/(availability|config)$/.test(topic));
  for (const { topic, message_count, payload_bytes, retained } of telling.slice(0, 8)) {
    const count = `${message_count} ${message_count === 1 ? 'message' : 'messages'}`;
    detail(`${topic.padEnd(36)} ${count.padStart(10)}, ${payload_bytes} bytes${retained ? ', retained' : ''}`);
  }
}

async function inferSchemas(call) {
  const wanted = { session_id: 'plant', topic_pattern: 'greenhouse/#', duration_seconds: 3 };
  const found = await ask(call, 'get_topic_schema', wanted);
  check(found.status === 'success' && found.received_count >= found.sample_count, 'get_topic_schema counts wrongly');
  const climate = found.topic_schemas.find(({ template }) => template === 'greenhouse/north/climate/temperature');
  check(climate?.schema.properties?.value?.['x-unit'] === '°C', 'get_topic_schema does not see that it is °C');
  answer(found.summary);
  for (const { template, topic_count, confidence, schema } of found.topic_schemas.slice(0, 5)) {
    detail(`${template.padEnd(38)} ${topic_count} topic, ${confidence}  ${short(schema.properties ?? schema)}`);
  }
}

async function collectWhileTheLampObeys(daemon) {
  const wanted = {
    session_id: 'plant',
    topic_pattern: 'home/#',
    duration_seconds: 10,
    return_messages: 8,
    retained: 'exclude',
  };
  step('subscribe_and_collect', wanted);
  answer('runs for 10 s; the next two steps happen meanwhile');
  let running = true;
  const collecting = daemon.call('subscribe_and_collect', wanted, showProgress).finally(() => {
    running = false;
  });
  collecting.catch(() => {}); // awaited below; until then a failure of the steps between comes first
  await sleep(1500);

  step('ping');
  const asked = performance.now();
  const pong = await daemon.request('ping');
  const took = performance.now() - asked;
  check(isDeepStrictEqual(pong, {}) && running && took < 1000, `ping took ${ms(took)}, or came after the collection`);
  answer(`answered in ${ms(took)}, with the collection running`);

  const order = { session_id: 'plant', topic: `${LAMP}/set`, payload: { state: 'ON', brightness: 40 }, qos: 1 };
  const sent = await ask(daemon.call, 'publish_message', order);
  check(sent.status === 'published' && sent.acknowledged && running, 'publish_message was not acknowledged at once');
  answer(`${sent.status}, ${sent.payload_size_bytes} bytes, acknowledged in ${ms(sent.publish_ms)}`);

  const result = await collecting;
  step('subscribe_and_collect: its answer');
  showCollection(result);
}

function showCollection(result) {
  const { messages, original_message_count: received, topics } = result;
  check(
    result.status === 'success' && result.stopped_by === 'duration',
    `the collection was stopped by ${result.stopped_by}`,
  );
  check(received > 8 && messages.length === 8, `${messages.length} of ${received} messages came back, not 8`);
  check(topics[`${LAMP}/set`] === 1, `${topics[`${LAMP}/set`] ?? 0} commands to the lamp were seen, not 1`);
  check(topics[`${LAMP}/state`] === 1, 'the lamp did not obey');
  check(
    messages.some(({ payload }) => payload?.level === 'error'),
    "the gateway's error is not among the messages kept",
  );
  answer(
    `${received} messages on ${Object.keys(topics).length} topics in 10 s; the ${messages.length} that tell most:`,
  );
  for (const { topic, payload, offset_ms, kept_because } of messages) {
    const time = `+${(offset_ms / 1000).toFixed(2)} s`.padStart(8);
    const obeyed = topic === `${LAMP}/state` ? green('  <- the lamp obeys') : '';
    detail(`${time}  ${topic.padEnd(31)} ${yellow((kept_because ?? '').padEnd(6))}  ${short(payload)}${obeyed}`);
  }
}

async function verifyThatTheLampObeys(call) {
  const sent = await ask(call, 'send_and_verify', {
    session_id: 'plant',
    topic: `${LAMP}/set`,
    payload: { state: 'OFF' },
    expect: { topic_pattern: `${LAMP}/state`, path: '$.state', equals: 'OFF' },
  });
  check(sent.status === 'verified', `send_and_verify: ${sent.summary}`);
  check(
    sent.diff.some(({ before, after }) => before === 'ON' && after === 'OFF'),
    'it tells no change from ON to OFF',
  );
  answer(sent.summary);
}

async function watchWhatChanges(call) {
  const wanted = { session_id: 'plant', topic_patterns: ['home/#', 'plant/#'], duration_seconds: 5, return_changes: 8 };
  step('watch_changes', wanted);
  const seen = await call('watch_changes', wanted, showProgress);
  check(
    seen.timeline.length === 8 && seen.change_count >= 8,
    `watch_changes told ${seen.timeline.length} changes, not 8`,
  );
  answer(seen.summary);
  for (const { offset_ms, topic, changes } of seen.timeline) {
    const [{ path, before, after }] = changes;
    const what = before === undefined ? short(after) : `${path} ${short(before)} -> ${short(after)}`;
    detail(`${`+${(offset_ms / 1000).toFixed(2)} s`.padStart(8)}  ${topic.padEnd(36)} ${what}`);
  }
}

function showDevice(result) {
  const { status, summary, connection_status, availability, findings, device_topics } = result;
  check(status === 'success' && connection_status === 'active', `the gateway is ${connection_status}, not active`);
  check(availability.state === 'online', `the gateway's availability is ${availability.state}, not online`);
  check(
    findings.length === 1 && findings[0].code === 'error_reported',
    `the gateway's findings are ${findings.map(({ code }) => code).join(', ')}, not error_reported`,
  );
  answer(summary.length > 150 ? `${summary.slice(0, 150)}…` : summary);
  for (const { topic, role, live_messages } of device_topics) {
    detail(`${topic.padEnd(31)} ${role.padEnd(13)} ${live_messages} live`);
  }
  for (const { code, next } of findings) detail(`${yellow(code)}: ${next}`);
}

/** Starts the daemon; its answers are matched by id. Every wait ends when the daemon does. */
function startDaemon() {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('MQTT_MCP_')));
  const child = spawn(process.execPath, [MAIN, '--demo', '--drain', '5'], { env, stdio: ['pipe', 'pipe', 'pipe'] });
  const log = [];
  createInterface({ input: child.stderr }).on('line', (line) => log.push(line) > 20 && log.shift());
  child.stdin.on('error', () => {}); // a daemon that is gone is reported by its exit

  const waiting = new Map();
  const progress = new Map();
  const exited = new Promise((done) => {
    child.once('error', (error) => done(error.message));
    child.once('close', (code, signal) => done(code ?? signal));
  });
  let ended;
  exited.then((how) => {
    ended = new WrongAnswer(`the daemon ended early (${how})`);
    for (const { reject } of waiting.values()) reject(ended);
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const message = parse(line);
    if (message?.method === 'notifications/progress')
      return progress.get(message.params.progressToken)?.(message.params);
    const open = waiting.get(message?.id);
    if (open) waiting.delete(message.id);
    else if (message?.method === undefined) fail(`a line on stdout that answers nothing: ${line.slice(0, 200)}`);
    if (message?.error) open?.reject(new WrongAnswer(`${open.method}: ${JSON.stringify(message.error)}`));
    else open?.resolve(message.result);
  });

  let lastId = 0;
  const write = (message) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const request = (method, params, onProgress) => {
    const id = lastId++;
    if (onProgress) progress.set(id, onProgress);
    const meta = onProgress && { _meta: { progressToken: id } };
    return new Promise((resolve, reject) => {
      if (ended) return reject(ended);
      waiting.set(id, { method, resolve, reject });
      write({ id, method, ...(params && { params: { ...params, ...meta } }) });
    });
  };
  /** structuredContent of a tools/call, which also is what the text says. */
  const call = async (name, args, onProgress) => {
    const result = await request('tools/call', { name, arguments: args }, onProgress);
    check(result.isError !== true, `${name}: ${result.content?.[0]?.text}`);
    const text = parse(result.content?.[0]?.text ?? '');
    check(isDeepStrictEqual(text, result.structuredContent), `${name}: text and structuredContent differ`);
    return result.structuredContent;
  };
  const end = () => {
    child.stdin.end();
    return exited;
  };
  return { request, call, end, log, notify: (method) => write({ method }), kill: () => child.kill('SIGKILL') };
}

let steps = 0;
const started = performance.now();

function step(what, args) {
  const details = args && Object.keys(args).length > 0 ? ` ${dim(JSON.stringify(args))}` : '';
  print(`${String(++steps).padStart(2)}  ${bold(what)}${details}`);
}

function ask(call, name, args) {
  step(name, args);
  return call(name, args);
}

function answer(text) {
  print(`    ${green('->')} ${text}`);
}

function detail(text) {
  print(`       ${text}`);
}

function showProgress({ progress, total, message }) {
  if (onTerminal) process.stdout.write(`\r\x1b[2K    ${dim(message ?? `${progress}${total ? ` of ${total}` : ''}`)}`);
}

function clearProgress() {
  if (onTerminal) process.stdout.write('\r\x1b[2K');
}

function print(...texts) {
  clearProgress();
  process.stdout.write(`${texts.join(' ')}\n`);
}

function short(payload) {
  const text = JSON.stringify(payload);
  return text.length > 76 ? `${text.slice(0, 73)}...` : text;
}

function ms(milliseconds) {
  return `${milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`;
}

function sinceStart() {
  return ms(performance.now() - started);
}

function parse(line) {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function check(right, message) {
  if (!right) throw new WrongAnswer(message);
}

function fail(message) {
  daemon?.kill();
  clearProgress();
  const log = daemon?.log.length ? `\nThe daemon's last log lines:\n${daemon.log.join('\n')}` : '';
  process.stderr.write(`demo failed: ${message}${log}\n`);
  process.exit(1);
}

if (!existsSync(MAIN)) {
  process.stderr.write(`demo failed: ${MAIN} does not exist; run \`npm ci && npm run build\` first\n`);
  process.exit(1);
}
const daemon = startDaemon();
process.once('SIGINT', () => fail('interrupted'));
process.once('SIGTERM', () => fail('terminated'));
setTimeout(() => fail(`not done after ${TOTAL_MS / 1000} s`), TOTAL_MS).unref();
try {
  await story(daemon);
} catch (error) {
  fail(error instanceof WrongAnswer ? error.message : error.stack);
}
print(
  green(`\nAll ${steps} steps answered as they should, in ${((performance.now() - started) / 1000).toFixed(1)} s.`),
);
