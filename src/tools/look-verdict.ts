// Owns what is made of a silence by what else was seen: a look at the rest of the broker, a probe, the broker's own count.
// Pure.
import { compileFilter, parseFilter, quoteText } from '../mqtt/topic.ts';
import type { Load } from './broker-load.ts';
import type { Glance, Look } from './look-around.ts';
import { type Near, nearTo } from './near-topics.ts';
import { isFresh, type Lost, lostUnder, probeUnder, tellProbe } from './probed.ts';

export type Absence = {
  grade: 'certain' | 'likely' | 'unknown';
  verdict: string;
  ruled_out: string[];
  possible: string[];
  evidence: string[];
};

export const ACL =
  'The access rules of the broker withhold the messages, though it granted the subscription; test_connection with this session_id and a probe_topic under the filter would show it.';
export const SELDOM = 'Devices that speak less often than the window: listen longer.';
const MAX_QUOTED = 120;

export type Asked = { pattern: string; seconds: number };

/** Weighs what a look at the rest of the broker has shown. */
export function withLook(unprobed: Absence, within: string, asked: Asked, look: Look): Absence {
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

export function named(topic: string): string {
  return quoteText(topic, MAX_QUOTED);
}
