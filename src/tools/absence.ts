// Owns what it means that nothing came: what is ruled out, what is not, and how sure that is. Pure.
import { compileFilter, parseFilter, quoteText } from '../mqtt/topic.ts';
import type { RetainedEnd } from '../mqtt/types.ts';
import type { Load } from './broker-load.ts';
import type { Glance, Look } from './look-around.ts';
import { type Near, nearTo } from './near-topics.ts';
import { isFresh, type Lost, lostUnder, probeUnder, tellProbe } from './probed.ts';
import { connectedFor } from './up-time.ts';

export type Absence = {
  grade: 'certain' | 'likely' | 'unknown';
  verdict: string;
  ruled_out: string[];
  possible: string[];
  evidence: string[];
};

const ACL =
  'The access rules of the broker withhold the messages, though it granted the subscription; test_connection with this session_id and a probe_topic under the filter would show it.';
const SELDOM = 'Devices that speak less often than the window: listen longer.';
const MAX_QUOTED = 120;

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

type Asked = { pattern: string; seconds: number };

/** Weighs what a look at the rest of the broker has shown. */
function withLook(unprobed: Absence, within: string, asked: Asked, look: Look): Absence {
  const { pattern, seconds } = asked;
  const near = nearTo(pattern, look.topics);
  const seen = seenUnder(pattern, look);
  const base = probed(unprobed, asked, look);
  const evidence = [...base.evidence, ...evidenceOf(look, near, seen)];
  const lost = lostUnder(pattern, look, seconds);
  // What was read weighs more than a probe that may never have been written.
  if (seen.stored + seen.spoke > 0) return readable({ ...base, evidence }, within, { pattern, seen, lost });
  if (lost && (lost.surely || (lost.isFresh && seen.before === 0)))
    return dropped({ ...base, evidence }, within, lost, seen);
  const twin = twinOf(near);
  if (twin) {
    return { ...base, grade: 'likely', verdict: `${within}. ${twin}`, possible: [twin, ...base.possible], evidence };
  }
  if (near.siblings.length > 0) return besideOthers({ ...base, evidence }, within, near, look);
  if (look.topics.size > 0 || look.refused) return { ...base, evidence };
  return nothingAtAll({ ...base, evidence }, within, look);
}

const ACL_READ = 'This user may not read there.';
const ACL_WRITE = 'This user may not write there, and what others publish may come all the same.';

/** Topics under the filter: stored; that spoke while was looked; that this session has seen before, and not now. */
type Seen = { stored: number; spoke: number; before: number };

function seenUnder(pattern: string, { topics, stored, live }: Look): Seen {
  const matches = compileFilter(parseFilter(pattern).filter);
  const seen = { stored: 0, spoke: 0, before: 0 };
  for (const topic of topics) {
    if (!matches(topic)) continue;
    if (stored.has(topic)) seen.stored += 1;
    else if (live.has(topic)) seen.spoke += 1;
    else seen.before += 1;
  }
  return seen;
}

type Readable = { pattern: string; seen: Seen; lost: Lost | undefined };

