// Owns the order of an examination from the machine outwards, and whether all is well. Loaded by the command `doctor`
// alone. Must not know the process nor a terminal.
import { repeated } from '../repeated.ts';
import { type Brokers, brokersOf, examineBroker } from './broker.ts';
import { hostFindings } from './hosts.ts';
import { nodeFinding } from './node.ts';
import { fileFindings, type Settings, settingsOf } from './settings.ts';
import type { Finding, Machine, Report, Target } from './types.ts';

export { createScreen, looksOf } from './screen.ts';

export type Examination = {
  configFile: string | undefined;
  target: Target;
  demo: boolean;
  machine: Machine;
};

/** True where nothing failed. A bad config is a finding too. */
export async function examine({ configFile, target, demo, machine }: Examination, report: Report): Promise<boolean> {
  let failed = false;
  const tell = (finding: Finding) => {
    failed ||= finding.status === 'failed';
    report.finding(finding);
  };

  report.heading('This machine');
  tell(nodeFinding(machine.nodeVersion));
  const settings = await settingsOf(configFile, machine);
  for (const finding of settings.findings) tell(finding);

  // A config that cannot be read leaves a URL to examine, but no profile.
  if (!settings.broken || (target && 'url' in target)) {
    const brokers = await brokersOf(settings, configFile, machine, demo);
    for (const one of wanted(target, brokers, settings)) {
      report.heading('url' in one ? 'The broker' : `Profile ${repeated(one.profile)}`);
      if ('profile' in one) for (const finding of fileFindings(one.profile, settings, machine)) tell(finding);
      const wrong = 'profile' in one ? unusable(one.profile, brokers, settings) : undefined;
      if (wrong) tell(wrong);
      else await examineBroker(one, brokers, tell, report.waits);
    }
    await brokers.close();
  }

  report.heading('Hosts');
  for (const finding of hostFindings(machine)) tell(finding);
  return !failed;
}

function wanted(target: Target, brokers: Brokers, { profiles }: Settings): NonNullable<Target>[] {
  if (target !== undefined) return [target];
  return [...new Set([...brokers.names(), ...profiles.keys()])].map((profile) => ({ profile }));
}

/** A profile that cannot be used, or that nobody has. */
function unusable(profile: string, brokers: Brokers, { profiles }: Settings): Finding | undefined {
  const names = brokers.names();
  if (names.includes(profile)) return undefined;
  const known = names.length > 0 ? `Profiles: ${names.join(', ')}; or` : 'No profiles are configured:';
  const next = profile === 'demo' ? '--demo offers it.' : `${known} name a broker by its URL.`;
  return profiles.get(profile) ?? { status: 'failed', what: 'settings', detail: 'No profile has that name.', next };
}
