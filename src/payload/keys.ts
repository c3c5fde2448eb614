// Owns what a key of a JSON object, or a level of a topic, says about the value under it: trouble, a state, the
// opposite of trouble, a name, a setting. Must not know the value.

import type { Severity } from './types.ts';
import { CODED, DETECTORS, keyWords, NEGATORS, RESOLVED, troubleOf } from './words.ts';

/**
 * - trouble: the value tells whether (`error`, `alarm_active`). coded: an integer is a code or a count, not only a flag.
 *   known: every word is about trouble, none names a thing (`door_alarm`).
 * - good: the value false is trouble (`ok`, `online`). shallow: only at the top (`update.available` is no fault).
 *   zero: 0 is false, not a count (`success: 0`).
 * - detector: trouble only when true (`smoke`). timeout: when true or in words, never as a number.
 * - http: a status code. level: a severity. loglevel: that, or a setting. text: anything. name: what a thing is called,
 *   and a word alone may be its state. skip: never trouble, nor anything below.
 */
export type KeyRole =
  | { is: 'trouble'; severity: Severity; coded: boolean; known: boolean }
  | { is: 'good'; severity: Severity; shallow: boolean; zero: boolean }
  | { is: 'detector'; severity: Severity }
  | { is: 'timeout' | 'http' | 'level' | 'loglevel' | 'text' | 'name' | 'skip' };

function words(list: string): ReadonlySet<string> {
  return new Set(list.trim().split(/\s+/));
}

/** With a trouble noun: it is a setting, a time, a measure or the end of trouble, as `error_threshold`, `alarm_time`. */
const SETTING = words(`
  threshold thresholds limit limits max min maximum minimum enabled enable config configuration setting settings
  interval delay mode mask setpoint hysteresis topic template payload pl supported options default defaults schema
  sound volume tone clock name names id ids uuid icon unit priority color colour schedule rate ratio percent
  percentage pct probability score margin budget tolerance std standard mean rms avg tracking position time
  timestamp ts at date since until duration ms sec seconds minute minutes hour hours day days age uptime retry
  retries window url path file version test ack acknowledged acked muted silenced handling handler safe over set
  command cmd filter delta level high low hi lo upper lower free frei correction next ignore ignored if when
  location zone area room grenze schwelle grenzwert zeit
`);

/** Never about this moment, whatever else the key says; nothing below is looked at. Discovery and device lists. */
const SKIP = words(`
  id ids uuid icon icons label labels unit template templates pl topic topics url uri path file options option
  config configuration settings definition exposes schema defaults default supported threshold thresholds limits
  enum features model manufacturer vendor version firmware name names friendlyname title author
`);

const NAME = words(
  'type class kind category device sensor entity location room area zone host hostname client user source',
);
const LEVEL = words('level lvl levelname severity');
const HTTP = /^(?:(?:http[_-]?)?status|http|response)[_-]?code$|^http[_-]?status$/i;
const STATUS = words('status state stat health condition availability lwt zustand');
const COUNT = words('count counts counter total num number sum anzahl');
const MARKS = words(`
  is was has in have get current currently last previous prev latest active present raised triggered code no nr
  number count counts counter total num message msg text description desc detail details reason type value string
  info flag flags state status stat s any new list data aktiv anzahl letzter letzte letztes
`);
const PAST = words('last previous prev letzter letzte letztes');
const DIRECTION = words('high low hi lo upper lower zone area room position location tracking');
const GOOD_SEVERE = words(
  'ok okay success successful successfully healthy operational online reachable alive erreichbar',
);
const GOOD_MILD = words('connected available valid verbunden verfuegbar erfolgreich');
const GOOD_COMPANY = words('is was device bridge broker mqtt wifi network server cloud gateway');
const PLAIN: KeyRole = { is: 'text' };

/** Keys repeat from message to message: their roles are remembered, up to this many. */
const MAX_REMEMBERED = 4096;
const REMEMBERED = new Map<string, KeyRole>();

export function keyRole(key: string): KeyRole {
  const known = REMEMBERED.get(key);
  if (known !== undefined) return known;
  const role = roleOf(key);
  if (REMEMBERED.size >= MAX_REMEMBERED) REMEMBERED.clear();
  if (key.length <= 64) REMEMBERED.set(key, role);
  return role;
}

