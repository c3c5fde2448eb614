// Owns the vocabulary of trouble, English and German, and how text is cut into words. Data and a tokenizer;
// what the words mean together is text-trouble.ts and errors-in.ts. Words are lower case, umlauts written out.

import type { Severity } from './types.ts';

function words(list: string): ReadonlySet<string> {
  return new Set(list.trim().split(/\s+/));
}

/** Nouns that a device counts or numbers: `errors: 3`, `fault: 17`. Any other integer than 0 is trouble. */
export const CODED = words(`
  error errors err errs errno errcode errorcode faultcode alarmcode fault faults failed failure failures alarm
  alarms alarme alert alerts exception exceptions fehler fehlercode fehlermeldung stoerung stoerungen warnings
  warnungen problems
`);

/** Severe wherever they stand. */
const SEVERE = words(`
  error errors err errs errno errcode errorcode faultcode alarmcode fault faults faulted faulty failed failure
  failures fail fails failing alarm alarms alarme alarmed exception exceptions fatal panic panicked critical crit
  kritisch emergency emerg notfall nok offline unavailable unreachable traceback crash crashed crashes segfault oom
  malfunction defekt defective broken kaputt corrupt corrupted corruption overheat overheated overheating
  overtemperature overtemp overpower ueberhitzt ueberhitzung uebertemperatur shortcircuit kurzschluss overcurrent
  overvoltage undervoltage brownout overload overloaded ueberlast unhealthy unresponsive died intrusion estop fehler
  fehlerhaft fehlercode fehlermeldung fehlgeschlagen stoerung stoerungen gestoert ausfall ausfaelle ausgefallen
`);

/** Milder ones. */
const MILD = words(`
  warn warning warnings warnung warnungen alert alerts problem problems degraded timeout timeouts disconnected
  refused denied rejected aborted unexpected unexpectedly caution achtung invalid ungueltig stalled jammed stuck
  tripped abnormal anomaly leck
`);

/** Trouble only where they are the whole value: "bad", "lost". */
const MILD_ALONE = words('bad lost dead blocked stale schlecht verloren blockiert');

/** Sensors whose name is an alarm once it is `true`, and only then: `smoke` may be a density. */
export const DETECTORS = words('tamper tampered smoke leak leakage intrusion burglary rauch wassereinbruch');

/** Two words within four of each other, either way round. */
export const PAIRS: readonly (readonly [string, string, Severity])[] = [
  ['connection', 'lost', 'error'],
  ['connection', 'dropped', 'error'],
  ['signal', 'lost', 'error'],
  ['verbindung', 'verloren', 'error'],
  ['verbindung', 'unterbrochen', 'error'],
  ['verbindung', 'abgebrochen', 'error'],
  ['battery', 'low', 'warning'],
  ['batterie', 'schwach', 'warning'],
  ['batterie', 'leer', 'warning'],
  ['leak', 'detected', 'error'],
  ['smoke', 'detected', 'error'],
];

/** Two words in this order, at most one between them. */
export const PHRASES: readonly (readonly [string, string, Severity])[] = [
  ['no', 'connection', 'error'],
  ['no', 'response', 'error'],
  ['no', 'signal', 'warning'],
  ['no', 'heartbeat', 'error'],
  ['keine', 'verbindung', 'error'],
  ['keine', 'antwort', 'error'],
  ['kein', 'signal', 'warning'],
  ['timed', 'out', 'warning'],
  ['out', 'memory', 'error'],
  ['emergency', 'stop', 'error'],
  ['not', 'aus', 'error'],
  ['unable', 'to', 'error'],
  ['could', 'not', 'error'],
  ['kann', 'nicht', 'error'],
  ['konnte', 'nicht', 'error'],
];

/** "not ok", "nicht erreichbar": the negation of these is trouble. */
export const GOOD_STATES =
  words(`ok okay good healthy responding reachable available connected working erreichbar verbunden
  verfuegbar`);

export const NEGATORS = words(`no not non none never without zero kein keine keinen keiner keines keinerlei nicht ohne
  neither nor`);

/** What a trouble noun may be set to without being trouble: `alarm: "armed_away"`, `alert: "select"` (a Hue effect). */
export const FINE = words(`
  ok okay okey no not none off false null nil undefined normal nominal clear cleared inactive idle good fine healthy
  success successful succeeded passed pass resolved disarmed disabled ready closed reset acknowledged acked armed
  arming pending standby online available connected select lselect silent quiet muted nein aus kein keine keiner gut
  inaktiv ruhe normalbetrieb behoben quittiert geschlossen unscharf scharf bereit unknown empty unbekannt away home
  night
`);

/** Words after or before trouble that end it: "alarm cleared", "recovered from failure". */
export const RESOLVED = words(`
  cleared resolved recovered recovery fixed restored acknowledged acked behoben quittiert erledigt vorbei beendet
  aufgehoben disarmed suppressed reconnected
`);

