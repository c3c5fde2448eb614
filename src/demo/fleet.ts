// Owns the running devices as plain data: whose beat it is, who obeys which command, what is published then.
// Must not know brokers, sockets or timers: whoever drives it decides what a beat is.
import type { Behaviour, Said } from './behaviours.ts';
import { devices } from './devices.ts';
import { faults } from './faults.ts';
import { type Device, type Leaf, leavesOf, topicOf } from './leaves.ts';
import { randomFor } from './random.ts';
import { CONTROL, createSwitches, ERROR, STATE, type Switches } from './switches.ts';

export type Publication = { topic: string; payload: string | Uint8Array; retain: boolean };

export type Fleet = {
  /** Devices that take a beat in turn: this many calls of `beat` are one round. */
  size: number;
  commandTopics: readonly string[];
  /** The retained first words of every device. */
  start(): Publication[];
  /** What the next device in turn says. */
  beat(): Publication[];
  /** What the device that listens on this command topic answers; nothing where none does. */
  obey(topic: string, payload: Uint8Array): Publication[];
  /** Whether the broker keeps this topic from everyone. */
  hides(topic: string): boolean;
};

/** Stops a stranger's megabytes from being parsed as a command; the longest sensible one is under 100 bytes. */
const MAX_COMMAND_BYTES = 1024;

type Member = { device: Device; leaves: Map<string, Leaf>; behaviour: Behaviour; beats: number };

/** The whole fleet; the same seed and the same calls give the same publications. */
export function createFleet(seed: number, intervalMs: number): Fleet {
  const members = devices.map((device): Member => {
    const leaves = [
      ...leavesOf(device),
      ...faults.filter(({ base }) => base === device.base).flatMap((fault) => fault.leaves ?? []),
    ];
    const behaviour = device.behaviour(randomFor(seed, device.base));
    return { device, leaves: new Map(leaves.map((leaf) => [leaf.leaf, leaf])), behaviour, beats: 0 };
  });
  const switches = createSwitches(seed, (base) => members.find(({ device }) => device.base === base)?.behaviour);
  const listeners = new Map(members.flatMap((member) => commandsOf(member).map((topic) => [topic, member] as const)));
  const turns = takeTurns(members);
  return {
    size: members.length,
    commandTopics: [...listeners.keys(), CONTROL],
    start: () => [
      ...members.flatMap((member) => publications(member, firstWords(member, intervalMs))),
      stateOf(switches),
    ],
    beat() {
      const { value: member } = turns.next();
      const said = switches.beat(member.device.base, member.behaviour, ++member.beats);
      return said.flatMap((one) => publications(member, one));
    },
    obey(topic, payload) {
      if (payload.length > MAX_COMMAND_BYTES)
        return topic === CONTROL ? refused(`over ${MAX_COMMAND_BYTES} bytes`) : [];
      const command = new TextDecoder().decode(payload);
      if (topic === CONTROL)
        return [...switched(switches, members, command), stateOf(switches), ...refused(switches.problem(command))];
      const member = listeners.get(topic);
      if (member?.behaviour.obey === undefined) return [];
      return publications(member, switches.obey(member.device.base, member.behaviour, command));
    },
    hides: (topic) => switches.hides(topic),
  };
}

function* takeTurns(members: readonly Member[]): Generator<Member, never> {
  for (;;) yield* members;
}

function commandsOf({ device }: Member): string[] {
  return device.leaves.filter((leaf) => leaf.flow === 'command').map((leaf) => topicOf(device, leaf));
}

function firstWords({ device, behaviour }: Member, intervalMs: number): Said {
  if (device.convention) return behaviour.start?.() ?? {};
  return {
    availability: 'online',
    config: { model: device.model, firmware: '1.4.2', interval_s: intervalMs / 1000 },
    ...behaviour.start?.(),
  };
}

/** What the devices say because faults of theirs came or went. */
function switched(switches: Switches, members: readonly Member[], command: string): Publication[] {
  return switches.set(command).flatMap(({ base, said }) => {
    const member = members.find(({ device }) => device.base === base);
    return member ? publications(member, said) : [];
  });
}

/** Nothing of the command is repeated: it may be anything. */
function refused(error: string | undefined): Publication[] {
  if (error === undefined) return [];
  const payload = JSON.stringify({ error, names: faults.map(({ name }) => name) });
  return [{ topic: ERROR, payload, retain: false }];
}

function stateOf(switches: Switches): Publication {
  return { topic: STATE, payload: JSON.stringify(switches.state()), retain: true };
}

function publications({ device, leaves }: Member, said: Said): Publication[] {
  return Object.entries(said).map(([name, value]) => {
    const leaf = leaves.get(name);
    if (!leaf) throw new Error(`${device.base} has no ${name}`);
    const payload = typeof value === 'string' || value instanceof Uint8Array ? value : JSON.stringify(value);
    return { topic: topicOf(device, leaf), payload, retain: leaf.flow === 'retained' };
  });
}
