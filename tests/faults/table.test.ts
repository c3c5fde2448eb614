// docs/RELIABILITY.md and the tests of this folder say the same.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const dir = import.meta.dirname;
const document = readFileSync(join(dir, '../../docs/RELIABILITY.md'), 'utf8');

/** What a test puts into its name at run time stands as … in the table. */
function names(): string[] {
  const files = readdirSync(dir).filter((file) => file.endsWith('.test.ts') && file !== 'table.test.ts');
  const texts = files.map((file) => readFileSync(join(dir, file), 'utf8'));
  const found = texts.flatMap((text) => [...text.matchAll(/^ *test\(\s*(['`])(.*?)\1,/gm)].map((one) => one[2] ?? ''));
  expect(found).toHaveLength(texts.join('').match(/\btest\(/g)?.length ?? 0);
  return found.map((name) => name.replace(/\$\{[^}]*\}/g, '…'));
}

const rows = document
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| Fault |') && !line.startsWith('| ---'))
  .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')));

test('docs/RELIABILITY.md: each row names a test that exists, each test has a row', () => {
  expect(rows.map((cells) => cells.at(-1)).toSorted()).toEqual(names().toSorted());
});

test('docs/RELIABILITY.md: each row is complete', () => {
  for (const cells of rows) {
    expect(cells).toHaveLength(5);
    for (const cell of cells) expect(cell, cells.join()).not.toBe('');
  }
});
