// Owns the sessions: at most five, their names, waiting for one that still connects, and their end by disuse.
// Must not know mqtt.js; what makes a session is handed in, and loaded only when it is needed.
import { ToolError } from '../errors.ts';
import type { Policy } from '../policy.ts';
import { createBell } from './bell.ts';
import { createChecks, type Examiner } from './checks.ts';
import type { ConnectOptions } from './connect.ts';
import { Gone } from './gone.ts';
import { opened } from './opening.ts';
import type { OpenProfile, Profiles } from './profile.ts';
import { within } from './race.ts';
import type { LiveSession } from './session.ts';
import type { Closed, ConnectRequest, Pool, Session, Waiting } from './types.ts';

export const MAX_SESSIONS = 5;
export const SESSION_TTL_MS = 3_600_000;

/** How long a close waits for writes that were asked for before it, ms. */
const CLOSE_PATIENCE_MS = 5_000;

export type Connect = (
  request: ConnectRequest,
  profile: OpenProfile | undefined,
  options: ConnectOptions,
  signal: AbortSignal,
) => Promise<LiveSession>;

export type PoolOptions = {
  connect: Connect;
  /** What `check` needs beside it. */
  examiner?: () => Promise<Examiner>;
  profiles: Profiles;
  policy: Policy;
  limit?: number;
  ttlMs?: number;
};

type Slot = {
  readonly id: string;
  readonly name: string;
  readonly ready: Promise<LiveSession>;
  readonly abandon: AbortController;
  session: LiveSession | undefined;
  timer: NodeJS.Timeout | undefined;
};

export function createPool(options: PoolOptions): Pool {
  const { connect, profiles, policy, limit = MAX_SESSIONS, ttlMs = SESSION_TTL_MS } = options;
  const slots = new Map<string, Slot>();
  const gone = new Gone();
  const bell = createBell();

  async function establish(request: ConnectRequest, signal: AbortSignal): Promise<Session> {
    checkExactlyOne(request, profiles);
    sweep();
    const name = freeName(request, slots);
    if (slots.size >= limit) throw full(slots, limit);
    // Reserved here, before the first await: any number of calls at once never make one too many.
    const id = crypto.randomUUID();
    const abandon = new AbortController();
    const ready = dial(request, { id, name, policy, ttlMs }, AbortSignal.any([signal, abandon.signal]));
    const slot: Slot = { id, name, ready, abandon, session: undefined, timer: undefined };
    slots.set(id, slot);
    gone.reopen(name);
    try {
      slot.session = await ready;
    } catch (error) {
      slots.delete(id);
      throw error;
    }
    if (abandon.signal.aborted) {
      await slot.session.end('closed');
      throw givenUp('The session was closed while it was connecting.');
    }
    gone.replace(slot);
    slot.session.stateBell.listen(bell.ring);
    watch(slot, slot.session);
    bell.ring();
    return slot.session;
  }

  async function dial(request: ConnectRequest, into: ConnectOptions, signal: AbortSignal): Promise<LiveSession> {
    if (request.profile === undefined) return connect(request, undefined, into, signal);
    const { profile, secondsLeft } = await opened(profiles, request, signal);
    return connect({ ...request, timeoutSeconds: secondsLeft }, profile, into, signal);
  }

  /** Ends the session once it has been out of use for its whole time. */
  function watch(slot: Slot, session: LiveSession): void {
    const left = session.lifetime.expiresAt - Date.now();
    slot.timer = setTimeout(
      () => (session.lifetime.expiresAt > Date.now() ? watch(slot, session) : expire(slot)),
      left,
    );
    slot.timer.unref();
  }

  function expire(slot: Slot): void {
    forget(slot);
    gone.expire(slot);
    slot.session?.end('expired').catch(() => {});
  }

  /** Timers stand still while a machine sleeps, the clock on the wall does not. */
  function sweep(): void {
    for (const slot of slots.values()) if (slot.session && slot.session.lifetime.expiresAt <= Date.now()) expire(slot);
  }

  function forget(slot: Slot): void {
    clearTimeout(slot.timer);
    slots.delete(slot.id);
    // A result may come after its session's end, and pages do.
    if (slot.session?.facts.verified === false) gone.distrust(slot);
    bell.ring();
  }

  /** Of an open session as long as it is open. Its name may be that of an earlier one. */
  function isUnverified(reference: string): boolean {
    const session = open(reference)?.session;
    return session === undefined ? gone.isUnverified(reference) : !session.facts.verified;
  }

  function open(reference: string): Slot | undefined {
    for (const slot of slots.values()) if (slot.id === reference || slot.name === reference) return slot;
    return undefined;
  }

  function find(reference: string): Slot {
    sweep();
    const slot = open(reference);
    if (slot) return slot;
    throw unknown(reference, slots, gone);
  }

  async function get(reference: string, signal: AbortSignal): Promise<LiveSession> {
    const slot = find(reference);
    const session = slot.session ?? (await stillConnecting(slot, signal));
    session.touch();
    return session;
  }

  function connected(reference: string): Session | undefined {
    const { session } = find(reference);
    session?.touch();
    return session;
  }

  function close(reference: string, call: Waiting): Promise<Closed> {
    return end(find(reference), call);
  }

  async function end(slot: Slot, call: Waiting): Promise<Closed> {
    if (!slot.session) await stillConnecting(slot, call.signal);
    forget(slot);
    // What was asked for before is under way within this turn, and may finish.
    await new Promise((resolve) => setImmediate(resolve));
    await slot.session?.unheld(CLOSE_PATIENCE_MS);
    await slot.session?.end('the session was closed');
    return { id: slot.id, closedAt: Date.now() };
  }

  async function closeAll(): Promise<void> {
    const open = [...slots.values()];
    await Promise.allSettled(
      open.map((slot) => {
        forget(slot);
        slot.abandon.abort(new ToolError('cancelled', 'The server is shutting down.', 'Start it again.'));
        return slot.session?.end('the server is shutting down');
      }),
    );
  }

  function list(): LiveSession[] {
    sweep();
    return [...slots.values()].flatMap(({ session }) => (session ? [session] : []));
  }

  const { examiner = () => import('./examiner.ts') } = options;
  const check = createChecks({ connect, examiner, profiles, policy, find: get, sessions: list });
  return { limit, establish, get, connected, list, check, close, closeAll, isUnverified, onChanged: bell.listen };
}

