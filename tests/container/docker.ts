// Owns the docker command line for the tests of the image. Fails, and never skips, where there is no engine.
import { execFile } from 'node:child_process';
import { expect } from 'vitest';

export type Ended = { code: number; stdout: string; stderr: string };

/** Runs a program to its end, with `input` on its stdin. */
export function run(
  program: string,
  args: string[],
  options: { input?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      args,
      { env: { ...process.env, ...options.env }, maxBuffer: 1 << 26 },
      (error, stdout, stderr) => {
        if (error && typeof error.code !== 'number') reject(new Error(`${program}: ${error.message}`));
        else resolve({ code: child.exitCode ?? 1, stdout, stderr });
      },
    );
    child.stdin?.on('error', () => {}).end(options.input ?? '');
  });
}

/** The stdout of a docker command that succeeds. */
export async function docker(...args: string[]): Promise<string> {
  const ended = await run('docker', args);
  if (ended.code !== 0) throw new Error(`docker ${args.join(' ')}: ${ended.stderr || ended.stdout}`);
  return ended.stdout.trim();
}

/** The image of this tree, built (or taken from the engine's cache), by name. */
export async function builtImage(): Promise<string> {
  await docker('info').catch((error: Error) => {
    throw new Error(`the container tests need a Docker engine: ${error.message}`);
  });
  const name = 'bitsperity-mqtt-mcp:test';
  const base = process.env.NODE_IMAGE ? ['--build-arg', `NODE_IMAGE=${process.env.NODE_IMAGE}`] : [];
  await docker('build', '--tag', name, ...base, '.');
  return name;
}

/** Resolves once the mosquitto in a container listens. */
export const listening = (container: string): Promise<void> =>
  expect
    .poll(async () => (await run('docker', ['logs', container])).stderr, { timeout: 20_000, interval: 100 })
    .toMatch(/mosquitto version \S+ running/);

/** One request a line, as a shell pipe sends it. */
export const lines = (...requests: object[]): string =>
  requests.map((one) => `${JSON.stringify({ jsonrpc: '2.0', ...one })}\n`).join('');

/** What the daemon answered, by request id. Every line of stdout is an answer. */
export function answers(stdout: string): Record<string, unknown> {
  const all = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  return Object.fromEntries(all.map((one) => [one.id, one.result ?? one]));
}

/** A session on `broker`, by name: connect, publish, collect. */
export const sessionScript = (broker: string): string =>
  lines(
    { id: 1, method: 'establish_connection', params: { connection_string: `mqtt://${broker}:1883`, name: 'b' } },
    {
      id: 2,
      method: 'publish_message',
      params: { session_id: 'b', topic: 'container/lamp', payload: { on: true }, qos: 1, retain: true },
    },
    {
      id: 3,
      method: 'subscribe_and_collect',
      params: { session_id: 'b', topic_pattern: 'container/#', duration_seconds: 10, max_messages: 1 },
    },
  );

/** What sessionScript is answered. */
export const sessionAnswers = (broker: string): object => ({
  1: { status: 'connected', name: 'b', broker, port: 1883 },
  2: { status: 'published', topic: 'container/lamp', acknowledged: true },
  3: { status: 'success', stopped_by: 'max_messages', messages: [{ topic: 'container/lamp', payload: { on: true } }] },
});
