// Owns the will of a profile on its way to a CONNECT: it is a write, so the policy judges and counts it and it is put on
// record. Must not know how it is sent, nor when the broker publishes it.
import type { Tell } from '../audit.ts';
import { ToolError } from '../errors.ts';
import type { Bequest, Policy } from '../policy.ts';
import { addressOf, type Target } from './connection-string.ts';
import type { Will } from './profile.ts';
import { within } from './race.ts';

/** Above the longest timeout_seconds. */
const LONGEST_MS = 60_000;

/** `refused`: notes on a will that is left out. */
export type Left = { will?: Will; refused: string[]; tell?: Tell };

/**
 * What is never allowed is left out, and that is said. Throws policy_denied where it will be allowed later, as a connect
 * without it would not be asked for again, and where a person should decide about it and such writes are denied.
 */
export async function willOf(
  name: string | undefined,
  will: Will | undefined,
  target: Target,
  { policy, ...session }: { policy: Policy; id: string; name: string },
  until: AbortSignal,
): Promise<Left> {
  if (will === undefined) return { refused: [] };
  const payload = Buffer.from(will.payload);
  const at = { session: session.id, name: session.name, broker: addressOf(target) };
  const record = { ...at, ...will, payload, will: true } as const;
  const refusal = await refusalOf(policy, name ?? '', record);
  if (refusal) {
    policy.audit?.deny(record);
    if (refusal.stops) throw refusal.error;
    return { refused: [`The will of the profile is left out. ${refusal.error.data.message}`] };
  }
  if (policy.audit === undefined) return { will, refused: [] };
  const allowed = policy.audit.allow(record, 'allowed');
  // `until` ends it before.
  const late = () => new ToolError('timeout', 'The record of the will was not written in time.', 'Call again.');
  return { will, refused: [], tell: await within(allowed, LONGEST_MS, until, late) };
}

/** Undefined: it may be left. `stops`: nor is the connect made without it. */
async function refusalOf(
  policy: Policy,
  profile: string,
  will: Bequest,
): Promise<{ error: ToolError; stops: boolean } | undefined> {
  let stops = false;
  try {
    policy.mayPublish(will.topic);
    stops = true;
    await policy.mayBequeath(will);
    stops = false;
    policy.wills(profile).take(will.retain);
    return undefined;
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    return { error, stops: stops || error.data.retryable };
  }
}
