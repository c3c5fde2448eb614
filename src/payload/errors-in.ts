// Owns the answer to "is this message an error or a warning?", by meaning (product.md, Pruning). Keys are judged in
// keys.ts, texts in text-trouble.ts; here they meet their values. Bounded: 2,000 nodes of a JSON payload, 16 deep.

import { type KeyRole, keyRole, settingOf, tellsState } from './keys.ts';
import { judgeState, judgeText, saysFine } from './text-trouble.ts';
import { isList, isRecord, type PayloadType, type Severity } from './types.ts';
import { areLetters, fold, troubleAlone } from './words.ts';

const MAX_NODES = 2000;
const MAX_DEPTH = 16;

/** How much of a payload may still be looked at. */
type Walk = { nodes: number };

/** A decoded message; `hint` is topicHint(topic), for callers that see a topic more than once. */
export function severityOf(
  message: { topic: string; payload: unknown; payload_type: PayloadType },
  hint: KeyRole | undefined = topicHint(message.topic),
): Severity | undefined {
  const { payload, payload_type: type } = message;
  if (type === 'empty' || type === 'binary' || hint?.is === 'skip') return undefined;
  const walk: Walk = { nodes: MAX_NODES };
  if (hint === undefined) return typeof payload === 'number' ? undefined : judge(payload, TEXT, 0, walk);
  if (hint.is === 'trouble' && isRecord(payload)) {
    return judgeReport(payload, hint, walk) ?? judge(payload, TEXT, 0, walk);
  }
  return judge(payload, isRecord(payload) ? TEXT : hint, 1, walk);
}

/**
 * What a topic says about the payloads it carries, undefined for most: `…/error`, `…/alarm/state`, `…/alarms/door`,
 * `…/online`. `…/config` (Home Assistant's discovery) is never trouble.
 */
export function topicHint(topic: string): KeyRole | undefined {
  const known = HINTS.get(topic);
  if (known !== undefined) return known === null ? undefined : known;
  const hint = hintOf(topic);
  if (HINTS.size >= MAX_HINTS) HINTS.clear();
  if (topic.length <= MAX_HINTED_LENGTH) HINTS.set(topic, hint ?? null);
  return hint;
}

/** Topics repeat from message to message: what they say is remembered, of so many; null: nothing. */
const MAX_HINTS = 2048;
const MAX_HINTED_LENGTH = 128;
const HINTS = new Map<string, KeyRole | null>();

function hintOf(topic: string): KeyRole | undefined {
  const levels = topic.split('/');
  const last = levels[levels.length - 1] ?? '';
  if (topic.startsWith('$SYS/broker/log/')) return brokerLog(last);
  if (last === 'config') return { is: 'skip' };
  if (levels.some((level) => /^(?:settings?|config(?:uration)?)$/i.test(level))) return undefined;
  const parent = levels.length > 1 ? keyRole(levels[levels.length - 2] ?? '') : TEXT;
  const own = keyRole(last);
  if (parent.is === 'trouble') {
    if (tellsState(last)) return parent;
    if (
      /(?:s|en|fehler)$/i.test(levels[levels.length - 2] ?? '') &&
      settingOf(last) !== 'setting' &&
      own.is !== 'trouble'
    ) {
      return { ...parent, coded: false, known: false };
    }
  }
  return own.is === 'trouble' || own.is === 'good' || own.is === 'detector' ? own : undefined;
}

/** mosquitto's $SYS/broker/log/E and W. The other letters are no trouble, whatever they say. */
function brokerLog(letter: string): KeyRole {
  if (letter !== 'E' && letter !== 'W') return { is: 'skip' };
  return { is: 'trouble', severity: letter === 'E' ? 'error' : 'warning', coded: true, known: true };
}

const TEXT: KeyRole = { is: 'text' };

function judge(value: unknown, role: KeyRole, depth: number, walk: Walk): Severity | undefined {
  if (walk.nodes-- <= 0 || depth > MAX_DEPTH || role.is === 'skip') return undefined;
  if (role.is === 'trouble') return judgeTrouble(value, role, depth, walk);
  if (isList(value)) return judgeList(value, role, depth, walk);
  if (isRecord(value)) return judgeRecord(value, depth, walk);
  if (typeof value === 'string') return judgeString(value, role, depth);
  return judgeScalar(value, role, depth);
}

function judgeScalar(value: unknown, role: KeyRole, depth: number): Severity | undefined {
  if (role.is === 'detector') return value === true ? role.severity : undefined;
  if (role.is === 'timeout') return value === true ? 'warning' : undefined;
  if (role.is === 'http') return typeof value === 'number' && value >= 400 && value <= 599 ? 'error' : undefined;
  if (role.is !== 'good' || (role.shallow && depth > 1)) return undefined;
  return value === false || (value === 0 && role.zero) ? role.severity : undefined;
}

function judgeString(value: string, role: KeyRole, depth: number): Severity | undefined {
  if (role.is === 'detector') return ACTIVE.test(value) ? role.severity : undefined;
  if (role.is === 'name') return isOneWord(value) ? troubleAlone(fold(value)) : undefined;
  if (role.is === 'timeout') return judgeText(value);
  if (role.is === 'level' && /^(?:major|minor)$/i.test(value)) return /^major$/i.test(value) ? 'error' : 'warning';
  if (role.is === 'good' && !(role.shallow && depth > 1) && /^(?:false|no|nein)$/i.test(value)) return role.severity;
  return judgeState(value);
}

