// Owns the words in which devices say that they are there or gone. Must not know topics.
import { own } from './claim.ts';
import type { Presence } from './types.ts';

/** On a topic that may also be about other things, a charger's "disconnected" or a blind's "up". */
const WORDS = new Map<string, Presence>([
  ['online', 'online'],
  ['offline', 'offline'],
]);
const FLAGS = new Map<string, Presence>([
  ...['true', '1', '2', 'yes', 'on', 'connected', 'alive', 'available', 'up'].map((word) => [word, 'online'] as const),
  ...['false', '0', 'no', 'off', 'disconnected', 'dead', 'lost', 'unavailable', 'not_available', 'down'].map(
    (word) => [word, 'offline'] as const,
  ),
]);
const KEYS = ['state', 'status', 'availability', 'online', 'connected', 'value'];

/** online or offline; in an object, under the usual keys. */
export function wordPresence(payload: unknown): Presence | undefined {
  return read(payload, (word) => WORDS.get(word));
}

/** The same on a topic that is about nothing else: there 1, true, connected and their like mean it too. */
export function flagPresence(payload: unknown): Presence | undefined {
  return read(payload, (word) => WORDS.get(word) ?? FLAGS.get(word));
}

/** In exactly these words, as a description defines them. */
export function definedPresence(online: string, offline: string, path: readonly string[] = []) {
  return (payload: unknown): Presence | undefined => {
    const found = path.reduce<unknown>((value, key) => own(value, key), payload);
    const said = asWord(found);
    if (said === online.toLowerCase()) return 'online';
    if (said === offline.toLowerCase()) return 'offline';
    return path.length === 0 ? wordPresence(payload) : undefined;
  };
}

function read(payload: unknown, meaning: (word: string) => Presence | undefined): Presence | undefined {
  const word = asWord(payload);
  if (word !== undefined) return meaning(word);
  for (const key of KEYS) {
    const inner = asWord(own(payload, key));
    const presence = inner === undefined ? undefined : meaning(inner);
    if (presence !== undefined) return presence;
  }
  return undefined;
}

function asWord(value: unknown): string | undefined {
  if (typeof value === 'string') return value.length > 40 ? undefined : value.trim().toLowerCase();
  return typeof value === 'boolean' || typeof value === 'number' ? String(value) : undefined;
}
