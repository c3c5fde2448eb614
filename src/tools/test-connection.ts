// Owns test_connection: what was examined, as a verdict and a next step.
import type { TestConnectionArgs, TestConnectionResult } from '../generated/types.ts';
import type { Check } from '../mqtt/types.ts';
import { checkProbeTopic } from './probe.ts';
import type { Context, Handler } from './tool.ts';
import { unverified } from './trust.ts';

export const testConnection: Handler<'test_connection'> = async (args, context) => {
  const { probe_topic: topic } = args;
  let layer = 'the request';
  context.tells(() => ({ message: `testing ${layer}` }));
  const checks = await context.pool.check(
    {
      connectionString: args.connection_string,
      profile: args.profile,
      session: args.session_id,
      probeTopic: topic,
      checkProbe: (denied) => topic !== undefined && checkProbeTopic(topic, context, denied),
      timeoutSeconds: args.timeout_seconds,
    },
    context.signal,
    (name) => {
      layer = name;
    },
  );
  await remember(checks, args, context);
  const overall_health = healthOf(checks);
  const trust = checks.some((check) => check.unverified) ? unverified : {};
  return { summary: summaryOf(checks), overall_health, status: 'success', checks: checks.map(plain), ...trust };
};

/** On an open session, for whoever wonders later why nothing comes. */
async function remember(
  checks: Check[],
  { session_id, probe_topic: topic }: TestConnectionArgs,
  { pool, signal }: Context,
): Promise<void> {
  const trips = checks.find(({ name }) => name === 'echo')?.round_trips ?? [];
  if (session_id === undefined || topic === undefined || trips.length === 0) return;
  const session = await pool.get(session_id, signal).catch(() => undefined);
  const acknowledged = trips.some((trip) => trip.acknowledged);
  session?.probes.note({ topic, at: Date.now(), acknowledged, came: trips.some(({ echo_ms }) => echo_ms !== null) });
}

function healthOf(checks: Check[]): TestConnectionResult['overall_health'] {
  if (checks.some(({ status }) => status === 'failed')) return 'unhealthy';
  return checks.some(({ status }) => status === 'warning') ? 'degraded' : 'healthy';
}

function summaryOf(checks: Check[]): string {
  const worst = checks.find(({ status }) => status === 'failed') ?? checks.find(({ status }) => status === 'warning');
  if (!worst) return `Everything tested works: ${namesOf(checks, 'ok')}.`;
  const { name, detail, hint } = worst;
  const verdict = worst.status === 'failed' ? `The connection fails at ${name}` : `It works, with a warning at ${name}`;
  return `${verdict}: ${detail}${hint === undefined ? '' : ` Next: ${hint}`}`;
}

function namesOf(checks: Check[], wanted: Check['status']): string {
  return checks.flatMap(({ name, status }) => (status === wanted ? [name] : [])).join(', ');
}

/** The order that is read: what, how it went, why, what next. */
function plain({
  name,
  status,
  ms,
  detail,
  hint,
  limits,
  unverified: _,
  ...rest
}: Check): TestConnectionResult['checks'][number] {
  return {
    name,
    status,
    ms,
    detail,
    ...(hint === undefined ? {} : { hint }),
    ...rest,
    ...(limits === undefined ? {} : { limits: { ...limits } }),
  };
}
