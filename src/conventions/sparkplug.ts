// Owns Sparkplug B: topics of edge nodes and their devices, births and deaths, commands.
// Source: Sparkplug specification 3.0.0, 4 (topics) and 5 (life cycle). Payloads are decoded before they come here.
import { claim } from './claim.ts';
import type { Convention, TopicRole } from './types.ts';

const convention = 'sparkplug';
const TOPIC = /^(spBv1\.0)\/([^/]+)\/([ND](?:BIRTH|DEATH|DATA|CMD))\/([^/]+)(?:\/([^/]+))?$/;

/** kind: the message type of a topic. `node` names the edge node, under which all its devices count their messages. */
export function sparkplugTopic(topic: string) {
  const [, space, group, kind, edge, device] = TOPIC.exec(topic) ?? [];
  if (space === undefined || kind === undefined) return undefined;
  return { kind, node: `${group}/${edge}`, group: group ?? '', edge: edge ?? '', device };
}

export const sparkplug: Convention = {
  name: convention,
  describes: (topic) => topic.startsWith('spBv1.0/'),
  // A device lives and counts with its edge node, so the node's messages are needed too: it is the device's bridge.
  describe: (topic, _payload, id) => {
    const parts = sparkplugTopic(topic);
    if (parts?.device === undefined || id.inTopic(topic) === undefined) return undefined;
    const grade = id.inName(parts.device);
    if (grade === undefined) return undefined;
    const at = (kind: string) => `spBv1.0/${parts.group}/${kind}/${parts.edge}`;
    const bridge = (kind: string): [string, TopicRole] => [at(kind), { ...roleOf(kind, true), role: 'bridge' }];
    const related = [`spBv1.0/${parts.group}/+/${parts.edge}/#`];
    return claim(convention, topic, grade, { topics: new Map(['NBIRTH', 'NDEATH'].map(bridge)), related });
  },
  roleOf: (topic) => {
    const parts = sparkplugTopic(topic);
    return parts === undefined ? undefined : roleOf(parts.kind, false);
  },
  answersTo: (command) => {
    const parts = sparkplugTopic(command);
    return parts?.kind.endsWith('CMD') ? [command.replace(/CMD/, 'DATA'), command.replace(/CMD/, 'BIRTH')] : [];
  },
};

function roleOf(kind: string, ofNode: boolean): TopicRole {
  const of = ofNode ? 'bridge' : 'device';
  // NDEATH is the last will; DDEATH is written by the node. Their coming is the message, whatever is in them.
  const writtenBy = kind.startsWith('N') ? 'device' : 'bridge';
  if (kind.endsWith('CMD')) return { role: 'command', convention };
  if (kind.endsWith('BIRTH')) return { role: 'availability', convention, presence: () => 'online', of, writtenBy };
  if (kind.endsWith('DEATH')) return { role: 'availability', convention, presence: () => 'offline', of, writtenBy };
  return { role: 'state', convention };
}
