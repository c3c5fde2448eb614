// Owns the children and temporary folders of a run: what it started it ends, by its handle, and nothing else.
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** @typedef {import('node:child_process').ChildProcess} ChildProcess */

const STOP_MS = 3_000;
/** @type {Set<ChildProcess>} */
const children = new Set();
/** @type {Set<string>} */
const folders = new Set();
// A bench that is killed takes its children along.
const withParent = isProgram('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'KILL'] : [];

process.once('exit', cleanUp);

/**
 * Starts a program that ends with the bench.
 * @param {string} program
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 */
export function start(program, args, options = {}) {
  return track(spawn(program, args, options));
}

/**
 * The same for what lives long; not for what is timed from its spawn on, as a second exec comes before it.
 * @type {typeof start}
 */
export function startTied(program, args, options = {}) {
  const command = [...withParent, program, ...args];
  return start(command[0] ?? program, command.slice(1), options);
}

/** @param {ChildProcess} child */
function track(child) {
  children.add(child);
  child.once('close', () => children.delete(child));
  child.once('error', () => children.delete(child));
  return child;
}

/**
 * Resolves with the exit code, or the signal, once the child and its streams are gone; rejects where it did not start.
 * @param {ChildProcess} child
 * @returns {Promise<number | string | null>}
 */
export function gone(child) {
  if (!children.has(child)) return Promise.resolve(child.exitCode ?? child.signalCode);
  return new Promise((resolve, reject) => {
    child.once('close', (code, signal) => resolve(code ?? signal));
    child.once('error', reject);
  });
}

/**
 * Ends a child: SIGTERM, and SIGKILL where that does not help.
 * @param {ChildProcess} child
 */
export async function stop(child) {
  if (!children.has(child)) return;
  const over = gone(child);
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await over.catch(() => {});
  clearTimeout(timer);
}

/** A folder that goes with the bench. */
export function temporary() {
  const folder = mkdtempSync(join(tmpdir(), 'bitsperity-bench-'));
  folders.add(folder);
  return folder;
}

/** Ends what is left at once. */
export function cleanUp() {
  for (const child of children) child.kill('SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  children.clear();
  folders.clear();
}

/**
 * Rejects with `what` where the promise takes longer.
 * @template T
 * @param {Promise<T>} promise
 * @param {number} ms
 * @param {string} what
 * @returns {Promise<T>}
 */
export async function within(promise, ms, what) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Resident memory of a process now and at its highest, bytes (proc(5): VmRSS, VmHWM).
 * @param {number | undefined} pid
 */
export function memoryOf(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kilobytes = (/** @type {string} */ key) => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]);
  return { rss: kilobytes('VmRSS') * 1024, peak: kilobytes('VmHWM') * 1024 };
}

/**
 * Runs something while this process and another share one core, so that it does not depend on which cores the scheduler
 * wakes up; on all of them where there is no taskset.
 * @template T
 * @param {number | undefined} pid
 * @param {() => Promise<T>} run
 */
export async function onOneCore(pid, run) {
  const all = `0-${cpus().length - 1}`;
  const bind = (/** @type {string} */ cores) => {
    for (const one of [process.pid, pid]) spawnSync('taskset', ['-acp', cores, String(one)], { stdio: 'ignore' });
  };
  bind('0');
  try {
    return await run();
  } finally {
    bind(all);
  }
}

/**
 * The path of a program on PATH or where Debian and Homebrew put daemons.
 * @param {string} name
 */
export function find(name) {
  const dirs = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/opt/homebrew/sbin'];
  const path = dirs
    .filter(Boolean)
    .map((dir) => join(dir, name))
    .find(isProgram);
  if (path === undefined) throw new Error(`${name} is missing: apt install mosquitto mosquitto-clients`);
  return path;
}

/** @param {string} path */
function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
