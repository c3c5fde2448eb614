// Owns the certificates of the tests: a CA and what it signs, without openssl. Just enough DER for X.509 (RFC 5280).
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto';

export type Pem = { cert: string; key: string };
export type CertOptions = { ca?: boolean; names?: string[]; ips?: string[]; from?: Date; to?: Date };

const day = 86_400_000;

/** A certificate for `name`, signed by `issuer` or by itself; `names` and `ips` default to localhost and 127.0.0.1. */
export function certificate(name: string, options: CertOptions = {}, issuer?: Pem): Pem {
  const { ca = false, names = ['localhost'], ips = ['127.0.0.1'] } = options;
  const from = options.from ?? new Date(Date.now() - day);
  const to = options.to ?? new Date(Date.now() + 365 * day);
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signer: KeyObject = issuer ? createPrivateKey(issuer.key) : privateKey;
  const issuerName = issuer ? commonName(issuer) : name;
  const altNames = [
    ...names.map((host) => der(0x82, host)),
    ...ips.map((ip) => der(0x87, Buffer.from(ip.split('.').map(Number)))),
  ];
  const extensions = [
    extension('551d13', der(0x30, ca ? Buffer.from('0101ff', 'hex') : ''), true), // basicConstraints
    extension('551d0f', Buffer.from(ca ? '03020106' : '030205a0', 'hex'), true), // keyUsage
    ...(ca ? [] : [extension('551d11', der(0x30, ...altNames))]), // subjectAltName
  ];
  const body = der(
    0x30,
    der(0xa0, Buffer.from('020102', 'hex')), // v3
    der(0x02, Buffer.from('01', 'hex'), randomBytes(8)), // serialNumber
    ecdsaWithSha256,
    rdn(issuerName),
    der(0x30, time(from), time(to)),
    rdn(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(0x30, ...extensions)),
  );
  const signature = sign('sha256', body, signer);
  const whole = der(0x30, body, ecdsaWithSha256, der(0x03, Buffer.from([0]), signature));
  const cert = `-----BEGIN CERTIFICATE-----\n${whole.toString('base64').replace(/.{64}/g, '$&\n').trimEnd()}\n-----END CERTIFICATE-----\n`;
  return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

const commonName = (pem: Pem): string => /CN=(.*)/.exec(new X509Certificate(pem.cert).subject)?.[1] ?? '';

/** Tag, length, content. */
function der(tag: number, ...parts: (Buffer | string)[]): Buffer {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const size = content.length;
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
const ecdsaWithSha256 = der(0x30, oid('2a8648ce3d040302'));
const rdn = (name: string): Buffer => der(0x30, der(0x31, der(0x30, oid('550403'), der(0x0c, name))));
const time = (at: Date): Buffer => der(0x18, at.toISOString().replace(/[-:T]|\.\d+/g, ''));
const extension = (id: string, value: Buffer, critical = false): Buffer =>
  der(0x30, oid(id), ...(critical ? [Buffer.from('0101ff', 'hex')] : []), der(0x04, value));
