// Owns what is said of the config and of the files that a profile names: there, readable, and by whom. Must not know
// brokers; never says what is in a file.
import { accessSync, constants, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ConfigError, codeOf, holdsSecret, readConfig } from '../config.ts';
import type { Config, Profile, Secret } from '../generated/config-types.ts';
import { checkProfile } from '../profiles.ts';
import { repeated } from '../repeated.ts';
import type { Finding, Machine } from './types.ts';

/** A file that a profile names; `secret`: others should not read it. */
type Named = { key: string; path: string; secret: boolean };

export type Settings = {
  config: Config;
  /** The config is there and cannot be used. */
  broken: boolean;
  findings: Finding[];
  /** By profile, as profiles are sealed afterwards. */
  files: Map<string, Named[]>;
  /** Every profile by name, and why it cannot be used; such are in `config` no more. */
  profiles: Map<string, Finding | undefined>;
};

export async function settingsOf(file: string | undefined, machine: Machine): Promise<Settings> {
  const none = { config: {}, files: new Map<string, Named[]>(), profiles: new Map() };
  if (file === undefined) {
    const detail = 'none; brokers are reached by connection strings. --config FILE or MQTT_MCP_CONFIG names one.';
    return { ...none, broken: false, findings: [{ status: 'skipped', what: 'config', detail }] };
  }
  try {
    const config = await readConfig(resolve(machine.cwd, file));
    const profiles = Object.entries(config.profiles ?? {});
    const many = `${profiles.length} ${profiles.length === 1 ? 'profile' : 'profiles'}`;
    const findings: Finding[] = [{ status: 'ok', what: 'config', detail: `${file}: ${many}` }];
    if (profiles.some(([, profile]) => holdsSecret(profile))) findings.push(...modeFindings('config', file, machine));
    const folder = dirname(resolve(machine.cwd, file));
    const files = new Map(profiles.map(([name, profile]) => [name, filesOf(profile, folder)]));
    const judged = new Map(profiles.map(([name, profile]) => [name, unusable(name, profile, file)]));
    config.profiles = Object.fromEntries(profiles.filter(([name]) => judged.get(name) === undefined));
    return { config, broken: false, findings, files, profiles: judged };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const next = 'Correct it; docs/POLICY.md shows what may be in it.';
    return { ...none, broken: true, findings: [{ status: 'failed', what: 'config', detail: error.message, next }] };
  }
}

function unusable(name: string, profile: Profile, file: string): Finding | undefined {
  try {
    checkProfile(name, profile, file);
    return undefined;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const next = 'Correct it: until then the server does not start with this config.';
    return { status: 'failed', what: 'settings', detail: error.message, next };
  }
}

/** Each file of a profile: readable, and what is secret only by its owner. */
export function fileFindings(profile: string, { files }: Settings, machine: Machine): Finding[] {
  return (files.get(profile) ?? []).flatMap(({ key, path, secret }) => {
    try {
      accessSync(path, constants.R_OK);
    } catch (error) {
      const next = 'Paths are relative to the config. The host may run as another user than you.';
      return [
        { status: 'failed' as const, what: key, detail: `${repeated(path)} cannot be read: ${codeOf(error)}.`, next },
      ];
    }
    const warnings = secret ? modeFindings(key, path, machine) : [];
    return warnings.length > 0 ? warnings : [{ status: 'ok' as const, what: key, detail: path }];
  });
}

function filesOf(profile: Profile, folder: string): Named[] {
  const at = (key: string, file: string | undefined, secret: boolean): Named[] =>
    file === undefined ? [] : [{ key, path: resolve(folder, file), secret }];
  return [
    ...at('ca_file', profile.ca_file, false),
    ...at('cert_file', profile.cert_file, false),
    ...at('key_file', profile.key_file, true),
    ...at('password', fileOf(profile.password), true),
    ...at('key_passphrase', fileOf(profile.key_passphrase), true),
  ];
}

function fileOf(secret: Secret | undefined): string | undefined {
  return typeof secret === 'object' && 'file' in secret ? secret.file : undefined;
}

/** Windows has no such modes. */
function modeFindings(what: string, file: string, { platform, cwd }: Machine): Finding[] {
  if (platform === 'win32' || (statSync(resolve(cwd, file)).mode & 0o077) === 0) return [];
  const detail = `${file} holds a secret, and others on this machine may read it.`;
  return [{ status: 'warning', what, detail, next: `chmod 600 "${file}"` }];
}
