// Owns who is examined: a connection string, a profile or an open session; and how many are at once.
// Must not know the layers; they are handed in, and loaded only when they are needed.
import { ToolError } from '../errors.ts';
import type { Policy } from '../policy.ts';
import type { Patient } from './checkup-layers.ts';
import { opened } from './opening.ts';
import type { Connect } from './pool.ts';
import { type OpenProfile, type Profiles, unknownProfile } from './profile.ts';
import type { LiveSession } from './session.ts';
import type { Check, CheckName, CheckRequest, ConnectRequest } from './types.ts';

/** Checks at once, beside the sessions: stops a host from being used to knock on many doors. */
export const MAX_CHECKS = 3;

/** What is needed to examine; loaded at the first check. */
export type Examiner = {
  /** Where a request leads, and what it says of the client id. Throws invalid_arguments, tls_failure. */
  placeOf(url: string, profile: OpenProfile | undefined): { place: Patient['place']; clientId: string | undefined };
  addressOf(place: { host: string; port: number }): string;
  checkup(patient: Patient, tell: (name: CheckName) => void, signal: AbortSignal): Promise<Check[]>;
};

export type ChecksOptions = {
  connect: Connect;
  examiner: () => Promise<Examiner>;
  profiles: Profiles;
  policy: Policy;
  /** An open session, by id or name. */
  find: (reference: string, signal: AbortSignal) => Promise<LiveSession>;
  /** Sessions that are open here. */
  sessions: () => LiveSession[];
};

type CheckFunction = (request: CheckRequest, signal: AbortSignal, tell: (name: CheckName) => void) => Promise<Check[]>;

export function createChecks(options: ChecksOptions): CheckFunction {
  let running = 0;
  return async (request, signal, tell) => {
    checkExactlyOne(request, options.profiles);
    if (running >= MAX_CHECKS) throw tooMany();
    running += 1;
    try {
      const { checkup, placeOf, addressOf } = await options.examiner();
      const patient =
        request.session === undefined
          ? await stranger(request, placeOf, options, signal)
          : await acquaintance(request, await options.find(request.session, signal));
      checkProbe(request, { patient, address: addressOf(patient.place) }, options.policy);
      return await checkup(patient, tell, signal);
    } finally {
      running -= 1;
    }
  };
}

/** A denied one is put on record, like every write. */
function checkProbe(
  { probeTopic: topic, checkProbe: check }: CheckRequest,
  { patient, address: broker }: { patient: Patient; address: string },
  policy: Policy,
): void {
  if (topic === undefined) return;
  const { id: session, name } = patient.session?.facts ?? { id: CHECK, name: CHECK };
  const write = { topic, payload: Buffer.alloc(0), qos: 0, retain: false };
  const denied = () => policy.audit?.deny({ session, name, broker, ...write });
  check?.(denied);
  try {
    policy.mayPublish(topic);
  } catch (error) {
    denied();
    throw error;
  }
}

/** What a check calls its own connection. */
const CHECK = 'check';

async function acquaintance(request: CheckRequest, session: LiveSession): Promise<Patient> {
  const { endpoint } = session;
  if (!endpoint) throw new Error('a session without an endpoint cannot be examined');
  const open = () => Promise.reject(new Error('the session is there already'));
  return { ...common(request), place: endpoint, session, open };
}

async function stranger(
  request: CheckRequest,
  placeOf: Examiner['placeOf'],
  { profiles, connect, policy, sessions }: ChecksOptions,
  signal: AbortSignal,
): Promise<Patient> {
  const { profile } = await opened(profiles, request, signal);
  const { place, clientId } = placeOf(profile?.url ?? request.connectionString ?? '', profile);
  if (profile === undefined) policy.mayDial(place.host, place.port);
  const as = { id: CHECK, name: CHECK, policy, ttlMs: CHECK_TTL_MS };
  const used = sessions().some(({ facts }) => facts.clientId === clientId && facts.broker === place.host);
  return {
    ...common(request),
    place,
    remark: clientId === undefined ? undefined : remarkOn(used),
    open: (until) => connect(connectRequest(request), profile && withoutWill(profile), as, until),
  };
}

function common({ probeTopic, timeoutSeconds }: CheckRequest): Pick<Patient, 'probeTopic' | 'timeoutMs'> {
  return { probeTopic, timeoutMs: timeoutSeconds * 1000 };
}

/** A check that is cut off leaves nothing behind either. */
function withoutWill({ will: _, ...profile }: OpenProfile): OpenProfile {
  return profile;
}

/** Never runs out: a check is shorter. */
const CHECK_TTL_MS = 3_600_000;

/** Always as a client of its own: the client id of somebody who is connected would throw him out [MQTT-3.1.4-3]. */
function connectRequest({ connectionString, profile, timeoutSeconds }: CheckRequest): ConnectRequest {
  return {
    connectionString,
    profile,
    clientId: `mqtt-mcp-check-${hex(crypto.getRandomValues(new Uint8Array(4)))}`,
    keepaliveSeconds: 60,
    cleanStart: true,
    sessionExpirySeconds: 0,
    timeoutSeconds,
  };
}

function remarkOn(used: boolean): string {
  const whose = used ? 'A session here uses that client id now: a second client with it would throw it out.' : '';
  return `The connection string names a client id; the check used a random one, so as to throw nobody out. A broker that admits known client ids only answers it otherwise. ${whose}`.trim();
}

function checkExactlyOne({ connectionString, profile, session }: CheckRequest, profiles: Profiles): void {
  const given = [connectionString, profile, session].filter((one) => one !== undefined);
  if (profile !== undefined && !profiles.names().includes(profile)) throw unknownProfile(profiles.names());
  if (given.length === 1) return;
  const expected = 'exactly one of connection_string, profile and session_id';
  const hint = 'Give a connection_string like mqtt://broker:1883, a profile, or the session_id of an open session.';
  throw new ToolError('invalid_arguments', `Expected ${expected}.`, hint, { problems: [{ path: '', expected }] });
}

function tooMany(): ToolError {
  const message = `${MAX_CHECKS} connections are being tested, which is the limit.`;
  return new ToolError('session_limit', message, 'Wait for one of them to end.', { retryable: true });
}

/** Not by node:crypto, which a start would have to load. */
function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
