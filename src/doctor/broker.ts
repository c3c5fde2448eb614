// Owns the examination of one broker: the layers of test_connection, under the policy of the config. Publishes nothing.
// Must not know the layers, nor how any of it is shown.
import { ToolError } from '../errors.ts';
import { createPool } from '../mqtt/pool.ts';
import type { Profiles } from '../mqtt/profile.ts';
import type { Pool } from '../mqtt/types.ts';
import { loadFormats } from '../payload/decode.ts';
import { createPolicy } from '../policy.ts';
import { profilesOf } from '../profiles.ts';
import type { Settings } from './settings.ts';
import type { Finding, Machine, Target } from './types.ts';

/** For each layer: a person waits. */
const TIMEOUT_SECONDS = 5;

export type Brokers = { names: Profiles['names']; check: Pool['check']; close(): Promise<void> };

/** Seals the profiles of the config: nobody reads them out of it afterwards. */
export async function brokersOf(
  { config, broken }: Settings,
  configFile: string | undefined,
  { env, endGroup }: Machine,
  demo: boolean,
): Promise<Brokers> {
  const own = profilesOf(config, broken || configFile === undefined ? '.' : configFile, env, undefined, endGroup);
  const withDemo = demo ? (await import('../demo/profile.ts')).withDemo(own) : undefined;
  const profiles = withDemo ?? own;
  const policy = createPolicy({ readOnly: true, rules: config.policy ?? {} });
  const pool = createPool({
    connect: async (...args) => {
      const [{ connect }] = await Promise.all([import('../mqtt/connect.ts'), loadFormats()]);
      return connect(...args);
    },
    profiles,
    policy,
  });
  const close = async () => {
    await pool.closeAll();
    await withDemo?.close();
  };
  return { names: profiles.names, check: pool.check, close };
}

export async function examineBroker(
  target: NonNullable<Target>,
  { check }: Brokers,
  tell: (finding: Finding) => void,
  waits: (text: string) => void,
): Promise<void> {
  const place = 'url' in target ? { connectionString: target.url } : { profile: target.profile };
  waits('reading its settings');
  try {
    const request = { ...place, timeoutSeconds: TIMEOUT_SECONDS };
    const checks = await check(request, new AbortController().signal, (layer) => waits(`testing ${layer}`));
    for (const { name, status, detail, hint, ms } of checks) {
      // Without a probe topic there is nothing to echo, and nobody expects it.
      if (name === 'echo' && status === 'skipped') continue;
      const took = status === 'skipped' ? '' : ` (${ms} ms)`;
      tell({ status, what: name, detail: `${detail}${took}`, ...(hint === undefined ? {} : { next: hint }) });
    }
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    tell({ status: 'failed', what: 'settings', detail: error.data.message, next: error.data.hint });
  }
}
