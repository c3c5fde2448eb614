// Owns the pre-filter: a look at raw bytes that lets ordinary telemetry pass without decoding it. It may suspect too
// much, never too little: severityOf finds nothing in a payload that is not suspicious (unless its topic is a hint).

/**
 * Three bytes of every word of words.ts, of every key that errors-in.ts reads, and of a JSON escape that could hide
 * one. Matching folds bit 0x20, which lower-cases ASCII and the second byte of ä, ö, ü in UTF-8.
 */
export const STEMS: readonly string[] = [
  'err', 'fault', 'fail', 'alarm', 'alert', 'excep', 'fatal', 'panic', 'crit', 'krit', 'emerg', 'notfall', 'nok',
  'offline', 'unavail', 'unreach', 'traceb', 'crash', 'segf', 'segment', 'oom', 'malfu', 'defe', 'broken', 'kaputt',
  'corrupt', 'overh', 'hitz', 'ertemp', 'shortc', 'kurzs', 'overc', 'overv', 'underv', 'brownout', 'overlo', 'erlast',
  'unhea', 'unresp', 'died', 'intrus', 'estop', 'fehl', 'rung', 'gest', 'ausf', 'warn', 'proble', 'degra', 'timeo',
  'discon', 'refus', 'denied', 'reject', 'abort', 'unexp', 'caution', 'achtung', 'invalid', 'ltig', 'stall', 'jamm',
  'stuck', 'tripp', 'abnorm', 'anomal', 'leck', 'bad', 'lost', 'dead', 'block', 'stale', 'schlecht', 'verlor', 'tamper',
  'smoke', 'leak', 'burgl', 'rauch', 'wassere', 'connection', 'battery low', 'low', 'schwach', 'leer', 'unterbr',
  'abgebr', 'respon', 'signal', 'heartb', 'verbind', 'antwort', 'timed', 'memory', 'not', 'unable', 'could', 'nicht',
  'success', 'healthy', 'online', 'connected', 'available', 'reachable', 'alive', 'valid', 'operational', 'erreichbar',
  'erfolgreich', 'bar"', 'ok"', 'okay"', 'status_', 'statusc', 'http', 'response', '[e]', '[w]', 'e (', 'w (', '\\u0',
]; // biome-ignore format: a table

/** Whether a payload deserves decodePayload and severityOf at all. About a nanosecond a byte. */
export function suspicious(bytes: Uint8Array): boolean {
  let i = 2;
  while (i < bytes.length) {
    const block = (fold(bytes[i - 1]) << 8) | fold(bytes[i]);
    const shift = SHIFTS[block] ?? 0;
    if (shift > 0) {
      i += shift;
      continue;
    }
    if (startsStem(bytes, i - 2)) return true;
    i++;
  }
  return bytes[0] === 0x3c && bytes.length > 3; // "<3>": a syslog line
}

function fold(byte: number | undefined): number {
  return (byte ?? 0) | 0x20;
}

/** Wu and Manber 1994, with blocks of two bytes and windows of three: how far the window may move past a block. */
const SHIFTS = new Uint8Array(65_536).fill(2);
const BY_START = new Map<number, Uint8Array[]>();
for (const stem of STEMS) {
  const folded = Buffer.from(stem, 'utf8').map((byte) => byte | 0x20);
  const [a = 0, b = 0, c = 0] = folded;
  const first = (a << 8) | b;
  SHIFTS[first] = Math.min(SHIFTS[first] ?? 0, 1);
  SHIFTS[(b << 8) | c] = 0;
  const start = (a << 16) | (b << 8) | c;
  BY_START.set(start, [...(BY_START.get(start) ?? []), folded]);
}

function startsStem(bytes: Uint8Array, at: number): boolean {
  const start = (fold(bytes[at]) << 16) | (fold(bytes[at + 1]) << 8) | fold(bytes[at + 2]);
  const stems = BY_START.get(start);
  return stems?.some((stem) => matches(bytes, at, stem)) ?? false;
}

function matches(bytes: Uint8Array, at: number, stem: Uint8Array): boolean {
  if (at + stem.length > bytes.length) return false;
  for (let i = 3; i < stem.length; i++) {
    if (fold(bytes[at + i]) !== stem[i]) return false;
  }
  return true;
}
