// Owns what a simulated device is made of: its topics and how it acts. Must not know which devices there are.
import type { Behaviour } from './behaviours.ts';
import type { Random } from './random.ts';

/** live: not retained; retained: the broker keeps the last one; command: read by the device, never written by it. */
export type Flow = 'live' | 'retained' | 'command';

/** One topic, below its device's base, or `at` a place of its own. `example` is a payload as sent; '' where it is binary. */
export type Leaf = { leaf: string; at?: string; flow: Flow; example: string; about: string };

export type Device = {
  /** The topic prefix, at once the device's identity. */
  base: string;
  model: string;
  leaves: readonly Leaf[];
  /** Speaks the topics of a convention and nothing beside them: no `availability`, no `config`. */
  convention?: true;
  behaviour(random: Random): Behaviour;
};

export function live(leaf: string, example: string, about: string): Leaf {
  return { leaf, flow: 'live', example, about };
}

export function retained(leaf: string, example: string, about: string): Leaf {
  return { leaf, flow: 'retained', example, about };
}

export function command(leaf: string, example: string, about: string): Leaf {
  return { leaf, flow: 'command', example, about };
}

/** The same topic, not below its device's base. */
export function placed(at: string, leaf: Leaf): Leaf {
  return { ...leaf, at };
}

export function topicOf({ base }: Pick<Device, 'base'>, { leaf, at }: Leaf): string {
  return at ?? `${base}/${leaf}`;
}

/** Beside its own leaves every device without a convention has these two, retained. */
const common: readonly Leaf[] = [
  retained('availability', 'online', 'online or offline'),
  retained('config', '{"model":"TH-2","firmware":"1.4.2","interval_s":1}', 'what the device is'),
];

/** All of a device's leaves, its own and the common ones. */
export function leavesOf(device: Device): readonly Leaf[] {
  return device.convention ? device.leaves : [...device.leaves, ...common];
}
