// Owns what a level of a topic is made of: literal text, and parts that look like an identifier. Pure; knows one level.

export type PartKind = 'uuid' | 'mac' | 'eui' | 'hex' | 'id' | 'ip' | 'date' | 'n';
/** `sure`: an identifier even where nothing beside it differs. */
export type Part = { kind: PartKind | 'text'; value: string; sure: boolean };

/** Longer levels, and those of more parts, are taken as they are: they are no identifiers, and regexps cost time. */
const MAX_LEVEL = 128;
const MAX_PARTS = 16;
/** From so many digits on a number is a serial number. */
const SURE_DIGITS = 8;
const SURE_HEX = 8;

const UUID = '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}';
const MAC = '[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}|[0-9a-fA-F]{2}(?:-[0-9a-fA-F]{2}){5}';
const IP = '\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}';
const DATE = '\\d{4}-\\d\\d-\\d\\d';
const SHAPED = new RegExp(
  `(?<![0-9A-Za-z])(?:(${UUID})|(${MAC})|(${IP})|(${DATE}))(?![0-9A-Za-z]|[-:][0-9a-fA-F]{2}(?![0-9A-Za-z]))`,
  'g',
);
/** Numbers that are meaning: chemical formulas, particle sizes, versions, durations, generations, protocols. */
const MEANT =
  /^(?:pm\d.*|co2?|no[x23]?|n2o?|so2|nh[34]|ch4|h2[so]?|o[23]|ipv[46]|v\d+(?:\.\d+)*|spbv\d.*|\d+(?:\.\d+)?(?:ms|s|sec|secs|m|min|mins|h|hr|hours?|d|days?|w|g|hz|khz|mhz)|mp[34]|h26[45]|i2c|rs\d{3}|s[07]|l[23]cap|http[23]?|mqtt[35]?|zigbee2mqtt|base64|utf8|sha\d+|md5)$/i;
const HEX = /^(?:0x)?[0-9a-fA-F]{6,64}$/;
const RANDOM = /^[0-9A-Za-z]{16,64}$/;

/** The parts of a level, in order; one literal where nothing in it looks like an identifier. */
export function partsOf(level: string): Part[] {
  if (level.length > MAX_LEVEL || !/\d|[a-fA-F]{6}|[a-fA-F]{2}[:-]/.test(level) || MEANT.test(level))
    return [text(level)];
  const parts: Part[] = [];
  let done = 0;
  for (const match of level.matchAll(SHAPED)) {
    parts.push(...loose(level.slice(done, match.index)));
    parts.push({ kind: shapedKind(match), value: match[0], sure: true });
    done = match.index + match[0].length;
  }
  parts.push(...loose(level.slice(done)));
  const joined = joinTexts(parts);
  return joined.length > MAX_PARTS ? [text(level)] : joined;
}

function shapedKind([, uuid, mac, ip]: RegExpMatchArray): PartKind {
  return uuid !== undefined ? 'uuid' : mac !== undefined ? 'mac' : ip !== undefined ? 'ip' : 'date';
}

/** What stands between or beside the shaped ones: words, and numbers between separators. */
function loose(rest: string): Part[] {
  return rest.split(/([^0-9A-Za-z\u0080-\uffff]+)/).flatMap((segment) => (segment === '' ? [] : segmentParts(segment)));
}

function segmentParts(segment: string): Part[] {
  if (MEANT.test(segment)) return [text(segment)];
  if (/^\d+$/.test(segment)) return [{ kind: 'n', value: segment, sure: segment.length >= SURE_DIGITS }];
  if (HEX.test(segment) && /\d/.test(segment)) return [hex(segment)];
  if (RANDOM.test(segment) && isRandom(segment)) return [{ kind: 'id', value: segment, sure: true }];
  return runsOf(segment);
}

/** The number in it is part of a meaning: `pm10`, `15min`, `v2`. */
export function isMeant(word: string): boolean {
  return MEANT.test(word);
}

/** Words and numbers in turn. */
export function runsOf(segment: string): Part[] {
  return segment
    .split(/(\d+)/)
    .filter((run) => run !== '')
    .map((run) => (/^\d/.test(run) ? { kind: 'n', value: run, sure: run.length >= SURE_DIGITS } : text(run)));
}

/** Digits and letters mixed as a hex number has them. `cab001` may be one, or a word with a number. */
export function isMixedHex(value: string): boolean {
  return HEX.test(value) && /[a-fA-F]/.test(value.replace(/^0x/, '')) && /\d/.test(value) && !isStem(value);
}

/** Letters, then a short number. */
export function isStem(value: string): boolean {
  return /^[a-fA-F]+\d{1,5}$/.test(value);
}

export function looksHex(value: string): boolean {
  return HEX.test(value);
}

function hex(value: string): Part {
  return { kind: hexKind(value), value, sure: isMixedHex(value) && value.length >= SURE_HEX };
}

/** What a hex number of that length is called. */
export function hexKind(value: string): PartKind {
  if (value.startsWith('0x')) return value.length === 18 ? 'eui' : 'hex';
  return value.length === 12 ? 'mac' : value.length === 16 ? 'eui' : value.length === 32 ? 'uuid' : 'hex';
}

/** Letters and digits that change places as no word's do. */
function isRandom(value: string): boolean {
  const switches = value.match(/[A-Za-z](?=\d)|\d(?=[A-Za-z])/g)?.length ?? 0;
  return switches >= 4;
}

function text(value: string): Part {
  return { kind: 'text', value, sure: false };
}

function joinTexts(parts: readonly Part[]): Part[] {
  const joined: Part[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (part.kind === 'text' && last?.kind === 'text') joined[joined.length - 1] = text(last.value + part.value);
    else joined.push(part);
  }
  return joined;
}
