// Owns the part of a tool in tests of checks: asks a pool of its own to examine a broker, and reads what it found.
import { expect, onTestFinished } from 'vitest';
import { connect } from '../../src/mqtt/connect.ts';
import { createPool } from '../../src/mqtt/pool.ts';
import type { OpenProfile } from '../../src/mqtt/profile.ts';
import type { Check, CheckName, CheckRequest, Pool } from '../../src/mqtt/types.ts';
import { createPolicy } from '../../src/policy.ts';
import { signal } from './fake-caller.ts';

export type Examined = {
  checks: Check[];
  /** `dns ok`, `tcp failed`, … in order. */
  line: string;
  check(name: CheckName): Check;
};

/** A pool whose only profile, `p`, is `profile`. */
export function poolWith(profile?: OpenProfile, readOnly = false): Pool {
  const open = async () => profile ?? expect.fail('a profile was opened');
  const profiles = { names: () => (profile ? ['p'] : []), open };
  const pool = createPool({ connect, profiles, policy: createPolicy({ readOnly }) });
  onTestFinished(() => pool.closeAll());
  return pool;
}

/** `what`: a connection string, or a profile. */
export function examine(what: string | OpenProfile, more: Partial<CheckRequest> = {}): Promise<Examined> {
  const pool = poolWith(typeof what === 'string' ? undefined : what);
  return examineOn(pool, typeof what === 'string' ? { connectionString: what, ...more } : { profile: 'p', ...more });
}

export async function examineOn(pool: Pool, request: Partial<CheckRequest>): Promise<Examined> {
  const told: CheckName[] = [];
  const checks = await pool.check({ timeoutSeconds: 3, ...request }, signal, (name) => told.push(name));
  expect(checks.map(({ name }) => name)).toEqual(['dns', 'tcp', 'tls', 'connack', 'subscribe', 'echo', 'sys']);
  expect(checks.slice(0, told.length).map(({ name }) => name)).toEqual(told);
  for (const { status, detail, hint } of checks) {
    expect(detail).toMatch(/^[^\n]+\.$/);
    if (status === 'failed' || status === 'warning') expect(hint).toMatch(/^[^\n]+\.$/);
  }
  const check = (name: CheckName) => checks.find((one) => one.name === name) ?? expect.fail(`no ${name}`);
  return { checks, line: checks.map(({ name, status }) => `${name} ${status}`).join(', '), check };
}
