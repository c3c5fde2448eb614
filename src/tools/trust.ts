// Owns the warning on what came through a connection whose certificate nobody verified. Must not know TLS.
import type { Pool } from '../mqtt/types.ts';

/** Absent where nothing is amiss, so that only those who turned verification off pay for it. */
export const unverified = { tls_verified: false } as const;

/** The result of one call with the warning, where the session of its arguments or of itself asks for one. */
export function withTrust<Result extends object>(result: Result, args: object, pool: Pool): Result {
  const reference = referenceOf(args) ?? referenceOf(result);
  return reference !== undefined && pool.isUnverified(reference) ? { ...result, ...unverified } : result;
}

function referenceOf(object: object): string | undefined {
  return 'session_id' in object && typeof object.session_id === 'string' ? object.session_id : undefined;
}
