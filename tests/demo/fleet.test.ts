import { describe, expect, test } from 'vitest';
import { demoTopics, devices } from '../../src/demo/devices.ts';
import { createFleet, type Fleet, type Publication } from '../../src/demo/fleet.ts';

const SEED = 7;
const text = (payload: string): Uint8Array => new TextEncoder().encode(payload);

function rounds(fleet: Fleet, count: number): Publication[] {
  return Array.from({ length: count * fleet.size }, () => fleet.beat()).flat();
}

function valuesOf(said: readonly Publication[], topic: string): unknown[] {
  return said.filter((publication) => publication.topic === topic).map(({ payload }) => JSON.parse(String(payload)));
}

describe('the table', () => {
  test('plain devices and those of conventions, every topic once', () => {
    expect(devices).toHaveLength(17);
    expect(new Set(demoTopics.map(({ topic }) => topic)).size).toBe(demoTopics.length);
  });

  test('what is said is what stands in it, with its retain flag, and all of it is said', () => {
    const fleet = createFleet(SEED, 1000);
    const said = [...fleet.start(), ...rounds(fleet, 60)];
    for (const topic of fleet.commandTopics) said.push(...fleet.obey(topic, text('toggle')));
    const flows = new Map(said.map(({ topic, retain }) => [topic, retain ? 'retained' : 'live']));
    const written = demoTopics.filter(({ flow }) => flow !== 'command').map(({ topic, flow }) => [topic, flow]);
    expect([...flows].sort()).toEqual(written.sort());
  });

  test('an example has the shape of what is said', () => {
    const fleet = createFleet(SEED, 1000);
    const said = [...fleet.start(), ...rounds(fleet, 60)];
    for (const topic of fleet.commandTopics) said.push(...fleet.obey(topic, text('toggle')));
    for (const { topic, flow, example } of demoTopics) {
      if (flow === 'command' || example === '') continue;
      const shapes = said
        .filter((publication) => publication.topic === topic)
        .map(({ payload }) => shapeOf(String(payload)));
      expect(shapes, topic).toContain(shapeOf(example));
    }
  });
});

describe('determinism', () => {
  test('the same seed says the same, another one does not', () => {
    const [first, again, other] = [SEED, SEED, SEED + 1].map((seed) => rounds(createFleet(seed, 1000), 50));
    // Sparkplug carries the time of day.
    expect(withoutBytes(again)).toEqual(withoutBytes(first));
    expect(other).not.toEqual(first);
  });

  test('a command to one device changes no value of another', () => {
    const [left, disturbed] = [createFleet(SEED, 1000), createFleet(SEED, 1000)];
    disturbed.obey('home/livingroom/lamp/set', text('ON'));
    expect(withoutBytes(rounds(disturbed, 20))).toEqual(withoutBytes(rounds(left, 20)));
  });
});

describe('signals', () => {
  test('the meter only grows', () => {
    const said = rounds(createFleet(SEED, 1000), 500);
    const totals = valuesOf(said, 'home/cellar/meter/energy').map((value) => field(value, 'total_kwh'));
    expect(totals).toHaveLength(500);
    expect(totals).toEqual([...totals].sort((a, b) => a - b));
  });

  test('CO2 is a bare number within its range', () => {
    for (const ppm of valuesOf(rounds(createFleet(SEED, 1000), 500), 'home/livingroom/co2/ppm')) {
      expect(ppm).toBeGreaterThanOrEqual(420);
      expect(ppm).toBeLessThanOrEqual(1400);
    }
  });

  test('every eight beats hold one error line', () => {
    const log = valuesOf(rounds(createFleet(SEED, 1000), 80), 'home/gateway/log');
    expect(log.filter((line) => /"level":"error"/.test(JSON.stringify(line)))).toHaveLength(10);
  });
});

describe('commands', () => {
  test.each([
    ['ON', { state: 'ON', brightness: 80 }],
    [' on ', { state: 'ON', brightness: 80 }],
    ['true', { state: 'ON', brightness: 80 }],
    ['toggle', { state: 'ON', brightness: 80 }],
    ['OFF', { state: 'OFF', brightness: 80 }],
    ['{"state":"ON","brightness":40}', { state: 'ON', brightness: 40 }],
    ['{"brightness":1e9}', { state: 'OFF', brightness: 100 }],
    ['{"brightness":-3}', { state: 'OFF', brightness: 0 }],
    ['{"brightness":"40"}', { state: 'OFF', brightness: 80 }],
    ['', { state: 'OFF', brightness: 80 }],
    ['null', { state: 'OFF', brightness: 80 }],
    ['{"state":', { state: 'OFF', brightness: 80 }],
    ['make it cosy', { state: 'OFF', brightness: 80 }],
    ['['.repeat(1000), { state: 'OFF', brightness: 80 }],
  ])('lamp: %j -> %j', (command, state) => {
    const answer = createFleet(SEED, 1000).obey('home/livingroom/lamp/set', text(command));
    expect(answer).toEqual([{ topic: 'home/livingroom/lamp/state', payload: JSON.stringify(state), retain: true }]);
  });

  test('pump: stop ends the flow, a speed alone changes no power', () => {
    const fleet = createFleet(SEED, 1000);
    const stopped = fleet.obey('plant/line1/pump/set', text('{"running":false}'));
    expect(stopped[0]?.payload).toBe('{"running":false,"speed_rpm":1450}');
    expect(valuesOf(rounds(fleet, 1), 'plant/line1/pump/flow')).toEqual([{ value: 0, unit: 'l/min' }]);
    const faster = fleet.obey('plant/line1/pump/set', text('{"speed_rpm":2000}'));
    expect(faster[0]?.payload).toBe('{"running":false,"speed_rpm":2000}');
  });

  test('longer than any command, or to nobody: no answer', () => {
    const fleet = createFleet(SEED, 1000);
    expect(fleet.obey('home/livingroom/lamp/set', text('x'.repeat(1025)))).toEqual([]);
    expect(fleet.obey('home/livingroom/lamp/get', text('ON'))).toEqual([]);
  });
});

function withoutBytes(said: readonly Publication[] = []): Publication[] {
  return said.filter(({ payload }) => typeof payload === 'string');
}

/** Types and keys, without values: `{"a":1}` and `{"a":2}` are alike; so are two texts. */
function shapeOf(payload: string): string {
  try {
    return JSON.stringify(JSON.parse(payload), (_, value) => (typeof value === 'object' ? value : typeof value));
  } catch {
    return 'text';
  }
}

function field(value: unknown, name: string): number {
  return Number(new Map<string, unknown>(Object.entries(value ?? {})).get(name));
}
