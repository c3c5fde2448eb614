// Owns the running devices as plain data: whose beat it is, who obeys which command, what is published then.
// Must not know brokers, sockets or timers: whoever drives it decides what a beat is.
import type { Behaviour, Said } from './behaviours.ts';
import { type Device, devices, leavesOf } from './devices.ts';
import { randomFor } from './random.ts';

export type Publication = { topic: string; payload: string; retain: boolean };

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
};

/** Stops a stranger's megabytes from being parsed as a command; the longest sensible one is under 100 bytes. */
const MAX_COMMAND_BYTES = 1024;

type Member = { device: Device; behaviour: Behaviour; beats: number };

/** The whole fleet; the same seed and the same calls give the same publications. */
export function createFleet(seed: number, intervalMs: number): Fleet {
  const members = devices.map((device): Member => {
    return { device, behaviour: device.behaviour(randomFor(seed, device.base)), beats: 0 };
  });
  const listeners = new Map(members.flatMap((member) => commandsOf(member).map((topic) => [topic, member] as const)));
  const turns = takeTurns(members);
  return {
    size: members.length,
    commandTopics: [...listeners.keys()],
    start: () => members.flatMap((member) => publications(member, firstWords(member, intervalMs))),
    beat() {
      const { value: member } = turns.next();
      return publications(member, member.behaviour.beat(++member.beats));
    },
    obey(topic, payload) {
      const member = listeners.get(topic);
      if (member?.behaviour.obey === undefined || payload.length > MAX_COMMAND_BYTES) return [];
      return publications(member, member.behaviour.obey(new TextDecoder().decode(payload)));
    },
  };
}

function* takeTurns(members: readonly Member[]): Generator<Member, never> {
  for (;;) yield* members;
}

function commandsOf({ device }: Member): string[] {
  return device.leaves.filter((leaf) => leaf.flow === 'command').map((leaf) => `${device.base}/${leaf.leaf}`);
}

function firstWords({ device, behaviour }: Member, intervalMs: number): Said {
  return {
    availability: 'online',
    config: { model: device.model, firmware: '1.4.2', interval_s: intervalMs / 1000 },
    ...behaviour.start?.(),
  };
}

function publications({ device }: Member, said: Said): Publication[] {
  const flows = new Map(leavesOf(device).map(({ leaf, flow }) => [leaf, flow]));
  return Object.entries(said).map(([leaf, value]) => ({
    topic: `${device.base}/${leaf}`,
    payload: typeof value === 'string' ? value : JSON.stringify(value),
    retain: flows.get(leaf) === 'retained',
  }));
}