/** Waits for a session that another call is establishing; that call's failure is this one's too. */
function stillConnecting(slot: Slot, signal: AbortSignal): Promise<LiveSession> {
  const late = () =>
    new ToolError('connection_timeout', 'The session is still connecting.', 'Call again.', { retryable: true });
  const ready = slot.ready.catch((error: unknown) => {
    throw error instanceof ToolError ? error : givenUp('The call that was opening the session was cancelled.');
  });
  return within(ready, MAX_CONNECTING_MS, signal, late);
}
/** Above the longest timeout_seconds: a call that waits for a session never gives up before it does. */
const MAX_CONNECTING_MS = 35_000;

function givenUp(message: string): ToolError {
  return new ToolError('cancelled', message, 'Connect again if it is wanted.', { retryable: true });
}

function checkExactlyOne({ connectionString, profile }: ConnectRequest, profiles: Profiles): void {
  if ((connectionString === undefined) !== (profile === undefined)) return;
  const names = profiles.names();
  const known = names.length > 0 ? `Profiles: ${names.join(', ')}.` : 'No profiles are configured.';
  throw new ToolError(
    'invalid_arguments',
    'Expected exactly one of connection_string and profile.',
    `Give a connection_string like mqtt://broker:1883, or a profile. ${known}`,
    { problems: [{ path: '', expected: 'exactly one of connection_string and profile' }] },
  );
}

/** The name asked for, which must be free, or one made from profile or host, made unique. */
function freeName({ name, profile, connectionString }: ConnectRequest, slots: Map<string, Slot>): string {
  const taken = new Set([...slots.values()].flatMap((slot) => [slot.id, slot.name]));
  if (name !== undefined && !taken.has(name)) return name;
  if (name !== undefined) {
    const hint = 'Use the session that has it, close it first, or choose another name.';
    const message = 'A session of that name is open already.';
    throw new ToolError('invalid_arguments', message, hint, {
      problems: [{ path: '/name', expected: 'a name that is free' }],
    });
  }
  const base = profile ?? hostOf(connectionString ?? '') ?? 'session';
  for (let n = 1; ; n += 1) {
    const candidate = n === 1 ? base : `${base}-${n}`;
    if (!taken.has(candidate)) return candidate;
  }
}

/** The host of a well-formed connection string; nothing else of it may become a name. */
function hostOf(connectionString: string): string | undefined {
  const authority = /^[a-z]+:\/\/([^/?#]*)/i.exec(connectionString.trim())?.[1] ?? '';
  return /(?:^|@)(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]{1,64})(?::\d+)?$/.exec(authority)?.[1];
}

function full(slots: Map<string, Slot>, limit: number): ToolError {
  const names = [...slots.values()].map((slot) => JSON.stringify(slot.name)).join(', ');
  const message = `${limit} sessions are open, which is the limit: ${names}.`;
  return new ToolError('session_limit', message, 'Use one of them, or end one with close_connection.', {
    retryable: true,
  });
}

function unknown(reference: string, slots: Map<string, Slot>, gone: Gone): ToolError {
  if (gone.isExpired(reference)) {
    const message = 'The session was not used for an hour and has ended.';
    return new ToolError('session_expired', message, 'Open a new one with establish_connection.');
  }
  const names = [...slots.values()].map((slot) => JSON.stringify(slot.name)).join(', ');
  const hint = names === '' ? 'No session is open: call establish_connection first.' : `Open sessions: ${names}.`;
  return new ToolError('session_not_found', 'No session has that id or name.', hint);
}
