// Owns a mosquitto process on 127.0.0.1: finding the program, installing it, running it. Ends only what it started.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { install } from './apt.ts';
import type { Broker } from './broker.ts';
import { brokerFiles, type MosquittoOptions } from './broker-config.ts';
import { isProgram } from './is-program.ts';

const startMs = 10_000;
const stopMs = 5_000;
// A worker is killed when its tests are over, and takes the brokers along that a test left behind.
export const withParent = isProgram('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'KILL'] : [];
const logLimit = 1 << 20; // a broker under load logs for as long as a test lasts

/** The path of a mosquitto, or undefined. Debian's lies in /usr/sbin, which is not on every PATH. */
export function findMosquitto(): string | undefined {
  const dirs = [
    ...(process.env.PATH ?? '').split(delimiter),
    '/usr/sbin',
    '/usr/local/sbin',
    '/opt/homebrew/sbin',
    '/usr/local/opt/mosquitto/sbin',
  ];
  return dirs
    .filter(Boolean)
    .map((dir) => join(dir, 'mosquitto'))
    .find(isProgram);
}

/** Installs the distribution's mosquitto (root on Debian or Ubuntu). */
export async function installMosquitto(say: (line: string) => void): Promise<string> {
  say("no mosquitto here: installing the distribution's with apt-get");
  await install('mosquitto', '/usr/sbin/mosquitto');
  const path = findMosquitto();
  if (path === undefined) throw new Error('apt-get installed mosquitto, but there is none on PATH or in /usr/sbin');
  return path;
}

/** Runs `program` until stop(); its folder, in the run's folder MQTT_TEST_DIR where there is one, goes with it. */
export async function runLocal(program: string, port: number, options: MosquittoOptions): Promise<Broker> {
  const dir = await mkdtemp(join(process.env.MQTT_TEST_DIR ?? tmpdir(), 'mosquitto-'));
  for (const [name, content] of brokerFiles(options, { dir, listener: `${port} 127.0.0.1` })) {
    await writeFile(join(dir, name), content, { mode: 0o600 });
  }
  let log = '';
  let child: ChildProcess;
  const keep = (text: string): void => {
    log = (log + text).slice(-logLimit);
  };
  const last = (): void => {
    child?.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  };
  process.once('exit', last);
  const stop = async (): Promise<void> => {
    process.off('exit', last);
    await end(child, 'SIGKILL');
    await rm(dir, { recursive: true, force: true });
  };
  const start = async (): Promise<void> => {
    const command = [...withParent, program, '-c', join(dir, 'mosquitto.conf')];
    child = spawn(command[0] ?? program, command.slice(1), { stdio: ['ignore', 'ignore', 'pipe'] });
    await listening(child, keep).catch(async (error: unknown) => {
      await stop();
      throw error;
    });
  };
  await start();
  return {
    url: options.tls ? `mqtts://localhost:${port}` : `mqtt://127.0.0.1:${port}`,
    port,
    get pid() {
      return child.pid ?? 0;
    },
    log: () => log,
    stop,
    async kill(signal = 'SIGKILL') {
      if (isOver(child)) return;
      const over = once(child, 'exit');
      child.kill(signal);
      if (signal === 'SIGKILL' || signal === 'SIGTERM') await over;
    },
    async restart() {
      await end(child, options.persistence ? 'SIGTERM' : 'SIGKILL');
      await start();
    },
  };
}

/** Resolves when mosquitto says that it runs: after its listener is bound, so never for somebody else's port. */
function listening(child: ChildProcess, keep: (text: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    let settled = false;
    const settle = (done: () => void): void => {
      settled = true;
      clearTimeout(timer);
      done();
    };
    const fail = (why: string) => () => settle(() => reject(new Error(`mosquitto ${why}\n${said}`)));
    const timer = setTimeout(fail(`did not listen within ${startMs} ms`), startMs);
    child.once('error', (error) => fail(`did not start: ${error.message}`)());
    child.once('close', (code, signal) => fail(`ended at once (${code ?? signal})`)());
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      keep(text);
      if (settled) return;
      said += text;
      if (/mosquitto version \S+ running/.test(said)) settle(resolve);
    });
  });
}

/** By SIGTERM it saves what it should, after up to 100 ms; one that came right after its start is lost, so it is repeated. */
async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (isOver(child)) return;
  const over = once(child, 'exit');
  const since = performance.now();
  const send = (): void => {
    child.kill(performance.now() - since > stopMs ? 'SIGKILL' : signal);
    child.kill('SIGCONT'); // for one that a test had stopped
  };
  send();
  const timer = setInterval(send, 250);
  await over;
  clearInterval(timer);
}

const isOver = (child: ChildProcess): boolean =>
  child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
