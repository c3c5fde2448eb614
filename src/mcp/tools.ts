// Owns tools/list, tools/call, and tools as methods of their own.
import { RpcError, rpcCode, type ToolErrorData } from '../errors.ts';
import { isObject, toJson } from '../rpc/message.ts';
import type { CallContext, InputNeeded, ToolOutcome } from './catalog.ts';
import { contextOf } from './context.ts';
import { asObject, declaresTasks, invalidParams, page, requireTasks, type Served, stringParam } from './core.ts';
import { needsInput, withInput } from './elicitation.ts';

export function listTools({ params, core }: Served): object {
  return page('tools', core.catalog.tools.list(), params);
}

export async function callTool(served: Served): Promise<object> {
  const { params, core } = served;
  const { tools } = core.catalog;
  const name = stringParam(params, 'name');
  const { arguments: args = {} } = params;
  if (!isObject(args)) throw invalidParams('expected arguments to be an object');
  if (!tools.has(name)) throw invalidParams('unknown tool; tools/list has them all');
  const run = async (context: CallContext) => rendered(await tools.run(name, args, context));
  const wish = tools.asTask?.(name, args, asObject(params.inputResponses)) ?? 'never';
  if (wish === 'never' || served.era.kind === 'legacy') return withInput(served, run);
  if (declaresTasks(served)) return core.tasks.start(served, run);
  if (wish === 'always') requireTasks(served);
  return withInput(served, run);
}

function rendered(outcome: ToolOutcome): object | InputNeeded {
  if (needsInput(outcome) || 'content' in outcome) return outcome;
  if ('value' in outcome) {
    return { content: [{ type: 'text', text: toJson(outcome.value) }], structuredContent: outcome.value };
  }
  return { content: [{ type: 'text', text: toJson({ error: outcome.error }) }], isError: true };
}

/** Scripts: the params are the arguments, the answer is the bare result object. */
export async function runDirectly(served: Served): Promise<object> {
  const { call, params, core } = served;
  const { _meta, ...args } = params;
  // A script cannot be asked anything.
  const context = { ...contextOf(served), signal: call.signal, supports: () => false };
  const outcome = await core.catalog.tools.run(call.method, args, context);
  if ('value' in outcome) return outcome.value;
  if ('error' in outcome) throw directError(outcome.error);
  throw new Error('a tool that is a method must answer with a value');
}

function directError(error: ToolErrorData): RpcError {
  const code = error.code === 'invalid_arguments' ? rpcCode.invalidParams : rpcCode.toolFailed;
  return new RpcError(code, error.message, error);
}
