// Owns the words of this folder: a timeline of one device's messages, and what is found in it. Types only.
import type { Claim, TopicRole } from '../conventions/types.ts';
import type { PayloadType } from '../payload/types.ts';

/** One message, decoded. Untrusted. */
export type Entry = {
  topic: string;
  /** Milliseconds since the epoch, at reception. */
  at: number;
  /** The order of arrival over all topics. */
  seq: number;
  /** true: stored by the broker earlier. */
  retain: boolean;
  payload: unknown;
  type: PayloadType;
};

/** The messages of one topic, in order of arrival. */
export type Series = {
  topic: string;
  role: TopicRole;
  entries: Entry[];
  /** Live messages, all of them, also those that `entries` no longer holds. */
  live: number;
  /** Messages that `entries` does not hold any more, the oldest ones. */
  dropped: number;
};

/** What there was to see of a device within a window. */
export type View = {
  /** Milliseconds since the epoch. */
  began: number;
  ended: number;
  series: Series[];
  /** All of them, where `series` are only a part that is looked at by itself. */
  all?: readonly Series[];
  claims: Claim[];
  /** Messages may be missing: the connection was lost meanwhile, or more came than could be read. */
  lossy: boolean;
};

/** By weight: a cause before its consequences. */
export const FINDING_CODES = [
  'bridge_offline',
  'device_disabled',
  'flapping',
  'device_offline',
  'silent',
  'stale',
  'availability_contradicted',
  'second_writer',
  'command_not_obeyed',
  'error_reported',
  'device_alert',
  'restarted',
  'unit_changed',
  'field_type_changed',
  'field_disappeared',
  'stuck_value',
  'counter_restarted',
  'sequence_gap',
  'bdseq_mismatch',
  'clock_skew',
  'low_battery',
  'weak_signal',
  'missed_beats',
  'retained_command',
  'retained_ghost',
] as const;
export type FindingCode = (typeof FINDING_CODES)[number];

export type Evidence = { topic: string; time?: string; value: unknown };

export type Finding = {
  code: FindingCode;
  severity: 'error' | 'warning' | 'info';
  /** One sentence. */
  message: string;
  evidence: Evidence[];
  /** What to check next. */
  next: string;
  /** The topic and field it is about, where it is about one: others about the same are left out then. */
  about?: string;
  /** Of several of a code that is told once, the one with the highest is. */
  rank?: number;
};

/** Finds one kind of thing. Pure and total. */
export type Rule = (view: View) => Finding[];
