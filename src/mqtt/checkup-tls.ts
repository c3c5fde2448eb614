// Owns the TLS layer of a check: one handshake that accepts any certificate, to say what is wrong with it.
// Must not know MQTT; what is in a certificate is the broker's word and stays in typed fields.
import type { X509Certificate } from 'node:crypto';
import { checkServerIdentity, TLSSocket } from 'node:tls';
import { ToolError } from '../errors.ts';
import type { Found } from './checkup-network.ts';
import { connectError } from './connect-error.ts';
import { within } from './race.ts';
import { type Endpoint, openStream } from './stream.ts';
import type { CertificateProblem, CheckedCertificate, CheckedTls } from './types.ts';

/** A certificate that is renewed by machine is so a month before its end: later than this, nobody seems to. */
const WARN_DAYS = 14;
const DAY_MS = 86_400_000;
/** Certificates of a chain, names of one, and characters of a name that are told. */
const MAX_CHAIN = 5;
const MAX_NAMES = 20;
const MAX_NAME_CHARS = 200;

export type Handshake = Found<{ tls: CheckedTls; unverified?: true; code?: 'tls_failure' }>;

/** Throws what connectError makes of a handshake that did not come about. A bad certificate is a result. */
export async function shakeHands(
  endpoint: Omit<Endpoint, 'path'>,
  ms: number,
  signal: AbortSignal,
): Promise<Handshake> {
  const { tls, transport } = endpoint;
  const alpn = tls.ALPNProtocols ?? (transport === 'wss' ? ['http/1.1'] : undefined);
  const lenient = { ...tls, rejectUnauthorized: false, ...(alpn === undefined ? {} : { ALPNProtocols: alpn }) };
  const socket = openStream({ ...endpoint, transport: 'tls', path: '/', tls: lenient });
  if (!(socket instanceof TLSSocket)) throw new Error('a TLS endpoint without a TLS socket');
  const secured = new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve).once('error', reject);
    socket.once('close', () => reject(Object.assign(new Error('closed'), { code: 'ECONNRESET' })));
  });
  const late = () => Object.assign(new Error('too late'), { code: 'ERR_TLS_HANDSHAKE_TIMEOUT' });
  try {
    await within(secured, ms, signal, late);
    const verify = tls.rejectUnauthorized !== false;
    return { ...judge(read(socket, endpoint), verify), ...(verify ? {} : { unverified: true }) };
  } catch (error) {
    throw signal.aborted ? signal.reason : connectError(error, endpoint);
  } finally {
    socket.on('error', () => {}).destroy();
  }
}

function read(socket: TLSSocket, { host, tls }: Omit<Endpoint, 'path'>): CheckedTls & { chainExpired: boolean } {
  const own = socket.getPeerX509Certificate();
  if (!own) throw new ToolError('tls_failure', 'The broker shows no certificate.', 'Give the broker a certificate.');
  const servername = tls.servername ?? host;
  const verdict = socket.authorized ? '' : String(socket.authorizationError);
  const chain = chainOf(own);
  const dated = chain.map(datesOf);
  const [dates = { from: 0, to: 0 }] = dated;
  const now = Date.now();
  const expired = dates.to < now;
  const problems = new Set<CertificateProblem>();
  // OpenSSL names one fault of several: dates and names are looked at beside it.
  if (expired) problems.add('expired');
  if (dates.from > now) problems.add('not_yet_valid');
  const known = byVerdict.get(verdict);
  if (known !== undefined) problems.add(known);
  if (checkServerIdentity(servername, own.toLegacyObject()) !== undefined) problems.add('wrong_name');
  if (verdict !== '' && problems.size === 0) problems.add('unverified');
  return {
    protocol: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher().standardName,
    ...(typeof socket.alpnProtocol === 'string' ? { alpn: socket.alpnProtocol } : {}),
    servername,
    names: namesOf(own),
    days_left: Math.floor((dates.to - now) / DAY_MS),
    problems: [...problems],
    chain: chain.map(shown),
    chainExpired: verdict === 'CERT_HAS_EXPIRED' && !expired,
  };
}

