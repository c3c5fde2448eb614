// Owns Shelly's conventions: the first generation under shellies/<id>, the second and later under <id>, with JSON-RPC.
// Source: shelly-api-docs.shelly.cloud, Gen1 MQTT and Gen2+ MQTT.
import { claim, text } from './claim.ts';
import { flagPresence } from './presence.ts';
import type { Convention, TopicRole } from './types.ts';

const convention = 'shelly';
const RPC = /^(.+)\/events\/rpc$/;
const ANNOUNCE = /^shellies(?:\/[^/]+)?\/announce$/;

export const shelly: Convention = {
  name: convention,
  describes: (topic) => topic.endsWith('/events/rpc') || ANNOUNCE.test(topic),
  describe: (topic, payload, id) => {
    const [, prefix] = RPC.exec(topic) ?? [];
    const name = text(payload, prefix === undefined ? 'id' : 'src') ?? '';
    const names = [name, text(payload, 'mac') ?? ''];
    const grade = names.map(id.inName).find((one) => one !== undefined);
    const base = prefix ?? (name === '' ? undefined : `shellies/${name}`);
    if (grade === undefined || base === undefined) return undefined;
    const topics = new Map<string, TopicRole>([[`${base}/online`, availability()]]);
    return claim(convention, topic, grade, { names, prefixes: [`${base}/`], topics });
  },
  roleOf: (topic) => {
    if (ANNOUNCE.test(topic)) return { role: 'description', convention };
    if (RPC.test(topic)) return { role: 'event', convention };
    const first = /^shellies\/[^/]+\/(.+)$/.exec(topic)?.[1];
    const below = first ?? /^shelly[^/]*\/(.+)$/i.exec(topic)?.[1];
    if (below === undefined) return undefined;
    if (below === 'online') return availability();
    if (below === 'info') return { role: 'description', convention };
    const command = first === undefined ? /^(?:rpc|command(?:\/.+)?)$/ : /(?:^|\/)(?:command|set)$/;
    if (command.test(below)) return { role: 'command', convention };
    return { role: /^(?:input_event|events?)(?:\/|$)/.test(below) ? 'event' : 'state', convention };
  },
  answersTo: (command) => {
    const [, of] = /^(shellies\/.+)\/(?:command|set)$/.exec(command) ?? [];
    if (of !== undefined) return [of, `${of}/status`, `${of.replace(/\/[^/]+\/\d+$/, '')}/info`];
    // An rpc request is answered to a topic that its sender names: nothing can be said about it.
    const [, base, component] = /^(shelly[^/]*)\/command\/(.+)$/i.exec(command) ?? [];
    return base === undefined ? [] : [`${base}/status/${component}`, `${base}/events/rpc`];
  },
};

function availability(): TopicRole {
  return { role: 'availability', convention, presence: flagPresence, of: 'device', writtenBy: 'device' };
}
