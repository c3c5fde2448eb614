// Owns what each layer of a check does with what the earlier ones found, and the next step where one fails.
// Must not know the order, nor what a failure means for the others.
import { ToolError } from '../errors.ts';
import { reachAll, resolveName } from './checkup-network.ts';
import { type Ear, echo, subscribe, sys } from './checkup-session.ts';
import { type Speaks, speaksInTls, speaksOnPort } from './checkup-sniff.ts';
import { shakeHands } from './checkup-tls.ts';
import type { Endpoint } from './stream.ts';
import type { Check, CheckedAddress, CheckName, Session } from './types.ts';

export type Patient = {
  place: Omit<Endpoint, 'path'>;
  /** A session that is open already: it is looked at, never ended. */
  session?: Session | undefined;
  /** Opens one that nobody else sees, within the time of a layer; it is ended with the check. */
  open: (signal: AbortSignal) => Promise<Session & { end(reason: string): Promise<void> }>;
  /** Worth knowing about the client id. */
  remark?: string | undefined;
  probeTopic: string | undefined;
  timeoutMs: number;
};

/** What earlier layers found, for later ones. */
export type Findings = { addresses: CheckedAddress[]; session: Session | undefined; ear: Ear | undefined };

/** Throws ToolError where the layer fails; see `Check` for the fields. */
export type Layer = (patient: Patient, findings: Findings, signal: AbortSignal) => Promise<Omit<Check, 'name' | 'ms'>>;

export const layers: Record<CheckName, Layer> = {
  dns,
  tcp,
  tls,
  connack,
  subscribe: subscribing,
  echo: echoing,
  sys: asking,
};

async function dns({ place, timeoutMs }: Patient, findings: Findings, signal: AbortSignal): ReturnType<Layer> {
  if (place.transport === 'unix') return { status: 'skipped', detail: 'A Unix socket has no name to look up.' };
  return resolveName(place, timeoutMs, signal).then((found) => {
    findings.addresses = found.addresses;
    return found;
  });
}

async function tcp({ place, timeoutMs }: Patient, { addresses }: Findings, signal: AbortSignal) {
  if (place.transport === 'unix') return { status: 'skipped', detail: 'A Unix socket is no TCP port.' } as const;
  // The name of a live session may have stopped to resolve.
  if (addresses.length === 0) return { status: 'skipped', detail: 'Not tried: there is no address.' } as const;
  return reachAll(place, addresses, timeoutMs, signal);
}

const instead: { [speaks in Speaks]?: string } = {
  mqtt: 'The port speaks MQTT without TLS: use mqtt://.',
  http: 'A web server without TLS answers on this port: use ws:// with its MQTT path, or the MQTT port.',
  ssh: 'An SSH server answers on this port: it is no broker.',
};

async function tls({ place, timeoutMs }: Patient, { addresses }: Findings, signal: AbortSignal): ReturnType<Layer> {
  if (place.transport === 'unix') return { status: 'skipped', detail: 'A Unix socket stays within this machine.' };
  if (place.transport === 'tcp' || place.transport === 'ws') {
    return { status: 'skipped', detail: 'The scheme asks for no TLS: everything, a password too, travels in plain.' };
  }
  if (addresses.length === 0) return { status: 'skipped', detail: 'Not tried: there is no address.' };
  try {
    return await shakeHands(place, timeoutMs, signal);
  } catch (error) {
    if (signal.aborted || !(error instanceof ToolError) || error.data.code === 'cancelled') throw error;
    const hint = instead[await speaksOnPort(place, signal)];
    throw hint === undefined ? error : withHint(error, hint);
  }
}

async function connack(patient: Patient, findings: Findings, signal: AbortSignal): ReturnType<Layer> {
  const { session } = patient;
  if (session) return stateOf(session);
  try {
    const opened = await patient.open(signal);
    findings.session = opened;
    const { protocolVersion, limits, notes } = opened.facts;
    const more = [...notes, ...(patient.remark === undefined ? [] : [patient.remark])];
    const version = protocolVersion === 5 ? '5' : '3.1.1';
    const detail = [`The broker accepts the client, MQTT ${version}.`, ...more].join(' ');
    return { status: 'ok', detail, protocol_version: protocolVersion, client_id: opened.facts.clientId, limits };
  } catch (error) {
    if (signal.aborted || !(error instanceof ToolError)) throw error;
    throw await explained(error, patient, signal);
  }
}