const byVerdict = new Map<string, CertificateProblem>([
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'self_signed'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'unknown_authority'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'unknown_authority'],
  ['UNABLE_TO_GET_ISSUER_CERT', 'unknown_authority'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'unknown_authority'],
  ['CERT_UNTRUSTED', 'unknown_authority'],
  ['CERT_HAS_EXPIRED', 'expired'],
  ['CERT_NOT_YET_VALID', 'not_yet_valid'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'wrong_name'],
]);

/** As sent; a chain that goes in a circle ends where it does. */
function chainOf(own: X509Certificate): X509Certificate[] {
  const chain = [own];
  for (let next = own.issuerCertificate; next && chain.length < MAX_CHAIN; next = next.issuerCertificate) {
    if (chain.some(({ fingerprint256 }) => fingerprint256 === next?.fingerprint256)) break;
    chain.push(next);
  }
  return chain;
}

function datesOf({ validFrom, validTo }: X509Certificate): { from: number; to: number } {
  return { from: Date.parse(validFrom), to: Date.parse(validTo) };
}

function shown(certificate: X509Certificate): CheckedCertificate {
  const { from, to } = datesOf(certificate);
  const iso = (ms: number) => (Number.isNaN(ms) ? 'unknown' : new Date(ms).toISOString());
  const subject = oneLine(certificate.subject);
  return { subject, issuer: oneLine(certificate.issuer), valid_from: iso(from), valid_to: iso(to) };
}

function namesOf({ subjectAltName }: X509Certificate): string[] {
  const names = (subjectAltName ?? '').split(', ').filter(Boolean);
  return names.slice(0, MAX_NAMES).map((name) => oneLine(name.replace(/^(DNS|IP Address):/, '')));
}

function oneLine(name: string | undefined): string {
  return (name ?? '').replaceAll('\n', ', ').slice(0, MAX_NAME_CHARS);
}

function judge({ chainExpired, ...tls }: CheckedTls & { chainExpired: boolean }, verify: boolean): Handshake {
  const { problems, days_left: days, protocol, cipher } = tls;
  const how = `${protocol}, ${cipher}`;
  if (problems.length === 0 && days >= WARN_DAYS) {
    return { status: 'ok', detail: `${how}; the certificate is trusted and valid for ${days} more days.`, tls };
  }
  if (problems.length === 0) {
    const detail = `${how}; the certificate is trusted, but ends in ${days} days.`;
    return { status: 'warning', detail, hint: 'Renew the certificate on the broker.', tls };
  }
  const what = problems.map((problem) =>
    problem === 'expired' && chainExpired ? CHAIN_EXPIRED : wordsFor(problem, days),
  );
  const detail = `The broker shows a certificate that ${what.join(', and ')}`;
  const hint = problems.map((problem) => hints[problem]).join(' ');
  if (verify) return { status: 'failed', detail: `${detail}.`, hint, tls, code: 'tls_failure' };
  return { status: 'warning', detail: `${detail}; accepted, since the profile turns verification off.`, hint, tls };
}

const CHAIN_EXPIRED = 'is signed by an authority whose own certificate has expired';

function wordsFor(problem: CertificateProblem, daysLeft: number): string {
  const ago = -daysLeft === 1 ? '1 day' : `${-daysLeft} days`;
  const words = {
    self_signed: 'is self-signed and not known here',
    unknown_authority: 'is signed by an authority that is unknown here',
    expired: `has expired ${ago} ago`,
    not_yet_valid: 'is not valid yet',
    wrong_name: 'is for other host names than the one asked for',
    unverified: 'cannot be verified',
  };
  return words[problem];
}

const hints: { [problem in CertificateProblem]: string } = {
  self_signed: 'If it is the right one, give it as ca_file in a profile.',
  unknown_authority:
    "Give the broker's CA as ca_file in a profile; with a public CA, let the broker send its intermediate certificates.",
  expired: 'Renew the certificate on the broker; check the clock of this machine too.',
  not_yet_valid: 'Check the clock of this machine, then the certificate.',
  wrong_name: 'Connect by one of tls.names, or set servername in a profile.',
  unverified: "Check the broker's certificate chain; give its CA as ca_file in a profile.",
};
