// Owns the built program as a process: real pipes, stderr, signals, exit code. `make test` builds it before.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { Wire } from './streams.ts';

export type Exit = { code: number | null; signal: NodeJS.Signals | null };
export type DaemonOptions = { args?: string[]; env?: Record<string, string>; cwd?: string };

export class Daemon extends Wire {
  readonly child: ChildProcessWithoutNullStreams;
  /** Resolves when the process and its streams are gone. */
  readonly exit: Promise<Exit>;
  #stderr = '';

  constructor(child: ChildProcessWithoutNullStreams) {
    super(child.stdin, child.stdout);
    this.child = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    this.exit = new Promise((resolve, reject) => {
      child.once('close', (code, signal) => resolve({ code, signal }));
      child.once('error', reject);
    });
  }

  get stderr(): string[] {
    return this.#stderr.split('\n').filter(Boolean);
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }
}

/** The path of the built program. */
export function builtProgram(): string {
  const program = join(import.meta.dirname, '../../dist/main.js');
  if (!existsSync(program)) throw new Error(`${program} is missing: run \`npm run build\` (make test does) first`);
  return program;
}

/** Like SDK clients: nothing of our own environment but what a program needs to run. */
export function cleanEnv(extra: Record<string, string> = {}): Record<string, string> {
  const { PATH = '', HOME = '' } = process.env;
  return { PATH, HOME, ...extra };
}

/** Starts the built program; what is left of it at the end of the test is killed. */
export function startDaemon({ args = [], env = {}, cwd }: DaemonOptions = {}): Daemon {
  const place = cwd === undefined ? {} : { cwd };
  const child = spawn(process.execPath, [builtProgram(), ...args], { env: cleanEnv(env), stdio: 'pipe', ...place });
  const daemon = new Daemon(child);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await daemon.exit;
  });
  return daemon;
}