const ACTIVE = /^(?:true|yes|on|1|active|activated|triggered|raised|detected|alarm|wet|ja|ein|aktiv|ausgelöst)$/i;

function isOneWord(text: string): boolean {
  return text.length <= 24 && areLetters(text);
}

function judgeList(list: readonly unknown[], role: KeyRole, depth: number, walk: Walk): Severity | undefined {
  let worst: Severity | undefined;
  for (const value of list) {
    if (walk.nodes <= 0) break;
    const severity = judge(value, role, depth + 1, walk);
    if (severity === 'error') return severity;
    worst ??= severity;
  }
  return worst;
}

function judgeRecord(record: Record<string, unknown>, depth: number, walk: Walk): Severity | undefined {
  const log = logEntry(record);
  let worst = judgeMetric(record, depth, walk);
  if (worst === 'error') return worst;
  for (const key in record) {
    if (walk.nodes <= 0) break;
    const value = record[key];
    if (typeof value === 'string' && log !== undefined && MESSAGE_KEYS.includes(key) && log === 'quiet') continue;
    const role = keyRole(key);
    if (role.is === 'loglevel' && log === undefined) continue;
    const severity = judge(value, role, depth + 1, walk);
    if (severity === 'error') return severity;
    worst ??= severity;
  }
  return worst;
}

/** A metric of Sparkplug's tells under a name of its own what its value is: `Pump/Alarm`, true. */
function judgeMetric(
  { name, datatype, value }: Record<string, unknown>,
  depth: number,
  walk: Walk,
): Severity | undefined {
  if (typeof name !== 'string' || datatype === undefined || value === undefined) return undefined;
  const role = keyRole(name.slice(name.lastIndexOf('/') + 1));
  return role.is === 'text' ? undefined : judge(value, role, depth + 1, walk);
}

const MESSAGE_KEYS: readonly string[] = ['message', 'msg', 'text', 'log'];
const LEVEL_KEYS: readonly string[] = ['level', 'severity', 'lvl', 'levelname', 'log_level', 'loglevel'];

/** A log entry has a message; quiet: and its level is that of no trouble, so its words are no report of one. */
function logEntry(record: Record<string, unknown>): 'quiet' | 'loud' | undefined {
  if (!MESSAGE_KEYS.some((key) => Object.hasOwn(record, key))) return undefined;
  const quiet = LEVEL_KEYS.some((key) => {
    const level = record[key];
    return typeof level === 'string' && /^(?:info|debug|trace|notice|verbose|information)$/i.test(level);
  });
  return quiet ? 'quiet' : 'loud';
}

type Trouble = KeyRole & { is: 'trouble' };

/** The value under a trouble noun: does it say that there is trouble, or that there is none? */
function judgeTrouble(value: unknown, role: Trouble, depth: number, walk: Walk): Severity | undefined {
  if (value === true) return role.severity;
  if (typeof value === 'number') return isTroubleNumber(value, role) ? role.severity : undefined;
  if (typeof value === 'string') return judgeTroubleText(value, role);
  if (isList(value)) return judgeList(value, role, depth, walk);
  if (!isRecord(value)) return undefined;
  const report = judgeReport(value, role, walk);
  if (report !== undefined || tellsItself(value)) return report;
  for (const key in value) {
    if (walk.nodes <= 0) break;
    const setting = settingOf(key);
    if (setting === 'setting') continue;
    const child: Trouble = setting === 'limit' ? { ...role, coded: false, known: false } : role;
    if (judge(value[key], child, depth + 1, walk) !== undefined) return role.severity;
  }
  return undefined;
}

/** A code or a count, or else a flag (1; Victron's alarms: 2). A fraction is a deviation, not an error. */
function isTroubleNumber(value: number, role: Trouble): boolean {
  return role.coded ? Number.isInteger(value) && value !== 0 : value === 1 || value === 2;
}

function judgeTroubleText(value: string, role: Trouble): Severity | undefined {
  const number = value.trim() === '' ? 0 : Number(value);
  if (!Number.isNaN(number)) return isTroubleNumber(number, role) ? role.severity : undefined;
  if (saysFine(value)) return undefined;
  if (role.coded || role.known) return role.severity;
  return ACTIVE.test(value) ? role.severity : judgeState(value);
}

/** In the order in which they decide: `{"active":false,"code":17}` is over. */
const STATE_KEYS: readonly string[] = ['active', 'raised', 'triggered', 'present', 'state', 'status', 'value', 'on'];
const CODE_KEYS: readonly string[] = ['code', 'errno', 'number', 'count', 'total', 'nr'];
const WORD_KEYS: readonly string[] = ['message', 'msg', 'text', 'description', 'reason', 'detail', 'type'];

/** Whether an object names its own state, so that nothing else in it needs to be read as one. */
function tellsItself(record: Record<string, unknown>): boolean {
  return [...STATE_KEYS, ...CODE_KEYS].some((key) => Object.hasOwn(record, key));
}

/** An object that reports trouble in so many words: `{"active":true}`, `{"code":17,"message":"overheated"}`. */
function judgeReport(record: Record<string, unknown>, role: Trouble, walk: Walk): Severity | undefined {
  const known: Trouble = { ...role, coded: true, known: true };
  for (const keys of [STATE_KEYS, CODE_KEYS, WORD_KEYS]) {
    const key = keys.find((name) => Object.hasOwn(record, name));
    if (key === undefined) continue;
    return judge(record[key], key === 'value' ? { ...known, coded: false } : known, MAX_DEPTH, walk);
  }
  return undefined;
}
