// Owns how values are written: text with nothing invisible in it, numbers, sizes, times. Must not know elements.
import { jsonText } from './json.ts';

/** Controls, format characters (zero-width, bidirectional, tags), separators, halves of a pair, fillers. */
const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\u115f\u1160\u3164\uffa0\u2800]/gu;
/** Of one text that is shown in a line, characters: a payload may be a megabyte. */
const MAX_LINE = 400;

/** In one line: what a reader cannot see, or what reorders what he sees, stands as an escape. */
export function visible(text: string, limit = MAX_LINE): string {
  return escaped(cut(text, limit));
}

/** Over many lines. */
export function visibleLines(text: string, limit: number): string {
  return cut(text, limit).split('\n').map(escaped).join('\n');
}

function escaped(text: string): string {
  return text.replace(unseen, (one) => `\\u{${(one.codePointAt(0) ?? 0).toString(16)}}`);
}

function cut(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit)}… (${number(text.length)} characters)`;
}

/** A value in one line; of a large one only the beginning is ever made text. */
export function inLine(value: unknown, limit = MAX_LINE): string {
  return typeof value === 'string' ? visible(value, limit) : escaped(jsonText(value, limit));
}

/** A value over many lines. */
export function indented(value: unknown, limit: number): string {
  return typeof value === 'string' ? visibleLines(value, limit) : visibleLines(jsonText(value, limit, '  '), limit + 1);
}

/** Three decimals at most, thousands apart. By hand: the first Intl of a page costs it 20 ms. */
export function number(value: number | undefined): string {
  if (value === undefined) return '–';
  if (!(Math.abs(value) < 1e15)) return String(value);
  const [whole = '', decimals] = String(Math.round(value * 1_000) / 1_000).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return decimals === undefined ? grouped : `${grouped}.${decimals}`;
}

export function count(value: number, one: string, many = `${one}s`): string {
  return `${number(value)} ${value === 1 ? one : many}`;
}

export function bytes(value: number | undefined): string {
  if (value === undefined) return '–';
  if (value < 1_000) return `${number(Math.round(value))} B`;
  const [size, unit] = value < 1_000_000 ? [value / 1_000, 'kB'] : [value / 1_000_000, 'MB'];
  return `${size.toFixed(size < 10 ? 1 : 0)} ${unit}`;
}

export function milliseconds(value: number | undefined): string {
  return value === undefined ? '–' : `${number(value)} ms`;
}

/** How long ago, in the largest unit that fits. */
export function age(iso: string, now: number): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(iso)) / 1_000));
  if (Number.isNaN(seconds)) return '–';
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3_600)} h` : `${Math.floor(seconds / 86_400)} d`;
}

let zone: Intl.DateTimeFormat | undefined;

/** Times are told in the host's zone; without one, or with one that the browser does not know, in the browser's. */
export function useTimeZone(timeZone: string): void {
  const parts = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23', timeZone } as const;
  try {
    zone = new Intl.DateTimeFormat('en', { ...parts, fractionalSecondDigits: 3 });
  } catch {
    zone = undefined;
  }
}

/** Time of day with milliseconds, from ISO 8601 or milliseconds. */
export function clock(time: string | number): string {
  const at = new Date(time);
  if (Number.isNaN(at.getTime())) return '–';
  if (zone) return zone.format(at);
  const [hours, minutes, seconds] = [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => digits(part, 2));
  return `${hours}:${minutes}:${seconds}.${digits(at.getMilliseconds(), 3)}`;
}

function digits(value: number, length: number): string {
  return String(value).padStart(length, '0');
}

export function words(name: string): string {
  return name.replaceAll('_', ' ');
}