/** Something under the filter was read. */
function readable(base: Absence, within: string, { pattern, seen: { stored, spoke }, lost }: Readable): Absence {
  const many = /[+#]/.test(pattern);
  const what =
    stored > 0
      ? `${within}, though ${stored} ${stored === 1 ? 'topic' : 'topics'} under it ${stored === 1 ? 'has' : 'have'} a stored message: the filter is right, and ${many ? 'nobody spoke whom this user may read' : 'nobody spoke'}.`
      : `${within}; ${spoke === 1 ? 'one topic' : `${spoke} topics`} under it spoke in the second after: the filter is right, and the window too short.`;
  const doubts = lost ? [lost.surely ? `${named(lost.topic)} is withheld, others may be.` : ACL_WRITE] : [];
  return {
    ...base,
    grade: lost ? 'likely' : 'certain',
    verdict: what,
    ruled_out: [
      ...base.ruled_out,
      'The filter matches nothing that exists.',
      many ? 'This user may read nothing there.' : ACL_READ,
    ],
    possible: [SELDOM, 'The device is offline; debug_device tells more.', ...(many ? [WITHHELD_PART] : []), ...doubts],
  };
}

const WITHHELD_PART = 'Other topics under the filter are withheld from this user.';

/** A probe was acknowledged and lost. */
function dropped(base: Absence, within: string, { words, isFresh: fresh, surely }: Lost, { before }: Seen): Absence {
  const lost = `${within}; ${words.replace(/^A/, 'a')}`;
  return surely
    ? {
        ...base,
        grade: fresh && before === 0 ? 'certain' : 'likely',
        verdict: `${lost}: the access rules of the broker drop in silence what this user would read there.`,
        possible: [ACL_READ, ...base.possible.filter((one) => one === SELDOM)],
      }
    : {
        ...base,
        grade: 'likely',
        verdict: `${lost}: the access rules of the broker drop in silence what this user writes there, or what it would read; MQTT 3.1.1 does not tell which.`,
        possible: [ACL_READ, ACL_WRITE, ...base.possible.filter((one) => one === SELDOM)],
      };
}

/** What a probe tells beside the rest; one that came back of late rules out what it passed. */
function probed(base: Absence, { pattern, seconds }: Asked, look: Look): Absence {
  const probe = probeUnder(pattern, look);
  if (!probe) return base;
  const words = tellProbe(probe, look);
  if (!probe.came) return { ...base, evidence: [...base.evidence, `${words}.`] };
  if (!isFresh(probe, look, seconds))
    return { ...base, evidence: [...base.evidence, `${words}: it could be read then.`] };
  return {
    ...base,
    ruled_out: [...base.ruled_out, 'The access rules of the broker withhold everything under the filter.'],
    possible: base.possible.filter((one) => one !== ACL),
    evidence: [...base.evidence, `${words}: this user may read there.`],
  };
}

/** The most likely slip, in words. */
function twinOf({ caseTwins, slashTwins, below, misspelled }: Near): string | undefined {
  const [other] = caseTwins;
  if (other !== undefined) return `${named(other)} exists: topics are case-sensitive.`;
  const [slash] = slashTwins;
  if (slash !== undefined) return `${named(slash)} exists: a slash at the beginning or end makes it another topic.`;
  const [deeper] = below;
  if (deeper !== undefined) return `Topics exist below it, such as ${named(deeper)}: add /# to the filter.`;
  const [misspelt] = misspelled;
  return misspelt === undefined ? undefined : `${named(misspelt)} exists: the filter may be misspelled.`;
}

function besideOthers(base: Absence, within: string, { siblings, shared }: Near, { live }: Look): Absence {
  const spoke = siblings.filter((topic) => live.has(topic));
  const where = shared === '' ? 'beside it' : `under ${named(shared)}`;
  const ruled_out = [...base.ruled_out, `This user may read nothing ${where}.`];
  const some = named(spoke[0] ?? siblings[0] ?? '');
  const verdict =
    spoke.length > 0
      ? `${within}, while others ${where} spoke, such as ${some}.`
      : `${within}; others exist ${where}, such as ${some}.`;
  return { ...base, grade: 'likely', verdict, ruled_out };
}

/** Messages that must have come by while nothing was heard, for it to be no accident. */
const TELLING_COUNT = 10;

/** This user sees no topic whatsoever. */
function nothingAtAll(base: Absence, within: string, { perMinute, counted = 0 }: Load): Absence {
  if (perMinute === undefined) {
    return {
      ...base,
      verdict: `${within}, nor anything else on this broker: it is empty, or this user may read nothing.`,
    };
  }
  const possible = [ACL, ...base.possible.filter((one) => one !== ACL)];
  if (counted >= TELLING_COUNT) {
    const verdict = `${within}. The broker got ${counted} messages while all topics were listened to, and this user saw none of them: its access rules withhold them.`;
    return { ...base, grade: 'likely', verdict, possible };
  }
  if (perMinute < 1) return { ...base, grade: 'likely', verdict: `${within}: nobody publishes on this broker.` };
  const rate = `${Math.round(perMinute)} messages a minute`;
  const verdict = `${within}. The broker got ${rate} of late, and this user saw none: they came before, or its access rules may withhold them.`;
  return { ...base, grade: 'unknown', verdict, possible };
}

/** What the broker says of itself and what was probed, for one who heard all topics; `nothing`: no message of anybody. */
export function besideBroker(absence: Absence, glance: Glance, nothing: boolean): Absence {
  const told = glance.probes.slice(0, 3).map((probe) => `${tellProbe(probe, glance)}.`);
  const evidence = [...absence.evidence, ...told, ...rateOf(glance.perMinute)];
  const hidden = nothing && glance.perMinute !== undefined && glance.perMinute >= 1;
  return hidden
    ? nothingAtAll({ ...absence, evidence }, absence.verdict.replace(/\.$/, ''), glance)
    : { ...absence, evidence };
}

function rateOf(perMinute: number | undefined): string[] {
  return perMinute === undefined
    ? []
    : [`The broker's own count under $SYS: ${Math.round(perMinute)} PUBLISH packets a minute come in, of late.`];
}

function evidenceOf({ refused, topics, live, perMinute }: Look, near: Near, { stored, before }: Seen): string[] {
  const evidence = [
    refused
      ? 'A look at # was refused, so topics elsewhere are not known.'
      : `A look at # showed ${topics.size} topics, ${live.size} of which spoke.`,
  ];
  if (stored > 0) evidence.push(`${stored} of them are under the filter and have a stored message.`);
  if (before > 0) evidence.push(`This session saw ${before} topics under the filter before.`);
  if (near.siblings.length > 0 && near.shared !== '') {
    evidence.push(`${near.siblings.length} topics share its beginning ${named(near.shared)}.`);
  }
  return [...evidence, ...rateOf(perMinute)];
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

function named(topic: string): string {
  return quoteText(topic, MAX_QUOTED);
}
