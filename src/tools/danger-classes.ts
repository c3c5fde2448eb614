// Owns the classes of writes that a person should decide: by the words of a topic and of a payload. Must not know what
// is stored, nor who is asked. What was read from a broker never takes a topic out of a class.
import { matches } from '../mqtt/topic.ts';
import { commandsIn } from './danger-words.ts';

/** One sentence for each class that a write is in. `own`: filters that whoever runs the server named. */
export function classesOf(topic: string, payload: Buffer, own: readonly string[]): string[] {
  const reasons: string[] = [];
  if (topic.startsWith('$')) reasons.push("It goes to a topic that begins with $, which is the broker's own.");
  if (own.some((filter) => matches(filter, topic))) {
    reasons.push('It goes to a topic that whoever runs this server wants a person to decide about.');
  }
  // Most topics and payloads have nothing of it: one look at each tells.
  const telling = TELLING.test(topic);
  const { commands, acts } = commandsIn(payload, telling);
  if (commands.length === 0 && !telling) return reasons;
  const place = placeOf(topic, { acts, commands, payload });
  for (const { reason, levels, words, filters = [], thing, is } of classes) {
    const meant =
      filters.some((filter) => matches(filter, topic.replace(/^\//, ''))) ||
      (!place.reports && place.names.some((name) => levels.test(name))) ||
      commands.some((word) => words.test(word)) ||
      (place.acts && thing?.(place)) ||
      is?.(place);
    if (meant) reasons.push(reason);
  }
  return reasons;
}

type Place = {
  /** Levels in lower case without what separates words: `factory_reset` is factoryreset. */
  names: string[];
  /** The same as words: `front_doorLock` is front, door, lock. */
  words: string[][];
  /** It tells of something, and asks for nothing. */
  reports: boolean;
  /** It asks a thing to move. */
  acts: boolean;
  /** It asks for an update to be installed. */
  installs: boolean;
  /** It asks something to open or close, which a light does not. */
  opens: boolean;
  /** It describes an entity to Home Assistant, under whatever prefix that looks for them. */
  discovers: boolean;
};

type DangerClass = {
  reason: string;
  /** A whole level of the topic. */
  levels: RegExp;
  /** A whole command in the payload. */
  words: RegExp;
  filters?: string[];
  /** What moves, where the write asks it to. */
  thing?: (place: Place) => boolean;
  /** What it is, even where it asks for nothing. */
  is?: (place: Place) => boolean;
};

/** Bytes of a payload that are searched for what describes an entity. */
const MAX_DESCRIPTION = 64 * 1024;
const NOTHING = /^\b$/;

const classes: DangerClass[] = [
  {
    reason: 'It goes to a Home Assistant discovery topic: it can add, change or remove a device there.',
    levels: NOTHING,
    words: NOTHING,
    filters: ['homeassistant/+/+/config', 'homeassistant/+/+/+/config'],
    is: ({ discovers }) => discovers,
  },
  {
    reason: 'It is a Sparkplug command, or speaks for the host application: it can move or stop a machine.',
    levels: NOTHING,
    words: NOTHING,
    filters: ['spBv1.0/+/NCMD/#', 'spBv1.0/+/DCMD/#', 'spBv1.0/STATE/+', 'STATE/+'],
  },
  {
    reason: 'It says that a Sparkplug node or device was born or died: those who watch it believe that.',
    levels: NOTHING,
    words: NOTHING,
    filters: ['NBIRTH', 'NDEATH', 'DBIRTH', 'DDEATH'].map((type) => `spBv1.0/+/${type}/#`),
  },
  {
    reason: 'It may change the firmware of a device.',
    levels: /^(ota|fota|fuota|otaupdate|otaurl|otastart|firmware|firmwareupdate|fw|fwupdate|upgrade|sysupgrade)\d?$/,
    words:
      /^(installupdate|updateinstall|otaupdate|otastart|otaurl|ota|updatefw|fwupdate|firmwareupdate|updatefirmware|upgrade|upgradefirmware|shellyupdate|flashfirmware)$/,
    is: ({ installs }) => installs,
  },
  {
    reason: 'It may restart a device or a service, or reset it to how it left the factory.',
    levels: /^(restart|reboot|reset|softreset|hardreset|factoryreset|resettofactory|shutdown)\d?$/,
    words:
      /^(restart|reboot|reset|softreset|hardreset|factoryreset|resettofactory|shutdown|shelly(reboot|factoryreset|resetwificonfig))$/,
  },
  {
    reason: 'It may let devices join a network, or throw one out.',
    levels:
      /^((zb)?permitjoin|zbforget|pair|unpair|(start)?(pairing|commissioning)|(start|add)?(inclusion|exclusion)|forceremove)\d?$/,
    words:
      /^(permitjoin|zbpermitjoin|zbforget|pair|pairing|startpairing|unpair|startinclusion|startexclusion|startcommissioning)$/,
    filters: ['+/bridge/request/+/remove', '+/bridge/config/remove'],
  },
  {
    reason: 'It may open or close a lock, or disarm an alarm.',
    levels: NOTHING,
    words: /^(lock|unlock|unlatch|disarm)$/,
    thing: ({ words }) => words.some(isLock),
  },
  {
    reason: 'It may open or close a valve.',
    levels: NOTHING,
    words: /^(openvalve|closevalve|valveopen|valveclose)$/,
    thing: ({ words }) => words.flat().some((word) => VALVES.test(word)),
  },
  {
    reason: 'It may move a garage door, a gate or a cover.',
    levels: NOTHING,
    words: /^(cover(open|close|stop|gotoposition|toggle)|(open|close)(garage|gate|cover|door))$/,
    thing: ({ words, opens }) => {
      const all = words.flat();
      const door = all.some((word) => /^(doors?|openers?|port)$/.test(word));
      if (all.some((word) => /^garages?$/.test(word)) && (door || opens)) return true;
      return (door && opens) || all.some((word) => COVERS.test(word));
    },
  },
];

/** In English, German, French, Spanish and Italian, without accents. */
const LOCKS = /^(deadbolt|doorlocks?|smartlocks?|(tuer|tur|haustur|haustuer)?schloss|serrure|cerradura|serratura)$/;
const VALVES = /^(valves?|stopcock|(\w*)ventil|vanne|valvulas?|valvola)$/;
const COVERS =
  /^(garagedoors?|covers?|rollers?|gates?|barriers?|shutters?|blinds?|(garagen|hof|roll)?tor|rollladen|rolladen|jalousie|schranke|portail|volets?|persianas?|cancello|tapparella)$/;
const OPENS = /^(open|opened|close|closed)$/;
/** What an entity's description says, in full or abbreviated. */
const DESCRIBES =
  /"(command_topic|cmd_t|state_topic|stat_t|unique_id|uniq_id|automation_type|atype|components|cmps|device_class|dev_cla)"\s*:/;

/** What any class but the first two looks for in a topic, so that others cost nothing. */
const TELLING =
  /ota|f[_-]?w|updat|firmware|upgrade|re[_-]?start|re[_-]?boot|reset|shut|permit|zb|pair|clusion|commission|remove|lock|deadbolt|valve|stopcock|garage|door|cover|roller|gate|barrier|shutter|blind|config$|schlo|serr|cerr|ventil|vanne|v.lv|tor(\W|$)|roll|jalousie|schranke|portail|volet|persian|cancell|tappar|homeassistant|spBv1|STATE/i;
const ASKS = /^(set|cmd|cmnd|command|commands|action|actions|request|rpc|control|do|write|trigger|toggle|open|close)$/;
const REPORTS =
  /^(state|status|availability|available|online|lwt|version|check|progress|battery|temperature|position|get)$/;

function placeOf(topic: string, said: { acts: boolean; commands: string[]; payload: Buffer }): Place {
  const levels = topic.split('/');
  const words = levels.map((level) =>
    level
      .normalize('NFKD')
      .replace(/\p{M}/gu, '')
      .replace(/ß/g, 'ss')
      .replace(/([a-z])([A-Z])/g, '$1 $2')
      .toLowerCase()
      .split(/[^a-z]+/)
      .filter((word) => word !== ''),
  );
  const names = levels.map((level) => level.toLowerCase().replace(/[^a-z0-9]/g, ''));
  const reports = REPORTS.test(names.at(-1) ?? '');
  const acts = !reports && (said.acts || names.some((name) => ASKS.test(name)));
  const opens = said.commands.some((word) => OPENS.test(word));
  const wanted = names.includes('install') || said.commands.includes('install');
  const installs = !reports && wanted && words.flat().some((word) => /^updates?$/.test(word));
  return { names, words, reports, acts, installs, opens, discovers: describes(levels, said.payload) };
}

/** `{prefix}/{component}/[{node}/]{object}/config`; without a description it changes nothing that is under no known prefix. */
function describes(levels: string[], payload: Buffer): boolean {
  return (
    levels.at(-1) === 'config' && levels.length >= 4 && DESCRIBES.test(payload.toString('utf8', 0, MAX_DESCRIPTION))
  );
}

/** A lock of a door, and not of a child's hands or a keyboard. */
function isLock(words: string[]): boolean {
  return words.some((word, i) => {
    if (LOCKS.test(word)) return true;
    return /^locks?$/.test(word) && !/^(child|key|keypad|screen|button|panel|touch|caps|num)$/.test(words[i - 1] ?? '');
  });
}
