// Owns asking the client in the middle of a call: one handler style, driven differently in each era.
import { RpcError } from '../errors.ts';
import type { Params } from '../rpc/message.ts';
import { isObject, toJson } from '../rpc/message.ts';
import type { CallContext, InputNeeded, InputRequest } from './catalog.ts';
import { contextOf, supports } from './context.ts';
import { asObject, invalidParams, missingCapability, type Served } from './core.ts';

/** Rounds of questions in one legacy call; stops a handler that never has enough. */
const MAX_ROUNDS = 10;

/** A result that is not final: never cached, and only in the modern era. */
export type InputRequired = {
  resultType: 'input_required';
  inputRequests: Record<string, InputRequest>;
  requestState: string;
};

export type Round<T> = (context: CallContext) => Promise<T | InputNeeded>;

/** Runs a handler until it is done (legacy) or until it needs the client (modern, which calls again by itself). */
export function withInput<T extends object>(served: Served, round: Round<T>): Promise<T | InputRequired> {
  return served.era.kind === 'modern' ? modern(served, round) : legacy(served, round);
}

async function modern<T extends object>(served: Served, round: Round<T>): Promise<T | InputRequired> {
  const { answers, state: known } = resumed(served);
  // Before the handler runs, which fills its defaults into these very arguments; a client that cannot be asked is
  // spared the work.
  const purpose = canBeAsked(served) ? purposeOf(served) : '';
  const context = contextOf(served);
  context.answers = answers;
  context.state = known;
  const result = await round(context);
  if (!needsInput(result)) return result;
  requireSupport(served, result);
  const { input, state } = result;
  return { resultType: 'input_required', inputRequests: input, requestState: served.core.sealer.seal(state, purpose) };
}

/** What the client brings from an earlier round of this very call. */
export function resumed(served: Served): Pick<CallContext, 'answers' | 'state'> {
  const { requestState: token, inputResponses } = served.params;
  const answers = asObject(inputResponses);
  if (token === undefined) return { answers, state: undefined };
  const opened = typeof token === 'string' ? served.core.sealer.open(token, purposeOf(served)) : undefined;
  if (!opened) throw invalidParams('requestState is not valid for this call, or has expired; call again without it');
  return { answers, state: opened.value };
}

async function legacy<T extends object>(served: Served, round: Round<T>): Promise<T> {
  const context = contextOf(served);
  for (let rounds = 0; rounds < MAX_ROUNDS; rounds += 1) {
    const result = await round(context);
    if (!needsInput(result)) return result;
    requireSupport(served, result);
    const keys = Object.entries(result.input);
    const answers = await Promise.all(keys.map(async ([key, request]) => [key, await ask(served, request)] as const));
    context.answers = Object.fromEntries(answers);
    context.state = result.state;
  }
  throw new RpcError(-32603, 'Too many rounds of questions');
}

async function ask({ call, core }: Served, { method, params }: InputRequest): Promise<unknown> {
  const { mode, ...rest } = params ?? {};
  // `mode` came with 2025-11-25.
  const sent = mode !== undefined && core.session?.version === '2025-11-25' ? { mode, ...rest } : rest;
  try {
    return await call.request(method, sent);
  } catch (error) {
    // A client that answers with an error was asked and did not agree.
    if (error instanceof RpcError && method === 'elicitation/create') return { action: 'cancel' };
    throw error;
  }
}

export function needsInput(result: object): result is InputNeeded {
  return 'input' in result;
}

const kinds = {
  'elicitation/create': 'elicitation',
  'sampling/createMessage': 'sampling',
  'roots/list': 'roots',
} as const;

function canBeAsked(served: Served): boolean {
  return Object.values(kinds).some((kind) => supports(served, kind));
}

export function requireSupport(served: Served, { input }: InputNeeded): void {
  const lacking = Object.values(input)
    .map(({ method }) => kinds[method])
    .filter((kind) => !supports(served, kind));
  if (lacking.length === 0) return;
  const required: Params = Object.fromEntries(
    lacking.map((kind) => [kind, kind === 'elicitation' ? { form: {} } : {}]),
  );
  throw missingCapability(served.era, required);
}

/** A state counts for the very call it was made in: same method, same target, same arguments. */
function purposeOf({ call, params }: Served): string {
  const { name, uri, arguments: args } = params;
  return toJson([call.method, name, uri, sorted(args)]);
}

/** The same arguments in another order are the same: not every host keeps the order of keys. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  const keys = Object.keys(value).sort();
  return keys.map((key) => [key, sorted(value[key])]);
}
