// Owns definitions, handlers and validators: finds a tool, checks its arguments, runs it, maps its failure.
// Must not know how a call came in.
import { type ArgumentProblem, ToolError, type ToolErrorData } from '../errors.ts';
import { facts, type ToolName } from '../generated/facts.ts';
import type { ToolArgs, ToolResults } from '../generated/types.ts';
import { Inside, type Surroundings } from './inside.ts';
import type { CallContext, Handler, Outcome, Question, ToolDefinition, Validate, ValidationError } from './tool.ts';
import { withTrust } from './trust.ts';

/** What a call needs: loaded when the first tool is called, or before by who has the time. */
export async function loadHandlers(): Promise<void> {
  loaded ??= await import('./index.ts');
}

let loaded: typeof import('./index.ts') | undefined;

/** Tools by name, as the protocol layer sees them. */
export type Registry = {
  /** In name order, exactly as tools/list shows them; loaded when first asked for. */
  list(): Promise<ToolDefinition[]>;
  has(name: string): boolean;
  /** Runs a tool that `has` knows. Rejects only for a bug; every other failure is an Outcome. */
  run(name: string, args: unknown, call: CallContext): Outcome | Promise<Outcome>;
  /** Calls that take longer than ten seconds may be tasks. */
  asTask(name: string, args: unknown): 'never' | 'when_possible';
};

export function createRegistry(
  surroundings: Surroundings,
  offered: (tool: { destructive: boolean }) => boolean = () => true,
): Registry {
  const has = (name: string): name is ToolName => isTool(name) && offered(facts[name]);
  return {
    list: async () => {
      const { definitions } = await import('../generated/definitions.ts');
      return Object.values(definitions).filter(({ name }) => has(name));
    },
    has,
    run: (name, args, call) => {
      if (!has(name)) throw new Error('run: no such tool');
      const inside = new Inside(call, surroundings);
      const run = () => runTool(name, args ?? {}, inside);
      return loaded ? run() : loadHandlers().then(run);
    },
    asTask: (name, args) => (has(name) && secondsOf(name, args) > TASK_FROM_SECONDS ? 'when_possible' : 'never'),
  };
}

/** Calls that last longer than this become tasks where the client can follow one, s. */
const TASK_FROM_SECONDS = 10;

/** How long a call means to last: its duration_seconds, given or by default; 0 where there is none. */
function secondsOf(name: ToolName, args: unknown): number {
  const given =
    typeof args === 'object' && args !== null && 'duration_seconds' in args ? args.duration_seconds : undefined;
  return typeof given === 'number' ? given : facts[name].defaultSeconds;
}

function isTool(name: string): name is ToolName {
  return Object.hasOwn(facts, name);
}

/** The arguments are copied by the caller's JSON.parse: filling in defaults spoils nobody's object. */
function runTool<Name extends ToolName>(name: Name, args: unknown, inside: Inside): Outcome | Promise<Outcome> {
  if (!loaded) throw new Error('runTool: not loaded');
  const check: Validate<ToolArgs[Name]> = loaded.validate[name];
  if (!check(args)) return { error: invalidArguments(check.errors ?? []) };
  if (inside.aborted) return { error: cancelled(inside.signal) };
  const handler: Handler<Name> = loaded.handlers[name];
  try {
    const result = handler(args, inside);
    return result instanceof Promise ? lasting(result, args, inside) : outcomeOf(result, args, inside);
  } catch (error) {
    return failureOf(error, inside);
  }
}

async function lasting(result: Promise<Result>, args: object, inside: Inside): Promise<Outcome> {
  inside.clock.start();
  try {
    return outcomeOf(await result, args, inside);
  } catch (error) {
    return failureOf(error, inside);
  } finally {
    inside.close();
  }
}

type Result = ToolResults[ToolName] | Question;

function outcomeOf(result: Result, args: object, { pool }: Inside): Outcome {
  return 'input' in result ? result : { value: withTrust(result, args, pool) };
}

/** Throws what is a bug. */
function failureOf(error: unknown, inside: Inside): Outcome {
  if (error instanceof ToolError) return { error: error.data };
  // Only now is the signal read, which most calls spare.
  const { signal } = inside;
  if (signal.aborted) return { error: cancelled(signal) };
  throw error;
}

function cancelled(signal: AbortSignal): ToolErrorData {
  const why = signal.reason instanceof Error ? signal.reason.message : 'the call was cancelled';
  const hint = 'Call again; a script that pipes its input gives long calls time to finish with --drain SECONDS.';
  return { code: 'cancelled', message: `Stopped: ${why}.`, hint, retryable: true };
}

function invalidArguments(errors: ValidationError[]): ToolErrorData {
  const problems = errors.map(problemOf);
  const list = problems.map(({ path, expected }) => `${path || 'arguments'}: ${expected}`).join('; ');
  return {
    code: 'invalid_arguments',
    message: `The arguments do not fit: ${list}.`,
    hint: "Correct what is named and call again; the tool's inputSchema in tools/list has every argument.",
    retryable: false,
    problems,
  };
}

function problemOf(error: ValidationError): ArgumentProblem {
  const { instancePath: path, keyword, params } = error;
  if (keyword === 'additionalProperties') {
    return { path: `${path}/${pointer(params.additionalProperty)}`, expected: 'no such argument exists' };
  }
  if (keyword === 'required')
    return { path: `${path}/${pointer(params.missingProperty)}`, expected: 'this argument is required' };
  if (keyword === 'enum' && Array.isArray(params.allowedValues)) {
    return {
      path,
      expected: `must be one of ${params.allowedValues.map((value) => JSON.stringify(value)).join(', ')}`,
    };
  }
  return { path, expected: error.message ?? 'does not fit the schema' };
}

/** One reference token of a JSON Pointer (RFC 6901), cut, on one line: it may be an argument name made up by anyone. */
function pointer(name: unknown): string {
  const escaped = String(name).slice(0, 64).replaceAll('~', '~0').replaceAll('/', '~1');
  return escaped.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (one) => `\\u{${one.codePointAt(0)?.toString(16)}}`);
}
