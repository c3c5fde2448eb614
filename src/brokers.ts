// Owns the comparison of a broker that is asked for with an entry of policy.allowed_brokers. Never looks up a name.
import { isIPv6, SocketAddress } from 'node:net';

/** `entry`: host or host:port, `*.` for every name below a domain, IPv6 in brackets. */
export function isListed(entry: string, host: string, port: number): boolean {
  const [, bracketed, name, portText] = ENTRY.exec(entry) ?? [];
  if (portText !== undefined && Number(portText) !== port) return false;
  const wanted = canonical(bracketed ?? name ?? '');
  const asked = canonical(host);
  // An address has no names below it.
  if (wanted.startsWith('*.')) return !/^[\d.]+$|:/.test(asked) && asked.endsWith(wanted.slice(1));
  return wanted !== '' && asked === wanted;
}

const ENTRY = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/;

/** One spelling for each: lower case, no dot at the end, IPv6 as short as it goes. */
function canonical(host: string): string {
  const lower = host.toLowerCase().replace(/\.$/, '');
  return isIPv6(lower) && !lower.includes('%') ? new SocketAddress({ address: lower, family: 'ipv6' }).address : lower;
}
