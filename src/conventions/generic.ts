// Owns what topic names mean where no convention is known: availability, commands, descriptions, logs by their last level.
import { claim, own } from './claim.ts';
import { flagPresence, wordPresence } from './presence.ts';
import type { Convention, TopicRole } from './types.ts';

const convention = 'generic';
const COMMAND = /^(.+)\/(?:set|command|cmd|control)$/i;
/** Topics about nothing else but presence ... */
const PRESENCE = /\/(?:availability|available|lwt|online|connected|connection|alive|\$state|last_?will|birth)$/i;
/** ... and those where it is only one meaning of several. */
const STATUS = /\/(?:status|state|\$connected)$/i;

/** How often a device means to speak, s, on whichever of its topics. */
const INTERVALS = ['interval_s', 'interval_seconds', 'report_interval_s', 'update_interval_s'];

export const generic: Convention = {
  name: convention,
  describes: (topic) => topic.endsWith('/config'),
  describe: (topic, payload, id) => {
    const grade = id.inTopic(topic);
    const by = INTERVALS.find((key) => typeof own(payload, key) === 'number');
    const seconds = by === undefined ? undefined : own(payload, by);
    if (grade === undefined || by === undefined || typeof seconds !== 'number') return undefined;
    return claim(convention, topic, grade, { expected: [{ topic: topic.replace(/config$/, '#'), seconds, by }] });
  },
  roleOf: (topic) => {
    if (PRESENCE.test(topic)) return availability(flagPresence);
    if (STATUS.test(topic)) return { ...availability(wordPresence), role: 'state' };
    if (COMMAND.test(topic)) return { role: 'command', convention };
    if (/\/(?:config|configuration|description|announce|meta)$/i.test(topic))
      return { role: 'description', convention };
    if (/\/(?:log|logs|logging|debug|error|errors)$/i.test(topic)) return { role: 'log', convention };
    return { role: /\/(?:event|events|action)$/i.test(topic) ? 'event' : 'state', convention };
  },
  answersTo: (command) => {
    const [, base] = COMMAND.exec(command) ?? [];
    return base === undefined ? [] : [base, `${base}/state`, `${base}/status`, `${base}/stat`];
  },
};

function availability(presence: TopicRole['presence']): TopicRole {
  return { role: 'availability', convention, of: 'device', writtenBy: 'device', ...(presence ? { presence } : {}) };
}
