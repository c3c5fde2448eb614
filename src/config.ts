// Owns the config file: reading and checking, topic filters included. Must not know what its parts do.
import { readFileSync, statSync } from 'node:fs';
import { platform } from 'node:os';
import { ToolError } from './errors.ts';
import type { Config, Profile } from './generated/config-types.ts';
import { checkFilter } from './mqtt/topic.ts';
import { looksLikeUrl, repeated } from './repeated.ts';

/** A bad config: one readable line that names the key. */
export class ConfigError extends Error {}

/** Reads and checks the file. Throws ConfigError. */
export async function readConfig(file: string): Promise<Config> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError(`config: cannot read ${repeated(file)}: ${codeOf(error)}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ConfigError(`config: ${file} is not valid JSON`);
  }
  // Only who has a config pays for its validator.
  const { config: check } = await import('./generated/config-validator.js');
  if (check(value)) {
    checkFilters(value, file);
    return value;
  }
  const problems = (check.errors ?? []).map(({ instancePath, keyword, params, message }) => {
    const key = instancePath.split('/').slice(1).map(unescapePointer).map(repeated).join('.');
    if (keyword === 'additionalProperties')
      return `unknown key ${join(key, unknownKey(key, String(params.additionalProperty)))}`;
    if (keyword === 'required') return `missing key ${join(key, params.missingProperty)}`;
    return `${key || 'the whole'} ${message}`;
  });
  throw new ConfigError(`config: ${file}: ${[...new Set(problems)].join('; ')}`);
}

/** A filter that is none would allow or deny nothing, unnoticed. */
function checkFilters({ policy = {} }: Config, file: string): void {
  const { publish = {}, subscribe = {}, danger_topics = [] } = policy;
  const lists = { 'publish.allow': publish.allow, 'publish.deny': publish.deny, danger_topics };
  const all = { ...lists, 'subscribe.allow': subscribe.allow, 'subscribe.deny': subscribe.deny };
  for (const [key, filters = []] of Object.entries(all)) {
    for (const filter of filters) {
      try {
        checkFilter(filter);
      } catch (error) {
        // Its message quotes the filter.
        const why = error instanceof ToolError && !looksLikeUrl(filter) ? error.message : 'not a topic filter';
        throw new ConfigError(`config: ${file}: policy.${key}: ${why}`);
      }
    }
  }
}

/** Below a secret it may be the secret itself. */
function unknownKey(path: string, key: string): string {
  return /\.(password|key_passphrase)$/.test(path) ? '(not repeated)' : repeated(key);
}

function join(path: string, key: unknown): string {
  return path === '' ? String(key) : `${path}.${key}`;
}

function unescapePointer(token: string): string {
  return token.replaceAll('~1', '/').replaceAll('~0', '~');
}

/** Whether the config itself says a secret of it, and not only where one is; the query of a WebSocket URL is one. */
export function holdsSecret({ url, password, key_passphrase }: Profile): boolean {
  return typeof password === 'string' || typeof key_passphrase === 'string' || /^[^/]*\/\/[^/]*:[^/]*@|\?/.test(url);
}

/** The mode of a file that others than its owner may open, as people write it, 0644. */
export function exposedMode(file: string): string | undefined {
  return modeFor(OTHERS, statSync(file, { throwIfNoEntry: false })?.mode);
}

/** The mode where it permits any of `bits`. Windows has no such modes. */
export function modeFor(bits: number, mode = 0): string | undefined {
  if (platform() === 'win32' || (mode & bits) === 0) return undefined;
  return (mode & 0o777).toString(8).padStart(4, '0');
}

/** Permissions of group and others. */
export const OTHERS = 0o077;

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}
