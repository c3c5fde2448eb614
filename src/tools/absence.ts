// Owns what it means that nothing came: what is ruled out, what is not, and how sure that is. Pure.
import { parseFilter } from '../mqtt/topic.ts';
import type { RetainedEnd } from '../mqtt/types.ts';
import type { Look } from './look-around.ts';
import { type Absence, ACL, named, SELDOM, withLook } from './look-verdict.ts';
import { connectedFor } from './up-time.ts';

export type Listened = {
  pattern: string;
  seconds: number;
  grantedQos: number;
  retained: 'include' | 'exclude' | 'only';
  interrupted: boolean;
  /** Of the time, how long the connection was up; where it is not given, all of it unless interrupted. */
  upSeconds?: number | undefined;
  /** What else is there; undefined where nobody looked. */
  look?: Look | undefined;
};

/** Nothing came on a subscription that was open for a while. */
export function nothingCollected(listened: Listened): Absence {
  const { pattern, seconds, grantedQos, retained, interrupted, look } = listened;
  const evidence = [`SUBACK granted QoS ${grantedQos} for ${named(pattern)}.`, connectedFor(listened)];
  const ruled_out = ['The broker refused the subscription.'];
  if (interrupted) {
    const possible = ['What was published while the connection was down.', ...oddities(pattern), ACL];
    return { grade: 'unknown', verdict: 'The connection was lost during the window.', ruled_out, possible, evidence };
  }
  ruled_out.push('The connection was down.');
  const what = retained === 'only' ? 'No retained message' : 'No message';
  const within = `${what} came under the filter within ${seconds} s`;
  const possible = [...(retained === 'only' ? [] : [SELDOM]), ...oddities(pattern), ACL];
  const base: Absence = { grade: 'unknown', verdict: `${within}.`, ruled_out, possible, evidence };
  return look ? withLook(base, within, { pattern, seconds }, look) : base;
}

/** The same for several filters: what is most certain of any, what is ruled out for all, what remains for one of them. */
export function nothingOnAny(all: readonly Absence[]): Absence {
  const [first = nowhere] = all;
  const best = GRADES.flatMap((grade) => all.filter((one) => one.grade === grade))[0] ?? first;
  const each = (field: 'possible' | 'evidence') => [...new Set(all.flatMap((one) => one[field]))];
  const ruled_out = first.ruled_out.filter((cause) => all.every((one) => one.ruled_out.includes(cause)));
  return { ...best, ruled_out, possible: each('possible'), evidence: each('evidence') };
}

const GRADES = ['certain', 'likely', 'unknown'] as const;
const nowhere: Absence = {
  grade: 'unknown',
  verdict: 'Nothing was listened to.',
  ruled_out: [],
  possible: [],
  evidence: [],
};

/** Nothing came for a listing of topics. `seconds`: how long live messages were listened for. */
export function nothingListed(
  pattern: string,
  seconds: number,
  end: RetainedEnd,
  interrupted: boolean,
  look?: Look,
  up?: { seconds: number; upSeconds: number },
): Absence {
  const evidence = [`SUBACK granted the filter; retained_evidence is ${end.evidence}.`];
  if (up) evidence.push(connectedFor({ ...up, interrupted }));
  const possible = [ACL, ...oddities(pattern)];
  const proven = end.complete && end.evidence === 'ordered';
  const ruled_out = proven ? ['A retained message that this user may read exists under the filter.'] : [];
  if (interrupted)
    return { grade: 'unknown', verdict: 'The connection was lost meanwhile.', ruled_out, possible, evidence };
  const grade = proven && seconds === 0 ? ('certain' as const) : ('likely' as const);
  const within =
    seconds === 0
      ? 'No retained message is visible under the filter; live topics were not listened for'
      : `No topic under the filter is retained or spoke within ${seconds} s`;
  const more = seconds === 0 ? 'Topics without retained messages: list again with duration_seconds above 0.' : SELDOM;
  const base: Absence = { grade, verdict: `${within}.`, ruled_out, possible: [more, ...possible], evidence };
  return look ? withLook(base, within, { pattern, seconds: up?.seconds ?? seconds }, look) : base;
}

/** What about a filter makes it match less than its author may think. */
function oddities(pattern: string): string[] {
  const { filter, share } = parseFilter(pattern);
  const found: string[] = [];
  if (filter.startsWith('/'))
    found.push('The filter begins with a slash: it matches only topics whose first level is empty.');
  if (filter === '#' || filter.startsWith('+'))
    found.push('Topics that begin with $ are not matched by a leading wildcard.');
  if (share !== undefined) {
    found.push('Another member of the share group got the messages.');
    found.push('The broker has no shared subscriptions, and takes $share for the first level of a topic name.');
  }
  if (!filter.includes('+') && !filter.includes('#'))
    found.push('The topic is written differently: names are case-sensitive.');
  return found;
}
