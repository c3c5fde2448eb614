// Devices that are well get no warnings: the demo's, over many seeds and with jitter, with what they report themselves
// (the gateway's errors, the oven's alarms) as the only findings.
import { expect, test } from 'vitest';
import { devices } from '../../src/demo/devices.ts';
import { createFleet } from '../../src/demo/fleet.ts';
import { randomFor } from '../../src/demo/random.ts';
import { findingsOf } from '../../src/findings/index.ts';
import { codesOf, type Said, viewOf } from '../support/device.ts';

const SEEDS = 40;
const reporting = ['home/gateway', 'plant/line2/oven'];

/** 29 s of the demo, a beat a second, each up to `jitter` s late. */
function ofSeed(seed: number, jitter: number): Said[] {
  const fleet = createFleet(seed, 1_000);
  const late = randomFor(seed, 'jitter');
  const said: Said[] = fleet.start().map(({ topic, payload }) => ({ topic, payload, retain: true }));
  for (let round = 0; round < 29; round++) {
    for (let turn = 0; turn < fleet.size; turn++) {
      const t = round + turn / fleet.size + jitter * late() + 0.05;
      said.push(...fleet.beat().map(({ topic, payload }) => ({ t, topic, payload })));
    }
  }
  return said;
}

test.each([0, 0.2])('%f s of jitter, 40 seeds -> only what the devices report themselves', (jitter) => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const all = ofSeed(seed, jitter);
    for (const { base } of devices) {
      const view = viewOf(all.filter(({ topic }) => topic.startsWith(`${base}/`)));
      const codes = codesOf(findingsOf(view)).filter(
        (code) => !(reporting.includes(base) && code === 'error_reported'),
      );
      expect(codes, `${base}, seed ${seed}`).toEqual([]);
    }
  }
});