/** A refusal speaks for itself; where the broker said nothing that is MQTT, the port is looked at once more. */
async function explained(error: ToolError, patient: Patient, signal: AbortSignal): Promise<ToolError> {
  const { code, hint, reason_code } = error.data;
  if (reason_code !== undefined) {
    return patient.remark === undefined ? error : withHint(error, `${hint} ${patient.remark}`);
  }
  if (!['protocol_error', 'connection_refused', 'connection_timeout'].includes(code)) return error;
  const { place } = patient;
  const better = place.transport === 'tcp' ? plainHint(await speaksOnPort(place, signal)) : undefined;
  const inTls = place.transport === 'tls' ? tlsHint(await speaksInTls(place, signal)) : undefined;
  const found = better ?? inTls;
  return found === undefined ? error : withHint(error, found);
}

function withHint({ data }: ToolError, better: string): ToolError {
  const { code, message, hint: _, ...more } = data;
  return new ToolError(code, message, better, more);
}

function plainHint(speaks: Speaks): string | undefined {
  const hints: { [speaks in Speaks]?: string } = {
    tls: 'The port expects TLS: use mqtts:// (or wss://).',
    http: 'A web server answers on this port: use ws:// with its MQTT path, or the MQTT port, usually 1883.',
    ssh: 'An SSH server answers on this port: give the MQTT port, usually 1883.',
    silent: 'The port is open but says nothing: the broker hangs, or something else listens there.',
  };
  return hints[speaks];
}

function tlsHint(speaks: Speaks | undefined): string | undefined {
  if (speaks === 'http')
    return 'A web server with TLS answers on this port: use wss:// with its MQTT path, or the MQTT port, usually 8883.';
  return speaks === 'silent'
    ? 'TLS works, but no MQTT comes after it: something else than a broker listens there.'
    : undefined;
}

/** Of downReason. */
const CLOSED = 'the broker closed the connection';
/** Reconnects of one session from which on it is called unstable. */
const MANY_RECONNECTS = 3;

function stateOf(session: Session): Omit<Check, 'name' | 'ms'> {
  const { facts, lifetime } = session;
  const { isConnected, connectionError, reconnects } = session.state();
  const { protocolVersion: protocol_version, clientId: client_id, limits } = facts;
  const known = { protocol_version, client_id, limits };
  if (!isConnected) {
    const taken = connectionError?.includes('same client id') === true;
    const detail = `The session is not connected: ${connectionError ?? 'for a reason that is not known'}.`;
    const wait = 'It may come back by itself within a minute; else close it and connect anew.';
    // Not every broker says why it closes.
    const unsaid = connectionError === CLOSED ? ` ${TAKEN}` : '';
    const hint = taken ? TAKEN : `${wait}${unsaid}`;
    return { status: 'failed', detail: detail.replace(/\.\.$/, '.'), hint, code: 'not_connected', ...known };
  }
  const minutes = Math.round((Date.now() - lifetime.createdAt) / 60_000);
  const detail = `The session is connected, MQTT ${protocol_version === 5 ? '5' : '3.1.1'}, after ${reconnects} reconnects in ${minutes} minutes.`;
  if (reconnects < MANY_RECONNECTS) return { status: 'ok', detail, ...known };
  return {
    status: 'warning',
    detail,
    hint: `The connection is lost again and again: check the network. ${TAKEN}`,
    ...known,
  };
}

const TAKEN =
  'Where another client uses the same client id, they throw each other out: close the session and connect without client_id, for a random one.';

async function subscribing(patient: Patient, findings: Findings, signal: AbortSignal): ReturnType<Layer> {
  const { ear, ...found } = await subscribe(live(findings), patient.probeTopic, patient.timeoutMs, signal);
  findings.ear = ear;
  return found;
}

async function echoing({ probeTopic }: Patient, findings: Findings, signal: AbortSignal): ReturnType<Layer> {
  const { ear } = findings;
  if (probeTopic === undefined || !ear) {
    return { status: 'skipped', detail: 'No probe_topic was given, so nothing was published.' };
  }
  return echo(live(findings), probeTopic, ear, signal);
}

async function asking(_patient: Patient, findings: Findings, signal: AbortSignal): ReturnType<Layer> {
  const { offered, ...found } = await sys(live(findings), signal);
  return offered ? found : { ...found, status: 'skipped' };
}

function live({ session }: Findings): Session {
  if (!session) throw new Error('a layer that needs a session ran without one');
  return session;
}
