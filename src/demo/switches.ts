// Owns which faults are on, and their effect on a device's behaviour. Must not know topics beyond its own three.
import { type Behaviour, parse, type Said } from './behaviours.ts';
import { type Fault, type Faulty, faults } from './faults.ts';
import { randomFor } from './random.ts';

/** `{"stuck_value":true,"silent_acl":false}`, the name of one fault, which is then turned over, or `off` for all. */
export const CONTROL = 'demo/faults/set';
/** What was not understood of a message to it, and the names that there are. */
export const ERROR = 'demo/faults/error';
/** Every fault and whether it is on; retained. */
export const STATE = 'demo/faults/state';

export type Switches = {
  /** What each device whose fault came or went says of it. What is not understood changes nothing. */
  set(command: string): { base: string; said: Said }[];
  /** Why a command, or a part of it, is not understood. */
  problem(command: string): string | undefined;
  state(): Record<string, boolean>;
  /** A beat of a device, as its faults make it. */
  beat(base: string, inner: Behaviour, n: number): readonly Said[];
  obey(base: string, inner: Behaviour, command: string): Said;
  hides(topic: string): boolean;
};

type Switch = { fault: Fault; faulty: Faulty; on: boolean };

export function createSwitches(seed: number, behaviourOf: (base: string) => Behaviour | undefined): Switches {
  const switches = faults.map((fault): Switch => {
    const inner = behaviourOf(fault.base) ?? { beat: () => ({}) };
    return { fault, faulty: fault.wrap(inner, randomFor(seed, fault.name)), on: false };
  });
  const active = (base: string) => switches.filter(({ fault, on }) => on && fault.base === base);
  return {
    set: (command) => switches.flatMap((one) => turn(one, wantedOf(command, one))),
    problem: problemOf,
    state: () => Object.fromEntries(switches.map(({ fault, on }) => [fault.name, on])),
    beat(base, inner, n) {
      const said =
        active(base)
          .find(({ faulty }) => faulty.beat)
          ?.faulty.beat?.(n) ?? inner.beat(n);
      return isSeveral(said) ? said : [said];
    },
    obey: (base, inner, command) =>
      active(base)
        .find(({ faulty }) => faulty.obey)
        ?.faulty.obey?.(command) ??
      inner.obey?.(command) ??
      {},
    hides: (topic) =>
      switches.some(({ fault, on }) => on && fault.hides !== undefined && topic.startsWith(fault.hides)),
  };
}

function wantedOf(command: string, { fault, on }: Switch): boolean {
  const parsed = parse(command.trim());
  if (parsed === 'off') return false;
  if (parsed === fault.name) return !on;
  if (typeof parsed !== 'object' || parsed === null) return on;
  const wanted = new Map<string, unknown>(Object.entries(parsed)).get(fault.name);
  return typeof wanted === 'boolean' ? wanted : on;
}

function problemOf(command: string): string | undefined {
  const parsed = parse(command.trim());
  const isName = (name: unknown) => faults.some((fault) => fault.name === name);
  if (parsed === 'off' || isName(parsed)) return undefined;
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    return 'neither the name of a fault, nor off, nor an object of names with true or false';
  const entries = Object.entries(parsed);
  const unknown = entries.filter(([name]) => !isName(name)).length;
  if (unknown > 0) return `${unknown} of ${entries.length} names are no fault`;
  return entries.every(([, on]) => typeof on === 'boolean') ? undefined : 'a fault is turned by true or false';
}

function turn(one: Switch, on: boolean): { base: string; said: Said }[] {
  if (one.on === on) return [];
  one.on = on;
  const said = on ? one.faulty.begin?.() : one.faulty.end?.();
  return said === undefined ? [] : [{ base: one.fault.base, said }];
}

function isSeveral(said: Said | readonly Said[]): said is readonly Said[] {
  return Array.isArray(said);
}
