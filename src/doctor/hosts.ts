// Owns what is said of the settings of hosts: whether we are in them, and whether what they name is there. They hold
// tokens of others: nothing of them is repeated but the name of our entry and the files it names.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { name as ownName } from '../version.ts';
import { parseJsonc } from './jsonc.ts';
import { hostNames, type Place, placesOf } from './places.ts';
import type { Finding, Machine } from './types.ts';

/** Stops a file that is no settings from being read whole. */
const MAX_BYTES = 32 * 1024 * 1024;

type Entry = { name: string; words: string[]; config: string | undefined };

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
  if (ours.length > 0) return ours.map((entry) => judge(entry, host, file));
  const next = 'docs/HOSTS.md has the settings to add.';
  return [{ status: 'skipped', what: host, detail: `this server is not in ${file}.`, next }];
}

function judge({ name, words, config }: Entry, host: string, file: string): Finding {
  const what = host;
  const entry = `entry ${JSON.stringify(name)} in ${file}`;
  const script = words.find((word) => /\.[cm]?js$/.test(word));
  for (const path of [script, config]) {
    if (path === undefined || path === '' || path.includes('${')) continue;
    if (!isAbsolute(path)) {
      const next = 'Hosts start servers in a folder of their own: give the whole path.';
      return { status: 'warning', what, detail: `${entry} names ${path}, which is no whole path.`, next };
    }
    if (existsSync(path)) continue;
    const next = 'Correct the path, then start the host anew.';
    return { status: 'failed', what, detail: `${entry} names ${path}, which is not there.`, next };
  }
  return { status: 'ok', what, detail: entry };
}

function entriesOf(servers: unknown): Entry[] {
  return Object.entries(Object(servers)).map(([name, entry]) => {
    const command = dig(entry, 'command');
    // Zed has had an object here.
    const words = [command, dig(command, 'path'), ...list(dig(command, 'args')), ...list(dig(entry, 'args'))];
    const texts = words.filter((word) => typeof word === 'string');
    return { name, words: texts, config: configOf(texts) ?? textOf(dig(entry, 'env', 'MQTT_MCP_CONFIG')) };
  });
}

function configOf(words: string[]): string | undefined {
  const at = words.indexOf('--config');
  return at >= 0 ? words[at + 1] : words.find((word) => word.startsWith('--config='))?.slice('--config='.length);
}

function isOurs(word: string, { program }: Machine): boolean {
  return word.includes(ownName) || word === program;
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
