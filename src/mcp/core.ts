// Owns what the method files share: the state of one connection, and one request on its way. Types and small helpers.
import { RpcError, rpcCode } from '../errors.ts';
import type { Call } from '../rpc/call.ts';
import { isObject, type Params } from '../rpc/message.ts';
import type { Catalog } from './catalog.ts';
import type { Cache, Era, Implementation, LegacySession } from './protocol.ts';
import type { Sealer } from './seal.ts';
import type { Subscriptions } from './subscriptions.ts';
import type { Tasks } from './tasks.ts';

export type Core = {
  readonly catalog: Catalog;
  readonly server: Implementation;
  readonly instructions: string;
  /** Loaded by the first who asks: most clients are never asked anything, and what it needs costs the start 2 ms. */
  readonly sealer: () => Promise<Sealer>;
  readonly subscriptions: Subscriptions;
  readonly tasks: Tasks;
  /** Sends a notification that belongs to no call. */
  readonly notify: (method: string, params?: Params) => void;
  session: LegacySession | undefined;
};

/** One request on its way to its method. */
export type Served = { call: Call; params: Params; era: Era; core: Core };

export type Method = {
  eras: 'legacy' | 'modern' | 'both';
  /** Whether the program has what the method needs; without it the method does not exist. */
  needs?: (catalog: Catalog) => boolean;
  /** How long the result holds; never for `input_required`. */
  cache?: Cache;
  run(served: Served): object | Promise<object>;
};

export const tasksExtension = 'io.modelcontextprotocol/tasks';
export const subscriptionIdKey = 'io.modelcontextprotocol/subscriptionId';

/** Goes on at once where the value is there, and when it comes where it is a promise. */
export function after<T, R, S = R>(
  value: T | Promise<T>,
  next: (value: T) => R | S | Promise<S>,
): R | S | Promise<R | S> {
  return value instanceof Promise ? value.then(next) : next(value);
}

export function invalidParams(what: string, data?: unknown): RpcError {
  return new RpcError(rpcCode.invalidParams, `Invalid params: ${what}`, data);
}

export function stringParam(params: Params, name: string): string {
  const value = params[name];
  if (typeof value !== 'string') throw invalidParams(`expected ${name} to be a string`);
  return value;
}

/** The client lacks what the request needs: -32021 where that exists, an invalid request in the legacy era. */
export function missingCapability(era: Era, required: Params): RpcError {
  if (era.kind === 'legacy')
    return new RpcError(rpcCode.invalidRequest, 'The client did not declare what this needs', required);
  const data = { requiredCapabilities: required };
  return new RpcError(rpcCode.missingClientCapability, 'The client did not declare a capability that this needs', data);
}

/** What the client can do: of this request in the modern era, of the handshake in the legacy one. */
export function clientCapabilities({ era, core }: Pick<Served, 'era' | 'core'>): Params {
  if (era.kind === 'modern') return era.capabilities;
  return core.session?.capabilities ?? {};
}

/** Throws where this very request does not declare the tasks extension. */
export function requireTasks(served: Pick<Served, 'era' | 'core'>): void {
  if (!declaresTasks(served)) throw missingCapability(served.era, { extensions: { [tasksExtension]: {} } });
}

export function declaresTasks(served: Pick<Served, 'era' | 'core'>): boolean {
  return isObject(asObject(clientCapabilities(served).extensions)[tasksExtension]);
}

/** Entries on one page of a list. */
const PAGE = 100;

/** One page of a list. A cursor is opaque to clients; one that was never given out is refused. */
export function page<Key extends string>(key: Key, all: object[], params: Params): Params {
  const from = cursorOf(params, all.length);
  const next = from + PAGE;
  const items = { [key]: all.slice(from, next) };
  return next < all.length ? { ...items, nextCursor: `from-${next}` } : items;
}

function cursorOf({ cursor }: Params, length: number): number {
  if (cursor === undefined) return 0;
  const from = typeof cursor === 'string' ? Number(/^from-([1-9]\d{0,8})$/.exec(cursor)?.[1]) : Number.NaN;
  if (!(from < length && from % PAGE === 0)) throw invalidParams('unknown cursor');
  return from;
}

export function asObject(value: unknown): Params {
  return isObject(value) ? value : {};
}
