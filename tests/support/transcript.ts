// Owns transcripts: files of lines sent (`>`) and expected (`<`), run against a wire. A file opens with `#` lines that
// say what it pins; `> …` is sent literally, once the expected lines above it have come. Expected lines in a row may
// come in any order. The input ends at `. eof`, or with the file; then nothing more may come.
// In an expected line "…" stands for any value, "a…b" for any text between, and a member named "…" for any others.
// `$broker` is the URL of the tests' broker.
import { readFileSync } from 'node:fs';
import { isObject } from '../../src/rpc/message.ts';
import type { Wire } from './streams.ts';

export type Step =
  | { at: number; send: string }
  | { at: number; eof: true }
  | { at: number; expect: unknown; text: string };
export type Transcript = { title: string; steps: Step[] };

export function readTranscript(file: string, substitutions: Record<string, string> = {}): Transcript {
  const titles: string[] = [];
  const steps: Step[] = [];
  for (const [index, raw] of readFileSync(file, 'utf8').split('\n').entries()) {
    const line = Object.entries(substitutions).reduce((text, [name, value]) => text.replaceAll(name, value), raw);
    const body = line.slice(2);
    if (line.startsWith('# ')) titles.push(body);
    else if (line.startsWith('> ')) steps.push({ at: index + 1, send: body });
    else if (line.startsWith('< ')) steps.push({ at: index + 1, expect: JSON.parse(body), text: body });
    else if (line === '. eof') steps.push({ at: index + 1, eof: true });
    else if (line !== '') throw new Error(`${file}:${index + 1}: expected #, >, < or . eof`);
  }
  return { title: titles.join(' '), steps };
}

/** Plays it and throws at the first difference. */
export async function play({ steps }: Transcript, wire: Wire): Promise<void> {
  for (let i = 0; i < steps.length; ) {
    const step = steps[i];
    if (step && 'send' in step) wire.send(step.send);
    if (step && 'eof' in step) wire.end();
    if (step && !('expect' in step)) {
      i += 1;
      continue;
    }
    const open = [];
    for (let next = steps[i]; next && 'expect' in next; next = steps[++i]) open.push(next);
    while (open.length > 0) {
      const got = await wire.next();
      const found = open.findIndex(({ expect }) => fits(got, expect));
      if (found === -1) throw new Error(difference(open, got));
      open.splice(found, 1);
    }
  }
  const rest = await wire.finish();
  if (rest.length > 0) throw new Error(`nothing more was expected, but came\n${rest.map(show).join('\n')}`);
}

function difference(open: { at: number; text: string }[], got: unknown): string {
  const wanted = open.map(({ at, text }) => `line ${at}: ${text}`).join('\n');
  return `expected\n${wanted}\nbut came\n${show(got)}`;
}

const show = (value: unknown) => JSON.stringify(value);

/** Whether a value is what a pattern says. */
export function fits(value: unknown, pattern: unknown): boolean {
  if (typeof pattern === 'string' && pattern.includes('…')) return fitsText(value, pattern);
  if (Array.isArray(pattern)) {
    if (!Array.isArray(value) || value.length !== pattern.length) return false;
    return pattern.every((one, i) => fits(value[i], one));
  }
  if (!isObject(pattern)) return Object.is(value, pattern);
  if (!isObject(value)) return false;
  const names = Object.keys(pattern).filter((name) => name !== '…');
  if (!Object.hasOwn(pattern, '…') && names.length !== Object.keys(value).length) return false;
  return names.every((name) => Object.hasOwn(value, name) && fits(value[name], pattern[name]));
}

function fitsText(value: unknown, pattern: string): boolean {
  if (pattern === '…') return true;
  if (typeof value !== 'string') return false;
  const parts = pattern.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^]*')}$`).test(value);
}
