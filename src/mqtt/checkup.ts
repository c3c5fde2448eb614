// Owns the check of a broker: its layers in order, what the first failure means for the later ones, and that nothing of
// it is left behind. Must not know who asked, nor the sessions of the pool beside the one it is given.
import { ToolError, type ToolErrorData } from '../errors.ts';
import { type Findings, layers, type Patient } from './checkup-layers.ts';
import { tenths } from './checkup-network.ts';
import type { Check, CheckName } from './types.ts';

const order = ['dns', 'tcp', 'tls', 'connack', 'subscribe', 'echo', 'sys'] as const;

/** Every layer once, in order. Rejects only where `signal` is aborted, or for a bug. */
export async function checkup(
  patient: Patient,
  tell: (name: CheckName) => void,
  signal: AbortSignal,
): Promise<Check[]> {
  const findings: Findings = { addresses: [], session: patient.session, ear: undefined };
  const checks: Check[] = [];
  let broken: CheckName | undefined;
  let own: Awaited<ReturnType<Patient['open']>> | undefined;
  const open: Patient['open'] = async (until) => {
    own = await patient.open(until);
    return own;
  };
  try {
    for (const name of order) {
      if (broken !== undefined) {
        checks.push({ name, status: 'skipped', ms: 0, detail: `Not tried: ${broken} failed.` });
        continue;
      }
      tell(name);
      const check = await examine(name, { ...patient, open }, findings, signal);
      checks.push(check);
      // A live session is looked at in any case: it does not need a second connection.
      const beside = patient.session?.state().isConnected === true && isNetwork(name);
      if (check.status === 'failed' && !beside) broken = name;
    }
    blameTls(checks);
    return checks;
  } finally {
    findings.ear?.subscription.close();
    await own?.end('the check is over').catch(() => {});
  }
}

function isNetwork(name: CheckName): boolean {
  return name === 'dns' || name === 'tcp' || name === 'tls';
}

async function examine(name: CheckName, patient: Patient, findings: Findings, signal: AbortSignal): Promise<Check> {
  const began = performance.now();
  const took = () => tenths(performance.now() - began);
  try {
    const found = await layers[name](patient, findings, signal);
    return { name, ...found, ms: found.status === 'skipped' ? 0 : took() };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (!(error instanceof ToolError)) throw error;
    return { name, status: 'failed', ms: took(), ...failure(error.data) };
  }
}

function failure({ code, message, hint, reason_code, reason }: ToolErrorData): Pick<Check, 'detail' | 'hint' | 'code'> {
  return {
    code,
    detail: message,
    hint,
    ...(reason_code === undefined ? {} : { reason_code }),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** TLS 1.3 refuses a client's certificate only after the handshake: it shows where CONNACK is awaited. */
function blameTls(checks: Check[]): void {
  const [, , secured, answered] = checks;
  if (secured?.status === 'skipped' || answered?.code !== 'tls_failure') return;
  checks[2] = { ...secured, ...answered, name: 'tls', ms: secured?.ms ?? 0 };
  checks[3] = { name: 'connack', status: 'skipped', ms: 0, detail: 'Not tried: tls failed.' };
  for (const [index, check] of checks.entries()) {
    if (index > 3) checks[index] = { ...check, detail: 'Not tried: tls failed.' };
  }
}
