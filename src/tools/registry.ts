// Owns definitions, handlers and validators: finds a tool, checks its arguments, runs it, maps its failure.
// Must not know how a call came in.
import { type ArgumentProblem, ToolError, type ToolErrorData } from '../errors.ts';
import { definitions, type ToolName, validate } from '../generated/definitions.ts';
import type { ToolArgs } from '../generated/types.ts';
import { startClock } from './clock.ts';
import type { CallContext, Context, Handler, Outcome, ToolDefinition, Validate, ValidationError } from './tool.ts';

/** The handlers and all that they need: loaded when the first tool is called, or before by who has the time. */
export async function loadHandlers(): Promise<Handlers> {
  handlers = (await import('./index.ts')).handlers;
  return handlers;
}

type Handlers = { [Name in ToolName]: Handler<Name> };
let handlers: Handlers | undefined;

/** Tools by name, as the protocol layer sees them. */
export type Registry = {
  /** In name order, exactly as tools/list shows them. */
  list(): ToolDefinition[];
  has(name: string): boolean;
  /** Runs a tool that `has` knows. Rejects only for a bug; every other failure is an Outcome. */
  run(name: string, args: unknown, call: CallContext): Promise<Outcome>;
  /** Calls that take longer than ten seconds may be tasks. */
  asTask(name: string, args: unknown): 'never' | 'when_possible';
};

/** What every call of a tool gets beside its own context. */
export type Surroundings = Omit<Context, keyof CallContext>;

export function createRegistry(
  surroundings: Surroundings,
  offered: (tool: ToolDefinition) => boolean = () => true,
): Registry {
  const shown = Object.values(definitions).filter(offered);
  const names = new Set(shown.map((tool) => tool.name));
  const has = (name: string): name is ToolName => names.has(name);
  return {
    list: () => shown,
    has,
    run: async (name, args, call) => {
      if (!has(name)) throw new Error('run: no such tool');
      return runTool(name, args ?? {}, call, surroundings);
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
  if (typeof given === 'number') return given;
  const { inputSchema } = definitions[name];
  const properties = 'properties' in inputSchema ? inputSchema.properties : {};
  const schema = Object.entries(properties ?? {}).find(([key]) => key === 'duration_seconds')?.[1];
  return typeof schema === 'object' && schema !== null && 'default' in schema ? Number(schema.default) : 0;
}

/** A getter of the call stays one: its signal is made only where it is read. */
function inside(
  call: CallContext,
  { pool, consent, held, danger }: Surroundings,
  progress: CallContext['progress'],
): Context {
  return {
    pool,
    consent,
    held,
    danger,
    get signal() {
      return call.signal;
    },
    aborted: call.aborted,
    progress,
    supports: call.supports,
    answers: call.answers,
    state: call.state,
  };
}

/** The arguments are copied by the caller's JSON.parse: filling in defaults spoils nobody's object. */
async function runTool<Name extends ToolName>(
  name: Name,
  args: unknown,
  call: CallContext,
  surroundings: Surroundings,
): Promise<Outcome> {
  const check: Validate<ToolArgs[Name]> = validate[name];
  if (!check(args)) return { error: invalidArguments(check.errors ?? []) };
  if (call.aborted) return { error: cancelled(call.signal) };
  const clock = startClock(call);
  try {
    const run: Handler<Name> = (handlers ?? (await loadHandlers()))[name];
    const result = await run(args, inside(call, surroundings, clock.progress));
    return 'input' in result ? result : { value: result };
  } catch (error) {
    if (error instanceof ToolError) return { error: error.data };
    if (call.signal.aborted) return { error: cancelled(call.signal) };
    throw error;
  } finally {
    clock.stop();
  }
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

/** One reference token of a JSON Pointer (RFC 6901), cut: it may be an argument name made up by anyone. */
function pointer(name: unknown): string {
  return String(name).slice(0, 64).replaceAll('~', '~0').replaceAll('/', '~1');
}
