// Owns the list of conventions, and what they say together about one topic. Must not know how messages come.
import { esphome } from './esphome.ts';
import { generic } from './generic.ts';
import { homeassistant } from './homeassistant.ts';
import { homie } from './homie.ts';
import type { Identity } from './identity.ts';
import { shelly } from './shelly.ts';
import { sparkplug, sparkplugTopic } from './sparkplug.ts';
import { tasmota } from './tasmota.ts';
import type { Claim, Convention, TopicRole } from './types.ts';
import { zigbee2mqtt } from './zigbee2mqtt.ts';

/** The more particular come first; the last one has an answer to everything. */
export const conventions: readonly Convention[] = [
  sparkplug,
  homeassistant,
  zigbee2mqtt,
  tasmota,
  homie,
  shelly,
  esphome,
  generic,
];

/** Whether a message on this topic may describe devices, so that its payload is worth reading. */
export function describes(topic: string): boolean {
  return conventions.some((convention) => convention.describes(topic));
}

/** What a description says of the device; several conventions may read one topic. */
export function claimsIn(topic: string, payload: unknown, id: Identity): Claim[] {
  return conventions.flatMap((convention) => {
    const found = convention.describes(topic) ? convention.describe(topic, payload, id) : undefined;
    return found === undefined ? [] : [found];
  });
}

/**
 * What a topic is for its device: as the description of its own convention says, else by its name where a convention
 * knows that, else as Home Assistant was told, else by a guess.
 */
export function roleOf(topic: string, claims: readonly Claim[]): TopicRole {
  const claimed = claims.flatMap(({ topics, convention }) => {
    const role = topics.get(topic);
    return role === undefined ? [] : [{ role, foreign: convention === homeassistant.name }];
  });
  const byName = conventions.map((convention) => convention.roleOf(topic)).find((role) => role !== undefined);
  if (claimed.length === 0 && isRelated(topic, claims))
    return { role: 'bridge', convention: sparkplug.name, of: 'bridge' };
  const native = claimed.find(({ foreign }) => !foreign)?.role;
  if (native !== undefined) return native;
  if (byName !== undefined && byName.convention !== generic.name) return byName;
  const telling = claimed.find(({ role }) => role.presence !== undefined) ?? claimed[0];
  return telling?.role ?? byName ?? { role: 'state', convention: generic.name };
}

/** Of the edge node of a Sparkplug device, or of its other devices. */
function isRelated(topic: string, claims: readonly Claim[]): boolean {
  const parts = sparkplugTopic(topic);
  if (parts === undefined || claims.length === 0) return false;
  const own = claims
    .filter(({ convention }) => convention === sparkplug.name)
    .map(({ source }) => sparkplugTopic(source));
  return own.length > 0 && !own.some((one) => one?.node === parts.node && one.device === parts.device);
}

/** Where a device that obeys speaks: as descriptions say, else by the names of the topics. */
export function answersTo(command: string, claims: readonly Claim[]): string[] {
  const said = claims.flatMap(({ commands }) => commands.filter((one) => one.command === command));
  const topics = said.flatMap(({ answers }) => answers);
  if (topics.length > 0) return [...new Set(topics)];
  for (const convention of conventions) {
    const found = convention.answersTo(command);
    if (found.length > 0) return found;
  }
  return [];
}
