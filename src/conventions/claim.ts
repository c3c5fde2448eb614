// Owns the making of claims out of untrusted descriptions: reading own keys only, each list bounded.
import type { Claim, ConventionName } from './types.ts';

/** Entries of each list of a claim. Stops a description that names topics without end. */
const MAX_ENTRIES = 200;
const MAX_TOPIC_CHARS = 1024;

export function claim(
  convention: ConventionName,
  source: string,
  grade: Claim['grade'],
  parts: Partial<Omit<Claim, 'convention' | 'source' | 'grade'>>,
): Claim {
  const { topics = new Map(), names = [], prefixes = [], others = [], commands = [], expected = [] } = parts;
  return {
    convention,
    source,
    grade,
    names: [...new Set(names.filter((name) => name !== ''))].slice(0, MAX_ENTRIES),
    topics: new Map([...topics].filter(([topic]) => isTopic(topic)).slice(0, MAX_ENTRIES)),
    prefixes: [...new Set(prefixes)].filter((prefix) => isTopic(prefix) && prefix.length > 1).slice(0, MAX_ENTRIES),
    others: others.slice(0, MAX_ENTRIES),
    related: (parts.related ?? []).slice(0, MAX_ENTRIES),
    commands: commands.filter(({ command }) => isTopic(command)).slice(0, MAX_ENTRIES),
    expected: expected.filter(({ seconds }) => seconds > 0 && Number.isFinite(seconds)).slice(0, MAX_ENTRIES),
    readings: (parts.readings ?? []).filter(({ topic }) => isTopic(topic)).slice(0, MAX_ENTRIES),
    availability: (parts.availability ?? []).slice(0, MAX_ENTRIES),
    remarks: (parts.remarks ?? []).slice(0, MAX_ENTRIES),
  };
}

/** A topic that could be subscribed to as it stands. */
export function isTopic(text: string): boolean {
  return text !== '' && text.length <= MAX_TOPIC_CHARS && !/[+#\0]/.test(text) && !/\p{Cs}/u.test(text);
}

/** An own property; undefined for anything that is no object. */
export function own(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return Object.getOwnPropertyDescriptor(value, key)?.value;
}

/** An own property that is a text of a sane length. */
export function text(value: unknown, key: string): string | undefined {
  const found = own(value, key);
  return typeof found === 'string' && found.length <= MAX_TOPIC_CHARS ? found : undefined;
}

/** A text, or the texts of a list. */
export function texts(value: unknown): string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value.slice(0, MAX_ENTRIES) : [value];
  return list.filter((one) => typeof one === 'string').filter((one) => one.length <= MAX_TOPIC_CHARS);
}
