// Owns the rules on commands: command_not_obeyed, retained_command. Whether a state shows what was wanted is told in
// wanted.ts.
import { answersTo } from '../conventions/index.ts';
import { duration, evidence, live, quoted } from './entries.ts';
import type { Entry, Finding, Rule, Series, View } from './types.ts';
import { satisfies, wantedOf } from './wanted.ts';

/** What a device gets to answer a command, ms. */
export const ANSWER_MS = 5_000;
/** The latest commands of a topic that are judged: each is held against all that its device says. */
const MAX_COMMANDS = 40;

/**
 * command_not_obeyed: a live command, the last on its topic for 5 s, 5 s before the end or more; and where the device
 * that obeys would speak, nothing came within 5 s, or what came until the end never shows what was wanted. Not where the
 * state shown before was the wanted one already, nor where it is not known which topic would answer.
 */
export const commandNotObeyed: Rule = (view) =>
  commandSeries(view).flatMap((series): Finding[] => {
    const topics = new Set(answersTo(series.topic, view.claims));
    const answers = view.series.filter(({ topic }) => topics.has(topic)).flatMap(({ entries }) => entries);
    if (answers.length === 0 && series.role.convention !== 'tasmota') return [];
    const failed = live(series)
      .slice(-MAX_COMMANDS)
      .filter((command, i, all) => {
        const next = all[i + 1]?.at ?? view.ended;
        return command.type !== 'empty' && next - command.at >= ANSWER_MS && !obeyed(command, next, answers, series);
      });
    const [command] = failed;
    if (command === undefined) return [];
    const last = answers.toSorted((a, b) => a.seq - b.seq).at(-1);
    const answered = answers.some(({ seq, retain }) => !retain && seq > command.seq);
    const what = answered
      ? 'the state that came after it is not the one wanted'
      : `nothing came in answer within ${duration(ANSWER_MS)}`;
    return [
      {
        code: 'command_not_obeyed',
        severity: 'error',
        message: `A command on ${quoted(series.topic)} reached the broker but was not obeyed: ${what}.`,
        evidence: [evidence(command), ...(last === undefined ? [] : [evidence(last)])],
        next: 'Check that the device subscribes to this topic (its spelling, its access rules) and understands this payload.',
      },
    ];
  });

function obeyed(command: Entry, until: number, answers: readonly Entry[], { topic }: Series): boolean {
  const wanted = wantedOf(command.payload);
  const before = answers.filter(({ seq, retain }) => seq < command.seq || retain);
  const after = answers.filter(({ seq, retain, at }) => seq > command.seq && !retain && at <= until + ANSWER_MS);
  const field = topic.slice(topic.lastIndexOf('/') + 1);
  const shows = after.map((entry) => satisfies(entry.payload, wanted, field));
  if (shows.includes(true)) return true;
  const inTime = after.some(({ at }) => at - command.at <= ANSWER_MS);
  if (inTime && shows.every((shown) => shown === undefined)) return true;
  const known = before.map((entry) => satisfies(entry.payload, wanted, field)).filter((shown) => shown !== undefined);
  return after.length === 0 && known.at(-1) === true;
}

/** retained_command: a message is stored on a command topic, so each reconnect of the device runs it again. */
export const retainedCommand: Rule = (view) =>
  commandSeries(view).flatMap((series): Finding[] => {
    const stored = series.entries.find(({ retain, type }) => retain && type !== 'empty');
    if (stored === undefined) return [];
    return [
      {
        code: 'retained_command',
        severity: 'warning',
        message: `A command is stored (retained) on ${quoted(series.topic)}: the device runs it again at each reconnect.`,
        evidence: [evidence(stored)],
        next: 'Clear it with an empty retained message if nobody wants that, and find out who publishes commands with retain.',
      },
    ];
  });

function commandSeries(view: View): Series[] {
  return view.series.filter(({ role, topic }) => role.role === 'command' && !topic.endsWith('/get'));
}
