// Owns the Homie convention, 3, 4 and 5: $state and its words, $description, $name, set topics.
// Source: homieiot.github.io, specifications 3.0.1, 4.0.0 and 5.0.0.
import { claim, own, text } from './claim.ts';
import type { Convention, Presence, TopicRole } from './types.ts';

const convention = 'homie';
/** Of a topic: the base of its device (homie/x or homie/5/x, or under another domain with $state) and what is below. */
const PARTS = /^((?:[^/]+\/)?homie\/(?:5\/)?[^/]+)\/(.+)$/;
const DESCRIBES = /\/(?:\$name|\$description|\$stats\/interval)$/;

const STATES = new Map<string, Presence>([
  ['init', 'starting'],
  ['ready', 'online'],
  ['alert', 'online'],
  ['sleeping', 'sleeping'],
  ['disconnected', 'offline'],
  ['lost', 'offline'],
]);

export const homie: Convention = {
  name: convention,
  describes: (topic) => DESCRIBES.test(topic),
  describe: (topic, payload, id) => {
    const [, base, below] = PARTS.exec(topic) ?? [];
    if (base === undefined || below === undefined) return undefined;
    const name = below === '$name' && typeof payload === 'string' ? payload : (text(payload, 'name') ?? '');
    const grade = id.inTopic(base) ?? id.inName(name);
    if (grade === undefined) return undefined;
    const expected =
      below === '$stats/interval' && typeof payload === 'number'
        ? [{ topic: `${base}/$stats/`, seconds: payload, by: '$stats/interval' }]
        : [];
    return claim(convention, topic, grade, {
      names: [name],
      prefixes: [`${base}/`],
      topics: new Map<string, TopicRole>([[`${base}/$state`, state()]]),
      expected,
      commands: settable(base, payload),
    });
  },
  roleOf: (topic) => {
    const [, , below] = PARTS.exec(topic) ?? [];
    if (below === undefined) return undefined;
    if (below === '$state') return state();
    if (/\/set$/.test(below)) return { role: 'command', convention };
    if (/^\$stats\/./.test(below) && below !== '$stats/interval') return { role: 'state', convention };
    if (/^\$log\//.test(below) || below === '$alert' || below.startsWith('$alert/')) return { role: 'log', convention };
    return { role: /(?:^|\/)\$/.test(below) ? 'description' : 'state', convention };
  },
  answersTo: (command) => (PARTS.test(command) && command.endsWith('/set') ? [command.slice(0, -4)] : []),
};

function state(): TopicRole {
  const presence = (payload: unknown) => (typeof payload === 'string' ? STATES.get(payload) : undefined);
  return { role: 'availability', convention, presence, of: 'device', writtenBy: 'device' };
}

/** Homie 5: properties of $description that take commands. */
function settable(base: string, description: unknown): { command: string; answers: string[] }[] {
  const nodes = own(description, 'nodes');
  if (typeof nodes !== 'object' || nodes === null) return [];
  return Object.keys(nodes).flatMap((node) => {
    const properties = own(own(nodes, node), 'properties');
    if (typeof properties !== 'object' || properties === null) return [];
    return Object.keys(properties)
      .filter((property) => own(own(properties, property), 'settable') === true)
      .map((property) => ({ command: `${base}/${node}/${property}/set`, answers: [`${base}/${node}/${property}`] }));
  });
}
