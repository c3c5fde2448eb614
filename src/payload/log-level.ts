// Owns what a log line says of its own severity. Must not know what the rest of the line says.

import type { Severity } from './types.ts';

/** Severity letters of ESPHome (`[E][wifi:012]`) and ESP-IDF (`E (1234) wifi:`). */
const LETTERED = /^ ?(?:\[[\d;]*m)?(?:\[([EWICDV])\]\[|([EWIDV]) \(\d+\))/;
const SYSLOG_PRIORITY = /^<(\d{1,3})>/;
const LEVEL_WORD =
  /\b(?:(FATAL|CRIT(?:ICAL)?|ERR(?:OR)?|WARN(?:ING)?|EMERG|ALERT)|(INFO|DEBUG|TRACE|NOTICE|VERBOSE))\b/;
const QUIET_LEVEL = /(?:\blevel["']?\s?[=:]\s?["']?|^.{0,40}[[<(])(?:info|debug|trace|notice|verbose)\b/i;

/** What the first line of a text says of itself; quiet: its words report no trouble. RFC 5424 6.2.1 for `<PRI>`. */
export function logLevel(text: string): Severity | 'quiet' | undefined {
  const [line = ''] = text.slice(0, 96).split('\n', 1);
  const head = line.replaceAll('\u001b', ' ');
  const lettered = LETTERED.exec(head);
  const letter = lettered?.[1] ?? lettered?.[2];
  if (letter !== undefined) return letter === 'E' ? 'error' : letter === 'W' ? 'warning' : 'quiet';
  const priority = SYSLOG_PRIORITY.exec(head)?.[1];
  if (priority !== undefined) return syslogLevel(Number(priority) % 8);
  // in capitals throughout, INFO is a word like any other
  const quiet = LEVEL_WORD.exec(head)?.[2] !== undefined && /\p{Ll}/u.test(head);
  return quiet || QUIET_LEVEL.test(head) ? 'quiet' : undefined;
}

function syslogLevel(severity: number): Severity | 'quiet' {
  if (severity <= 3) return 'error';
  return severity === 4 ? 'warning' : 'quiet';
}
