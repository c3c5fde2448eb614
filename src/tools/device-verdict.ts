// Owns the verdict on a device: its status, its availability as all who know tell it, and both in one sentence.
import type { Contact } from '../findings/contact.ts';
import { quoted } from '../findings/entries.ts';
import { isGone, type Witness, witnesses } from '../findings/presence.ts';
import type { Finding, View } from '../findings/types.ts';
import type { DebugDeviceResult } from '../generated/types.ts';
import { iso, seconds } from './times.ts';

type Connection = DebugDeviceResult['connection_status'];
/** `all`: the witnesses, those about the device first. */
export type Availability = { state: DebugDeviceResult['availability']['state']; all: Witness[] };

/** The state that all witnesses together tell: a bridge that is gone takes its devices along. */
export function availabilityOf(view: View): Availability {
  const all = witnesses(view);
  const bridgeGone = all.some((one) => one.of === 'bridge' && isGone(one));
  const own = all.filter(({ of, overruled }) => of === 'device' && !overruled);
  const gone = own.some(isGone);
  return { state: bridgeGone || gone ? 'offline' : (own[0]?.presence ?? 'unknown'), all };
}

export function connectionOf(
  view: View,
  findings: Finding[],
  { state, all }: Availability,
  contact: Contact | undefined,
): Connection {
  if (view.series.length === 0 && view.claims.length === 0) return 'not_found';
  const contradicted = findings.some(({ code }) => code === 'availability_contradicted');
  const spoke = contact?.knownBy === 'live_message';
  const left = all.some((one) => isGone(one) && (contact === undefined || one.entry.seq > contact.entry.seq));
  if (state === 'offline' && !contradicted && (left || !spoke)) return 'offline';
  if (findings.some(({ code, severity }) => code === 'silent' && severity === 'error')) return 'silent';
  if (spoke) return 'active';
  return state === 'unknown' || state === 'offline' ? 'unknown' : 'silent';
}

/** Live messages of the device a minute. */
export function frequencyOf(view: View): number {
  const minutes = Math.max(1, view.ended - view.began) / 60_000;
  const count = view.series
    .filter(({ role }) => role.of !== 'bridge' && role.role !== 'command' && role.role !== 'description')
    .reduce((sum, one) => sum + one.live, 0);
  return Math.round((count / minutes) * 10) / 10;
}

type Told = {
  connection: Connection;
  contact: Contact | undefined;
  perMinute: number;
  findings: Finding[];
  view: View;
  /** In words, where the connection was lost within the window. */
  lost: string | undefined;
};

const STATES: Record<Connection, string> = {
  active: 'is active',
  silent: 'is silent',
  offline: 'is offline',
  unknown: 'is known, but whether it lives cannot be told',
  not_found: 'was not found',
};

/** The first line: true by itself, also where the window was not whole or only remarks were found. */
export function summaryOf(device: string, told: Told): string {
  const { connection, contact, perMinute, view, lost } = told;
  const name = quoted(device.length > 80 ? `${device.slice(0, 80)}…` : device);
  const partly = view.lossy ? ` ${lost ?? 'More came than could be read, so messages may be missing'}.` : '';
  if (connection === 'not_found') {
    const where = view.lossy ? 'in what was heard' : 'that this user sees';
    return `${name} was not found: no topic and no description ${where} names it.${partly}`;
  }
  const ago = contact === undefined ? 0 : view.ended - contact.at;
  const how =
    contact === undefined
      ? 'nothing live came, and when it last spoke is not known'
      : contact.knownBy === 'live_message'
        ? `last live message ${seconds(Math.max(0, ago))} s before the end, ${perMinute} a minute`
        : `nothing live came; a stored message tells of ${iso(contact.at)}`;
  return `${name} ${STATES[connection]}: ${how}.${partly} ${verdictOf(told)}`;
}

function verdictOf({ connection, findings, view }: Told): string {
  const serious = findings.filter(({ severity }) => severity !== 'info');
  const [worst] = serious;
  const [remark] = findings;
  const more = (list: Finding[]) => (list.length > 1 ? ` (and ${list.length - 1} more)` : '');
  if (worst !== undefined) return `${cut(worst.message)}${more(serious)}`;
  if (remark !== undefined) return `Nothing is surely wrong, but worth a look: ${cut(remark.message)}${more(findings)}`;
  if (connection !== 'active') return 'What was heard does not say why: see absence.';
  return view.lossy ? 'Nothing unusual was found in what was heard.' : 'Nothing unusual was found.';
}

function cut(message: string): string {
  return message.length <= 300 ? message : `${message.slice(0, 300)}…`;
}
