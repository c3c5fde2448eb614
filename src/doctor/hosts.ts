// Owns what is said of the settings of hosts: whether we are in them, and which entries are ours. They hold tokens
// of others: must not repeat anything of them but what is said of our entry.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { type Entry, isOurs, judge } from './entry.ts';
import { parseJsonc } from './jsonc.ts';
import { hostNames, type Place, placesOf } from './places.ts';
import type { Finding, Machine } from './types.ts';

/** Stops a file that is no settings from being read whole. */
const MAX_BYTES = 32 * 1024 * 1024;

export function hostFindings(machine: Machine): Finding[] {
  const found = placesOf(machine).flatMap((place) => findingsOf(place, machine));
  if (found.length > 0) return found;
  const detail = `no settings of ${hostNames.join(', ')} found.`;
  return [{ status: 'skipped', what: 'hosts', detail, next: 'docs/HOSTS.md has settings to copy.' }];
}

function findingsOf({ host, file, key }: Place, machine: Machine): Finding[] {
  if (!existsSync(file)) return [];
  const value = statSync(file).size > MAX_BYTES ? undefined : read(file);
  if (value === undefined) {
    const next = 'The host ignores it until it is valid JSON.';
    return [{ status: 'warning', what: host, detail: `${file} cannot be read as settings.`, next }];
  }
  // Claude Code keeps those of a project beside those of the user.
  const scopes = [dig(value, key), dig(value, 'projects', machine.cwd, key)];
  const ours = scopes.flatMap(entriesOf).filter(({ words }) => words.some((word) => isOurs(word, machine)));
  if (ours.length > 0) return ours.map((entry) => ({ what: host, ...judge(entry, file, machine) }));
  const next = 'docs/HOSTS.md has the settings to add.';
  return [{ status: 'skipped', what: host, detail: `this server is not in ${file}.`, next }];
}

function entriesOf(servers: unknown): Entry[] {
  return Object.entries(Object(servers)).map(([name, entry]) => {
    const command = dig(entry, 'command');
    // Zed has had an object here.
    const words = [command, dig(command, 'path'), ...list(dig(command, 'args')), ...list(dig(entry, 'args'))];
    const texts = words.filter((word) => typeof word === 'string');
    const config = configOf(texts) ?? textOf(dig(entry, 'env', 'MQTT_MCP_CONFIG'));
    const disabled = dig(entry, 'disabled') === true || dig(entry, 'enabled') === false;
    return { name, words: texts, config, disabled, path: textOf(dig(entry, 'env', 'PATH')) };
  });
}

function configOf(words: string[]): string | undefined {
  const at = words.indexOf('--config');
  return at >= 0 ? words[at + 1] : words.find((word) => word.startsWith('--config='))?.slice('--config='.length);
}

function read(file: string): unknown {
  try {
    return parseJsonc(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function dig(value: unknown, ...path: string[]): unknown {
  return path.reduce((at: unknown, key) => (Object.hasOwn(Object(at), key) ? Object(at)[key] : undefined), value);
}

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined);
