// Owns the errors that the device's own messages report, told by meaning (payload/errors-in.ts), each wording once; and
// the rule error_reported.
import { severityOf, topicHint } from '../payload/errors-in.ts';
import type { Severity } from '../payload/types.ts';
import { evidence, quoted } from './entries.ts';
import { once } from './memo.ts';
import type { Entry, Finding, Rule, View } from './types.ts';

/** Wordings told apart. Stops a log that never says the same thing twice. */
const MAX_WORDINGS = 50;

export type ReportedError = { severity: Severity; entry: Entry; count: number };

/** The worst first, then the latest; `entry` is the last one of its wording. Not presence: that is told elsewhere. */
export const reportedErrors = once((view: View): ReportedError[] => {
  const found = new Map<string, ReportedError>();
  for (const { topic, role, entries } of view.series) {
    if (role.role !== 'state' && role.role !== 'event' && role.role !== 'log') continue;
    for (const entry of entries) {
      if (role.presence?.(entry.payload) !== undefined) continue;
      const { severity, wording } = troubleIn(entry);
      if (severity === undefined) continue;
      const key = `${topic}\n${severity}\n${wording}`;
      const known = found.get(key);
      if (known === undefined && found.size >= MAX_WORDINGS) continue;
      found.set(key, { severity, entry, count: (known?.count ?? 0) + 1 });
    }
  }
  return [...found.values()].toSorted((a, b) =>
    a.severity === b.severity ? b.entry.seq - a.entry.seq : a.severity === 'error' ? -1 : 1,
  );
});

/** What a message reports, and how it words that but for its numbers. */
export const troubleIn = once(({ topic, payload, type }: Entry): { severity?: Severity; wording: string } => {
  const severity = severityOf({ topic, payload, payload_type: type }, topicHint(topic));
  return severity === undefined ? { wording: '' } : { severity, wording: quoted(payload).replace(/\d+/g, '0') };
});

/** error_reported: one finding for all of them; a stored one is a warning at most, for it may be over. */
export const errorReported: Rule = (view): Finding[] => {
  const all = reportedErrors(view);
  const live = all.filter(({ entry }) => !entry.retain);
  const [worst] = live.length > 0 ? live : all;
  if (worst === undefined) return [];
  const count = all.reduce((sum, one) => sum + one.count, 0);
  const stored = worst.entry.retain ? ' (a stored message, it may be over)' : '';
  const times = count === 1 ? `1 ${worst.severity}` : `${count} errors or warnings`;
  return [
    {
      code: 'error_reported',
      severity: worst.entry.retain ? 'warning' : worst.severity,
      message: `The device reports ${times}${stored}, the ${live.length > 0 ? 'worst' : 'latest'} on ${quoted(worst.entry.topic)}.`,
      evidence: all.slice(0, 3).map(({ entry }) => evidence(entry)),
      next: 'Read error_messages; what the device names itself is the shortest way to the cause.',
    },
  ];
};
