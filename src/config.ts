// Owns the config file: reading, checking, and what its profiles hold. Secrets are read when a profile is opened,
// never at start. Must not know sessions or tools.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { promisify } from 'node:util';
import { ToolError } from './errors.ts';
import type { Config, Profile, Secret } from './generated/config-types.ts';
import type { OpenProfile, Profiles } from './mqtt/profile.ts';
import type { TlsOptions } from './mqtt/stream.ts';

/** How long a command may take to print a secret, ms, and how much it may print, bytes. */
const COMMAND_TIMEOUT_MS = 10_000;
const MAX_SECRET_BYTES = 64 * 1024;

/** A bad config: one readable line that names the key. */
export class ConfigError extends Error {}

export type Environment = Record<string, string | undefined>;

/** Reads and checks the file. Throws ConfigError. */
export async function readConfig(file: string): Promise<Config> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new ConfigError(`config: cannot read ${file}: ${codeOf(error)}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ConfigError(`config: ${file} is not valid JSON`);
  }
  // Only who has a config pays for its validator.
  const { config: check } = await import('./generated/config-validator.js');
  if (check(value)) return value;
  const problems = (check.errors ?? []).map(({ instancePath, keyword, params, message }) => {
    const key = instancePath.split('/').slice(1).map(unescapePointer).join('.');
    if (keyword === 'additionalProperties') return `unknown key ${join(key, params.additionalProperty)}`;
    if (keyword === 'required') return `missing key ${join(key, params.missingProperty)}`;
    return `${key || 'the whole'} ${message}`;
  });
  throw new ConfigError(`config: ${file}: ${[...new Set(problems)].join('; ')}`);
}

function join(path: string, key: unknown): string {
  return path === '' ? String(key) : `${path}.${key}`;
}

function unescapePointer(token: string): string {
  return token.replaceAll('~1', '/').replaceAll('~0', '~');
}

/** The profiles of a config; paths in it are relative to its file. */
export function profilesOf(config: Config, file: string, env: Environment): Profiles {
  const profiles = new Map(Object.entries(config.profiles ?? {}));
  const from = { folder: dirname(resolve(file)), env };
  return {
    names: () => [...profiles.keys()],
    open: async (name) => {
      const profile = profiles.get(name);
      if (!profile) throw unknownProfile([...profiles.keys()]);
      return openProfile(profile, from);
    },
  };
}

export function unknownProfile(names: string[]): ToolError {
  const hint =
    names.length > 0 ? `Profiles: ${names.join(', ')}.` : 'No profiles are configured; use connection_string.';
  const problems = [{ path: '/profile', expected: 'the name of a configured profile' }];
  return new ToolError('invalid_arguments', 'No profile has that name.', hint, { problems });
}

type From = { folder: string; env: Environment };

async function openProfile(profile: Profile, from: From): Promise<OpenProfile> {
  const open: OpenProfile = { url: profile.url };
  if (profile.username !== undefined) open.username = profile.username;
  if (profile.password !== undefined) open.password = await secret(profile.password, 'password', from);
  if (profile.protocol_version !== undefined) open.protocolVersion = profile.protocol_version;
  if (profile.keepalive_seconds !== undefined) open.keepaliveSeconds = profile.keepalive_seconds;
  open.tls = await tlsOf(profile, from);
  return open;
}

async function tlsOf(profile: Profile, from: From): Promise<TlsOptions> {
  const tls: TlsOptions = {};
  if (profile.ca_file !== undefined) tls.ca = await bytes(profile.ca_file, 'ca_file', from);
  if (profile.cert_file !== undefined) tls.cert = await bytes(profile.cert_file, 'cert_file', from);
  if (profile.key_file !== undefined) tls.key = await bytes(profile.key_file, 'key_file', from);
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
    if (value === undefined) throw unreadable(key, `the environment variable ${source.env} is not set`);
    return value;
  }
  if ('file' in source) return withoutNewline((await bytes(source.file, key, from)).toString('utf8'));
  const [command, ...args] = source.command;
  try {
    const options = { cwd: from.folder, timeout: COMMAND_TIMEOUT_MS, maxBuffer: MAX_SECRET_BYTES, windowsHide: true };
    const running = promisify(execFile)(command ?? '', args, options);
    // One that asks for something finds nobody there, instead of waiting.
    running.child.stdin?.end();
    return withoutNewline((await running).stdout);
  } catch {
    // What a command prints, on stderr too, may be the secret itself.
    throw unreadable(key, 'its command failed');
  }
}

async function bytes(file: string, key: string, { folder }: From): Promise<Buffer> {
  try {
    return await readFile(resolve(folder, file));
  } catch (error) {
    throw unreadable(key, `its file cannot be read: ${codeOf(error)}`);
  }
}

function unreadable(key: string, why: string): ToolError {
  const hint = 'Whoever runs this server must correct its config.';
  return new ToolError('invalid_arguments', `The profile's ${key} is not available: ${why}.`, hint);
}

function withoutNewline(text: string): string {
  return text.replace(/\r?\n$/, '');
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}
