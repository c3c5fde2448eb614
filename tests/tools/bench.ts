// Owns calling a tool in tests: through the registry, on a fake pool; a result that its schema does not allow fails.
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'vitest';
import { type ArgumentProblem, ToolError, type ToolErrorCode, type ToolErrorData } from '../../src/errors.ts';
import { definitions, type ToolName } from '../../src/generated/definitions.ts';
import { isObject } from '../../src/rpc/message.ts';
import { createConsent } from '../../src/tools/consent.ts';
import { createHeld } from '../../src/tools/held.ts';
import { createRegistry, loadHandlers } from '../../src/tools/registry.ts';
import { Rooms } from '../../src/tools/room.ts';
import type { CallContext, Outcome, Progress } from '../../src/tools/tool.ts';
import { FakePool, FakeSession } from '../support/fake-pool.ts';

export type Fields = Record<string, unknown>;

/** Loading takes real time, of which tests with a clock of their own have none. */
await loadHandlers();

export const LAB = 'lab';

const vitals = () => ({
  read: () => ({
    rss_bytes: 1,
    heap_used_bytes: 1,
    cpu_percent: 1,
    event_loop_delay_ms: { mean: 1, p50: 1, p99: 1, max: 1 },
  }),
  stop: () => {},
});

/** A pool with one session, named lab, and a way to call tools on it. */
export function bench(danger: 'ask' | 'deny' | 'allow' = 'allow', session = new FakeSession()) {
  const pool = new FakePool(session);
  let tokens = 0;
  const token = () => `token-${++tokens}`;
  const registry = createRegistry({
    pool,
    consent: createConsent(token),
    held: createHeld(token, Date.now, () => undefined),
    rooms: new Rooms(),
    danger,
    dangerTopics: [],
    vitals,
  });
  const controller = new AbortController();
  const steps: Progress[] = [];
  const context: CallContext = {
    signal: controller.signal,
    progress: (step) => void steps.push(step),
    aborted: false,
    supports: () => false,
    answers: {},
    state: undefined,
  };
  /** The arguments are the tool's own from here on, as they are where they came out of JSON.parse. */
  const run = async (name: string, args: unknown = {}, more: Partial<CallContext> = {}): Promise<Outcome> =>
    registry.run(name, isObject(args) ? { ...args } : args, { ...context, ...more });
  const call = async (name: ToolName, args: unknown = {}, more: Partial<CallContext> = {}) =>
    conforming(name, await run(name, args, more));
  return { pool, session, run, call, steps, abort: (reason: string) => controller.abort(new Error(reason)) };
}

const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });

/** The result, which must be one that the tool's outputSchema describes. */
export function conforming(name: ToolName, outcome: Outcome): Fields {
  if (!('value' in outcome)) expect.fail(`no result: ${JSON.stringify(outcome)}`);
  const value: unknown = JSON.parse(JSON.stringify(outcome.value));
  const { outputSchema } = definitions[name];
  const check = ajv.getSchema(name) ?? ajv.addSchema(outputSchema, name).getSchema(name);
  expect(check?.(value), ajv.errorsText(check?.errors)).toBe(true);
  if (!isObject(value)) expect.fail('the result is no object');
  return value;
}

/** Why there is no result: a stable word, a sentence, a hint. */
export async function failing(running: Promise<Outcome>): Promise<ToolErrorData> {
  const outcome = await running;
  if (!('error' in outcome)) expect.fail(`it succeeded: ${JSON.stringify(outcome)}`);
  expect(outcome.error.message).toMatch(/^[^\n]+\.$/);
  expect(outcome.error.hint).toMatch(/^[^\n]+\.$/);
  return outcome.error;
}

export async function problemsOf(running: Promise<Outcome>): Promise<ArgumentProblem[]> {
  const { code, problems = [] } = await failing(running);
  expect(code).toBe('invalid_arguments');
  return problems;
}

export const toolError = (code: ToolErrorCode, more: object = {}): ToolError =>
  new ToolError(code, 'It failed.', 'Do it again.', more);
