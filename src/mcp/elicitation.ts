// Owns asking the client in the middle of a call: one handler style, driven differently in each era.
import { RpcError } from '../errors.ts';
import type { Params } from '../rpc/message.ts';
import { isObject, toJson } from '../rpc/message.ts';
import type { CallContext, InputNeeded, InputRequest } from './catalog.ts';
import { contextOf, supports } from './context.ts';
import { after, asObject, invalidParams, missingCapability, type Served } from './core.ts';

/** Rounds of questions in one legacy call; stops a handler that never has enough. */
const MAX_ROUNDS = 10;

/** A result that is not final: never cached, and only in the modern era. */
export type InputRequired = {
  resultType: 'input_required';
  inputRequests: Record<string, InputRequest>;
  requestState: string;
};

export type Round<T> = (context: CallContext) => T | InputNeeded | Promise<T | InputNeeded>;

/** Runs a handler until it is done (legacy) or until it needs the client (modern, which calls again by itself). */
export function withInput<T extends object>(
  served: Served,
  round: Round<T>,
): T | InputRequired | Promise<T | InputRequired> {
  return served.era.kind === 'modern' ? modern(served, round) : legacy(served, round);
}

function modern<T extends object>(served: Served, round: Round<T>): T | InputRequired | Promise<T | InputRequired> {
  return after(resumed(served), ({ answers, state }) => {
    // Before the handler runs, which fills its defaults into these very arguments; a client that cannot be asked is
    // spared the work.
    const purpose = canBeAsked(served) ? purposeOf(served) : '';
    const context = contextOf(served);
    context.answers = answers;
    context.state = state;
    return after(round(context), (result): T | Promise<InputRequired> =>
      needsInput(result) ? required(served, result, purpose) : result,
    );
  });
}

async function required(served: Served, needed: InputNeeded, purpose: string): Promise<InputRequired> {
  requireSupport(served, needed);
  const { input, state } = needed;
  const { seal } = await served.core.sealer();
  return { resultType: 'input_required', inputRequests: input, requestState: seal(state, purpose) };
}

export type Earlier = Pick<CallContext, 'answers' | 'state'>;

/** What the client brings from an earlier round of this very call. */
export function resumed(served: Served): Earlier | Promise<Earlier> {
  const { requestState: token, inputResponses } = served.params;
  const answers = asObject(inputResponses);
  return token === undefined ? { answers, state: undefined } : opened(served, token, answers);
}

async function opened(served: Served, token: unknown, answers: Earlier['answers']): Promise<Earlier> {
  const { open } = await served.core.sealer();
  const found = typeof token === 'string' ? open(token, purposeOf(served)) : undefined;
  if (!found) throw invalidParams('requestState is not valid for this call, or has expired; call again without it');
  return { answers, state: found.value };
}

function legacy<T extends object>(served: Served, round: Round<T>): T | Promise<T> {
  const context = contextOf(served);
  const next = (result: T | InputNeeded) => (needsInput(result) ? asking(served, round, { context, result }) : result);
  const result = round(context);
  return result instanceof Promise ? result.then(next) : next(result);
}

type Asking = { context: CallContext; result: InputNeeded };

async function asking<T extends object>(
  served: Served,
  round: Round<T>,
  { context, result: first }: Asking,
): Promise<T> {
  let result: T | InputNeeded = first;
  for (let rounds = 0; needsInput(result); rounds += 1) {
    if (rounds === MAX_ROUNDS) throw new RpcError(-32603, 'Too many rounds of questions');
    requireSupport(served, result);
    const keys = Object.entries(result.input);
    const answers = await Promise.all(keys.map(async ([key, request]) => [key, await ask(served, request)] as const));
    context.answers = Object.fromEntries(answers);
    context.state = result.state;
    result = await round(context);
  }
  return result;
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
