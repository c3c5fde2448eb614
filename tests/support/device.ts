// Owns playing messages to debug_device's parts without a broker: captures of conventions, and timelines made up in a test.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createIdentity } from '../../src/conventions/identity.ts';
import { roleOf } from '../../src/conventions/index.ts';
import type { Claim } from '../../src/conventions/types.ts';
import { findingsOf } from '../../src/findings/index.ts';
import type { Entry, Finding, Series, View } from '../../src/findings/types.ts';
import { matches } from '../../src/mqtt/topic.ts';
import type { Message } from '../../src/mqtt/types.ts';
import { decodePayload } from '../../src/payload/decode.ts';
import { DeviceWatch } from '../../src/tools/device-watch.ts';
import { room } from './room.ts';

/** Where t = 0 of every capture is. */
export const T0 = Date.UTC(2026, 0, 2, 3);
export const WINDOW_MS = 30_000;

/** `t`: seconds since the window began; a retained one came at its beginning. A payload is text as it is, else JSON. */
export type Said = { t?: number; topic: string; payload: unknown; retain?: boolean };
export type Capture = {
  name: string;
  about: string;
  devices: {
    ids: string[];
    topics: string[];
    status: string;
    availability: [string | null, string];
    codes: string[];
  }[];
  messages: Said[];
};

const dir = join(import.meta.dirname, '../data/conventions');

export const captures: Capture[] = readdirSync(dir).map((file) => ({
  ...JSON.parse(readFileSync(join(dir, file), 'utf8')),
  name: file.replace('.json', ''),
}));

export function messageOf({ t = 0, topic, payload, retain = false }: Said): Message {
  const given = typeof payload === 'string' || payload instanceof Uint8Array ? payload : JSON.stringify(payload);
  const bytes = Buffer.from(given);
  return { topic, payload: bytes, size: bytes.length, qos: 0, retain, dup: false, at: T0 + t * 1000 };
}

/** What debug_device has at the end of its window. */
export function watched(said: readonly Said[], id: string) {
  const watch = new DeviceWatch(createIdentity(id), room());
  const messages = said.map(messageOf);
  const stored = messages.filter(({ retain }) => retain);
  for (const one of stored) watch.take(one);
  for (const filter of watch.further(40)) {
    for (const one of stored.filter(({ topic }) => matches(filter, topic))) watch.take(one);
  }
  for (const one of messages.filter(({ retain }) => !retain)) watch.take(one);
  const { series, similar } = watch.timeline();
  const view: View = { began: T0, ended: T0 + WINDOW_MS, series, claims: watch.claims(), lossy: false };
  return { watch, view, similar, findings: findingsOf(view) };
}

/** A timeline of what one device said, its topics' roles by their names. */
export function viewOf(said: readonly Said[], more: Partial<View> & { claims?: Claim[] } = {}): View {
  const series = new Map<string, Series>();
  for (const [seq, one] of said.entries()) {
    const { topic, payload, size, retain, at } = messageOf(one);
    const decoded = decodePayload(payload, size, topic);
    const entry: Entry = { topic, at, seq, retain, payload: decoded.payload, type: decoded.payload_type };
    const known = series.get(topic) ?? {
      topic,
      role: roleOf(topic, more.claims ?? []),
      entries: [],
      live: 0,
      dropped: 0,
    };
    known.entries.push(entry);
    if (!retain) known.live += 1;
    series.set(topic, known);
  }
  return { began: T0, ended: T0 + WINDOW_MS, claims: [], lossy: false, ...more, series: [...series.values()] };
}

export function codesOf(findings: readonly Finding[]): string[] {
  return findings.map(({ code }) => code);
}

/** `payload(n)` on one topic, every `every` seconds from `from` on. */
export function every(
  seconds: number,
  count: number,
  topic: string,
  payload: (n: number) => unknown,
  from = 1,
): Said[] {
  return Array.from({ length: count }, (_, n) => ({ t: from + n * seconds, topic, payload: payload(n) }));
}

/** Several series as one, in order of time; what is stored first. */
export function together(...parts: Said[][]): Said[] {
  const at = ({ t = 0, retain }: Said) => (retain ? -1 : t);
  return parts.flat().toSorted((a, b) => at(a) - at(b));
}
