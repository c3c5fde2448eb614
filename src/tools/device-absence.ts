// Owns what it means that nothing live came from a device, or that nothing on the broker is known of it.
import type { Finding } from '../findings/types.ts';
import { quoteText } from '../mqtt/topic.ts';
import type { RetainedEnd } from '../mqtt/types.ts';
import { nothingCollected } from './absence.ts';
import type { Glance } from './look-around.ts';
import { type Absence, besideBroker } from './look-verdict.ts';
import { connectedFor } from './up-time.ts';

export type Heard = {
  seconds: number;
  /** Messages of the whole broker; topics of others; names that are nearly the one asked for. */
  received: number;
  others: number;
  near: readonly string[];
  /** Whether # was granted. */
  all: boolean;
  end: RetainedEnd;
  interrupted: boolean;
  grantedQos: number;
  upSeconds: number;
  /** What the broker says of itself, and what was probed. */
  glance: Glance;
};

/** Nothing on the broker names the device. */
export function deviceUnknown(heard: Heard): Absence {
  const { seconds, received, others, near, all, end, interrupted, grantedQos } = heard;
  const { upSeconds, glance } = heard;
  if (received === 0) {
    const listened = { pattern: '#', seconds, grantedQos, retained: 'include' as const, interrupted, upSeconds };
    return besideBroker(nothingCollected(listened), glance, all && !interrupted);
  }
  const spelled = near.map((name) => `The id is spelled differently: ${quoteText(name, 64)} exists.`);
  const proven = all && end.complete && !interrupted;
  const absence: Absence = {
    grade: proven ? 'likely' : 'unknown',
    verdict: `Nothing names the device: ${received} messages came within ${Math.round(seconds)} s, none on a topic or in a description of it.`,
    ruled_out: [
      'This session hears nothing at all: others were heard.',
      ...(proven ? ['A stored message or discovery document of it that this user may read.'] : []),
    ],
    possible: [
      ...spelled,
      ...(spelled.length > 0 ? [] : ['The id is spelled differently; list_topics shows what exists.']),
      'It stores nothing and speaks less often than the window.',
      'It is on another broker, or never reached this one.',
      'The access rules of the broker withhold its topics from this user.',
    ],
    evidence: [
      `${others} topics of others were looked at${all ? '' : ', in part of the broker only: # was refused'}.`,
      connectedFor(heard),
    ],
  };
  return besideBroker(absence, glance, false);
}

/** The device is known, but nothing live came from it. `cause`: the weightiest finding, where it explains that. */
export function deviceSilent(heard: Heard, cause: Finding | undefined): Absence {
  const { seconds, received, others, interrupted, glance } = heard;
  const evidence = [
    `${others} topics of others were heard or stored, ${received} messages in all.`,
    connectedFor(heard),
  ];
  if (interrupted) {
    const verdict = 'The connection was lost during the window.';
    const possible = ['It spoke while the connection was down.'];
    return besideBroker({ grade: 'unknown', verdict, ruled_out: [], possible, evidence }, glance, false);
  }
  const explains = ['bridge_offline', 'device_offline', 'device_disabled', 'stale', 'silent'];
  const explained = cause !== undefined && explains.includes(cause.code);
  const absence: Absence = {
    grade: explained ? 'likely' : 'unknown',
    verdict: explained ? cause.message : `The device is known but said nothing within ${Math.round(seconds)} s.`,
    ruled_out: [
      'The broker refused the subscription.',
      'The connection was down.',
      'The device is unknown on this broker.',
    ],
    possible: [
      ...(explained ? [] : ['It speaks only on change, or less often than the window: listen longer.']),
      'It is switched off, out of battery or out of range.',
      'The access rules of the broker withhold its live messages from this user.',
    ],
    evidence,
  };
  return besideBroker(absence, glance, false);
}
