// Owns the will of a profile on its way to a CONNECT: it is a write, so the policy judges and counts it and it is put on
// record, and each return of the connection leaves it again. Must not know how it is sent, nor when it is published.
import type { Tell } from '../audit.ts';
import { ToolError } from '../errors.ts';
import type { Bequest, Policy } from '../policy.ts';
import type { Quota } from '../quota.ts';
import { addressOf, type Target } from './connection-string.ts';
import type { Will } from './profile.ts';
import { within } from './race.ts';

/** Above the longest timeout_seconds. */
const LONGEST_MS = 60_000;

/** One will over the connections of a client. */
export type Testament = {
  /** For the CONNECT that is written next. */
  next(): Will | undefined;
  /** The broker has taken that CONNECT. */
  left(): void;
};

/** `refused`: notes on a will that is left out. */
export type Left = { will?: Testament; refused: string[]; tell?: Tell };

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
  const left = { will: testamentOf(will, policy.wills(name ?? '')), refused: [] };
  if (policy.audit === undefined) return left;
  const allowed = policy.audit.allow(record, 'allowed');
  // `until` ends it before.
  const late = () => new ToolError('timeout', 'The record of the will was not written in time.', 'Call again.');
  return { ...left, tell: await within(allowed, LONGEST_MS, until, late) };
}

/**
 * The first connection's is counted by then. A return counts too, or taking over the client id again and again would
 * publish as many as one likes; where there are too many it is made without it. What it stores is stored once already.
 */
export function testamentOf(will: Will, quota: Quota): Testament {
  let returns = false;
  let carried = false;
  return {
    next: () => {
      carried = !returns || passes(quota);
      return carried ? will : undefined;
    },
    left: () => {
      if (returns && carried && passes(quota)) quota.take(false);
      returns = true;
    },
  };
}

function passes(quota: Quota): boolean {
  try {
    quota.check(false);
    return true;
  } catch (error) {
    if (error instanceof ToolError) return false;
    throw error;
  }
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
