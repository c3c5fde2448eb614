// Owns how a device is told to an assistant: status, one sentence, then the details, within a budget of characters.
import { type Cadence, cadenceOf, expectedOf } from '../findings/cadence.ts';
import { type Contact, lastContact } from '../findings/contact.ts';
import { live, ownSeries, shown } from '../findings/entries.ts';
import { reportedErrors } from '../findings/errors.ts';
import type { Witness } from '../findings/presence.ts';
import type { Entry, Finding, Series, View } from '../findings/types.ts';
import type { DebugDeviceResult } from '../generated/types.ts';
import { type Availability, availabilityOf, connectionOf, frequencyOf, summaryOf } from './device-verdict.ts';
import { iso, seconds } from './times.ts';

/** How much of each list is told; the first that fits is taken. */
const SIZES = [
  { findings: 12, evidence: 3, topics: 20, recent: 8, errors: 5, chars: 200 },
  { findings: 10, evidence: 2, topics: 12, recent: 4, errors: 4, chars: 120 },
  { findings: 8, evidence: 2, topics: 8, recent: 3, errors: 3, chars: 80 },
  { findings: 6, evidence: 1, topics: 5, recent: 2, errors: 2, chars: 60 },
] as const;
type Size = (typeof SIZES)[number];
/** Characters of a result: under 3,000 tokens, of three characters or more each. */
const BUDGET_CHARS = 8_500;

/** The parts of a result that follow from the timeline. */
export function reportOn(device: string, view: View, findings: Finding[], similar: string[], lost?: string) {
  const contact = lastContact(view);
  const presence = availabilityOf(view);
  const connection = connectionOf(view, findings, presence, contact);
  const perMinute = frequencyOf(view);
  const head = {
    summary: summaryOf(device, { connection, contact, perMinute, findings, view, lost }),
    device_id: device.slice(0, 256),
    connection_status: connection,
    last_message_time: contact === undefined ? null : iso(contact.at),
    last_contact: contactOf(contact),
    message_frequency_per_minute: perMinute,
  };
  const at = (size: Size) => ({
    ...head,
    ...details(view, findings, presence, size),
    similar: similar.slice(0, size.errors).map(short),
  });
  const told = SIZES.map(at);
  return told.find((one) => JSON.stringify(one).length <= BUDGET_CHARS) ?? told[told.length - 1] ?? at(SIZES[3]);
}

function details(view: View, findings: Finding[], { state, all }: Availability, size: Size) {
  const cut = (value: unknown) => shown(value, size.chars);
  const errors = reportedErrors(view);
  const recent = recentOf(view);
  return {
    findings: findings.slice(0, size.findings).map(({ about: _, rank: __, evidence, ...one }) => ({
      ...one,
      evidence: evidence
        .slice(0, size.evidence)
        .map(({ value, topic, ...rest }) => ({ topic: short(topic), ...rest, value: cut(value) })),
    })),
    finding_count: findings.length,
    availability: { state, sources: all.slice(0, size.evidence + 1).map((one) => sourceOf(one, cut)) },
    error_messages: errors.slice(0, size.errors).map(({ severity, entry, count }) => ({
      topic: short(entry.topic),
      time: iso(entry.at),
      severity,
      message: cut(entry.payload),
      stored: entry.retain,
      count,
    })),
    device_topics: byInterest(view)
      .slice(0, size.topics)
      .map((series) => topicOf(series, view, cut)),
    device_topic_count: ownSeries(view).length,
    recent_messages: recent.slice(-size.recent).map((entry) => messageOf(entry, view, cut)),
    identified_by: identifiedBy(view).slice(0, size.errors),
  };
}

/** A topic or name of a sane length. */
function short(text: string): string {
  return text.length <= 160 ? text : `${text.slice(0, 159)}…`;
}

function contactOf(contact: Contact | undefined): DebugDeviceResult['last_contact'] {
  if (contact === undefined) return { known_by: 'unknown' };
  const { knownBy, entry, field } = contact;
  return { known_by: knownBy, topic: short(entry.topic), ...(field === undefined ? {} : { field: short(field) }) };
}

function sourceOf(
  { topic, by, of, writtenBy, entry, presence, since, drops }: Witness,
  cut: (value: unknown) => unknown,
) {
  const lastWill = writtenBy === 'device' && presence === 'offline';
  return {
    topic: short(topic),
    value: cut(entry.payload),
    state: presence,
    of,
    defined_by: by,
    stored: entry.retain,
    ...(lastWill ? { last_will: true } : {}),
    ...(since === undefined ? {} : { since: iso(since) }),
    ...(drops > 0 ? { drops } : {}),
  };
}

/** What speaks comes first, what only describes last. */
function byInterest(view: View): Series[] {
  const rank = ({ role, live: count }: Series) =>
    (role.role === 'description' ? 4 : 0) +
    (role.role === 'bridge' ? 2 : 0) +
    (count > 0 || role.role === 'availability' ? 0 : 1);
  return ownSeries(view).toSorted((a, b) => rank(a) - rank(b));
}

function topicOf(series: Series, view: View, cut: (value: unknown) => unknown) {
  const { topic, role, entries } = series;
  const last = entries.at(-1);
  const cadence = cadenceOf(series);
  const expected = expectedOf(topic, view);
  return {
    topic: short(topic),
    role: role.role,
    convention: role.convention,
    retained: entries.some(({ retain }) => retain),
    live_messages: series.live,
    ...(last === undefined ? {} : { last_value: cut(last.payload) }),
    ...(last === undefined || last.retain ? {} : { last_time: iso(last.at) }),
    ...(cadence === undefined ? {} : { cadence: rhythm(cadence) }),
    ...(expected === undefined ? {} : { expected_seconds: expected.seconds, expected_by: expected.by }),
  };
}

function rhythm({ samples, medianMs, spreadMs, regular, missed }: Cadence) {
  return {
    samples,
    median_seconds: seconds(medianMs),
    spread_seconds: seconds(spreadMs),
    regular,
    missed_beats: missed,
  };
}

/** The latest live ones; where there are none, the stored states. In order of arrival. */
function recentOf(view: View): Entry[] {
  const own = view.series.filter(({ role }) => role.of !== 'bridge' && role.role !== 'description');
  const spoken = own.flatMap((one) => live(one));
  const all = spoken.length > 0 ? spoken : own.flatMap(({ entries }) => entries);
  return all.toSorted((a, b) => a.seq - b.seq);
}

function messageOf({ topic, payload, type, retain, at }: Entry, { began }: View, cut: (value: unknown) => unknown) {
  const told = cut(payload);
  return {
    topic: short(topic),
    payload: told,
    ...(told === payload ? {} : { payload_truncated: true as const }),
    payload_type: type,
    retain,
    timestamp: iso(at),
    offset_ms: Math.max(0, Math.round(at - began)),
  };
}

function identifiedBy({ claims }: View) {
  return claims.map(({ convention, source, names }) => ({
    convention,
    source: short(source),
    names: names.slice(0, 4).map(short),
  }));
}
