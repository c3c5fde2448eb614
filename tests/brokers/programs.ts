// Owns the other brokers that the suite runs on: RabbitMQ and NATS as processes on 127.0.0.1 with ports and folders of
// their own, aedes within the test. Ends only what it started; never skips where a program is missing.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Aedes } from 'aedes';
import { canInstall, install } from '../support/apt.ts';
import { freePort, startMosquitto } from '../support/broker.ts';
import { withParent } from '../support/broker-local.ts';

export type Running = { url: string; stop(): Promise<void> };

/** RabbitMQ takes a few seconds where nothing else runs, and more where everything does. */
const START_MS = 90_000;

export async function startAedes(): Promise<Running> {
  const broker = await Aedes.createBroker();
  const server = createServer(broker.handle);
  const port = await freePort();
  await once(server.listen(port, '127.0.0.1'), 'listening');
  return {
    url: `mqtt://127.0.0.1:${port}`,
    stop: async () => {
      await new Promise<void>((resolve) => broker.close(resolve));
      server.close();
    },
  };
}

export async function startOwnMosquitto(): Promise<Running> {
  const { url, stop } = await startMosquitto();
  return { url, stop };
}

export async function startNats(): Promise<Running> {
  const program = await programOf('nats-server', () => ['/usr/sbin/nats-server', '/usr/local/bin/nats-server']);
  const folder = await newFolder('nats-');
  const [port, mqttPort] = [await freePort(), await freePort()];
  const config = `
    listen: "127.0.0.1:${port}", server_name: test
    jetstream { store_dir: ${JSON.stringify(folder)} }
    mqtt { listen: "127.0.0.1:${mqttPort}" }`;
  await writeFile(join(folder, 'nats.conf'), config);
  const stop = await run(program, ['-c', join(folder, 'nats.conf')], {}, /Server is ready/, folder);
  return { url: `mqtt://127.0.0.1:${mqttPort}`, stop };
}

export async function startRabbitMq(): Promise<Running> {
  // The one on the PATH of a Debian changes to the user of the service.
  const program = await programOf('rabbitmq-server', () => [...debianRabbitMq(), '/opt/homebrew/sbin/rabbitmq-server']);
  const folder = await newFolder('rabbitmq-');
  const [port, amqpPort, distPort, epmdPort] = [await freePort(), await freePort(), await freePort(), await freePort()];
  await writeFile(join(folder, 'plugins'), '[rabbitmq_mqtt].\n');
  await writeFile(
    join(folder, 'rabbitmq.conf'),
    `listeners.tcp.default = 127.0.0.1:${amqpPort}\nmqtt.listeners.tcp.default = 127.0.0.1:${port}\n`,
  );
  const env = {
    // Its cookie is written there.
    HOME: folder,
    ERL_EPMD_PORT: `${epmdPort}`,
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: `test${process.pid}@localhost`,
    RABBITMQ_DIST_PORT: `${distPort}`,
    RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_CONF_ENV_FILE: join(folder, 'none'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
    RABBITMQ_FEATURE_FLAGS_FILE: join(folder, 'feature_flags'),
    // Its script becomes the broker, instead of a shell that waits for it.
    RABBITMQ_ALLOW_INPUT: '1',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-noinput +S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none',
  };
  // Started here, or the broker would start one that outlives it.
  const stopEpmd = await run('epmd', ['-port', `${epmdPort}`, '-address', '127.0.0.1', '-d'], env, /epmd running/);
  const stop = await run(program, [], env, /completed with \d+ plugins/, folder).catch(async (error: unknown) => {
    await stopEpmd();
    throw error;
  });
  return {
    url: `mqtt://127.0.0.1:${port}`,
    stop: async () => {
      await stop();
      await stopEpmd();
    },
  };
}

function debianRabbitMq(): string[] {
  const lib = '/usr/lib/rabbitmq/lib';
  return existsSync(lib) ? readdirSync(lib).map((version) => join(lib, version, 'sbin/rabbitmq-server')) : [];
}

function newFolder(name: string): Promise<string> {
  return mkdtemp(join(process.env.MQTT_TEST_DIR ?? tmpdir(), name));
}

/** The first path that exists, installed where it is possible: Debian's package has the name of the program. */
async function programOf(name: string, paths: () => string[]): Promise<string> {
  const find = () => paths().find((path) => existsSync(path));
  const found = find();
  if (found !== undefined) return found;
  if (!canInstall()) throw new Error(`no ${name} for the tests: install it (apt install ${name}, brew install ...)`);
  process.stderr.write(`[broker] no ${name} here: installing the distribution's with apt-get\n`);
  await install(name, paths()[0] ?? name);
  const installed = find();
  if (installed === undefined) throw new Error(`apt-get installed ${name}, but it is not where it is looked for`);
  return installed;
}

/** Runs a program until the function that is returned is called. */
async function run(
  program: string,
  args: string[],
  env: Record<string, string>,
  ready: RegExp,
  folder?: string,
): Promise<() => Promise<void>> {
  const { PATH = '' } = process.env;
  const [first = program, ...rest] = [...withParent, program, ...args];
  const child = spawn(first, rest, { env: { PATH: `${PATH}:/usr/sbin`, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const stop = async () => {
    process.off('exit', kill);
    kill();
    if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) await once(child, 'exit');
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  };
  try {
    await said(child, ready);
  } catch (error) {
    await stop();
    throw error;
  }
  return stop;
}

function said(child: ChildProcess, ready: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    const fail = (why: string) => reject(new Error(`${child.spawnfile} ${why}\n${text.slice(-4_000)}`));
    const timer = setTimeout(() => fail(`is not ready after ${START_MS} ms`), START_MS);
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code, signal) => fail(`ended at once (${code ?? signal})`));
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        text = (text + chunk).slice(-65_536);
        if (!ready.test(text)) return;
        clearTimeout(timer);
        resolve();
      });
    }
  });
}
