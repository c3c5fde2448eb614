// Owns the formats of strings and numbers: how they are told, and whether a value has one. Must not know schemas.

/** JSON Schema's own formats, and where it has none a name of ours: a validator takes an unknown one as a remark. */
const STRING_FORMATS = {
  'date-time': isDateTime,
  'date-time-local': matches(/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?$/),
  date: matches(/^\d{4}-(?:0\d|1[0-2])-[0-3]\d$/),
  time: matches(/^[0-2]\d:[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?$/),
  duration: matches(
    /^P(?=[\dT])(?:\d+Y)?(?:\d+M)?(?:\d+W)?(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?$/,
  ),
  uuid: matches(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i),
  ipv4: matches(/^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/),
  ipv6: isIpv6,
  mac: matches(/^[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}$/i),
  'hex-color': matches(/^#(?:[0-9a-f]{3}|[0-9a-f]{6}|[0-9a-f]{8})$/i),
  hex: matches(/^0x[0-9a-f]{2,64}$/i),
  uri: matches(/^[a-z][a-z0-9+.-]{1,15}:\/\/[^\s]+$/i),
  email: matches(/^[^\s@]{1,64}@[^\s@]{1,190}\.[a-z]{2,24}$/i),
  number: matches(/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?$/i),
} as const satisfies Record<string, (text: string) => boolean>;

const NAMES = Object.keys(STRING_FORMATS);
const TESTS: ReadonlyMap<string, (text: string) => boolean> = new Map(Object.entries(STRING_FORMATS));
/** A longer string has no format. */
const MAX_LENGTH = 256;
const YEAR_S = 366 * 86_400;

/** The formats that a string has, of those it may have. */
export function formatsOf(text: string, among: readonly string[] = NAMES): readonly string[] {
  if (text.length > MAX_LENGTH || text.length < 2)
    return among.filter((name) => name === 'number' && hasFormat(text, name));
  return among.filter((name) => hasFormat(text, name));
}

/** true also where the format is not known: it says nothing then. */
export function hasFormat(value: unknown, format: string): boolean {
  if (typeof value === 'number') return isEpochFormat(format) ? inYears(value, format) : true;
  const test = TESTS.get(format);
  return typeof value !== 'string' || test === undefined || (value.length <= MAX_LENGTH && test(value));
}

export type EpochFormat = 'epoch-seconds' | 'epoch-milliseconds';

/** A time since 1970 that lies within two years of `at` (ms), or of 2001 to 2096 where `named` says it is a time. */
export function isEpoch(value: number, format: EpochFormat, at: number, named: boolean): boolean {
  if (named) return inYears(value, format);
  const inSeconds = format === 'epoch-seconds' ? value : value / 1000;
  return Math.abs(inSeconds - at / 1000) < 2 * YEAR_S;
}

function inYears(value: number, format: string): boolean {
  const inSeconds = format === 'epoch-seconds' ? value : value / 1000;
  return inSeconds > 978_307_200 && inSeconds < 4_000_000_000;
}

function isEpochFormat(format: string): format is EpochFormat {
  return format === 'epoch-seconds' || format === 'epoch-milliseconds';
}

/** RFC 3339, section 5.6: with a zone. */
function isDateTime(text: string): boolean {
  return (
    /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,12})?(?:[Zz]|[+-]\d\d:?\d\d)$/.test(text) &&
    !Number.isNaN(Date.parse(text))
  );
}

/** RFC 4291, section 2.2. */
function isIpv6(text: string): boolean {
  if (!/^[0-9a-f:.]{2,45}$/i.test(text) || !text.includes(':')) return false;
  const [head = '', tail, ...more] = text.split('::');
  if (more.length > 0) return false;
  const groups = [head, tail ?? ''].flatMap((half) => (half === '' ? [] : half.split(':')));
  const fits = groups.every(
    (group, i) => /^[0-9a-f]{1,4}$/i.test(group) || (i === groups.length - 1 && group.includes('.')),
  );
  return fits && (tail === undefined ? groups.length === 8 : groups.length < 8);
}

function matches(pattern: RegExp): (text: string) => boolean {
  return (text) => pattern.test(text);
}
