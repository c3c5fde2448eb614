// Owns a script's side of the built program: direct methods over its pipes, results and errors as they should look.
import { expect } from 'vitest';
import type { ToolErrorData } from '../../src/errors.ts';
import { isObject } from '../../src/rpc/message.ts';
import { type Daemon, type DaemonOptions, startDaemon } from './daemon.ts';
import { dig } from './streams.ts';

export type Fields = Record<string, unknown>;

/** product.md, Limits; and what a tool's error may be. */
const MAX_LINE_BYTES = 4 * 1024 * 1024;
const TOOL_FAILED = -32_000;
const INVALID_PARAMS = -32_602;

export class Script {
  readonly daemon: Daemon;
  #id = 0;

  constructor(options: DaemonOptions = {}) {
    this.daemon = startDaemon(options);
  }

  /** Sends a request; gives its id. */
  send(method: string, params?: Fields): number {
    this.#id += 1;
    this.daemon.request(this.#id, method, params);
    return this.#id;
  }

  /** The result of a direct method. */
  async result(method: string, params?: Fields): Promise<Fields> {
    return this.resultOf(this.send(method, params));
  }

  async resultOf(id: number): Promise<Fields> {
    const answer = await this.daemon.answer(id);
    if (!isObject(answer.result)) expect.fail(`no result: ${JSON.stringify(answer).slice(0, 2_000)}`);
    return answer.result;
  }

  /** The error of a direct method: the right number, a stable word, a sentence, a hint. */
  async error(method: string, params?: Fields): Promise<ToolErrorData> {
    return this.errorOf(this.send(method, params));
  }

  async errorOf(id: number): Promise<ToolErrorData> {
    const answer = await this.daemon.answer(id);
    const data = wellFormed(dig(answer, 'error', 'data'), answer);
    expect(dig(answer, 'error', 'code')).toBe(data.code === 'invalid_arguments' ? INVALID_PARAMS : TOOL_FAILED);
    expect(dig(answer, 'error', 'message')).toBe(data.message);
    return data;
  }

  /** The same failure both ways, as a direct method and through tools/call. */
  async errorBothWays(name: string, args: Fields): Promise<ToolErrorData> {
    const data = await this.error(name, args);
    const called = await this.result('tools/call', { name, arguments: args });
    expect(called.isError).toBe(true);
    expect(called).not.toHaveProperty('structuredContent');
    const text = dig(called, 'content', 0, 'text');
    const told: unknown = JSON.parse(typeof text === 'string' ? text : '');
    expect(wellFormed(dig(told, 'error'), told).code).toBe(data.code);
    return data;
  }

  async connect(name: string, url: string, more: Fields = {}): Promise<Fields> {
    return this.result('establish_connection', { connection_string: url, name, ...more });
  }

  /** Resolves once a session has subscribed to a filter. */
  async subscribed(name: string, filter: string): Promise<void> {
    await expect.poll(async () => (await this.session(name)).subscribed_topics, { timeout: 5_000 }).toContain(filter);
  }

  /** The entry of a session in list_active_connections. */
  async session(name: string): Promise<Fields> {
    const { active_connections: entries } = await this.result('list_active_connections');
    const found: unknown = Array.isArray(entries) ? entries.find((entry) => dig(entry, 'name') === name) : undefined;
    return isObject(found) ? found : {};
  }

  /** The daemon goes on, and so does a session: what is published on it comes back. */
  async goesOn(name: string): Promise<void> {
    expect(await this.result('ping')).toEqual({});
    expect(await this.session(name)).toMatchObject({ is_connected: true, connection_error: null });
    const topic = `goes-on/${name}/${this.#id}`;
    const collecting = this.send('subscribe_and_collect', {
      session_id: name,
      topic_pattern: topic,
      duration_seconds: 10,
      max_messages: 1,
    });
    await this.subscribed(name, topic);
    await this.result('publish_message', { session_id: name, topic, payload: 'x', qos: 1 });
    expect(await this.resultOf(collecting)).toMatchObject({ original_message_count: 1, stopped_by: 'max_messages' });
  }

  /** No line of the output was longer than the protocol allows; gives the longest. */
  longestLine(): number {
    const longest = Math.max(0, ...this.daemon.received.map((line) => Buffer.byteLength(line)));
    expect(longest).toBeLessThanOrEqual(MAX_LINE_BYTES);
    return longest;
  }

  /** Ends the input; exit code 0, and nothing but JSON objects on stderr. */
  async end(): Promise<void> {
    this.daemon.end();
    expect(await this.daemon.exit).toEqual({ code: 0, signal: null });
    for (const line of this.daemon.stderr) expect(() => JSON.parse(line), line).not.toThrow();
  }
}

function wellFormed(data: unknown, answer: unknown): ToolErrorData {
  if (!isErrorData(data)) expect.fail(`no error data: ${JSON.stringify(answer).slice(0, 2_000)}`);
  expect(data.message).toMatch(/^[^\n]+\.$/);
  expect(data.hint).toMatch(/^[^\n]+\.$/);
  return data;
}

function isErrorData(data: unknown): data is ToolErrorData {
  if (!isObject(data)) return false;
  const { code, message, hint, retryable } = data;
  return (
    typeof code === 'string' &&
    typeof message === 'string' &&
    typeof hint === 'string' &&
    typeof retryable === 'boolean'
  );
}
