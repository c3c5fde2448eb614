// Owns Tasmota's convention: tele, stat and cmnd in any order with the topic (FullTopic), LWT, its discovery and
// TelePeriod. Source: tasmota.github.io/docs, MQTT and Commands.
import { claim, own, text, texts } from './claim.ts';
import { flagPresence } from './presence.ts';
import type { Claim, Convention, Expected, TopicRole } from './types.ts';

const convention = 'tasmota';
const DISCOVERY = /^tasmota\/discovery\/[^/]+\/(?:config|sensors)$/;
/** tele/x/LWT, or x/tele/LWT with the other FullTopic: what is before the last level, its prefix and the last level. */
const PARTS = /^(?:(?:.+\/)?(tele|stat|cmnd)\/.+|.+\/(tele|stat|cmnd))\/([^/]+)$/;
const STATUS_LOG = /\/(?:STATUS3|STATUS0|STATUS|RESULT)$/;

export const tasmota: Convention = {
  name: convention,
  describes: (topic) => DISCOVERY.test(topic) || (STATUS_LOG.test(topic) && /(?:^|\/)stat\//.test(topic)),
  describe: (topic, payload, id) => {
    if (!DISCOVERY.test(topic)) return telePeriod(topic, payload, id.inTopic(topic));
    const names = [text(payload, 't'), text(payload, 'dn'), text(payload, 'hn'), text(payload, 'mac')];
    const known = [...names, ...texts(own(payload, 'fn'))].filter((name) => name !== undefined);
    const grades = [id.inTopic(topic), ...known.map(id.inName)];
    const grade = grades.includes('exact') ? 'exact' : grades.find((one) => one !== undefined);
    const device = text(payload, 't');
    if (grade === undefined || device === undefined || device === '') return undefined;
    const full = text(payload, 'ft') ?? '%prefix%/%topic%/';
    const [cmnd = 'cmnd', stat = 'stat', tele = 'tele'] = texts(own(payload, 'tp'));
    const prefixes = [cmnd, stat, tele].map((prefix) => `${filled(full, prefix, device).replace(/\/+$/, '')}/`);
    const lwt: [string, TopicRole] = [`${prefixes[2]}LWT`, availability(text(payload, 'onln'), text(payload, 'ofln'))];
    return claim(convention, topic, grade, {
      names: known,
      prefixes: [...prefixes, topic.replace(/[^/]+$/, '')],
      topics: new Map([lwt]),
    });
  },
  roleOf: (topic) => {
    if (DISCOVERY.test(topic)) return { role: 'description', convention };
    const [, before, after, last = ''] = PARTS.exec(topic) ?? [];
    const prefix = before ?? after;
    if (prefix === undefined || !/^[A-Z]/.test(last)) return undefined;
    if (last === 'LWT') return availability();
    if (prefix === 'cmnd') return { role: 'command', convention };
    if (/^(?:LOGGING|STATUS\d*|INFO\d)$/.test(last)) return { role: last === 'LOGGING' ? 'log' : 'event', convention };
    return { role: prefix === 'stat' ? 'event' : 'state', convention };
  },
  answersTo: (command) => {
    const [, before, after, last = ''] = PARTS.exec(command) ?? [];
    if ((before ?? after) !== 'cmnd') return [];
    const base = command.slice(0, -last.length);
    const as = (prefix: string) =>
      before === undefined ? base.replace(/cmnd\/$/, `${prefix}/`) : replaceFirst(base, prefix);
    return [`${as('stat')}RESULT`, `${as('stat')}${last.toUpperCase()}`, `${as('tele')}STATE`];
  },
};

function availability(online = 'Online', offline = 'Offline'): TopicRole {
  const presence = (payload: unknown) => {
    if (payload === online) return 'online';
    return payload === offline ? 'offline' : flagPresence(payload);
  };
  return { role: 'availability', convention, presence, of: 'device', writtenBy: 'device' };
}

function replaceFirst(base: string, prefix: string): string {
  return base.replace(/(^|\/)cmnd\//, `$1${prefix}/`);
}

function filled(full: string, prefix: string, topic: string): string {
  return full.replaceAll('%prefix%', () => prefix).replaceAll('%topic%', () => topic);
}

/** `{"TelePeriod":300}`, alone or in StatusLOG: seconds between two tele messages; 0 is never. */
function telePeriod(topic: string, payload: unknown, grade: Claim['grade'] | undefined): Claim | undefined {
  const seconds = own(payload, 'TelePeriod') ?? own(own(payload, 'StatusLOG'), 'TelePeriod');
  if (grade === undefined || typeof seconds !== 'number' || seconds < 10) return undefined;
  const base = topic.replace(STATUS_LOG, '/').replace(/(^|\/)stat\//, '$1tele/');
  const expected: Expected[] = [{ topic: `${base}STATE`, seconds, by: 'TelePeriod' }];
  return claim(convention, topic, grade, { expected });
}
