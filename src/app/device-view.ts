// Owns what is shown of debug_device: findings with what they rest on, availability, topics, errors, messages.
// Must not know the host.
import type { DebugDeviceResult } from '../generated/types.ts';
import { isList, isRecord } from '../payload/types.ts';
import { type Child, el, raw, section, type Tone, table } from './dom.ts';
import { MessageList } from './message-list.ts';
import { clock, count, inLine, number, visible, words } from './text.ts';
import { absencePart, bullets, figures, notesPart, type Stage, type View } from './view.ts';

type Finding = DebugDeviceResult['findings'][number];

const tones: Record<DebugDeviceResult['connection_status'], Tone> = {
  active: 'good',
  silent: 'warn',
  offline: 'bad',
  unknown: 'plain',
  not_found: 'bad',
};
const severities: Record<Finding['severity'], { sign: string; tone: Tone }> = {
  error: { sign: '✕', tone: 'bad' },
  warning: { sign: '!', tone: 'warn' },
  info: { sign: 'i', tone: 'plain' },
};

export function isDevice(result: unknown): result is DebugDeviceResult {
  return isRecord(result) && isList(result.findings) && typeof result.connection_status === 'string';
}

export function deviceView(result: DebugDeviceResult, { signal }: Stage): View {
  const { connection_status, device_id, finding_count, window_seconds, recent_messages } = result;
  const messages = recent_messages.length > 0 ? new MessageList(recent_messages, signal).node : undefined;
  return {
    tool: 'debug_device',
    title: `Device ${visible(device_id, 80)}`,
    facts: `${count(finding_count, 'finding')}, listened for ${number(window_seconds)} s`,
    state: { word: words(connection_status), tone: tones[connection_status] },
    body: [
      el('p', {}, visible(result.summary, 1_000)),
      contactOf(result),
      findingsPart(result.findings),
      availabilityPart(result.availability),
      topicsPart(result),
      errorsPart(result.error_messages),
      messages && section('Recent messages', messages),
      result.similar.length > 0 ? section('Similar names', bullets(result.similar)) : undefined,
      absencePart(result.absence),
      notesPart(result.notes),
    ],
  };
}

function contactOf(result: DebugDeviceResult): HTMLElement {
  const { last_message_time, last_contact, message_frequency_per_minute, availability } = result;
  return figures([
    ['Last contact', last_message_time === null ? 'unknown' : clock(last_message_time)],
    ['Known by', words(last_contact.known_by)],
    ['Messages a minute', number(message_frequency_per_minute)],
    ['Availability', availability.state],
    ['Topics', number(result.device_topic_count)],
  ]);
}

function findingsPart(findings: readonly Finding[]): HTMLElement {
  if (findings.length === 0) return section('Findings', el('p', {}, 'Nothing is wrong that could be seen.'));
  return section('Findings', el('ul', { class: 'findings' }, ...findings.map(findingOf)));
}

function findingOf({ code, severity, message, next, evidence }: Finding): HTMLElement {
  const { sign, tone } = severities[severity];
  const mark = el('span', { class: `sign ${tone}`, 'aria-hidden': 'true' }, sign);
  const heading = el('h3', {}, mark, `${severity}: ${words(code)}`);
  const rows = evidence.map(({ topic, time, value }) => [
    time === undefined ? '–' : timeOf(time),
    raw(topic, 'topic'),
    raw(inLine(value)),
  ]);
  const seen = rows.length > 0 ? table(`Evidence of ${words(code)}`, ['Time', 'Topic', 'Value'], rows) : undefined;
  const todo = el('p', {}, el('b', {}, 'Next: '), visible(next, 600));
  return el('li', { class: `finding ${tone}` }, heading, el('p', {}, visible(message, 600)), todo, seen);
}

function availabilityPart({ sources }: DebugDeviceResult['availability']): HTMLElement | undefined {
  if (sources.length === 0) return undefined;
  const rows = sources.map(({ topic, value, state, of, defined_by, stored, last_will }) => [
    raw(topic, 'topic'),
    raw(inLine(value, 80)),
    state,
    of,
    defined_by,
    [stored ? 'stored' : 'live', last_will ? 'last will' : ''].filter(Boolean).join(', '),
  ]);
  return section('Availability', table('Availability', ['Topic', 'Value', 'Means', 'Of', 'By', 'How'], rows));
}

function topicsPart({ device_topics, device_topic_count }: DebugDeviceResult): HTMLElement | undefined {
  if (device_topics.length === 0) return undefined;
  const rows = device_topics.map((one): Child[] => [
    raw(one.topic, 'topic'),
    one.role,
    one.convention,
    number(one.live_messages),
    cadenceOf(one),
    'last_value' in one ? raw(inLine(one.last_value, 120)) : '–',
  ]);
  const head = ['Topic', 'Role', 'Convention', 'Live', 'Every', 'Last value'];
  const left = device_topic_count - device_topics.length;
  const more = left > 0 ? el('p', { class: 'dim' }, `and ${count(left, 'more topic')}`) : undefined;
  return section('Topics', table('Topics', head, rows), more);
}

function cadenceOf({ cadence, expected_seconds }: DebugDeviceResult['device_topics'][number]): string {
  const seen = cadence ? `${number(cadence.median_seconds)} s` : '–';
  return expected_seconds === undefined ? seen : `${seen} (${number(expected_seconds)} s expected)`;
}

function errorsPart(errors: DebugDeviceResult['error_messages']): HTMLElement | undefined {
  if (errors.length === 0) return undefined;
  const rows = errors.map(({ time, topic, severity, message, count: times }) => [
    timeOf(time),
    severity,
    raw(topic, 'topic'),
    raw(inLine(message)),
    number(times),
  ]);
  return section(
    'Errors it reports',
    table('Errors it reports', ['Time', 'Severity', 'Topic', 'Message', 'Times'], rows),
  );
}

function timeOf(iso: string): HTMLElement {
  return el('span', { class: 'time' }, clock(iso));
}
