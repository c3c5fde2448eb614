// Owns the list of rules and the order of what they find. Pure: a timeline in, findings out, for any tool that has one.
import { fieldGoneSinceStored, impossibleAir, quantityAsText, unitChangedSinceStored } from './before.ts';
import { missedBeats, silent } from './cadence.ts';
import { commandNotObeyed, retainedCommand } from './commands.ts';
import { fieldNotAsDescribed, unitNotAsDescribed } from './described.ts';
import { deviceDisabled, retainedGhost } from './descriptions.ts';
import { fieldDisappeared, fieldTypeChanged } from './drift.ts';
import { errorReported } from './errors.ts';
import { lowBattery, weakSignal } from './health.ts';
import { clockSkew, stale } from './payload-time.ts';
import { availabilityContradicted, bridgeOffline, deviceAlert, deviceOffline, flapping } from './presence.ts';
import { bdseqMismatch, sequenceGap } from './sequences.ts';
import { stuckValue } from './stuck.ts';
import { FINDING_CODES, type Finding, type Rule, type View } from './types.ts';
import { unitChanged } from './units.ts';
import { counterRestarted, restarted } from './values.ts';
import { secondWriter } from './writers.ts';

const rules: readonly Rule[] = [
  ...[bridgeOffline, deviceDisabled, flapping, deviceOffline, availabilityContradicted, deviceAlert],
  ...[silent, missedBeats, stale, clockSkew, errorReported, commandNotObeyed, retainedCommand, secondWriter],
  ...[restarted, unitChanged, fieldTypeChanged, fieldDisappeared, stuckValue, counterRestarted],
  ...[unitNotAsDescribed, impossibleAir, unitChangedSinceStored, fieldNotAsDescribed, quantityAsText],
  ...[fieldGoneSinceStored, sequenceGap, bdseqMismatch, lowBattery, weakSignal, retainedGhost],
];

/** What is wrong, in order of weight. Of several about one field, the weightiest. */
export function findingsOf(view: View): Finding[] {
  const all = rules.flatMap((rule) => rule(view)).toSorted((a, b) => weight(a) - weight(b));
  const told = new Set<string>();
  return all.filter(({ about }) => {
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
