// The official inspector's command line on the built program, in each of its eras. Every run is a process of its own.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { onlooker, ownPrefix } from '../resources/onlooker.ts';
import { builtProgram } from '../support/daemon.ts';
import { faults, type Lines } from '../support/schema-check.ts';
import { dig } from '../support/streams.ts';

const script = join(import.meta.dirname, '../../scripts/inspector.mjs');

type Run = { code: number | null; stdout: string; stderr: string; lines: Lines };

/** Longer than the script itself allows itself. */
const RUN_MS = 70_000;

/** One run, whose lines are judged. */
async function run(...args: string[]): Promise<Run> {
  const dir = mkdtempSync(join(tmpdir(), 'inspector-lines-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, 'lines');
  const said = await ran('--lines', file, ...args);
  const all = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  const after = (mark: string) => all.flatMap((line) => (line.startsWith(mark) ? [line.slice(mark.length)] : []));
  const lines = { sent: after('> '), received: after('< ') };
  expect(await faults(lines)).toEqual([]);
  return { ...said, lines };
}

function ran(...args: string[]): Promise<Omit<Run, 'lines'>> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'], timeout: RUN_MS });
    const said = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said.stderr += text;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...said }));
  });
}

/** Its result, which it prints as one JSON object. */
async function result(...args: string[]): Promise<unknown> {
  const { code, stdout, stderr } = await run(...args, '--format', 'json', '-q');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return dig(JSON.parse(stdout), 'result');
}

beforeAll(async () => {
  builtProgram();
  const { code, stderr } = await ran('--version');
  expect(code, stderr).toBe(0);
}, 240_000);

describe.each(['legacy', 'auto', 'modern'])('the inspector, --protocol-era %s', (name) => {
  const era = ['--protocol-era', name];
  const session = () => ['--session', inject('mqttUrl')];
  const timeout = 120_000;

  test('tools/list --strict -> all tools, no schema that it calls an error', { timeout }, async () => {
    const { code, stdout, stderr } = await run('--method', 'tools/list', '--strict', ...era, '--format', 'json');
    expect(code, stderr).toBe(0);
    const names = Object(dig(JSON.parse(stdout), 'result', 'tools')).map((tool: { name: string }) => tool.name);
    expect(names).toEqual(expect.arrayContaining(['establish_connection', 'list_topics', 'publish_message']));
    expect(stderr).not.toMatch(/^Error: tool/m);
  });

  test('resources: list, templates, read; one that does not exist', { timeout }, async () => {
    const broker = await onlooker();
    const topic = `${ownPrefix()}/state`;
    await broker.publish(topic, '{"on":true}', { retain: true });
    expect(await result('--method', 'resources/list', ...era)).toMatchObject({
      resources: [{ uri: 'mqtt://sessions' }, { uri: 'ui://mqtt/view' }],
    });
    expect(await result('--method', 'resources/templates/list', ...era)).toMatchObject({
      resourceTemplates: [{ name: 'topics' }, { name: 'topic' }],
    });
    const read = await result(...session(), '--method', 'resources/read', '--uri', `mqtt://lab/topic/${topic}`, ...era);
    expect(JSON.parse(String(dig(read, 'contents', 0, 'text')))).toMatchObject({ message: { payload: { on: true } } });
    const missing = await run('--method', 'resources/read', '--uri', 'mqtt://nobody/topics', ...era, '-q');
    expect(missing.code).not.toBe(0);
    expect(missing.stderr).toContain('Resource not found');
  });

  test('prompts: list, get; one that needs an argument', { timeout }, async () => {
    expect(dig(await result('--method', 'prompts/list', ...era), 'prompts')).toHaveLength(4);
    const get = ['--method', 'prompts/get', '--prompt-name', 'why_silent'];
    const filled = await result(...get, '--prompt-args', 'device=pump-7', ...era);
    expect(filled).toMatchObject({ messages: [{ content: { text: expect.stringContaining('"pump-7"') } }] });
    const missing = await run(...get, ...era, '-q');
    expect(missing.code).not.toBe(0);
    expect(missing.stderr).toContain('device');
  });

  test('tools/call: results, errors of a tool, an unknown tool', { timeout }, async () => {
    const broker = await onlooker();
    const prefix = ownPrefix();
    await broker.publish(`${prefix}/a`, '1', { retain: true });
    const call = async (tool: string, args: object) =>
      run(
        ...session(),
        '--method',
        'tools/call',
        '--tool-name',
        tool,
        '--tool-args-json',
        JSON.stringify(args),
        ...era,
        '-q',
        '--format',
        'json',
      );
    const listed = await call('list_topics', { session_id: 'lab', pattern: `${prefix}/#`, duration_seconds: 0 });
    expect(listed.code, listed.stderr).toBe(0);
    expect(dig(JSON.parse(listed.stdout), 'result', 'structuredContent')).toMatchObject({ total_topics: 1 });
    const write = { session_id: 'lab', topic: `${prefix}/a`, payload: 2, retain: true };
    expect((await call('publish_message', write)).stdout).toContain('confirmation_required');
    const failed = await call('list_topics', { session_id: 'nobody' });
    expect(failed.code).toBe(5);
    expect(failed.stdout + failed.stderr).toContain('session_not_found');
    expect((await call('no_such_tool', {})).code).toBe(5);
  });

  test('tools/call of a collection of more than ten seconds -> its result, as a task where it may be', {
    timeout,
  }, async () => {
    const broker = await onlooker();
    const prefix = ownPrefix();
    await broker.publish(`${prefix}/a`, '1', { retain: true });
    const args = { session_id: 'lab', topic_pattern: `${prefix}/#`, duration_seconds: 60, max_messages: 1 };
    const call = ['--method', 'tools/call', '--tool-name', 'subscribe_and_collect', '--tool-args-json'];
    const { code, stdout, lines } = await run(
      ...session(),
      ...call,
      JSON.stringify(args),
      ...era,
      '-q',
      '--format',
      'json',
    );
    expect(code).toBe(0);
    expect(lines.sent.some((line) => line.includes('"tasks/get"'))).toBe(name !== 'legacy');
    expect(dig(JSON.parse(stdout), 'result', 'structuredContent')).toMatchObject({
      stopped_by: 'max_messages',
      original_message_count: 1,
    });
  });
});
