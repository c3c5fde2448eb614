import { describe, expect, test } from 'vitest';
import { faults } from '../../src/demo/faults.ts';
import { createFleet, type Fleet, type Publication } from '../../src/demo/fleet.ts';

const SEED = 3;

function set(fleet: Fleet, command: string | object): Publication[] {
  return fleet.obey('demo/faults/set', Buffer.from(typeof command === 'string' ? command : JSON.stringify(command)));
}

function rounds(fleet: Fleet, count: number): Publication[] {
  return Array.from({ length: count * fleet.size }, () => fleet.beat()).flat();
}

function on(said: readonly Publication[], topic: string): string[] {
  return said.filter((one) => one.topic === topic).map(({ payload }) => String(payload));
}

const values = (said: readonly Publication[], topic: string) => on(said, topic).map((text) => JSON.parse(text));

/** A fleet that has run for a while, and then with this fault. */
function faulty(name: string, count = 10): { fleet: Fleet; healthy: Publication[]; said: Publication[] } {
  const fleet = createFleet(SEED, 1000);
  const healthy = rounds(fleet, count);
  const begun = set(fleet, { [name]: true });
  return { fleet, healthy, said: [...begun, ...rounds(fleet, count)] };
}

describe('the control topic', () => {
  test('the state -> every fault by name, retained, off at the start', () => {
    const state = createFleet(SEED, 1000).start().at(-1);
    expect(state).toMatchObject({ topic: 'demo/faults/state', retain: true });
    const all = Object.fromEntries(faults.map(({ name }) => [name, false]));
    expect(JSON.parse(String(state?.payload))).toEqual(all);
  });

  test.each([
    ['an object turns what it names', { silent_sensor: true, stuck_value: true }, ['silent_sensor', 'stuck_value']],
    ['a name turns one over', 'flapping_will', ['flapping_will']],
    ['an unknown name changes nothing', { no_such: true }, []],
    ['what is no truth changes nothing', { stuck_value: 'yes' }, []],
    ['no JSON changes nothing', '{', []],
    ['an own key of every object is no fault', '{"__proto__":true,"constructor":true}', []],
  ])('%s', (_what, command, expected) => {
    const state = JSON.parse(on(set(createFleet(SEED, 1000), command), 'demo/faults/state')[0] ?? '');
    expect(Object.keys(state).filter((name) => state[name])).toEqual(expected);
  });

  test.each(['{', '{"no_such":true}', '{"stuck_value":"yes"}', '[]', 'x'.repeat(2000)])(
    '%# not understood -> the names that there are',
    (command) => {
      const answer = on(set(createFleet(SEED, 1000), command), 'demo/faults/error').map((text) => JSON.parse(text));
      expect(answer).toEqual([{ error: expect.any(String), names: faults.map(({ name }) => name) }]);
    },
  );

  test.each(['off', 'stuck_value', '{"stuck_value":true}'])('%s is understood', (command) => {
    expect(on(set(createFleet(SEED, 1000), command), 'demo/faults/error')).toEqual([]);
  });

  test('off -> all of them, and everything is as it was', () => {
    const fleet = createFleet(SEED, 1000);
    set(fleet, Object.fromEntries(faults.map(({ name }) => [name, true])));
    rounds(fleet, 7);
    const said = set(fleet, 'off');
    expect(said).toContainEqual({ topic: 'greenhouse/bed3/soil/availability', payload: 'online', retain: true });
    expect(on(said, 'homeassistant/sensor/attic_climate/temperature/config')).toEqual(['']);
    const after = rounds(fleet, 10);
    expect(on(after, 'greenhouse/north/climate/temperature')).toHaveLength(10);
    expect(new Set(on(after, 'plant/line1/pressure/value')).size).toBeGreaterThan(3);
    expect(fleet.hides('plant/line2/oven/temperature')).toBe(false);
  });
});

