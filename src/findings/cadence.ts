// Owns the learned rhythm of a topic: median gap, spread, missed beats; and the rules silent and missed_beats.
import type { Expected } from '../conventions/types.ts';
import { duration, evidence, live, median, quoted, spoken, spreadOf } from './entries.ts';
import { witnesses } from './presence.ts';
import type { Entry, Finding, Rule, Series, View } from './types.ts';

/** Gaps before a rhythm is learned. */
const MIN_GAPS = 4;
/** Spread (MAD) over median gap, at most, for a topic that beats; others speak when they like. */
const REGULAR = 0.3;
/** Share of long gaps, at most: more is no beat with losses but bursts with pauses. */
const LONG_GAPS = 0.25;
/** A beat was there from the beginning (in medians), and for so long, ms, before its end is silence and not a burst's. */
const FROM_BEGINNING = 2.5;
const SHORTEST_BEAT_MS = 3_000;
/** A gap of so many medians holds a missed beat. */
const MISSED = 1.75;
/** Silence after the last message, in medians, and in configured intervals, that is more than chance. */
const SILENT_MEDIANS = 3.5;
const SILENT_INTERVALS = 1.5;
/** Silence that is never worth a word, ms. */
const SHORTEST_SILENCE_MS = 2_000;

export type Cadence = {
  /** Gaps that it rests on. */
  samples: number;
  medianMs: number;
  /** Median absolute deviation, ms. */
  spreadMs: number;
  regular: boolean;
  missed: number;
};

/** undefined: too few messages. Only live ones count. */
export function cadenceOf(series: Series): Cadence | undefined {
  const times = live(series).map(({ at }) => at);
  const gaps = times.slice(1).map((at, index) => at - (times[index] ?? at));
  if (gaps.length < MIN_GAPS) return undefined;
  const medianMs = median(gaps);
  const spreadMs = spreadOf(gaps);
  const beats = gaps.filter((gap) => gap > MISSED * medianMs).map((gap) => Math.round(gap / medianMs) - 1);
  const missing = beats.reduce((sum, count) => sum + count, 0);
  const steady = medianMs > 0 && spreadMs <= REGULAR * medianMs;
  const regular = steady && beats.length <= LONG_GAPS * gaps.length && missing <= gaps.length;
  const missed = regular ? missing : 0;
  return { samples: gaps.length, medianMs, spreadMs, regular, missed };
}

/** What a description says about how often a topic speaks. */
export function expectedOf(topic: string, view: View): Expected | undefined {
  const all = view.claims.flatMap(({ expected }) => expected);
  return all.find((one) => (one.topic.endsWith('/') ? topic.startsWith(one.topic) : topic === one.topic));
}

function brokenPromise(view: View): Finding[] {
  const stores = view.series.some(({ role, entries }) => role.role === 'state' && entries.some(({ retain }) => retain));
  const [there] = witnesses(view).filter(({ of }) => of === 'device');
  const forMs = view.ended - view.began;
  const promises = view.claims.flatMap(({ source, expected }) => expected.map((one) => ({ ...one, source })));
  const promise = promises.find(
    ({ topic, seconds }) => topic.endsWith('/#') && forMs > SILENT_INTERVALS * seconds * 1000,
  );
  if (promise === undefined || there?.presence !== 'online' || stores || spoken(view).some((one) => one.live > 0))
    return [];
  const { source, seconds, by } = promise;
  return [
    {
      code: 'silent',
      severity: 'error',
      message: `The device is silent: ${quoted(by)} promises a message every ${seconds} s, none came for ${duration(forMs)}, though it is said to be ${there.presence}.`,
      evidence: [{ topic: source, value: `${by}: ${seconds}` }, evidence(there.entry)],
      next: 'Its connection may be up while its program hangs: look at its log, or restart it and see whether it comes back.',
    },
  ];
}

type Silent = { series: Series; last: Entry | undefined; forMs: number; why: string };

