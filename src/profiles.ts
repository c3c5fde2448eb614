// Owns the profiles of a config: sealed when it is read, opened for one connect; files, variables and commands are read
// then and not before. Must not know sessions or tools.
import { dirname, resolve } from 'node:path';
import { type EndGroup, printedBy } from './command.ts';
import { ConfigError, modeFor, OTHERS } from './config.ts';
import { ToolError } from './errors.ts';
import type { Config, Profile, Secret } from './generated/config-types.ts';
import { parseBroker } from './mqtt/connection-string.ts';
import { type OpenProfile, type Profiles, unknownProfile } from './mqtt/profile.ts';
import type { TlsOptions } from './mqtt/stream.ts';
import { checkTopicName } from './mqtt/topic.ts';
import { createVault } from './mqtt/vault.ts';
import { looksLikeUrl, variable } from './repeated.ts';
import { MAX_PEM_BYTES, MAX_SECRET_BYTES, readSmall } from './small-file.ts';

/** How long a command may take to print a secret, ms. */
const COMMAND_TIMEOUT_MS = 10_000;

export type Environment = Record<string, string | undefined>;

/** Told of a file that holds a secret and that others than its owner may open. */
export type Exposed = (key: string, mode: string) => void;

/** The profiles of a config; paths in it are relative to its file. */
export function profilesOf(
  config: Config,
  file: string,
  env: Environment,
  exposed: Exposed = () => {},
  endGroup?: EndGroup,
): Profiles {
  const vault = createVault();
  const entries = Object.entries(config.profiles ?? {});
  for (const [name, profile] of entries) checkProfile(name, profile, file);
  const sealed = new Map(entries.map(([name, profile]) => [name, vault.seal(JSON.stringify(profile))]));
  // The parsed file must not keep what was sealed.
  delete config.profiles;
  const from = { folder: dirname(resolve(file)), env, exposed, endGroup };
  return {
    names: () => [...sealed.keys()],
    open: async (name, signal) => {
      const box = sealed.get(name);
      if (!box) throw unknownProfile([...sealed.keys()]);
      return openProfile(
        vault.open(box, (bytes): Profile => JSON.parse(bytes.toString('utf8'))),
        { ...from, signal },
      );
    },
  };
}

/** What the schema cannot tell. Throws ConfigError. */
export function checkProfile(name: string, { url, will }: Profile, file: string): void {
  // It is told to whoever asks for profiles.
  if (looksLikeUrl(name))
    throw new ConfigError(`config: ${file}: profiles: a name looks like a URL; say it in \`url\``);
  const at = (key: string, look: () => unknown) => {
    try {
      look();
    } catch (error) {
      const why = error instanceof ToolError ? error.message : 'not usable';
      throw new ConfigError(`config: ${file}: profiles.${name}.${key}: ${why}`);
    }
  };
  at('url', () => parseBroker(url));
  if (will !== undefined) at('will.topic', () => checkTopicName(will.topic));
}

type From = {
  folder: string;
  env: Environment;
  exposed: Exposed;
  endGroup: EndGroup | undefined;
  signal: AbortSignal | undefined;
};

async function openProfile(profile: Profile, from: From): Promise<OpenProfile> {
  const open: OpenProfile = { url: profile.url };
  if (profile.username !== undefined) open.username = profile.username;
  if (profile.password !== undefined) open.password = await secret(profile.password, 'password', from);
  if (profile.protocol_version !== undefined) open.protocolVersion = profile.protocol_version;
  if (profile.keepalive_seconds !== undefined) open.keepaliveSeconds = profile.keepalive_seconds;
  if (profile.will !== undefined) open.will = { payload: '', qos: 0, retain: false, ...profile.will };
  open.tls = await tlsOf(profile, from);
  return open;
}

async function tlsOf(profile: Profile, from: From): Promise<TlsOptions> {
  const tls: TlsOptions = {};
  if (profile.ca_file !== undefined) tls.ca = (await bytes(profile.ca_file, 'ca_file', MAX_PEM_BYTES, from)).content;
  if (profile.cert_file !== undefined)
    tls.cert = (await bytes(profile.cert_file, 'cert_file', MAX_PEM_BYTES, from)).content;
  if (profile.key_file !== undefined) tls.key = await secretBytes(profile.key_file, 'key_file', MAX_PEM_BYTES, from);
  if (profile.key_passphrase !== undefined)
    tls.passphrase = await secret(profile.key_passphrase, 'key_passphrase', from);
  if (profile.servername !== undefined) tls.servername = profile.servername;
  if (profile.alpn !== undefined) tls.ALPNProtocols = profile.alpn;
  if (profile.verify !== undefined) tls.rejectUnauthorized = profile.verify;
  return tls;
}

async function secret(source: Secret, key: string, from: From): Promise<string> {
  if (typeof source === 'string') return source;
  if ('env' in source) {
    const value = Object.hasOwn(from.env, source.env) ? from.env[source.env] : undefined;
    if (value === undefined) throw unreadable(key, `${variable(source.env)} is not set`);
    return value;
  }
  if ('file' in source)
    return withoutNewline((await secretBytes(source.file, key, MAX_SECRET_BYTES, from)).toString('utf8'));
  try {
    const signals = [AbortSignal.timeout(COMMAND_TIMEOUT_MS), ...(from.signal ? [from.signal] : [])];
    const { folder: cwd, endGroup } = from;
    const running = { cwd, mostBytes: MAX_SECRET_BYTES, signal: AbortSignal.any(signals), endGroup };
    return withoutNewline(await printedBy(source.command, running));
  } catch {
    from.signal?.throwIfAborted();
    // What a command prints, on stderr too, may be the secret itself.
    throw unreadable(key, 'its command failed');
  }
}

async function bytes(file: string, key: string, most: number, { folder, signal }: From) {
  const read = await readSmall(resolve(folder, file), most, signal);
  if ('trouble' in read) throw unreadable(key, `its file cannot be read: ${read.trouble}`);
  return read;
}

/** Of a file that only its owner should be able to open. */
async function secretBytes(file: string, key: string, most: number, from: From): Promise<Buffer> {
  const { content, mode } = await bytes(file, key, most, from);
  const shown = modeFor(OTHERS, mode);
  if (shown !== undefined) from.exposed(key, shown);
  return content;
}

function unreadable(key: string, why: string): ToolError {
  const hint = 'Whoever runs this server must correct its config.';
  return new ToolError('invalid_arguments', `The profile's ${key} is not available: ${why}.`, hint);
}

function withoutNewline(text: string): string {
  return text.replace(/\r?\n$/, '');
}
