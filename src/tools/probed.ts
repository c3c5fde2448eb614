// Owns what a probe tells of access rules, and how sure that is by its age and by what the broker's acknowledgements say.
// Pure; must not know what else was seen.
import { compileFilter, parseFilter, quoteText } from '../mqtt/topic.ts';
import type { Probe } from '../mqtt/types.ts';

/** Access rules change: a probe that is older than that before the window proves nothing of it. */
const FRESH_SECONDS = 60;
const MAX_QUOTED = 120;

/** `at`: when was looked, ms since the epoch. `refusalsTold`: an acknowledgement says whether a write was refused. */
export type Probed = { probes: readonly Probe[]; at: number; refusalsTold: boolean };

/** `surely`: it was written and not handed out; otherwise it may as well not have been written. */
export type Lost = { words: string; isFresh: boolean; surely: boolean; topic: string };

/** The latest probe on a topic that the filter matches. */
export function probeUnder(pattern: string, { probes }: Probed): Probe | undefined {
  const matches = compileFilter(parseFilter(pattern).filter);
  return probes.find(({ topic }) => matches(topic));
}

/** That one, where it was acknowledged and never came back. `seconds`: how long the window was, which ended just now. */
export function lostUnder(pattern: string, probed: Probed, seconds: number): Lost | undefined {
  const probe = probeUnder(pattern, probed);
  if (!probe?.acknowledged || probe.came) return undefined;
  const { topic } = probe;
  return {
    words: tellProbe(probe, probed),
    topic,
    isFresh: isFresh(probe, probed, seconds),
    surely: probed.refusalsTold,
  };
}

/** One before the window tells of then. */
export function isFresh({ at }: Probe, probed: Probed, seconds: number): boolean {
  return (probed.at - at) / 1000 <= seconds + FRESH_SECONDS;
}

/** A sentence without its end. */
export function tellProbe({ topic, at, came, acknowledged }: Probe, probed: Probed): string {
  const what = `A probe published to ${quoteText(topic, MAX_QUOTED)} ${ago(probed.at - at)}`;
  if (came) return `${what} came back`;
  return acknowledged ? `${what} was acknowledged and never came back` : `${what} never came back`;
}

function ago(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  return seconds < 120 ? `${seconds} s ago` : `${Math.round(seconds / 60)} min ago`;
}
