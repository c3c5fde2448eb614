// Owns the versions, the eras and the result shapes of MCP: pure functions of a request. Must not know tools or streams.
import { RpcError, rpcCode } from '../errors.ts';
import { isId, isObject, type Params } from '../rpc/message.ts';

/** Newest first; the first is what an unknown version is answered with. */
export const legacyVersions = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const;
export type LegacyVersion = (typeof legacyVersions)[number];
export const modernVersions = ['2026-07-28'] as const;

const prefix = 'io.modelcontextprotocol/';
const claims = ['protocolVersion', 'clientCapabilities', 'clientInfo', 'logLevel'] as const;

export const logLevels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'] as const;
export type LogLevel = (typeof logLevels)[number];

/** What one request is served as. Modern: everything known of the client comes from this request alone. */
export type Era =
  | { kind: 'legacy'; version: LegacyVersion }
  | { kind: 'modern'; version: string; capabilities: Params; logLevel: LogLevel | undefined };

/** What this process knows of its legacy client; undefined until `initialize`. */
export type LegacySession = { version: LegacyVersion; capabilities: Params; logLevel: LogLevel | undefined };

/**
 * The era of one request: a reserved key in `params._meta` claims the modern one, nothing else does; both may be mixed
 * on one stream. Returns the error to answer where the claim is not good: -32022 for an unknown version, -32602 for a
 * missing or malformed key. Source: 2026-07-28, basic/versioning; 2025-11-25, basic/lifecycle.
 */
export function classify(
  method: string,
  params: Params | undefined,
  session: LegacySession | undefined,
): Era | RpcError {
  const meta = params?._meta;
  if (isObject(meta) && claims.some((name) => Object.hasOwn(meta, prefix + name))) return modern(meta);
  if (method === 'server/discover' && !session) return missing(['protocolVersion', 'clientCapabilities']);
  return { kind: 'legacy', version: session?.version ?? legacyVersions[0] };
}

function modern(meta: Params): Era | RpcError {
  const version = meta[`${prefix}protocolVersion`];
  const capabilities = meta[`${prefix}clientCapabilities`];
  const info = meta[`${prefix}clientInfo`];
  const level = meta[`${prefix}logLevel`];
  if (typeof version === 'string' && !modernVersions.some((served) => served === version)) {
    const data = { supported: [...modernVersions], requested: version };
    return new RpcError(rpcCode.unsupportedProtocolVersion, 'Unsupported protocol version', data);
  }
  const wrong = [
    ...(typeof version === 'string' ? [] : ['protocolVersion']),
    ...(isObject(capabilities) ? [] : ['clientCapabilities']),
  ];
  if (typeof version !== 'string' || !isObject(capabilities)) return missing(wrong);
  if (info !== undefined && !isImplementation(info)) return malformed('clientInfo', 'an object with name and version');
  if (level === undefined) return { kind: 'modern', version, capabilities, logLevel: undefined };
  const logLevel = logLevels.find((known) => known === level);
  return logLevel
    ? { kind: 'modern', version, capabilities, logLevel }
    : malformed('logLevel', `one of ${logLevels.join(', ')}`);
}

function isImplementation(info: unknown): boolean {
  return isObject(info) && typeof info.name === 'string' && typeof info.version === 'string';
}

function missing(names: string[]): RpcError {
  return new RpcError(
    rpcCode.invalidParams,
    `Missing required _meta: ${names.map((name) => prefix + name).join(', ')}`,
  );
}

function malformed(name: string, expected: string): RpcError {
  return new RpcError(rpcCode.invalidParams, `Invalid _meta: expected ${prefix}${name} to be ${expected}`);
}

/** The version to answer `initialize` with: the one asked for, or the newest legacy one. */
export function negotiate(requested: string): LegacyVersion {
  return legacyVersions.find((version) => version === requested) ?? legacyVersions[0];
}

export type Implementation = { name: string; title: string; version: string; icons?: object[] };
export type Cache = { ttlMs: number; cacheScope: 'public' | 'private' };

/** A result in the shape of its era: modern ones say that they are complete, by whom, and for how long they hold. */
export function complete(era: Era, result: object, server: Implementation, cache?: Cache): object {
  if (era.kind === 'legacy') return result;
  const meta = '_meta' in result && isObject(result._meta) ? result._meta : {};
  const identity = { [`${prefix}serverInfo`]: { name: server.name, title: server.title, version: server.version } };
  const final = !('resultType' in result) || result.resultType === 'complete';
  return { resultType: 'complete', ...result, ...(final ? cache : {}), _meta: { ...meta, ...identity } };
}

/** A progress token may be any string or integer, 0 too. */
export function progressToken(params: Params | undefined): string | number | undefined {
  const token = isObject(params?._meta) ? params._meta.progressToken : undefined;
  return isId(token) ? token : undefined;
}
