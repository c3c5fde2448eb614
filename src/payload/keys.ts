// Owns what a key of a JSON object, or a level of a topic, says about the value under it: trouble, a state, the
// opposite of trouble, a name, a setting. Must not know the value.

import type { Severity } from './types.ts';
import { CODED, DETECTORS, keyWords, NEGATORS, RESOLVED, troubleOf } from './words.ts';

/**
 * - trouble: the value tells whether (`error`, `alarm_active`). coded: an integer is a code or a count, not only 1.
 *   known: every word is about trouble, none names a thing (`door_alarm`).
 * - good: the value false is trouble (`ok`, `online`). shallow: only at the top (`update.available` is no fault).
 * - detector: trouble only when true (`smoke`). timeout: when true or in words, never as a number.
 * - http: a status code. state: a word. text: anything. name: a word alone may be a state. skip: never trouble.
 */
export type KeyRole =
  | { is: 'trouble'; severity: Severity; coded: boolean; counted: boolean; known: boolean }
  | { is: 'good'; severity: Severity; shallow: boolean }
  | { is: 'detector' | 'timeout' | 'http' | 'level' | 'text' | 'name' | 'skip' };

function words(list: string): ReadonlySet<string> {
  return new Set(list.trim().split(/\s+/));
}

/** With a trouble noun: it is a setting, a time, a measure or the end of trouble, as `error_threshold`, `alarm_time`. */
const SETTING = words(`threshold thresholds limit limits max min maximum minimum enabled enable config configuration setting
  settings interval delay mode mask setpoint hysteresis topic template payload pl supported options default defaults schema
  sound volume tone clock name names id ids uuid icon unit priority color colour schedule rate ratio percent percentage pct
  probability score margin budget tolerance std standard mean rms avg tracking position time timestamp ts at date since until
  duration ms sec seconds minute minutes hour hours day days age uptime retry retries window url path file version test ack
  acknowledged acked muted silenced handling handler safe over set command cmd filter delta level high low hi lo upper lower
  free frei correction location zone area room grenze schwelle grenzwert zeit`);

/** Never about this moment, whatever else the key says; nothing below is looked at. Discovery and device lists. */
const SKIP = words(`id ids uuid icon icons label labels unit template templates pl topic topics url uri path file options option
  config configuration settings definition exposes schema defaults default supported threshold thresholds limits enum features
  model manufacturer vendor version firmware name names friendlyname title author`);

const NAME = words('type class kind category device sensor entity location room area zone host hostname client user source');
const LEVEL = words('level lvl levelname severity loglevel');
const TEXT = words('message msg text log description desc detail details reason body line info data');
const STATUS = words('status state stat health condition availability lwt zustand');
const COUNT = words('count counts counter total num number sum anzahl');
const MARKS = words(`is was has in have get current currently last previous prev latest active present raised triggered code no nr
  number count counts counter total num message msg text description desc detail details reason type value string info flag flags
  state status stat s any new list data aktiv anzahl letzter letzte letztes`);
const GOOD_SEVERE = words('ok okay success successful successfully healthy operational online reachable alive erreichbar');
const GOOD_MILD = words('connected available valid verbunden verfuegbar erfolgreich');
const GOOD_COMPANY = words('is was device bridge broker mqtt wifi network server cloud gateway');
const PLAIN: KeyRole = { is: 'text' };

export function keyRole(key: string): KeyRole {
  const list = keyWords(key);
  if (list.length === 0) return PLAIN;
  const trouble = troubleRole(list);
  if (trouble !== undefined) return trouble;
  if (list.some((word) => SKIP.has(word)) || (list.includes('payload') && list.length > 1)) return { is: 'skip' };
  return goodRole(list) ?? plainRole(list);
}

function troubleRole(list: readonly string[]): KeyRole | undefined {
  const at = list.findIndex((word) => troubleOf(word) !== undefined);
  const noun = list[at];
  if (noun === undefined) return detectorRole(list);
  const severity = worst(list);
  if (list.some((word) => NEGATORS.has(word) && list.indexOf(word) < at)) return { is: 'good', severity, shallow: false };
  if (list.length === 1 && noun.startsWith('timeout')) return { is: 'timeout' };
  if (noun.startsWith('timeout') || list.some((word) => RESOLVED.has(word))) return { is: 'skip' };
  const known = list.every((word) => MARKS.has(word) || troubleOf(word) !== undefined);
  if (!known && list.includes('level')) return { is: 'skip' };
  if (list.length === 2 && list.includes('level')) return { is: 'level' };
  if (list.some((word) => SETTING.has(word))) return settingRole(list, severity);
  const counted = list.some((word) => COUNT.has(word)) || (list.length > 1 && noun.endsWith('s'));
  const past = list.some((word) => word === 'last' || word === 'previous' || word === 'prev' || word.startsWith('letzte'));
  const mild: Severity = counted || past ? 'warning' : severity;
  return { is: 'trouble', severity: mild, coded: list.some((word) => CODED.has(word) || word === 'failed'), counted, known };
}

/** `high_temp_alarm: true` is an alarm, `alarm_high: 80` a limit: with a direction only a flag counts. */
function settingRole(list: readonly string[], severity: Severity): KeyRole {
  const settings = list.filter((word) => SETTING.has(word));
  if (!settings.every((word) => DIRECTION.has(word))) return { is: 'skip' };
  return { is: 'trouble', severity, coded: false, counted: false, known: false };
}
const DIRECTION = words('high low hi lo upper lower zone area room position location tracking');

function detectorRole(list: readonly string[]): KeyRole | undefined {
  const low = list.includes('low') && (list.includes('battery') || list.includes('batt'));
  const detector = list.some((word) => DETECTORS.has(word) || word === 'lowbat');
  if (!low && !detector) return undefined;
  const rest = list.filter((word) => !DIRECTION.has(word));
  return rest.some((word) => SETTING.has(word)) ? { is: 'skip' } : { is: 'detector' };
}

function worst(list: readonly string[]): Severity {
  return list.some((word) => troubleOf(word) === 'error') ? 'error' : 'warning';
}

function goodRole(list: readonly string[]): KeyRole | undefined {
  const good = list.filter((word) => !GOOD_COMPANY.has(word));
  const [word] = good;
  if (word === undefined || good.length !== 1) return undefined;
  if (GOOD_SEVERE.has(word)) return { is: 'good', severity: 'error', shallow: false };
  return GOOD_MILD.has(word) ? { is: 'good', severity: 'warning', shallow: true } : undefined;
}

function plainRole(list: readonly string[]): KeyRole {
  const last = list[list.length - 1] ?? '';
  if (list.length <= 2 && last === 'level' && list[0] === 'log') return { is: 'level' };
  if (LEVEL.has(last) && list.length === 1) return { is: 'level' };
  if (list.includes('code') && (list.includes('status') || list.includes('http') || list.includes('response'))) {
    return { is: 'http' };
  }
  if (list.length === 2 && list[0] === 'http' && last === 'status') return { is: 'http' };
  return NAME.has(last) ? { is: 'name' } : PLAIN;
}

export function isStatusWord(word: string): boolean {
  return STATUS.has(word) || TEXT.has(word) || COUNT.has(word) || MARKS.has(word);
}
