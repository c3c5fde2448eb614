// Owns the rules on what is described of a device: device_disabled, retained_ghost.
import { evidence, quoted } from './entries.ts';
import { spoke } from './payload-time.ts';
import { isGone, witnesses } from './presence.ts';
import type { Finding, Rule } from './types.ts';

/** device_disabled: the description says so, or that it never got ready. */
export const deviceDisabled: Rule = (view) =>
  view.claims.flatMap(({ source, remarks }) =>
    remarks.map(
      ({ field, value, message, next }): Finding => ({
        code: 'device_disabled',
        severity: 'warning',
        message,
        evidence: [{ topic: source, value: `${field}: ${String(value)}` }],
        next,
      }),
    ),
  );

/**
 * retained_ghost: a discovery document is stored and nothing live came; and either the device is said to be offline
 * while its bridge is not, or nothing else is stored of it at all (info: it may only speak seldom).
 */
export const retainedGhost: Rule = (view) => {
  const stored = view.series.filter(
    ({ role, topic, entries }) =>
      role.role === 'description' &&
      /\/config$/.test(topic) &&
      entries.some(({ retain, type }) => retain && type === 'json') &&
      entries.at(-1)?.type !== 'empty',
  );
  const [first] = stored;
  const entry = first?.entries.at(-1);
  if (first === undefined || entry === undefined || spoke(view)) return [];
  const all = witnesses(view);
  if (all.some((one) => one.of === 'bridge' && isGone(one))) return [];
  const dead = all.some((one) => one.of === 'device' && isGone(one));
  const known = view.series.some(
    ({ role, entries }) =>
      role.of !== 'bridge' && role.role !== 'description' && role.role !== 'command' && entries.length > 0,
  );
  if (!dead && known) return [];
  return [
    {
      code: 'retained_ghost',
      severity: dead ? 'warning' : 'info',
      message: `${stored.length === 1 ? 'A discovery document' : `${stored.length} discovery documents`} of the device ${stored.length === 1 ? 'is' : 'are'} stored (${quoted(first.topic)}), but ${dead ? 'it is offline' : 'nothing else is stored of it'} and nothing live came.`,
      evidence: [evidence(entry), ...stored.slice(1, 3).map(({ topic }) => ({ topic, value: 'stored' }))],
      next: 'If the device is gone for good, clear these topics with empty retained messages: else it stays in Home Assistant as unavailable.',
    },
  ];
};
