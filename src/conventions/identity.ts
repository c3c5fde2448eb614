// Owns the question whether a topic or a name is that of the device that was asked for, however either is spelled.
// Must not know conventions, but for the short addresses of Shelly.

/** exact: it is the device. partial: its name stands in another one (`pump` in `pump_2`), which may be another device. */
export type Grade = 'exact' | 'partial' | undefined;

export type Identity = {
  /** As it was asked for, without slashes around it. */
  readonly given: string;
  /** It has no letter and is no address: `12` stands in many names, so what only contains it is never taken for it. */
  readonly bare: boolean;
  /** The address in hex digits, where it is one. */
  readonly hex: string | undefined;
  inTopic(topic: string): Grade;
  /** A name, an id or an address. */
  inName(name: string): Grade;
  /** Cheap, and never false where one of the above is not undefined for a part of `text`. */
  mayBeIn(text: string): boolean;
};

/**
 * - Case never matters; neither do the characters between words (`Kitchen Lamp`, `kitchen_lamp`, `KitchenLamp`). Beside a
 *   digit they may: `pump12` is partly `pump-12`, and `1.2` is not `12`.
 * - A MAC or IEEE address matches in every notation, and within a level: `sensor_0x00158d0001a2b3c4`.
 * - Words within a level match where they stand alone: exact where they are specific (six characters, one a digit).
 * - An id with slashes matches as many levels in a row: a friendly name of Zigbee2MQTT, or a whole prefix.
 */
export function createIdentity(deviceId: string): Identity {
  const given = deviceId
    .trim()
    .replace(/\/#$/, '')
    .replace(/^\/+|\/+$/g, '');
  const hex = hexOf(given);
  const segments = given.split('/').map((segment) => levelMatcher(segment));
  const whole = levelMatcher(given);
  const scent = scentOf(given, hex);
  // Words are compared in lower case and composed, which changes other letters than the flag i knows.
  const foreign = /[^\0-\x7f]/.test(given);
  const mayBeIn = (text: string) => scent.test(text) || (foreign && scent.test(text.toLowerCase().normalize('NFC')));
  const inTopic = (topic: string): Grade => {
    if (!mayBeIn(topic)) return undefined;
    const levels = topic.split('/');
    if (segments.length === 1) return best(levels.map(whole));
    for (let at = 0; at + segments.length <= levels.length; at++) {
      if (segments.every((matches, n) => matches(levels[at + n] ?? '') === 'exact')) return 'exact';
    }
    return undefined;
  };
  const inName = (name: string): Grade => (mayBeIn(name) ? whole(name) : undefined);
  const bare = hex === undefined && !/\p{L}/u.test(given);
  return { given, bare, hex, inTopic, inName, mayBeIn };
}

function best(grades: Grade[]): Grade {
  return grades.includes('exact') ? 'exact' : grades.find((grade) => grade !== undefined);
}

/** The digits of a MAC (12) or IEEE address (16), `0x` and separators taken off. */
function hexOf(id: string): string | undefined {
  const digits = id
    .toLowerCase()
    .replace(/[:.\-\s]/g, '')
    .replace(/^0x/, '');
  return /^(?:[0-9a-f]{12}|[0-9a-f]{16})$/.test(digits) ? digits : undefined;
}

/** `KitchenLamp` is two words. */
function wordsOf(text: string): string[] {
  return text
    .replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
    .toLowerCase()
    .normalize('NFC')
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');
}

function levelMatcher(id: string): (level: string) => Grade {
  const lower = id.toLowerCase();
  const hex = hexOf(id);
  const words = wordsOf(id);
  const compact = words.join('');
  const specific = compact.length >= 6 && /\d/.test(compact) && /\p{L}/u.test(compact);
  return (level) => {
    const other = level.toLowerCase();
    if (other === lower) return 'exact';
    if (hex !== undefined && holdsAddress(other, hex)) return 'exact';
    if (words.length === 0) return undefined;
    const otherWords = wordsOf(level);
    if (sameWords(otherWords, words)) return 'exact';
    if (otherWords.join('') === compact) return joinedAlike(otherWords, words);
    const stands = otherWords.some((_, at) => words.every((word, n) => otherWords[at + n] === word));
    return stands ? (specific ? 'exact' : 'partial') : undefined;
  };
}

function sameWords(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((word, n) => word === b[n]);
}

/** Of words that are the same once they are joined: what was between them that the other one has not. */
function joinedAlike(a: readonly string[], b: readonly string[]): Grade {
  const ends = (words: readonly string[]) =>
    new Set(words.slice(0, -1).map((_, n) => words.slice(0, n + 1).join('').length));
  const [inA, inB] = [ends(a), ends(b)];
  const text = a.join('');
  const apart = [...inA].filter((at) => !inB.has(at)).concat([...inB].filter((at) => !inA.has(at)));
  const digits = apart.map((at) => Number(/\d/.test(text[at - 1] ?? '')) + Number(/\d/.test(text[at] ?? '')));
  if (digits.includes(2)) return undefined;
  return digits.includes(1) ? 'partial' : 'exact';
}

/** Shelly's first generation names itself by the last six digits of its MAC. */
function holdsAddress(level: string, hex: string): boolean {
  if (level.replace(/[:.\-\s]/g, '').includes(hex)) return true;
  return hex.length === 12 && /^shelly[a-z0-9]*-[0-9a-f]{6}$/.test(level) && level.endsWith(hex.slice(-6));
}

function scentOf(given: string, hex: string | undefined): RegExp {
  const literal = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  const words = wordsOf(given)
    .flatMap((word) => word.split(/(?<=\d)(?=\p{L})|(?<=\p{L})(?=\d)/u))
    .map(literal);
  const spelled = words.length === 0 ? literal(given) || '(?!)' : words.join('[^\\p{L}\\p{N}]*');
  if (hex === undefined) return new RegExp(spelled, 'iu');
  const bytes = hex.match(/../g) ?? [];
  const short = hex.length === 12 ? `|shelly[a-z0-9]{0,20}-${hex.slice(-6)}` : '';
  return new RegExp(`${spelled}|${bytes.join('[:.\\s\\-]?')}${short}`, 'iu');
}
