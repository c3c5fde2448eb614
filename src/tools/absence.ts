// Owns what it means that nothing came: what is ruled out, what is not, and how sure that is.

import { parseFilter } from '../mqtt/topic.ts';
import type { RetainedEnd } from '../mqtt/types.ts';

export type Absence = {
  grade: 'certain' | 'likely' | 'unknown';
  verdict: string;
  ruled_out: string[];
  possible: string[];
  evidence: string[];
};

const ACL = 'The broker accepts the subscription but its access rules withhold the messages.';

export function nothingListed(pattern: string, seconds: number, end: RetainedEnd, interrupted: boolean): Absence {
  const evidence = [`SUBACK granted the filter; retained_evidence is ${end.evidence}.`];
  const possible = [ACL, ...oddities(pattern)];
  const proven = end.complete && end.evidence === 'ordered';
  const ruled_out = proven ? ['A retained message that this user may read exists under the filter.'] : [];
  if (interrupted)
    return { grade: 'unknown', verdict: 'The connection was lost meanwhile.', ruled_out, possible, evidence };
  if (seconds === 0) {
    return {
      grade: proven ? 'certain' : 'likely',
      verdict: 'No retained message is visible under the filter; live topics were not listened for.',
      ruled_out,
      possible: ['Topics without retained messages: list again with duration_seconds above 0.', ...possible],
      evidence,
    };
  }
  return {
    grade: 'likely',
    verdict: `No topic under the filter is retained or spoke within ${seconds} s.`,
    ruled_out,
    possible: ['Devices that speak less often than the window.', ...possible],
    evidence,
  };
}

export type Listened = { pattern: string; seconds: number; grantedQos: number; retained: string; interrupted: boolean };

export function nothingCollected({ pattern, seconds, grantedQos, retained, interrupted }: Listened): Absence {
  const evidence = [`SUBACK granted QoS ${grantedQos}.`];
  const ruled_out = ['The broker refused the subscription.'];
  const possible = [...oddities(pattern), ACL];
  if (interrupted) {
    return { grade: 'unknown', verdict: 'The connection was lost during the window.', ruled_out, possible, evidence };
  }
  evidence.push(`The connection was up for all of the ${seconds} s.`);
  ruled_out.push('The connection was down.');
  if (retained !== 'only') possible.unshift('Devices that speak less often than the window.');
  const what = retained === 'only' ? 'No retained message' : 'No message';
  return {
    grade: 'likely',
    verdict: `${what} came under the filter within ${seconds} s.`,
    ruled_out,
    possible,
    evidence,
  };
}

/** What about a filter makes it match less than its author may think. */
function oddities(pattern: string): string[] {
  const { filter, share } = parseFilter(pattern);
  const found: string[] = [];
  if (filter.startsWith('/'))
    found.push('The filter begins with a slash: it matches only topics whose first level is empty.');
  if (filter === '#' || filter.startsWith('+'))
    found.push('Topics that begin with $ are not matched by a leading wildcard.');
  if (share !== undefined) found.push('Another member of the share group got the messages.');
  if (!filter.includes('+') && !filter.includes('#'))
    found.push('The topic is written differently: names are case-sensitive.');
  return found;
}