/**
 * silent: nothing came for 3.5 times the median gap of a state topic that did beat from the beginning of the window and
 * for 3 s (at least 2 s), or for 1.5 times the interval that a description promises for a topic; or nothing at all came
 * for that time from a device that is said to be there, whose description promises it, and that stores no state (one
 * that does may speak on change only). Not while messages may be missing.
 */
export const silent: Rule = (view) => {
  if (view.lossy) return [];
  const beating = spoken(view).filter((one) => isBeating(one, view) || expectedOf(one.topic, view));
  const found = beating.flatMap((one) => silenceOf(one, view) ?? []);
  if (found.length === 0) return brokenPromise(view);
  const all = found.length === beating.length;
  const [worst] = found.toSorted((a, b) => b.forMs - a.forMs);
  if (worst === undefined) return [];
  const what = all
    ? found.length === 1
      ? 'The topic'
      : `All ${found.length} regular topics`
    : `${found.length} of ${beating.length} regular topics`;
  return [
    {
      code: 'silent',
      severity: all ? 'error' : 'warning',
      message: `${what} went silent: ${worst.why}.`,
      evidence: found
        .slice(0, 3)
        .map(({ series, last, why }) => (last ? evidence(last) : { topic: series.topic, value: why })),
      next: all
        ? 'Check power, network and battery of the device; then listen longer to see whether it comes back.'
        : 'The device still speaks on other topics: check the sensor or function behind this topic.',
    },
  ];
};

/** Events and logs come in bursts: they never beat. */
function isBeating(series: Series, view: View): boolean {
  const cadence = series.role.role === 'state' ? cadenceOf(series) : undefined;
  const entries = live(series);
  const [first, last] = [entries[0], entries.at(-1)];
  if (!cadence?.regular || first === undefined || last === undefined) return false;
  const fromBeginning = series.dropped > 0 || first.at - view.began <= FROM_BEGINNING * cadence.medianMs + 500;
  return fromBeginning && last.at - first.at >= SHORTEST_BEAT_MS;
}

function silenceOf(series: Series, view: View): Silent | undefined {
  const last = live(series).at(-1);
  const forMs = view.ended - (last?.at ?? view.began);
  const expected = expectedOf(series.topic, view);
  if (expected !== undefined && forMs > SILENT_INTERVALS * expected.seconds * 1000) {
    return {
      series,
      last,
      forMs,
      why: `${expected.by} promises a message every ${expected.seconds} s, none for ${duration(forMs)}`,
    };
  }
  const cadence = cadenceOf(series);
  if (!cadence || !isBeating(series, view) || forMs < SHORTEST_SILENCE_MS) return undefined;
  if (forMs <= SILENT_MEDIANS * cadence.medianMs + 3 * cadence.spreadMs) return undefined;
  return { series, last, forMs, why: `it spoke every ${duration(cadence.medianMs)}, then not for ${duration(forMs)}` };
}

/** missed_beats: a topic that beats left out at least two beats, and a tenth of all. Not while messages may be missing. */
export const missedBeats: Rule = (view) => {
  if (view.lossy) return [];
  const states = view.series.filter(({ role }) => role.role === 'state');
  return states.flatMap((series): Finding[] => {
    const cadence = cadenceOf(series);
    if (!cadence || cadence.missed < 2 || cadence.missed < 0.1 * (cadence.samples + cadence.missed)) return [];
    const entries = live(series);
    const after = entries.filter(
      (one, i) => i > 0 && one.at - (entries[i - 1]?.at ?? one.at) > MISSED * cadence.medianMs,
    );
    return [
      {
        code: 'missed_beats',
        severity: 'warning',
        message: `${quoted(series.topic)} speaks every ${duration(cadence.medianMs)} but left out ${cadence.missed} beats.`,
        evidence: after.slice(0, 3).map((entry) => evidence(entry)),
        next: 'Check the radio or network link of the device; QoS 0 messages are lost without a trace.',
      },
    ];
  });
};
