// Owns the list of rules and the order of what they find. Pure: a timeline in, findings out, for any tool that has one.
import { fieldGoneSinceStored, impossibleAir, quantityAsText, unitChangedSinceStored } from './before.ts';
import { brokenJson, brokenSensor } from './broken.ts';
import { missedBeats, silent } from './cadence.ts';
import { commandNotObeyed, retainedCommand } from './commands.ts';
import { fieldNotAsDescribed, unitNotAsDescribed } from './described.ts';
import { deviceDisabled, retainedGhost } from './descriptions.ts';
import { fieldDisappeared, fieldTypeChanged } from './drift.ts';
import { errorReported, troubleIn } from './errors.ts';
import { fieldSeries, fieldsIn } from './fields.ts';
import { lowBattery, weakSignal } from './health.ts';
import { clockSkew, payloadTime, stale } from './payload-time.ts';
import { availabilityContradicted, bridgeOffline, deviceAlert, deviceOffline, flapping } from './presence.ts';
import { bdseqMismatch, fieldSequenceGap, sequenceGap } from './sequences.ts';
import { livelyIn, stuckValue } from './stuck.ts';
import { FINDING_CODES, type Finding, type FindingCode, type Rule, type Series, type View } from './types.ts';
import { unitChanged } from './units.ts';
import { counterRestarted, restarted } from './values.ts';
import { secondWriter } from './writers.ts';

/** Look at everything of a device at once. */
const whole: readonly Rule[] = [
  ...[bridgeOffline, deviceDisabled, flapping, deviceOffline, availabilityContradicted, silent, stale],
  ...[errorReported, commandNotObeyed, sequenceGap, bdseqMismatch, retainedGhost],
];
/** Look at one topic at a time. */
const bySeries: readonly Rule[] = [
  ...[deviceAlert, missedBeats, clockSkew, retainedCommand, secondWriter, restarted, unitChanged, fieldTypeChanged],
  ...[fieldDisappeared, stuckValue, counterRestarted, unitNotAsDescribed, impossibleAir, unitChangedSinceStored],
  ...[fieldNotAsDescribed, quantityAsText, fieldGoneSinceStored, fieldSequenceGap, lowBattery, weakSignal],
  ...[brokenSensor, brokenJson],
];
/** How many of one code are told; others are told for each topic. */
const MOST = new Map<FindingCode, number>([
  ...(['restarted', 'clock_skew', 'low_battery', 'weak_signal'] as const).map((code) => [code, 1] as const),
  ['second_writer', 3],
]);

/** What is wrong, in order of weight. Of several about one field, the weightiest. */
export function findingsOf(view: View): Finding[] {
  const steps = findingSteps(view);
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}

/** What a message costs to look into, in values of a series: its payload may be 64 KiB. */
const MESSAGE_COST = 500;
/** What a field costs beside its values: its name is held against a dozen patterns. */
const FIELD_COST = 40;

/**
 * The same in steps, none longer than one message, or one rule on one topic; each yields what it cost, in values looked
 * at. Whole devices are only asked what was worked out for each topic before.
 */
export function* findingSteps(view: View): Generator<number, Finding[]> {
  for (const { entries } of view.series) {
    for (const entry of entries) {
      fieldsIn(entry);
      troubleIn(entry);
      payloadTime(entry.payload);
      yield MESSAGE_COST;
    }
  }
  for (const series of view.series) {
    livelyIn(series);
    yield costOf(series);
  }
  const found: Finding[] = [];
  for (const series of view.series) {
    const part = { ...view, series: [series], all: view.series };
    for (const rule of bySeries) {
      found.push(...rule(part));
      yield costOf(series);
    }
  }
  for (const rule of whole) {
    found.push(...rule(view));
    yield view.series.length * FIELD_COST;
  }
  return ordered(found);
}

function costOf(series: Series): number {
  return fieldSeries(series, true).reduce((sum, { values }) => sum + FIELD_COST + values.length, series.entries.length);
}

function ordered(found: Finding[]): Finding[] {
  const all = found.toSorted((a, b) => weight(a) - weight(b) || (b.rank ?? 0) - (a.rank ?? 0));
  const told = new Set<string>();
  const counts = new Map<FindingCode, number>();
  return all.filter(({ about, code }) => {
    const count = (counts.get(code) ?? 0) + 1;
    counts.set(code, count);
    if (count > (MOST.get(code) ?? Number.POSITIVE_INFINITY)) return false;
    if (about === undefined) return true;
    const [topic = ''] = about.split('\n');
    if (told.has(about) || told.has(topic)) return false;
    told.add(about);
    return true;
  });
}

/** Information comes last; else a cause before its consequences. */
function weight({ code, severity }: Finding): number {
  return FINDING_CODES.indexOf(code) + (severity === 'info' ? FINDING_CODES.length : 0);
}
