// Owns the detection of a change of level in one series of values: a step of a number beyond the series' own noise,
// another word, another truth. Incremental, a few numbers a series. Must not know topics or messages.

import { isRecord, type PayloadType } from './types.ts';
import { areLetters } from './words.ts';

export type Level = number | string | boolean;

/** One scalar of a payload, by its place in it: `['battery.voltage', 3.1]`. */
export type LevelField = readonly [path: string, value: Level];

/** What is remembered of a series. */
export type LevelState = {
  count: number;
  /** Moving average since the last step. */
  mean: number;
  /** Moving average of the absolute difference between neighbours: the noise. */
  noise: number;
  /** The smallest difference seen, so that the last digit of a quiet sensor is no step. */
  quantum: number;
  previous: Level | undefined;
  /** The words seen, as long as they are few. */
  words: string[];
};

const SMOOTHING = 0.2;
/** A step is this many times the noise: 5 to 6 standard deviations where the noise is white. */
const STEP = 6;
/** Where no noise is known yet: this share of the level itself. */
const RELATIVE_STEP = 0.01;
/** Values before steps are told from noise. */
const WARM_UP = 3;
/** More different words than this are no states: names, times, ids. */
const MAX_WORDS = 8;
const MAX_FIELDS = 16;
const MAX_FIELD_DEPTH = 3;

export function trackLevel(): LevelState {
  return { count: 0, mean: 0, noise: 0, quantum: Number.POSITIVE_INFINITY, previous: undefined, words: [] };
}

/** Takes the next value of the series; true: its level changed. Amends `state`. */
export function levelChanged(state: LevelState, value: Level): boolean {
  const previous = state.previous;
  state.previous = value;
  state.count++;
  if (typeof value !== 'number') return wordChanged(state, previous, value);
  if (!Number.isFinite(value)) return false;
  if (typeof previous !== 'number') {
    state.mean = value;
    return previous !== undefined;
  }
  return numberChanged(state, previous, value);
}

function numberChanged(state: LevelState, previous: number, value: number): boolean {
  const difference = Math.abs(value - previous);
  if (difference > 0 && difference < state.quantum) state.quantum = difference;
  const distance = Math.abs(value - state.mean);
  const quiet = Math.min(Math.abs(state.mean) * RELATIVE_STEP, 3 * knownQuantum(state, difference));
  const stepped = state.count > WARM_UP && distance > Math.max(STEP * state.noise, quiet);
  // a step teaches little about the noise, but one after another do
  const weight = Math.max(SMOOTHING, 1 / (state.count - 1));
  state.noise += (difference - state.noise) * (stepped ? weight / 4 : weight);
  state.mean = stepped ? value : state.mean + (value - state.mean) * weight;
  return stepped;
}

/** Unknown until a smaller difference than this one was seen. */
function knownQuantum(state: LevelState, difference: number): number {
  return state.quantum < difference ? state.quantum : Number.POSITIVE_INFINITY;
}

function wordChanged(state: LevelState, previous: Level | undefined, value: string | boolean): boolean {
  const word = String(value);
  if (!isStateWord(word)) return false;
  if (!state.words.includes(word) && state.words.length <= MAX_WORDS) state.words.push(word);
  if (previous === undefined || previous === value || state.words.length > MAX_WORDS) return false;
  // a series whose every value is new names things, it does not change state
  return state.words.length <= 2 || state.count >= 2 * state.words.length;
}

/** "ON", "heating up"; not "2026-01-05T10:00:00Z", not a sentence. */
function isStateWord(text: string): boolean {
  return text.length <= 32 && (areLetters(text) || /^\p{L}[\p{L}\d_ /-]*$/u.test(text));
}

/** The scalars of a payload that can have a level: itself, or up to 16 fields of an object, up to 3 deep. */
export function levelsOf(decoded: unknown, payloadType: PayloadType): readonly LevelField[] {
  if (payloadType === 'empty' || payloadType === 'binary') return [];
  const fields: LevelField[] = [];
  collect(decoded, '', 0, fields);
  return fields;
}

function collect(value: unknown, path: string, depth: number, fields: LevelField[]): void {
  if (typeof value === 'number' || typeof value === 'boolean' || (typeof value === 'string' && value.length <= 32)) {
    fields.push([path, value]);
  }
  if (!isRecord(value) || depth >= MAX_FIELD_DEPTH) return;
  for (const key in value) {
    if (fields.length >= MAX_FIELDS) return;
    if (key.length <= 64) collect(value[key], path === '' ? key : `${path}.${key}`, depth + 1, fields);
  }
}
