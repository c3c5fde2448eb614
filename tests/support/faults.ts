// Owns the scene of a fault: the built program, a real broker, a proxy before it, and a second session that nothing may
// disturb. Counts what the process holds before and after. Must not know which fault is made.
import { readdirSync, readFileSync } from 'node:fs';
import { expect, onTestFinished } from 'vitest';
import { type Broker, type MosquittoOptions, startMosquitto } from './broker.ts';
import type { DaemonOptions } from './daemon.ts';
import { type Fields, Script } from './fake-host.ts';
import { promisedSeconds } from './fault-table.ts';
import { type Proxy as BadNetwork, startProxy } from './proxy.ts';

export type Scene = {
  script: Script;
  /** Behind the proxy. */
  broker: Broker;
  proxy: BadNetwork;
  /** Closes `name`, then: a ping, the session beside, no descriptor more than before, memory within bounds, clean exit. */
  well(name?: string): Promise<void>;
  /** What it had in memory at most, above what it had before the fault, KiB. */
  peak(): number;
};

/** What a fault may leave behind in memory, KiB: caches, compiled code and garbage not yet collected. */
const MEMORY_SLACK_KIB = 64 * 1024;
/** How much longer than promised until well, on a machine with much else to do. */
const LOADED = 4;
const LOADED_MS = 5_000;
const patience = { timeout: 20_000, interval: 20 };

export async function scene(options: MosquittoOptions = {}, daemon: DaemonOptions = {}): Promise<Scene> {
  const broker = await startMosquitto(options);
  onTestFinished(broker.stop);
  const proxy = await startProxy(broker.port);
  onTestFinished(proxy.stop);
  return { broker, proxy, ...(await programBeside(daemon)) };
}

/** The program with its session `beside`, which is on a broker of its own: only the program itself could disturb it. */
export async function programBeside(daemon: DaemonOptions = {}): Promise<Pick<Scene, 'script' | 'well' | 'peak'>> {
  const { url, stop } = await startMosquitto();
  onTestFinished(stop);
  const script = new Script(daemon);
  await script.connect('beside', url);
  await script.goesOn('beside');
  const before = held(script);
  const well = async (name?: string): Promise<void> => {
    await script.goesOn('beside');
    if (name !== undefined) await script.result('close_connection', { session_id: name });
    expect((await script.result('list_active_connections')).total_count).toBe(1);
    expect(await script.session('beside')).toMatchObject({ reconnects: 0 });
    await expect.poll(() => held(script).descriptors, patience).toBeLessThanOrEqual(before.descriptors);
    expect(held(script).kib).toBeLessThan(before.kib + MEMORY_SLACK_KIB);
    await script.end();
  };
  return { script, well, peak: () => held(script).peak - before.kib };
}

/** Every open descriptor of the program, and what it has in memory. Linux only, as the faults are. */
function held({ daemon }: Script): { descriptors: number; kib: number; peak: number } {
  const { pid } = daemon.child;
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kib = (name: string) => Number(new RegExp(`${name}:\\s*(\\d+)`).exec(status)?.[1]);
  return { descriptors: readdirSync(`/proc/${pid}/fd`).length, kib: kib('VmRSS'), peak: kib('VmHWM') };
}

/** How long until well in this test, ms: what its row says, and on a loaded machine some times that. */
export function wellWithin(): number {
  const promised = promisedSeconds(expect.getState().currentTestName ?? '');
  return promised === undefined ? 25_000 : LOADED * promised * 1000 + LOADED_MS;
}

/**
 * Polls list_active_connections until the session looks so; gives the entry and how long it took, ms. To be connected
 * again may take as long as the row of the test says.
 */
export async function becomes(script: Script, name: string, looks: Fields): Promise<Fields & { ms: number }> {
  const from = performance.now();
  const timeout = looks.is_connected === true ? wellWithin() : 25_000;
  await expect.poll(() => script.session(name), { timeout, interval: 50 }).toMatchObject(looks);
  const ms = performance.now() - from;
  if (process.env.FAULTS_TELL)
    process.stderr.write(`[well] ${expect.getState().currentTestName}: ${Math.round(ms)} ms\n`);
  return { ...(await script.session(name)), ms };
}

/** Resolves once a broker with `persistence` has saved all that was before: it saves behind a change that follows another. */
export async function saved({ broker, script }: Scene, name: string): Promise<void> {
  const saves = () => broker.log().split('Saving in-memory database').length;
  const before = saves();
  for (let n = 0; saves() < before + 2; n += 1) {
    const other = { session_id: name, topic: 'other/of-saved', payload: `${n}`, qos: 1, retain: true };
    await script.result('publish_message', other);
  }
}

/** Starts a collection and waits until it is subscribed; gives its id. */
export async function collecting(script: Script, name: string, filter: string, more: Fields = {}): Promise<number> {
  const args = { session_id: name, topic_pattern: filter, duration_seconds: 10, ...more };
  const id = script.send('subscribe_and_collect', args);
  await script.subscribed(name, filter);
  return id;
}

/** The payloads of a collection, in order. */
export function told(result: Fields): unknown[] {
  const { messages } = result;
  return Array.isArray(messages) ? messages.map((one: Fields) => one.payload) : [];
}
