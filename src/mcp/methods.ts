// Owns the method table of MCP: what each method does, in which era it exists. Must not know streams or MQTT.
import { RpcError, rpcCode, type ToolErrorData } from '../errors.ts';
import { isId, isObject, type Params, toJson } from '../rpc/message.ts';
import type { Call, Handlers } from '../rpc/peer.ts';
import type { Registry } from '../tools/registry.ts';
import type { CallContext, Outcome, Progress } from '../tools/tool.ts';
import {
  type Cache,
  classify,
  complete,
  type Era,
  type Implementation,
  type LegacySession,
  modernVersions,
  negotiate,
  progressToken,
} from './protocol.ts';

export type McpOptions = {
  registry: Registry;
  server: Implementation;
  instructions: string;
  /** Stops the work on a request and keeps it silent. */
  cancel(id: string | number): void;
  report: Handlers['report'];
};

/** One request on its way to its method. */
type Served = { call: Call; params: Params; era: Era; mcp: Mcp };
type Method = { eras: 'legacy' | 'modern' | 'both'; cache?: Cache; run(served: Served): object | Promise<object> };
type Mcp = McpOptions & { session: LegacySession | undefined };

const HOUR_MS = 3_600_000;
const lasting: Cache = { ttlMs: HOUR_MS, cacheScope: 'public' };

const methods: Record<string, Method> = {
  initialize: { eras: 'legacy', run: initialize },
  ping: { eras: 'legacy', run: () => ({}) },
  'server/discover': { eras: 'modern', cache: lasting, run: discover },
  'tools/list': { eras: 'both', cache: lasting, run: listTools },
  'tools/call': { eras: 'both', run: callTool },
};

/** The handlers of a peer that speaks MCP in both eras, with every tool as a method of its own beside. */
export function createMcp(options: McpOptions): Handlers {
  const mcp: Mcp = { ...options, session: undefined };
  return {
    request: (call) => serve(call, mcp),
    notification: (method, params) => notified(method, params, mcp),
    acceptsBatch: () => mcp.session?.version === '2025-03-26',
    report: options.report,
  };
}

function serve(call: Call, mcp: Mcp): unknown {
  const era = classify(call.method, call.params, mcp.session);
  if (era instanceof RpcError) throw era;
  const params = call.params ?? {};
  const method = Object.hasOwn(methods, call.method) ? methods[call.method] : undefined;
  if (method && (method.eras === 'both' || method.eras === era.kind)) {
    const finish = (result: object) => complete(era, result, mcp.server, method.cache);
    const result = method.run({ call, params, era, mcp });
    return result instanceof Promise ? result.then(finish) : finish(result);
  }
  if (era.kind === 'legacy' && mcp.registry.has(call.method)) return runDirectly(call, params, mcp);
  throw new RpcError(rpcCode.methodNotFound, 'Method not found');
}

function notified(method: string, params: Params | undefined, mcp: Mcp): void {
  // Whatever else it says, and in either era: it is matched by the request's id alone.
  if (method === 'notifications/cancelled' && isId(params?.requestId)) mcp.cancel(params.requestId);
}

function initialize({ params, mcp }: Served): object {
  const { protocolVersion, capabilities, clientInfo } = params;
  if (typeof protocolVersion !== 'string') throw invalidParams('expected protocolVersion to be a string');
  if (!isObject(clientInfo)) throw invalidParams('expected clientInfo to be an object');
  const version = negotiate(protocolVersion);
  mcp.session = { version, capabilities: isObject(capabilities) ? capabilities : {} };
  return {
    protocolVersion: version,
    capabilities: { tools: {} },
    serverInfo: mcp.server,
    instructions: mcp.instructions,
  };
}

function discover({ mcp }: Served): object {
  return { supportedVersions: [...modernVersions], capabilities: { tools: {} }, instructions: mcp.instructions };
}

function listTools({ params, mcp }: Served): object {
  const { cursor } = params;
  // All tools fit one page: no cursor was ever given out.
  if (cursor !== undefined) throw invalidParams('unknown cursor');
  return { tools: mcp.registry.list() };
}

async function callTool({ call, params, mcp }: Served): Promise<object> {
  const { name, arguments: args } = params;
  if (typeof name !== 'string') throw invalidParams('expected name to be a string');
  if (args !== undefined && !isObject(args)) throw invalidParams('expected arguments to be an object');
  if (!mcp.registry.has(name)) throw invalidParams('unknown tool; tools/list has them all');
  return rendered(await mcp.registry.run(name, args, contextOf(call)));
}

function rendered(outcome: Outcome): object {
  if ('value' in outcome) {
    return { content: [{ type: 'text', text: toJson(outcome.value) }], structuredContent: outcome.value };
  }
  return { content: [{ type: 'text', text: toJson({ error: outcome.error }) }], isError: true };
}

/** Scripts: the arguments are the params, the answer is the bare result object. */
async function runDirectly(call: Call, params: Params, mcp: Mcp): Promise<object> {
  const { _meta, ...args } = params;
  const outcome = await mcp.registry.run(call.method, args, contextOf(call));
  if ('value' in outcome) return outcome.value;
  throw directError(outcome.error);
}

function directError(error: ToolErrorData): RpcError {
  const code = error.code === 'invalid_arguments' ? rpcCode.invalidParams : rpcCode.toolFailed;
  return new RpcError(code, error.message, error);
}

function contextOf(call: Call): CallContext {
  const token = progressToken(call.params);
  let last = -1;
  const progress = (step: Progress) => {
    // The numbers of one token only ever rise.
    if (token === undefined || step.progress <= last) return;
    last = step.progress;
    call.notify('notifications/progress', { progressToken: token, ...step });
  };
  return { signal: call.signal, progress };
}

function invalidParams(what: string): RpcError {
  return new RpcError(rpcCode.invalidParams, `Invalid params: ${what}`);
}
