// Owns the method table of MCP: what each method is, in which era it exists, and what it needs of the program.
import { RpcError, rpcCode } from '../errors.ts';
import type { Call } from '../rpc/call.ts';
import { isId, isObject, type Params } from '../rpc/message.ts';
import type { Catalog } from './catalog.ts';
import { type Core, invalidParams, type Method, type Served, tasksExtension } from './core.ts';
import { complete as completeArgument, getPrompt, listPrompts } from './prompts.ts';
import { type Cache, classify, complete, type Era, logLevels, modernVersions, negotiate } from './protocol.ts';
import { listResources, listTemplates, readResource, subscribe, unsubscribe } from './resources.ts';
import { callTool, listTools, runDirectly } from './tools.ts';

/** Lists are fixed for the life of the process; what a resource holds may change at any time. */
const lasting: Cache = { ttlMs: 3_600_000, cacheScope: 'public' };
const fleeting: Cache = { ttlMs: 0, cacheScope: 'private' };

const hasResources = ({ resources }: Catalog) => resources !== undefined;
const canFollow = ({ resources }: Catalog) => resources?.follow !== undefined;
const hasPrompts = ({ prompts }: Catalog) => prompts !== undefined;
const hasCompletions = ({ completions }: Catalog) => completions !== undefined;
const hasTasks = ({ tools }: Catalog) => tools.asTask !== undefined;

const methods: Record<string, Method> = {
  initialize: { eras: 'legacy', run: initialize },
  ping: { eras: 'legacy', run: () => ({}) },
  'logging/setLevel': { eras: 'legacy', run: setLevel },
  'server/discover': { eras: 'modern', cache: lasting, run: discover },
  'subscriptions/listen': { eras: 'modern', run: (served) => served.core.subscriptions.listen(served) },
  'tools/list': { eras: 'both', cache: lasting, run: listTools },
  'tools/call': { eras: 'both', run: callTool },
  'resources/list': { eras: 'both', needs: hasResources, cache: lasting, run: listResources },
  'resources/templates/list': { eras: 'both', needs: hasResources, cache: lasting, run: listTemplates },
  'resources/read': { eras: 'both', needs: hasResources, cache: fleeting, run: readResource },
  'resources/subscribe': { eras: 'legacy', needs: canFollow, run: subscribe },
  'resources/unsubscribe': { eras: 'legacy', needs: canFollow, run: unsubscribe },
  'prompts/list': { eras: 'both', needs: hasPrompts, cache: lasting, run: listPrompts },
  'prompts/get': { eras: 'both', needs: hasPrompts, run: getPrompt },
  'completion/complete': { eras: 'both', needs: hasCompletions, run: completeArgument },
  'tasks/get': { eras: 'modern', needs: hasTasks, run: (served) => served.core.tasks.get(served) },
  'tasks/update': { eras: 'modern', needs: hasTasks, run: (served) => served.core.tasks.update(served) },
  'tasks/cancel': { eras: 'modern', needs: hasTasks, run: (served) => served.core.tasks.cancel(served) },
};

/** Serves one request. Throws or rejects with an RpcError for what the protocol calls an error. */
export function serve(call: Call, core: Core): unknown {
  const era = classify(call.method, call.params, core.session);
  if (era instanceof RpcError) throw era;
  const served = { call, params: call.params ?? {}, era, core };
  const method = Object.hasOwn(methods, call.method) ? methods[call.method] : undefined;
  if (method && exists(method, era, core.catalog)) {
    const finish = (result: object) => complete(era, result, core.server, method.cache);
    const result = method.run(served);
    return result instanceof Promise ? result.then(finish) : finish(result);
  }
  if (era.kind === 'legacy' && core.catalog.tools.isMethod?.(call.method)) return runDirectly(served);
  throw new RpcError(rpcCode.methodNotFound, 'Method not found');
}

function exists({ eras, needs }: Method, era: Era, catalog: Catalog): boolean {
  return (eras === 'both' || eras === era.kind) && (needs?.(catalog) ?? true);
}

export function notified(method: string, params: Params | undefined, cancel: (id: string | number) => void): void {
  // Whatever else it says, and in either era: it is matched by the request's id alone.
  if (method === 'notifications/cancelled' && isId(params?.requestId)) cancel(params.requestId);
}

function initialize({ params, core }: Served): object {
  const { protocolVersion, capabilities, clientInfo } = params;
  if (typeof protocolVersion !== 'string') throw invalidParams('expected protocolVersion to be a string');
  if (!isObject(clientInfo)) throw invalidParams('expected clientInfo to be an object');
  const version = negotiate(protocolVersion);
  core.session = { version, capabilities: isObject(capabilities) ? capabilities : {}, logLevel: undefined };
  const { instructions, server } = core;
  const own = { ...capabilitiesOf(core.catalog), logging: {} };
  return { protocolVersion: version, capabilities: own, serverInfo: server, instructions };
}

function discover({ core }: Served): object {
  const tasks = core.catalog.tools.asTask ? { [tasksExtension]: {} } : {};
  const capabilities = { ...capabilitiesOf(core.catalog, tasks), logging: {} };
  return { supportedVersions: [...modernVersions], capabilities, instructions: core.instructions };
}

function capabilitiesOf({ tools, resources, prompts, completions, extensions }: Catalog, ofEra: Params = {}): Params {
  const all = { ...extensions, ...ofEra };
  const changes = (source: { onChanged?: unknown }) => (source.onChanged ? { listChanged: true } : {});
  return {
    tools: changes(tools),
    ...(resources ? { resources: { ...(resources.follow ? { subscribe: true } : {}), ...changes(resources) } } : {}),
    ...(prompts ? { prompts: changes(prompts) } : {}),
    ...(completions ? { completions: {} } : {}),
    ...(Object.keys(all).length > 0 ? { extensions: all } : {}),
  };
}

function setLevel({ params, core }: Served): object {
  const level = logLevels.find((known) => known === params.level);
  if (!level) throw invalidParams(`expected level to be one of ${logLevels.join(', ')}`);
  if (core.session) core.session.logLevel = level;
  return {};
}
