// Owns the pre-filter: a look at raw bytes that lets ordinary telemetry pass without decoding it. It may suspect too
// much, never too little: severityOf finds nothing in a payload that is not suspicious, unless its topic is a hint.

import { mayBePacked } from './packed.ts';
import { compile, occursInBytes, occursInText, stemsOf } from './stems.ts';

/** The beginnings of every word and phrase of words.ts, one each; a word counts only where it begins (`default`). */
const STARTS = `
  err fault fail alarm alert excep fatal panic crit krit emerg notfall nok offline unavail unreach traceb crash segf
  oom malfu defe broken kaputt corrupt overh overt overp überh ueberh übert uebert shortc kurzs overc overv underv
  brownout overlo überl ueberl unhea unresp died intrus estop fehl stör stoer gestör gestoer ausf ausg warn proble
  degra timeo timed discon refus denied reject abort unexp caution achtung invalid ungül unguel stall jamm stuck
  tripp abnorm anomal leck bad lost dead block stale schlecht verlor tamper smoke leak burgl rauch wassere low
  schwach leer drop unterbr abgebr kein memory unable major minor could nicht http statusc status_c status-c
  responsec response_c response-c
`;

/** German compounds end in these: `Pumpenstörung`. */
const INNER = 'fehler störung stoerung ausfall alarm warnung';

/** Keys whose `false` is trouble; what follows tells the key from the value `"ok"`. */
const GOOD_KEYS = `
  ok okay success successful successfully healthy operational online reachable alive erreichbar connected available
  valid verbunden verfuegbar verfügbar erfolgreich
`;
const KEY_ENDS = ['":', '" ', '"\t', '"\n', '"\r'];

/** A log level by letter (`[E][wifi]`, `E (12)`), the JSON escape of a letter that may begin any of these, "isn't". */
const MARKS = ['[e][', '[w][', '\\u0', "n't", 'n’t'];
const LETTERS = ['e (', 'w ('];

const STEMS = compile([
  ...[...list(STARTS), ...LETTERS].flatMap((stem) => stemsOf(stem, true)),
  ...[...list(INNER), ...MARKS].flatMap((stem) => stemsOf(stem, false)),
  ...list(GOOD_KEYS).flatMap((key) => KEY_ENDS.flatMap((end) => stemsOf(key + end, true))),
  ...['no', 'not'].flatMap((word) => stemsOf(word, true, true)), // "no response", not "note"
]);

function list(stems: string): string[] {
  return stems.trim().split(/\s+/);
}

/** Whether a payload deserves decodePayload and severityOf at all. */
export function suspicious(bytes: Uint8Array): boolean {
  return bytes[0] === 0x3c || mayBePacked(bytes) || occursInBytes(bytes, STEMS); // `<3>` begins a syslog line
}

/** The same of a text that is decoded already. */
export function suspiciousText(text: string): boolean {
  return text.startsWith('<') || occursInText(text, STEMS);
}
