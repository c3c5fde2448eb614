// Owns how the simulated devices act: what each says at a beat and what a command does to it.
// Must not know topics beyond its own leaf names, timers or MQTT. A fault wraps one behaviour in another.
import { between, type Random, wander } from './random.ts';

/** What a device says at one moment: leaf name → payload. Strings and bytes are sent as they are, the rest as JSON. */
export type Said = Readonly<Record<string, unknown>>;

export type Behaviour = {
  /** Said once at the start, before any beat: the retained state. */
  start?(): Said;
  /** Said at the n-th beat, n from 1; {} is silence. */
  beat(n: number): Said;
  /** The answer to a payload on a command topic: always the state, changed or not, as real devices do. */
  obey?(command: string): Said;
};

/** A sensor whose leaves each carry `{value, unit}`. */
export function sensor(
  leaves: Record<string, { min: number; max: number; step: number; digits: number; unit: string }>,
) {
  return (random: Random): Behaviour => {
    const signals = Object.entries(leaves).map(([leaf, at]) => ({ leaf, unit: at.unit, next: wander(random, at) }));
    return { beat: () => Object.fromEntries(signals.map(({ leaf, unit, next }) => [leaf, { value: next(), unit }])) };
  };
}

/** Zigbee style: one object with everything, its battery draining slowly. */
export function roomClimate(random: Random): Behaviour {
  const temperature = wander(random, { min: 18, max: 24, step: 0.2, digits: 1 });
  const humidity = wander(random, { min: 35, max: 60, step: 0.8, digits: 0 });
  const battery = between(random, 60, 100);
  return {
    beat: (n) => ({
      reading: {
        temperature: temperature(),
        humidity: humidity(),
        battery: Math.max(0, battery - Math.floor(n / 3600)),
      },
    }),
  };
}

/** Carbon dioxide in ppm, a bare number. */
export function co2(random: Random): Behaviour {
  const ppm = wander(random, { min: 420, max: 1400, step: 25, digits: 0 });
  return { beat: () => ({ ppm: ppm() }) };
}

/** A contact that speaks only when it changes. */
export function door(random: Random): Behaviour {
  let open = false;
  let nextChange = between(random, 3, 8);
  const contact = () => ({ contact: open ? 'open' : 'closed' });
  return {
    start: contact,
    beat(n) {
      if (n < nextChange) return {};
      open = !open;
      nextChange = n + (open ? between(random, 2, 5) : between(random, 8, 20));
      return contact();
    },
  };
}

/** A counter that only grows, and the power that makes it grow. */
export function meter(random: Random): Behaviour {
  const power = wander(random, { min: 120, max: 3200, step: 180, digits: 0 });
  let wattSeconds = between(random, 1000, 2000) * 3.6e6;
  return {
    beat() {
      const power_w = power();
      wattSeconds += power_w;
      return { energy: { total_kwh: Math.round(wattSeconds / 3.6e3) / 1000, power_w } };
    },
  };
}

/** A log: an info line every third beat, an error every eighth, a warning now and then. */
export function gateway(random: Random): Behaviour {
  const frames = wander(random, { min: 20, max: 400, step: 60, digits: 0 });
  return {
    beat(n) {
      const forwarded = frames();
      if (n % 8 === 0)
        return { log: { level: 'error', message: 'sensor garden-2 does not answer, gave up after 3 tries' } };
      if (n % 11 === 0) return { log: { level: 'warning', message: 'radio channel busy, changed to 25' } };
      return n % 3 === 0 ? { log: { level: 'info', message: `forwarded ${forwarded} frames` } } : {};
    },
  };
}

/** Nested readings of one motor. */
export function motor(random: Random): Behaviour {
  const axis = () => wander(random, { min: 0.4, max: 4.5, step: 0.3, digits: 2 });
  const [x, y, z] = [axis(), axis(), axis()];
  const bearing = wander(random, { min: 38, max: 71, step: 0.6, digits: 1 });
  return { beat: () => ({ vibration: { rms_mm_s: { x: x(), y: y(), z: z() }, bearing_c: bearing() } }) };
}

/** A temperature that overshoots on schedule: every twentieth beat is an alarm in plain text. */
export function oven(random: Random): Behaviour {
  const heat = wander(random, { min: 172, max: 188, step: 1.5, digits: 1 });
  return {
    beat(n) {
      const over = n % 20 === 0;
      const value = Math.round((heat() + (over ? 45 : 0)) * 10) / 10;
      const temperature = { value, unit: '°C' };
      return over ? { temperature, alarm: `ALARM over-temperature ${value} °C, limit 210 °C` } : { temperature };
    },
  };
}

export function lamp(): Behaviour {
  const state = { on: false, level: 80 };
  const said = () => ({ state: { state: state.on ? 'ON' : 'OFF', brightness: state.level } });
  return { start: said, beat: () => ({}), obey: switching(state, { level: 'brightness', max: 100 }, said) };
}

export function pump(random: Random): Behaviour {
  const state = { on: true, level: 1450 };
  const share = wander(random, { min: 0.96, max: 1.04, step: 0.01, digits: 3 });
  const said = () => ({ state: { running: state.on, speed_rpm: state.level } });
  return {
    start: said,
    beat() {
      const nominal = state.on ? state.level / 12 : 0;
      return { flow: { value: Math.round(nominal * share() * 10) / 10, unit: 'l/min' } };
    },
    obey: switching(state, { level: 'speed_rpm', max: 3000 }, said),
  };
}

/** Obeys by changing `state` in place; what is not understood changes nothing. */
export function switching(state: { on: boolean; level: number }, of: { level: string; max: number }, said: () => Said) {
  return (command: string): Said => {
    const { power, level } = readCommand(command, of.level);
    if (power !== undefined) state.on = power === 'toggle' ? !state.on : power;
    if (level !== undefined) state.level = Math.min(of.max, Math.max(0, Math.round(level)));
    return said();
  };
}

type Command = { power?: boolean | 'toggle' | undefined; level?: number | undefined };

/** Understands a bare word (`ON`, `stop`, `true`, `toggle`) and `{"state":"ON","brightness":40}`, `{"running":false}`. */
function readCommand(text: string, levelName: string): Command {
  const parsed = parse(text);
  if (typeof parsed !== 'object' || parsed === null) return { power: powerOf(parsed) };
  const fields = new Map<string, unknown>(Object.entries(parsed));
  const level = fields.get(levelName);
  const power = powerOf(fields.get('state') ?? fields.get('running') ?? fields.get('on'));
  return { power, level: typeof level === 'number' && Number.isFinite(level) ? level : undefined };
}

export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function powerOf(value: unknown): boolean | 'toggle' | undefined {
  const word = String(value).trim().toLowerCase();
  if (word === 'toggle') return 'toggle';
  if (['on', 'true', '1', 'start'].includes(word)) return true;
  return ['off', 'false', '0', 'stop'].includes(word) ? false : undefined;
}
