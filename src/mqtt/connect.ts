// Owns the way from a request to a live session: reading the target, sealing, dialling, falling back to MQTT 3.1.1.
// Must not know slots or names. Loaded at the first connect: it brings mqtt, ws and tweetnacl.
import { randomBytes } from 'node:crypto';
import type { Tell } from '../audit.ts';
import { ToolError } from '../errors.ts';
import type { Policy } from '../policy.ts';
import { ClosedBeforeConnack, type Credentials, type Dial, dial, type Link } from './client.ts';
import { connectError } from './connect-error.ts';
import { addressOf, parseBroker, parseConnectionString, type Target } from './connection-string.ts';
import type { OpenProfile } from './profile.ts';
import { LiveSession } from './session.ts';
import { tlsContext } from './stream.ts';
import type { BrokerLimits, ConnectRequest } from './types.ts';
import { createVault } from './vault.ts';
import { type Testament, willOf } from './will.ts';

const vault = createVault();

export type ConnectOptions = { id: string; name: string; policy: Policy; ttlMs: number };

/** Connects within the request's timeout. Throws ToolError: what connectError maps, cancelled, invalid_arguments. */
export async function connect(
  request: ConnectRequest,
  profile: OpenProfile | undefined,
  options: ConnectOptions,
  signal: AbortSignal,
): Promise<LiveSession> {
  const began = performance.now();
  const target = profile ? parseBroker(profile.url) : parseConnectionString(request.connectionString ?? '');
  // What was read on a broker must not make the server dial another; a profile is the operator's own choice.
  if (profile === undefined) options.policy.mayDial(target.host, target.port);
  const deadline = AbortSignal.timeout(request.timeoutSeconds * 1000);
  const version = request.protocolVersion ?? profile?.protocolVersion;
  const until = AbortSignal.any([signal, deadline]);
  let tell: Tell | undefined;
  try {
    const { will, refused, ...record } = await willOf(request.profile, profile?.will, target, options, until);
    tell = record.tell;
    const dialling = prepare(request, target, profile, will);
    const { link, protocolVersion, notes } = await reach(dialling, version, until);
    const encrypted = target.transport === 'tls' || target.transport === 'wss';
    const facts = {
      id: options.id,
      name: options.name,
      broker: target.host,
      port: target.port,
      clientId: link.connack.properties?.assignedClientIdentifier ?? dialling.clientId,
      protocolVersion,
      tls: encrypted,
      limits: limitsOf(link),
      connectMs: Math.round((performance.now() - began) * 10) / 10,
      verified: !encrypted || profile?.tls?.rejectUnauthorized !== false,
      notes: [...notes, ...refused],
    };
    const session = new LiveSession(facts, link, options.policy, options.ttlMs, dialling.endpoint);
    if (tell) await tell('sent').catch(() => {});
    return session;
  } catch (error) {
    await tell?.('failed').catch(() => {});
    if (signal.aborted) throw signal.reason;
    if (deadline.aborted) throw tooSlow(target, request.timeoutSeconds);
    throw connectError(error, target);
  }
}

function prepare(
  request: ConnectRequest,
  target: Target,
  profile: OpenProfile | undefined,
  will: Testament | undefined,
): Dial {
  const credentials: Credentials = {};
  const username = request.username ?? profile?.username ?? target.username;
  const password = request.password ?? profile?.password ?? target.password;
  if (username !== undefined) credentials.username = username;
  if (password !== undefined) credentials.password = password;
  // A WebSocket path may hold a token.
  if (target.path !== undefined) credentials.path = target.path;
  const chosen = request.clientId ?? target.clientId;
  return {
    endpoint: {
      transport: target.transport,
      host: target.host,
      port: target.port,
      tls: tlsContext(profile?.tls ?? {}),
    },
    vault,
    credentials: vault.seal(JSON.stringify(credentials)),
    clientId: chosen ?? `mqtt-mcp-${randomBytes(6).toString('hex')}`,
    ownClientId: chosen !== undefined,
    keepaliveSeconds: keepalive(request, profile),
    cleanStart: request.cleanStart,
    sessionExpirySeconds: request.sessionExpirySeconds,
    will,
  };
}

/** The schema's default; a profile's own value stands unless a call asks for another. */
const DEFAULT_KEEPALIVE_SECONDS = 60;

function keepalive({ keepaliveSeconds: asked }: ConnectRequest, profile: OpenProfile | undefined): number {
  return asked === DEFAULT_KEEPALIVE_SECONDS ? (profile?.keepaliveSeconds ?? asked) : asked;
}

type Reached = { link: Link; protocolVersion: 4 | 5; notes: string[] };

async function reach(options: Dial, version: 4 | 5 | undefined, signal: AbortSignal): Promise<Reached> {
  if (version !== undefined) return { link: await dial(options, version, signal), protocolVersion: version, notes: [] };
  try {
    return { link: await dial(options, 5, signal), protocolVersion: 5, notes: [] };
  } catch (error) {
    if (signal.aborted || !mayBeVersion(error)) throw error;
  }
  const link = await dial(options, 4, signal);
  return { link, protocolVersion: 4, notes: ['The broker refused MQTT 5; the session speaks MQTT 3.1.1.'] };
}

/** 3.1.1 brokers refuse version 5 with return code 1, with 0x84, with a CONNACK that is none in version 5, or by hanging up. */
function mayBeVersion(error: unknown): boolean {
  if (error instanceof ClosedBeforeConnack) return error.reached;
  if (!(error instanceof Error)) return false;
  if (!('code' in error)) return true;
  return (
    error.code === 1 ||
    error.code === 0x84 ||
    (error.code === 'ECONNRESET' && !('syscall' in error && error.syscall === 'connect'))
  );
}

function tooSlow(target: Target, seconds: number): ToolError {
  return new ToolError(
    'connection_timeout',
    `${addressOf(target)} did not answer within ${seconds} s.`,
    'Check host and port, and whether a firewall is in between; a slow link may need a larger timeout_seconds.',
    { retryable: true },
  );
}

function limitsOf({ connack: { properties = {} } }: Link): BrokerLimits {
  const limits: { [Key in keyof BrokerLimits]: BrokerLimits[Key] | undefined } = {
    maximum_qos: properties.maximumQoS,
    retain_available: properties.retainAvailable,
    maximum_packet_size: properties.maximumPacketSize,
    receive_maximum: properties.receiveMaximum,
    topic_alias_maximum: properties.topicAliasMaximum,
    wildcard_subscription_available: properties.wildcardSubscriptionAvailable,
    subscription_identifiers_available: properties.subscriptionIdentifiersAvailable,
    shared_subscription_available: properties.sharedSubscriptionAvailable,
    server_keepalive_seconds: properties.serverKeepAlive,
    session_expiry_seconds: properties.sessionExpiryInterval,
  };
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
}
