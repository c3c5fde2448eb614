// Owns the lowest two layers of a check: the name's addresses, and a TCP connection to each. Nothing is sent.
// Must not know TLS or MQTT.
import { lookup } from 'node:dns/promises';
import { connect, isIP } from 'node:net';
import { ToolError } from '../errors.ts';
import { connectError, type Where } from './connect-error.ts';
import { within } from './race.ts';
import type { CheckedAddress } from './types.ts';

/** Addresses tried; a name with thousands must not make thousands of connections. */
const MAX_ADDRESSES = 8;

/** What a layer found out; the rest of a Check is added by who asked for it. */
export type Found<Fact> = { status: 'ok' | 'warning' | 'failed'; detail: string; hint?: string } & Fact;

export type Addresses = { addresses: CheckedAddress[] };

/** Both families, as a connection would ask for them. Throws dns_failure. */
export async function resolveName(where: Where, ms: number, signal: AbortSignal): Promise<Found<Addresses>> {
  const { host } = where;
  const family = isIP(host.replace(/%.*/, ''));
  if (family !== 0) {
    const addresses = [{ address: host, family: family === 4 ? 4 : 6 } as const];
    return { status: 'ok', detail: 'The host is an address: there is no name to look up.', addresses };
  }
  try {
    const found = await within(lookup(host, { all: true, verbatim: true }), ms, signal, () => slowDns(where));
    const unique = [...new Map(found.map((one) => [one.address, one])).values()];
    const addresses = unique
      .slice(0, MAX_ADDRESSES)
      .map(({ address, family }) => ({ address, family: family === 4 ? 4 : 6 }) as const);
    if (addresses.length === 0) throw Object.assign(new Error('no address'), { code: 'ENODATA' });
    const count = (wanted: number) => unique.filter((one) => one.family === wanted).length;
    const more = unique.length > MAX_ADDRESSES ? `; the first ${MAX_ADDRESSES} are tried` : '';
    return { status: 'ok', detail: `The name has ${count(4)} IPv4 and ${count(6)} IPv6 addresses${more}.`, addresses };
  } catch (error) {
    throw signal.aborted ? signal.reason : connectError(error, where);
  }
}

function slowDns({ host }: Where): ToolError {
  const hint = 'Try again shortly, check the DNS server of this machine, or use the IP address.';
  return new ToolError('dns_failure', `DNS did not answer for ${host} in time.`, hint, { retryable: true });
}

/** Every address at once. Throws what the best of them failed with where none can be reached. */
export async function reachAll(
  where: Where,
  found: CheckedAddress[],
  ms: number,
  signal: AbortSignal,
): Promise<Found<Addresses>> {
  const tries = await Promise.all(found.map((one) => reach(one, where, ms, signal)));
  signal.throwIfAborted();
  const addresses = tries.map(({ address }) => address);
  const up = addresses.filter(({ outcome }) => outcome === 'connected');
  if (up.length === 0) {
    throw connectError(new AggregateError(tries.map(({ error }) => error)), where);
  }
  const down = addresses.filter(({ outcome }) => outcome !== 'connected');
  if (down.length === 0) {
    const what = up.length === 1 ? 'The port is open' : `The port is open on all ${up.length} addresses`;
    return { status: 'ok', detail: `${what}.`, addresses };
  }
  const detail = `The port is open on ${up.length} of ${addresses.length} addresses; the others: ${outcomes(down)}.`;
  // Half of localhost, and a machine without IPv6, are how things mostly are.
  if (down.every(isHarmless)) return { status: 'ok', detail, addresses };
  const hint =
    'Clients that try a dead address first are slow or fail: correct the DNS entry, or let the broker listen on it.';
  return { status: 'warning', detail, hint, addresses };
}

function isHarmless({ address, outcome }: CheckedAddress): boolean {
  return address.startsWith('127.') || address === '::1' || (address.includes(':') && outcome === 'unreachable');
}

function outcomes(down: CheckedAddress[]): string {
  return [...new Set(down.map(({ outcome, family }) => `IPv${family} ${outcome}`))].join(', ');
}

type Try = { address: CheckedAddress; error?: unknown };

async function reach(one: CheckedAddress, where: Where, ms: number, signal: AbortSignal): Promise<Try> {
  const began = performance.now();
  const socket = connect({ host: one.address, port: where.port, noDelay: true });
  const opened = new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve).once('error', reject);
  });
  const late = () => Object.assign(new Error('too late'), { code: 'ETIMEDOUT' });
  try {
    await within(opened, ms, signal, late);
    return { address: { ...one, outcome: 'connected', ms: tenths(performance.now() - began) } };
  } catch (error) {
    return { address: { ...one, outcome: outcomeOf(error), ms: tenths(performance.now() - began) }, error };
  } finally {
    // One that fails after all has nobody else who hears it.
    socket.on('error', () => {}).destroy();
  }
}

const outcomeByCode = new Map<unknown, NonNullable<CheckedAddress['outcome']>>([
  ['ECONNREFUSED', 'refused'],
  ['ETIMEDOUT', 'timeout'],
  ['EHOSTUNREACH', 'unreachable'],
  ['ENETUNREACH', 'unreachable'],
  ['EHOSTDOWN', 'unreachable'],
  ['EADDRNOTAVAIL', 'unreachable'],
  ['EAFNOSUPPORT', 'unreachable'],
  ['EINVAL', 'unreachable'],
]);

function outcomeOf(error: unknown): NonNullable<CheckedAddress['outcome']> {
  return (error instanceof Error && 'code' in error && outcomeByCode.get(error.code)) || 'failed';
}

export function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