function roleOf(key: string): KeyRole {
  const list = keyWords(key);
  if (list.length === 0) return PLAIN;
  if (list.join() === 'timed,out') return { is: 'timeout' };
  const trouble = troubleRole(list);
  if (trouble !== undefined) return trouble;
  if (list.some((word) => SKIP.has(word)) || (list.includes('payload') && list.length > 1)) return { is: 'skip' };
  return (/\p{L}$/u.test(key) ? goodRole(list) : undefined) ?? plainRole(key, list);
}

function troubleRole(list: readonly string[]): KeyRole | undefined {
  const at = list.findIndex((word) => troubleOf(word) !== undefined);
  const noun = list[at];
  if (noun === undefined) return detectorRole(list);
  const severity = worst(list);
  if (list.slice(0, at).some((word) => NEGATORS.has(word)))
    return { is: 'good', severity, shallow: false, zero: false };
  if (noun.startsWith('timeout')) return { is: list.length === 1 ? 'timeout' : 'skip' };
  if (list[0] === 'on' || list.some((word) => RESOLVED.has(word))) return { is: 'skip' };
  if (list.length === 2 && list[1] === 'level') return { is: 'level' };
  const settings = list.filter((word) => SETTING.has(word));
  if (!settings.every((word) => DIRECTION.has(word))) return { is: 'skip' };
  // `high_temp_alarm: true` is an alarm, `alarm_high: 80` a limit: with a direction only a flag counts
  if (settings.length > 0) return { is: 'trouble', severity, coded: false, known: false };
  const counted = list.some((word) => COUNT.has(word)) || (list.length > 1 && noun.endsWith('s'));
  const past = list.some((word) => PAST.has(word));
  return {
    is: 'trouble',
    severity: counted || past ? 'warning' : severity,
    coded: list.some((word) => CODED.has(word)),
    known: list.every((word) => MARKS.has(word) || troubleOf(word) !== undefined),
  };
}

function detectorRole(list: readonly string[]): KeyRole | undefined {
  const low = list.includes('lowbat') || (list.includes('low') && list.some((word) => word.startsWith('batt')));
  const noun = list.find((word) => DETECTORS.has(word));
  if (!low && noun === undefined) return undefined;
  if (list.some((word) => SETTING.has(word) && !DIRECTION.has(word))) return { is: 'skip' };
  return { is: 'detector', severity: low || noun?.startsWith('tamper') ? 'warning' : 'error' };
}

function worst(list: readonly string[]): Severity {
  return list.some((word) => troubleOf(word) === 'error') ? 'error' : 'warning';
}

function goodRole(list: readonly string[]): KeyRole | undefined {
  const word = list[list.length - 1] ?? '';
  if (!list.slice(0, -1).every((other) => GOOD_COMPANY.has(other))) return undefined;
  const zero = !word.startsWith('success');
  if (GOOD_SEVERE.has(word)) return { is: 'good', severity: 'error', shallow: false, zero };
  return GOOD_MILD.has(word) ? { is: 'good', severity: 'warning', shallow: true, zero } : undefined;
}

function plainRole(key: string, list: readonly string[]): KeyRole {
  const last = list[list.length - 1] ?? '';
  if (last === 'loglevel' || (last === 'level' && list[0] === 'log')) return { is: 'loglevel' };
  if (LEVEL.has(last) && list.length === 1) return { is: 'level' };
  if (HTTP.test(key)) return { is: 'http' };
  return NAME.has(last) ? { is: 'name' } : PLAIN;
}

/** Whether a key says how its parent is, rather than which: `alarm/state`, `errors/count`, not `alarms/door`. */
export function tellsState(key: string): boolean {
  return keyWords(key).every((word) => STATUS.has(word) || MARKS.has(word) || word === 'on');
}

/** What a key under a trouble noun holds: `alarm: {"hour": 7}` a setting, `alarms: {"high_temp": …}` a flag or a limit. */
export function settingOf(key: string): 'setting' | 'limit' | undefined {
  const list = keyWords(key).filter((word) => SETTING.has(word) || SKIP.has(word) || NAME.has(word));
  if (list.length === 0) return undefined;
  return list.every((word) => DIRECTION.has(word)) && keyWords(key).length > 1 ? 'limit' : 'setting';
}