describe('each fault', () => {
  test('silent_sensor -> nothing more', () => {
    const { healthy, said } = faulty('silent_sensor');
    expect(on(healthy, 'greenhouse/north/climate/humidity')).toHaveLength(10);
    expect(said.filter(({ topic }) => topic.startsWith('greenhouse/north/climate/'))).toEqual([]);
  });

  test('flapping_will -> availability comes and goes, retained', () => {
    const { said } = faulty('flapping_will');
    expect(on(said, 'greenhouse/bed3/soil/availability')).toEqual([
      'offline',
      'online',
      'offline',
      'online',
      'offline',
    ]);
  });

  test('stuck_value -> one value, on time', () => {
    const { healthy, said } = faulty('stuck_value');
    expect(new Set(on(healthy, 'plant/line1/pressure/value')).size).toBeGreaterThan(3);
    expect(on(said, 'plant/line1/pressure/value')).toHaveLength(10);
    expect(new Set(on(said, 'plant/line1/pressure/value')).size).toBe(1);
  });

  test('unit_changed -> Fahrenheit, all else as before', () => {
    const { healthy, said } = faulty('unit_changed');
    const topic = 'zigbee2mqtt/kitchen_climate';
    for (const { temperature } of values(healthy, topic)) expect(temperature).toBeLessThan(25);
    for (const { temperature, humidity } of values(said, topic)) {
      expect(temperature).toBeGreaterThan(60);
      expect(humidity).toBeLessThan(61);
    }
  });

  test('drifted_field -> another name and another type', () => {
    const { said } = faulty('drifted_field');
    expect(values(said, 'home/cellar/meter/energy')[0]).toEqual({
      total_kwh: expect.any(Number),
      power: expect.stringMatching(/^\d+ W$/),
    });
  });

  test('counter_restarted -> total and uptime begin again', () => {
    const { healthy, said } = faulty('counter_restarted');
    const totals = (all: Publication[]) => values(all, 'tele/office_plug/SENSOR').map(({ ENERGY }) => ENERGY.Total);
    expect(totals(said)[0]).toBeLessThan(totals(healthy).at(-1));
    expect(values(said, 'tele/office_plug/STATE').map(({ UptimeSec }) => UptimeSec)).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
    ]);
  });

  test('command_ignored -> no answer', () => {
    const { fleet } = faulty('command_ignored');
    expect(fleet.obey('home/livingroom/lamp/set', Buffer.from('ON'))).toEqual([]);
    set(fleet, 'off');
    expect(fleet.obey('home/livingroom/lamp/set', Buffer.from('ON'))).toHaveLength(1);
  });

  test('second_writer -> two series on one topic', () => {
    const { said } = faulty('second_writer');
    const ppm = values(said, 'home/livingroom/co2/ppm');
    expect(ppm).toHaveLength(20);
    expect(ppm.filter((value) => value >= 3_000)).toHaveLength(10);
  });

  test('silent_acl -> hidden by the broker', () => {
    const { fleet, said } = faulty('silent_acl');
    expect(on(said, 'plant/line2/oven/temperature')).toHaveLength(10);
    expect(fleet.hides('plant/line2/oven/temperature')).toBe(true);
    expect(fleet.hides('plant/line1/pump/flow')).toBe(false);
  });

  test('dead_device -> discovery, last state and will are stored, and nobody speaks', () => {
    const { said } = faulty('dead_device');
    const attic = said.filter(({ topic }) => /attic/.test(topic));
    expect(attic.map(({ retain }) => retain)).toEqual([true, true, true]);
  });

  test('sparkplug_gap -> sequence numbers are missing; without it they are not', () => {
    const { healthy, said } = faulty('sparkplug_gap');
    const gaps = (all: Publication[]) => {
      const seqs = all.filter(({ topic }) => topic.startsWith('spBv1.0/')).map(({ payload }) => sequenceOf(payload));
      return seqs.slice(1).filter((seq, i) => seq !== ((seqs[i] ?? 0) + 1) % 256).length;
    };
    expect(gaps(healthy)).toBe(0);
    expect(gaps(said)).toBeGreaterThan(1);
  });
});

/** The last field of a payload is seq: tag 0x18, then a varint of one or two bytes. */
function sequenceOf(payload: string | Uint8Array): number {
  const bytes = Buffer.from(payload);
  const last = bytes.at(-1) ?? 0;
  return bytes.at(-2) === 0x18 ? last : ((bytes.at(-2) ?? 0) & 0x7f) + last * 128;
}
