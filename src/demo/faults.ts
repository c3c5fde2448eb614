// Owns what can go wrong with the simulated devices: each fault wraps the behaviour of one device while it is on.
// Must not know brokers, timers or who switches it.
import type { Behaviour, Said } from './behaviours.ts';
import { type Leaf, placed, retained } from './leaves.ts';
import { type Random, wander } from './random.ts';

/** What the device does while the fault is on. */
export type Faulty = {
  /** Said when it is switched on, and when it is switched off again. */
  begin?(): Said;
  end?(): Said;
  /** In place of the behaviour's own; several are said one after the other. */
  beat?(n: number): Said | readonly Said[];
  obey?(command: string): Said;
};

export type Fault = {
  name: string;
  /** Of the device that has it. */
  base: string;
  about: string;
  /** Topics that exist only through it. */
  leaves?: readonly Leaf[];
  /** Topics that begin with this are taken by the broker and handed to nobody. */
  hides?: string;
  wrap(inner: Behaviour, random: Random): Faulty;
};

const ATTIC = 'attic/climate';

export const faults: readonly Fault[] = [
  {
    name: 'silent_sensor',
    base: 'greenhouse/north/climate',
    about: 'says nothing any more, while its retained availability still reads online',
    wrap: () => ({ beat: () => ({}) }),
  },
  {
    name: 'flapping_will',
    base: 'greenhouse/bed3/soil',
    about: 'its connection comes and goes: availability turns offline and online every other beat',
    wrap: (inner) => {
      let online = true;
      return {
        beat: (n) => {
          if (n % 2 === 0) return inner.beat(n);
          online = !online;
          return { availability: online ? 'online' : 'offline' };
        },
        end: () => ({ availability: 'online' }),
      };
    },
  },
  {
    name: 'stuck_value',
    base: 'plant/line1/pressure',
    about: 'speaks on time, but always the same value',
    wrap: (inner) => {
      let said: Said | undefined;
      return {
        beat: (n) => {
          said ??= inner.beat(n);
          return said;
        },
        end: () => {
          said = undefined;
          return {};
        },
      };
    },
  },
  {
    name: 'unit_changed',
    base: 'zigbee2mqtt/kitchen_climate',
    about: 'temperature comes in degrees Fahrenheit, and nothing says so',
    wrap: (inner) => ({
      beat: (n) =>
        inLeaf(inner.beat(n), 'values', (values) => ({ ...values, temperature: fahrenheit(values.temperature) })),
    }),
  },
  {
    name: 'drifted_field',
    base: 'home/cellar/meter',
    about: 'after an update power_w is called power, and is a text with its unit',
    wrap: (inner) => ({
      beat: (n) => inLeaf(inner.beat(n), 'energy', ({ power_w, ...rest }) => ({ ...rest, power: `${power_w} W` })),
    }),
  },
  {
    name: 'counter_restarted',
    base: 'tele/office_plug',
    about: 'its energy total and its uptime began again at nothing',
    wrap: (inner) => {
      let booted: number | undefined;
      const restarted = (n: number): Said => {
        booted ??= n;
        const UptimeSec = n - booted;
        const said = inLeaf(inner.beat(n), 'STATE', (state) => ({
          ...state,
          Uptime: `0T00:00:${String(UptimeSec % 60).padStart(2, '0')}`,
          UptimeSec,
        }));
        return inLeaf(said, 'SENSOR', (sensor) => ({
          ...sensor,
          ENERGY: { ...Object(sensor.ENERGY), Total: UptimeSec / 1000 },
        }));
      };
      return {
        beat: restarted,
        end: () => {
          booted = undefined;
          return {};
        },
      };
    },
  },
  {
    name: 'command_ignored',
    base: 'home/livingroom/lamp',
    about: 'commands are taken and never obeyed',
    wrap: () => ({ obey: () => ({}) }),
  },
  {
    name: 'second_writer',
    base: 'home/livingroom/co2',
    about: 'a second device publishes values of its own on the same topic',
    wrap: (inner, random) => {
      const other = wander(random, { min: 3_000, max: 3_400, step: 20, digits: 0 });
      return { beat: (n) => [inner.beat(n), { ppm: other() }] };
    },
  },
  {
    name: 'silent_acl',
    base: 'plant/line2/oven',
    about: 'the broker acknowledges subscriptions to the oven and hands out nothing: an access rule that says nothing',
    hides: 'plant/line2/oven/',
    wrap: () => ({}),
  },
  {
    name: 'dead_device',
    base: 'home/gateway',
    about: 'a climate sensor in the attic that is gone, its discovery and last state still stored',
    leaves: [
      placed(
        `homeassistant/sensor/attic_climate/temperature/config`,
        retained('attic_config', atticConfig(), 'discovery of a device that is gone'),
      ),
      placed(`${ATTIC}/state`, retained('attic_state', '{"temperature":17.2,"battery":3}', 'its last state')),
      placed(`${ATTIC}/status`, retained('attic_status', 'offline', 'its last will')),
    ],
    wrap: () => ({
      begin: () => ({
        attic_config: atticConfig(),
        attic_state: { temperature: 17.2, battery: 3 },
        attic_status: 'offline',
      }),
      end: () => ({ attic_config: '', attic_state: '', attic_status: '' }),
    }),
  },
  {
    name: 'sparkplug_gap',
    base: 'spBv1.0/plant',
    about: 'every third message is lost on its way: the sequence numbers have gaps',
    wrap: (inner) => ({
      beat: (n) => {
        const said = inner.beat(n);
        return n % 3 === 0 && n % 30 !== 0 ? {} : said;
      },
    }),
  },
];

function atticConfig(): string {
  return JSON.stringify({
    name: 'Attic temperature',
    unique_id: 'attic_climate_temperature',
    state_topic: `${ATTIC}/state`,
    availability_topic: `${ATTIC}/status`,
    value_template: '{{ value_json.temperature }}',
    unit_of_measurement: '°C',
    device: { identifiers: ['attic_climate'], name: 'Attic climate' },
  });
}

function inLeaf(said: Said, leaf: string, change: (value: Record<string, unknown>) => Record<string, unknown>): Said {
  const value = said[leaf];
  return typeof value === 'object' && value !== null ? { ...said, [leaf]: change({ ...value }) } : said;
}

function fahrenheit(celsius: unknown): number {
  return Math.round((Number(celsius) * 1.8 + 32) * 10) / 10;
}
