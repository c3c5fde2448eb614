// Owns ESPHome's convention: <name>/status, <name>/debug, <name>/<component>/<object>/state and /command.
// Source: esphome.io, MQTT Client Component.
import { claim, text } from './claim.ts';
import { wordPresence } from './presence.ts';
import type { Convention, TopicRole } from './types.ts';

const convention = 'esphome';
const COMPONENT =
  /\/(?:sensor|binary_sensor|text_sensor|switch|light|fan|cover|climate|number|select|button|lock|valve|text)\/[^/]+\//;
const DISCOVER = /^esphome\/discover\/[^/]+$/;

export const esphome: Convention = {
  name: convention,
  describes: (topic) => DISCOVER.test(topic),
  describe: (topic, payload, id) => {
    const name = text(payload, 'name') ?? topic.slice(topic.lastIndexOf('/') + 1);
    const names = [name, text(payload, 'friendly_name') ?? '', text(payload, 'mac') ?? ''];
    const grade = id.inTopic(topic) ?? names.map(id.inName).find((one) => one !== undefined);
    if (grade === undefined || !DISCOVER.test(topic)) return undefined;
    const topics = new Map<string, TopicRole>([[`${name}/status`, availability()]]);
    return claim(convention, topic, grade, { names, prefixes: [`${name}/`], topics });
  },
  roleOf: (topic) => {
    if (DISCOVER.test(topic)) return { role: 'description', convention };
    if (!COMPONENT.test(topic)) return undefined;
    if (topic.endsWith('/command') || topic.endsWith('/set')) return { role: 'command', convention };
    return topic.endsWith('/state') ? { role: 'state', convention } : undefined;
  },
  answersTo: (command) =>
    COMPONENT.test(command) && command.endsWith('/command') ? [command.replace(/command$/, 'state')] : [],
};

function availability(): TopicRole {
  return { role: 'availability', convention, presence: wordPresence, of: 'device', writtenBy: 'device' };
}
