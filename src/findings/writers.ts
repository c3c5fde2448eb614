// Owns the rule second_writer: two who publish on one topic, told apart by what runs in order within each of them.
import { evidence, live, quoted } from './entries.ts';
import { called, fieldSeries, type NumberSeries, named, nameOf, numberSeries } from './fields.ts';
import { payloadTime } from './payload-time.ts';
import type { Entry, Evidence, Finding, Rule, Series, View } from './types.ts';

/** Messages of each writer, at least, and how often the turn goes from one to the other. */
const EACH = 3;
const TURNS = 3;
const MIN_VALUES = 8;
/** Distance between the values of two writers, in the spread of either. */
const APART = 5;
/** Share of messages at which the values change sides. */
const MIXED = 0.4;
const RUNNING =
  /^(?:seq|sequence|seq_?(?:no|nr|num)|msg_?(?:id|no|count)|frame_?(?:count|counter|no)|f_?cnt|packet_?id|counter|count|n|uptime|up_time|uptime_?s(?:ec)?)$/i;
/** Of those, what a gateway tells of others: two devices behind it, rather than two writers. */
const HEARD = /^(?:mac|ip|serial|src)$/i;
const SENDER = /^(?:client|client_?id|clientid|sender|publisher|mac|ip|serial|src)$/i;

/**
 * second_writer, of eight live messages or more on one topic:
 * - the senders' times, or a number that runs (seq, uptime), fall three times or more and part into two rising chains;
 * - a field that names the sender goes back and forth between two names three times or more;
 * - a measurement lies in two groups, five times their own spread apart, each with values of its own, and changes
 *   sides with every second message or so. Two values only (a load that switches) are none.
 */
export const secondWriter: Rule = (view) =>
  carriers(view).flatMap((series) => bySender(series) ?? byOrder(series) ?? byValue(series) ?? []);

function carriers(view: View): Series[] {
  return view.series.filter(
    ({ role }) => role.role === 'state' || role.role === 'event' || role.role === 'availability',
  );
}

function finding(topic: string, how: string, shown: Evidence[]): Finding {
  return {
    code: 'second_writer',
    severity: 'warning',
    message: `Two writers seem to publish on ${quoted(topic)}: ${how}.`,
    evidence: shown.slice(0, 4),
    next: 'Look for a second device or a test script with the same topic or a copied configuration, and for a bridge that sends messages round in a circle.',
    about: topic,
  };
}

function bySender(series: Series): Finding | undefined {
  for (const { path, values } of fieldSeries(series)) {
    if (!SENDER.test(nameOf({ topic: '', path }))) continue;
    const names = new Set(values.map(({ value }) => value));
    if (names.size !== 2 || turns(values.map(({ value }) => value)) < TURNS) continue;
    const shown = values.slice(-3).map(({ value, entry }) => evidence(entry, value));
    const found = finding(series.topic, `${named(path)} goes back and forth between two names`, shown);
    return HEARD.test(nameOf({ topic: '', path })) ? { ...found, severity: 'info' } : found;
  }
  return undefined;
}

type Running = { value: number; entry: Entry };

function byOrder(series: Series): Finding | undefined {
  const times = live(series).flatMap((entry): Running[] => {
    const time = payloadTime(entry.payload);
    return time === undefined ? [] : [{ value: time.ms, entry }];
  });
  if (twoChains(times, 1_000)) return finding(series.topic, 'the times in its payloads go back and forth', tail(times));
  for (const one of numberSeries(series)) {
    if (RUNNING.test(nameOf({ topic: '', path: one.path })) && twoChains(one.values, 0)) {
      return finding(
        series.topic,
        `${named(called(one))} goes back and forth between two running numbers`,
        tail(one.values),
      );
    }
  }
  return undefined;
}

function tail(values: readonly Running[]): Evidence[] {
  return values
    .slice(-4)
    .map(({ value, entry }) => evidence(entry, value > 1e11 ? new Date(value).toISOString() : value));
}

/** Falls three times or more (by more than `slack`), and every value continues one of two chains that never fall. */
export function twoChains(values: readonly Running[], slack: number): boolean {
  if (values.length < MIN_VALUES) return false;
  const falls = values.filter(({ value }, i) => i > 0 && value < (values[i - 1]?.value ?? value) - slack).length;
  if (falls < TURNS) return false;
  const chains: { last: number; length: number }[] = [];
  for (const { value } of values) {
    const [nearest] = chains.filter(({ last }) => last <= value).toSorted((a, b) => b.last - a.last);
    if (nearest !== undefined) {
      nearest.last = value;
      nearest.length += 1;
    } else if (chains.push({ last: value, length: 1 }) > 2) return false;
  }
  return chains.length === 2 && chains.every(({ length }) => length >= EACH);
}

function byValue(series: Series): Finding | undefined {
  for (const one of numberSeries(series)) {
    const sides = inTwoGroups(one);
    if (sides === undefined) continue;
    const { low, high } = sides;
    const how = `the values of ${named(called(one))} jump between ${Math.min(...low)} to ${Math.max(...low)} and ${Math.min(...high)} to ${Math.max(...high)}`;
    return finding(
      series.topic,
      how,
      one.values.slice(-4).map(({ value, entry }) => evidence(entry, value)),
    );
  }
  return undefined;
}

function inTwoGroups({ values, path }: NumberSeries): { low: number[]; high: number[] } | undefined {
  if (values.length < MIN_VALUES + 2 || RUNNING.test(path)) return undefined;
  const sorted = values.map(({ value }) => value).toSorted((a, b) => a - b);
  const gaps = sorted.slice(1).map((value, i) => value - (sorted[i] ?? value));
  const widest = Math.max(...gaps);
  const cut = gaps.indexOf(widest) + 1;
  const [low, high] = [sorted.slice(0, cut), sorted.slice(cut)];
  const spread = Math.max(spanOf(low), spanOf(high));
  if (low.length < EACH || high.length < EACH || widest <= APART * spread) return undefined;
  if (new Set(low).size < 2 || new Set(high).size < 2) return undefined;
  const first = high[0] ?? 0;
  const sides = values.map(({ value }) => value >= first);
  return turns(sides) >= MIXED * (sides.length - 1) ? { low, high } : undefined;
}

function spanOf(sorted: readonly number[]): number {
  return (sorted.at(-1) ?? 0) - (sorted[0] ?? 0);
}

function turns(values: readonly unknown[]): number {
  return values.filter((value, i) => i > 0 && value !== values[i - 1]).length;
}
