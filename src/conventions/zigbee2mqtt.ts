// Owns Zigbee2MQTT's convention: the device list of the bridge, friendly names (with slashes), availability of device
// and bridge, set and get. Source: zigbee2mqtt.io, MQTT topics and messages.
import { claim, own, text } from './claim.ts';
import type { Grade, Identity } from './identity.ts';
import { wordPresence } from './presence.ts';
import type { Claim, Convention, TopicRole } from './types.ts';

const convention = 'zigbee2mqtt';
const DEVICES = /^(.+)\/bridge\/devices$/;
const AVAILABILITY = /^(.+)\/availability$/;
/** Devices of one list that are looked at. A coordinator takes some 200. */
const MAX_DEVICES = 2_000;

export const zigbee2mqtt: Convention = {
  name: convention,
  describes: (topic) => topic.endsWith('/bridge/devices'),
  describe: (topic, payload, id) => {
    const [, base] = DEVICES.exec(topic) ?? [];
    if (base === undefined || !Array.isArray(payload)) return undefined;
    const list: readonly unknown[] = payload.slice(0, MAX_DEVICES);
    const graded = list.map((device) => ({ device, grade: gradeOf(device, id) }));
    const found = graded.find(({ grade }) => grade === 'exact') ?? graded.find(({ grade }) => grade !== undefined);
    if (found?.grade === undefined) return undefined;
    return claimOf(topic, base, found.device, found.grade, rivalsOf(found.device, list, id));
  },
  roleOf: (topic) => {
    if (/\/bridge\/state$/.test(topic)) return bridgeState();
    if (/\/bridge\/(?:devices|groups|info|definitions|extensions)$/.test(topic))
      return { role: 'description', convention };
    if (/\/bridge\/(?:log|logging|event)$/.test(topic)) return { role: 'log', convention };
    if (/\/bridge\/request\//.test(topic)) return { role: 'command', convention };
    if (!/^zigbee2mqtt\//.test(topic)) return undefined;
    if (AVAILABILITY.test(topic)) return availability();
    if (/\/(?:set|get)(?:\/[^/]+)?$/.test(topic)) return { role: 'command', convention };
    return { role: /\/action$/.test(topic) ? 'event' : 'state', convention };
  },
  answersTo: (command) => {
    const [, device] = /^(zigbee2mqtt\/.+)\/set(?:\/[^/]+)?$/.exec(command) ?? [];
    return device === undefined ? [] : [device];
  },
};

function gradeOf(device: unknown, id: Identity): Grade {
  const ieee = id.inName(text(device, 'ieee_address') ?? '');
  const name = text(device, 'friendly_name') ?? '';
  return ieee ?? id.inName(name) ?? (name.includes('/') ? id.inTopic(name) : undefined);
}

/** Friendly names of other devices that the id, or all below the device's own name, would take in. */
function rivalsOf(device: unknown, list: readonly unknown[], id: Identity): string[] {
  const own = text(device, 'friendly_name') ?? '';
  const names = list.map((one) => text(one, 'friendly_name') ?? '');
  return names.filter((name) => name !== own && (id.mayBeIn(name) || name.startsWith(`${own}/`)));
}

function claimOf(source: string, base: string, device: unknown, grade: Claim['grade'], rivals: string[]): Claim {
  const name = text(device, 'friendly_name') ?? text(device, 'ieee_address') ?? '';
  const topic = `${base}/${name}`;
  const others = rivals.filter((rival) => !name.startsWith(`${rival}/`));
  const topics = new Map<string, TopicRole>([
    [topic, { role: 'state', convention }],
    [`${topic}/availability`, availability()],
    [`${topic}/set`, { role: 'command', convention }],
    [`${topic}/get`, { role: 'command', convention }],
    [`${base}/bridge/state`, bridgeState()],
  ]);
  return claim(convention, source, grade, {
    names: [name, text(device, 'ieee_address') ?? ''],
    topics,
    prefixes: [`${topic}/`],
    others: others.flatMap((rival) => [`${base}/${rival}`, `${base}/${rival}/`]),
    commands: [{ command: `${topic}/set`, answers: [topic] }],
    remarks: remarksOn(device),
  });
}

function remarksOn(device: unknown): Claim['remarks'] {
  const remarks: Claim['remarks'] = [];
  const say = (field: string, when: boolean, message: string, next: string) => {
    if (own(device, field) === when) remarks.push({ field, value: when, message, next });
  };
  say('disabled', true, 'Zigbee2MQTT has this device disabled.', 'Enable it in Zigbee2MQTT, under its settings.');
  say(
    'interview_completed',
    false,
    'Zigbee2MQTT never finished the interview with this device.',
    'Wake the device and interview it again in Zigbee2MQTT.',
  );
  return remarks;
}

function availability(): TopicRole {
  return { role: 'availability', convention, presence: wordPresence, of: 'device', writtenBy: 'bridge' };
}

function bridgeState(): TopicRole {
  return { role: 'bridge', convention, presence: wordPresence, of: 'bridge', writtenBy: 'device' };
}