/** Words right behind a trouble noun that make it something else: "error handling", "alarm clock". */
export const DEFUSED = words(`
  free frei off aus handling handler handlers correction tolerant tolerance threshold thresholds limit limits rate
  rates log logs level levels budget clock armed disabled enabled history setting settings config configuration
  margin bars safe proof mode sound volume tone inactive clear lamp test none false null nil
`);

/** ... unless the noun is a measure and it is past it: "alarm limit exceeded". */
export const MEASURES = words('threshold thresholds limit limits rate rates level levels margin budget');
export const BREACHED = words('exceeded reached above high violated ueberschritten erreicht verletzt');

/** Right behind a trouble noun, at the end of a clause: "alarm over", "fault reset". */
export const DEFUSED_AT_END = words('over reset gone ended');

/** Words between a trouble noun and its value: "error code 17", "fault count: 0". */
export const VALUE_NOUNS = words(
  'code codes count counter number nr num no state status flag flags total value s en is are ist',
);

/** Of these, those that are a thing of their own where no value follows: "the error counter of the pump". */
export const COUNTERS = words('count counter counts number');

/** Words that carry a negation on: "no errors or warnings". */
export const CONJUNCTIONS = words('or nor and oder und noch');

/** Words in front of a quantity: "with 0 alarms". */
export const BEFORE_QUANTITY = words(
  'with and has had have got found reported total is are of only mit und hat gefunden',
);

const GERMAN_COMPOUND = /(?:fehler|stoerung|stoerungen|ausfall|alarm)$/;
const GERMAN_WARNING = /warnung(?:en)?$/;
const GERMAN_HARMLESS = words('entstoerung fehlalarm probealarm entwarnung');

/** The trouble a single word means, if any. */
export function troubleOf(word: string): Severity | undefined {
  if (SEVERE.has(word)) return 'error';
  if (MILD.has(word)) return 'warning';
  if (word.length < 8 || GERMAN_HARMLESS.has(word)) return undefined;
  if (GERMAN_COMPOUND.test(word)) return 'error';
  return GERMAN_WARNING.test(word) ? 'warning' : undefined;
}

export function troubleAlone(word: string): Severity | undefined {
  return troubleOf(word) ?? (MILD_ALONE.has(word) ? 'warning' : undefined);
}

/** Every word and phrase above that can make trouble: what the pre-filter must not overlook. */
export const TROUBLE_WORDS: readonly string[] = [...SEVERE, ...MILD, ...MILD_ALONE, ...DETECTORS, ...CODED];

/** Cut at most this much of each end of a text: a log line and a traceback both show there. */
const MAX_TEXT_END = 8192;

const TOKEN = /0x[0-9a-f]+|\d+(?:[-:./,T]\d+)*|\p{L}[\p{L}\p{M}]*|[:=>]|[.;!?,|\n]/giu;
const NOISE = /[a-z]{2,8}:\/\/\S{1,512}|<\/[^<>]{0,64}>|[\w.-]{0,40}(?:\/[\w.+#-]{1,40}){2,}/gi;

/** Lower-case words, numbers, ':' (also for = and >) and '.' (any end of a clause). URLs, paths, end tags are dropped. */
export function tokenize(text: string): string[] {
  const ends = text.length > 2 * MAX_TEXT_END ? `${text.slice(0, MAX_TEXT_END)}\n${text.slice(-MAX_TEXT_END)}` : text;
  const plain = ends
    .replace(NOISE, ' . ')
    .replace(/n['’]t\b/gi, ' not')
    .replace(/\bn\/a\b/gi, ' none ');
  const tokens: string[] = [];
  for (const [token] of splitCamel(plain).matchAll(TOKEN)) {
    if (token === ':' || token === '=' || token === '>') tokens.push(':');
    else if (/^[.;!?,|\n]/.test(token)) tokens.push('.');
    else tokens.push(fold(token));
  }
  return tokens;
}

/** The words of a key or of a topic level: `lastErrorCode`, `last-error_code` -> last, error, code. */
export function keyWords(key: string): string[] {
  const cut = key.length > 128 ? key.slice(0, 128) : key;
  return fold(splitCamel(cut))
    .split(/[^\p{L}\p{M}]+/u)
    .filter((word) => word !== '');
}

function splitCamel(text: string): string {
  return text.replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2').replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2');
}

export function fold(text: string): string {
  const lower = text.toLowerCase();
  if (!/[äöüß]/.test(lower)) return lower;
  return lower.replaceAll('ä', 'ae').replaceAll('ö', 'oe').replaceAll('ü', 'ue').replaceAll('ß', 'ss');
}

/** Whether a text is letters and nothing else. Most are ASCII, where this is far cheaper than \p{L}. */
export function areLetters(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i) | 0x20;
    if (code > 0x7f) return /^\p{L}+$/u.test(text);
    if (code < 0x61 || code > 0x7a) return false;
  }
  return text.length > 0;
}
