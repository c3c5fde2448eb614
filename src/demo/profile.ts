// Owns the profile `demo`: the embedded broker, started by the first connect and not before.
import { type Profiles, unknownProfile } from '../mqtt/profile.ts';
import type { DemoBroker } from './broker.ts';

/** The given profiles with `demo` beside them; `close` ends the broker where one was started. */
export function withDemo(profiles: Profiles, seed?: number): Profiles & { close(): Promise<void> } {
  let broker: Promise<DemoBroker> | undefined;
  const names = () => ['demo', ...profiles.names().filter((name) => name !== 'demo')];
  return {
    names,
    open: async (name, signal) => {
      if (name !== 'demo')
        return names().includes(name) ? profiles.open(name, signal) : Promise.reject(unknownProfile(names()));
      broker ??= import('./broker.ts').then(({ startDemo }) => startDemo(seed === undefined ? {} : { seed }));
      return { url: (await broker).url };
    },
    close: async () => {
      await (await broker)?.close();
    },
  };
}
