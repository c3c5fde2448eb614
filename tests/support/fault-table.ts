// Owns the rows of docs/RELIABILITY.md: what each promises, by the name of its test. Must not know how it is shown.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const document = readFileSync(join(import.meta.dirname, '../../docs/RELIABILITY.md'), 'utf8');

/** Its cells: fault, what the user sees, lost, until well, test. What a name gets at run time stands as … in the last. */
export const rows: string[][] = document
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| Fault |') && !line.startsWith('| ---'))
  .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')));

/** What the row of a test promises until well, s; undefined where it is no time. Throws where there is no such row. */
export function promisedSeconds(testName: string): number | undefined {
  const row = rows.find((cells) => isName(cells.at(-1) ?? '', testName));
  if (!row) throw new Error(`no row of docs/RELIABILITY.md is about: ${testName}`);
  const [, seconds] = /(\d+(?:\.\d+)?) s(?: |$|;)/.exec(row[3] ?? '') ?? [];
  return seconds === undefined ? undefined : Number(seconds);
}

function isName(pattern: string, testName: string): boolean {
  const parts = pattern.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`(^| > )${parts.join('.+')}$`).test(testName);
}
