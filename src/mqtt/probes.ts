// Owns what is remembered of probes on a session: what was published to a topic, and whether it came back.
// Must not know who probed.
import type { Probe, Probes } from './types.ts';

/** Topics remembered, the latest, and for how long, ms: access rules change. */
const MAX_PROBES = 20;
const MAX_AGE_MS = 10 * 60_000;

export class ProbeLog implements Probes {
  readonly #byTopic = new Map<string, Probe>();

  note(probe: Probe): void {
    this.#byTopic.delete(probe.topic);
    this.#byTopic.set(probe.topic, probe);
    const [oldest] = this.#byTopic.keys();
    if (this.#byTopic.size > MAX_PROBES && oldest !== undefined) this.#byTopic.delete(oldest);
  }

  recent(now: number = Date.now()): Probe[] {
    return [...this.#byTopic.values()].filter(({ at }) => now - at < MAX_AGE_MS).reverse();
  }
}
