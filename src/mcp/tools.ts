// Owns tools/list, tools/call, and tools as methods of their own.
import { RpcError, rpcCode, type ToolErrorData } from '../errors.ts';
import { isObject, Json, toJson } from '../rpc/message.ts';
import type { CallContext, InputNeeded, ToolOutcome } from './catalog.ts';
import { contextOf } from './context.ts';
import { after, asObject, declaresTasks, invalidParams, page, requireTasks, type Served, stringParam } from './core.ts';
import { needsInput, withInput } from './elicitation.ts';

export function listTools({ params, core }: Served): object | Promise<object> {
  return after(core.catalog.tools.list(), (tools) => page('tools', tools, params));
}

/** Without a promise where the tool answers at once: each layer of them costs as much as the protocol itself. */
export function callTool(served: Served): object | Promise<object> {
  const { params, core } = served;
  const { tools } = core.catalog;
  const name = stringParam(params, 'name');
  const { arguments: args = {} } = params;
  if (!isObject(args)) throw invalidParams('expected arguments to be an object');
  if (!tools.has(name)) throw invalidParams('unknown tool; tools/list has them all');
  const run = (context: CallContext) => after(tools.run(name, args, context), rendered);
  if (served.era.kind === 'legacy') return withInput(served, run);
  const wish = tools.asTask?.(name, args, asObject(params.inputResponses)) ?? 'never';
  if (wish === 'never') return withInput(served, run);
  if (declaresTasks(served)) return core.tasks.start(served, run);
  if (wish === 'always') requireTasks(served);
  return withInput(served, run);
}

function rendered(outcome: ToolOutcome): object | InputNeeded {
  if (needsInput(outcome) || 'content' in outcome) return outcome;
  if ('value' in outcome) {
    const json = toJson(outcome.value);
    return { content: textOf(json, outcome.notice), structuredContent: new Json(json) };
  }
  return { content: textOf(toJson({ error: outcome.error })), isError: true };
}

/** One block of text, which holds nothing invisible as it is JSON of ours; the notice is one of its own behind it. */
function textOf(json: string, notice?: string): Json {
  const more = notice === undefined ? '' : `,{"type":"text","text":${JSON.stringify(notice)}}`;
  return new Json(`[{"type":"text","text":${JSON.stringify(json)}}${more}]`);
}

/** Scripts: the params are the arguments, the answer is the bare result object. They cannot be asked anything. */
export function runDirectly(served: Served): object | Promise<object> {
  const { call, params, core } = served;
  const { _meta, ...args } = params;
  return after(core.catalog.tools.run(call.method, args, contextOf(served, false)), directly);
}

function directly(outcome: ToolOutcome): object {
  if ('value' in outcome) return outcome.value;
  if ('error' in outcome) throw directError(outcome.error);
  throw new Error('a tool that is a method must answer with a value');
}

function directError(error: ToolErrorData): RpcError {
  const code = error.code === 'invalid_arguments' ? rpcCode.invalidParams : rpcCode.toolFailed;
  return new RpcError(code, error.message, error);
}
