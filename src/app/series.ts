// Owns numbers over time: which fields of which topics are numbers, and their points. Must not know elements.
import { isList, isRecord } from '../payload/types.ts';

/** As much of a message as a series needs. */
export type Sampled = { topic: string; payload: unknown; retain: boolean; timestamp: string };

export type Series = {
  key: string;
  topic: string;
  /** JSONPath without its `$`; empty where the payload itself is the number. */
  path: string;
  /** Seconds since the epoch, and the value then. */
  times: number[];
  values: number[];
  minimum: number;
  maximum: number;
  /** Changes of value, and changes of direction: a counter has none of these. */
  moves: number;
  turns: number;
};

/** Fields looked at in one payload, and how deep; series in all: a payload may be nothing but numbers. */
const MAX_FIELDS = 60;
const MAX_DEPTH = 6;
const MAX_SERIES = 300;

export class SeriesSet {
  readonly #series = new Map<string, Series>();

  add({ topic, payload, retain, timestamp }: Sampled): void {
    // When a stored message was sent nobody knows.
    if (retain) return;
    const at = Date.parse(timestamp) / 1_000;
    if (Number.isNaN(at)) return;
    let fields = 0;
    const visit = (value: unknown, path: string, depth: number): void => {
      if (fields >= MAX_FIELDS || depth > MAX_DEPTH) return;
      fields += 1;
      if (typeof value === 'number') this.#point(topic, path, at, value);
      else if (isList(value)) for (const [i, item] of value.entries()) visit(item, `${path}[${i}]`, depth + 1);
      else if (isRecord(value)) {
        for (const [name, item] of Object.entries(value)) visit(item, `${path}.${name}`, depth + 1);
      }
    };
    visit(payload, '', 0);
  }

  #point(topic: string, path: string, at: number, value: number): void {
    if (isClock(value, at)) return;
    const key = `${topic}\n${path}`;
    const known = this.#series.get(key);
    if (!known && this.#series.size >= MAX_SERIES) return;
    const series = known ?? {
      key,
      topic,
      path,
      times: [],
      values: [],
      minimum: value,
      maximum: value,
      moves: 0,
      turns: 0,
    };
    const [last, before] = [series.values.at(-1), series.values.at(-2)];
    if (last !== undefined && last !== value) series.moves += 1;
    if (last !== undefined && before !== undefined && (last - before) * (value - last) < 0) series.turns += 1;
    // Two at the same time: the later one holds.
    if (series.times.at(-1) === at) series.values[series.values.length - 1] = value;
    else {
      series.times.push(at);
      series.values.push(value);
    }
    series.minimum = Math.min(series.minimum, value);
    series.maximum = Math.max(series.maximum, value);
    this.#series.set(key, series);
  }

  /** Those with a course: the liveliest of each topic first. */
  sorted(): Series[] {
    const lively = (a: Series, b: Series) => b.turns - a.turns || b.moves - a.moves;
    const all = [...this.#series.values()].filter(({ times }) => times.length > 1).sort(lively);
    const topics = new Set<string>();
    const isFirst = ({ topic }: Series) => topics.size < topics.add(topic).size;
    const first = new Set(all.filter(isFirst));
    return [...first, ...all.filter((series) => !first.has(series))];
  }
}

/** A time of day in a payload is no measurement: within a day of now, in seconds or milliseconds. */
function isClock(value: number, at: number): boolean {
  return Math.abs(value - at) < 86_400 || Math.abs(value / 1_000 - at) < 86_400;
}

/** Where `at` is, or would be, among rising times: the nearest one. */
export function nearest(times: readonly number[], at: number): number {
  let [low, high] = [0, times.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? 0) <= at) low = middle;
    else high = middle;
  }
  const [before, after] = [times[low] ?? 0, times[high] ?? 0];
  return Math.abs(at - before) <= Math.abs(after - at) ? low : high;
}
