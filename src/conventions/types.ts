// Owns the words of this folder: what a topic is for its device, what a description says of one. Types only; every
// string in them comes from a broker or is made of one.
import type { Identity } from './identity.ts';

export type ConventionName =
  | 'homeassistant'
  | 'zigbee2mqtt'
  | 'tasmota'
  | 'homie'
  | 'esphome'
  | 'shelly'
  | 'sparkplug'
  | 'generic';

/** bridge: about what stands between the device and the broker. description: what a device is, not how it does. */
export type Role = 'state' | 'event' | 'availability' | 'command' | 'description' | 'log' | 'bridge';

export type Presence = 'online' | 'starting' | 'sleeping' | 'offline';

export type TopicRole = {
  role: Role;
  convention: ConventionName;
  /** Where it tells whether somebody is there: what a payload says. */
  presence?: (payload: unknown) => Presence | undefined;
  /** Whose presence it is: the device's unless said. */
  of?: 'device' | 'bridge';
  /** Who writes that presence: device (its "offline" is a last will) or bridge. */
  writtenBy?: 'device' | 'bridge';
};

/** How often something is heard: an exact topic, each below it where it ends with `/`, any below it where with `/#`. */
export type Expected = { topic: string; seconds: number; by: string };

/** A measurement as a description has it: where its payloads carry it, and in which unit. */
export type Reading = {
  topic: string;
  /** Keys from the payload down to the value; [] where the payload is the value itself. */
  path: string[];
  unit?: string;
  /** temperature, power and the like, in the words of the convention. */
  kind?: string;
};

/** Which of several availability topics decides: each must be online, one is enough, or the one that spoke last. */
export type AvailabilityMode = 'all' | 'any' | 'latest';
export type AvailabilityGroup = { topics: string[]; mode: AvailabilityMode };

/** What a description says about the device that is looked for. */
export type Claim = {
  convention: ConventionName;
  /** The topic of the description. */
  source: string;
  /** How surely it is about that device. */
  grade: 'exact' | 'partial';
  /** Other names and addresses of the device. */
  names: string[];
  /** Topics of the device, as far as the description says what they are for. */
  topics: Map<string, TopicRole>;
  /** Everything below these is the device's; each ends with a slash. */
  prefixes: string[];
  /** Topics and prefixes (with a slash) of other devices that the above would take in. */
  others: string[];
  /** Filters of what stands between the device and the broker, and is needed to judge it. */
  related: string[];
  /** Where a command goes, and where a device that obeys speaks. */
  commands: { command: string; answers: string[] }[];
  expected: Expected[];
  readings: Reading[];
  /** The availability topics of each entity, and which of them decides. */
  availability: AvailabilityGroup[];
  /** What the description itself says is wrong, such as "disabled". */
  remarks: { field: string; value: unknown; message: string; next: string }[];
};

export type Convention = {
  name: ConventionName;
  /** Whether a topic may carry a description of devices. Cheap: asked of every topic of a broker. */
  describes(topic: string): boolean;
  /** What it says of the device. Total: any payload whatever. */
  describe(topic: string, payload: unknown, id: Identity): Claim | undefined;
  /** What a topic is for its device, by its name alone. */
  roleOf(topic: string): TopicRole | undefined;
  /** Where a device that obeys a message on this command topic speaks; [] where it is none. */
  answersTo(command: string): string[];
};
