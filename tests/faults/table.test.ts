// docs/RELIABILITY.md and the tests of this folder say the same.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { promisedSeconds, rows } from '../support/fault-table.ts';

const dir = import.meta.dirname;

/** What a test puts into its name at run time stands as … in the table. */
function names(): string[] {
  const files = readdirSync(dir).filter((file) => file.endsWith('.test.ts') && file !== 'table.test.ts');
  const texts = files.map((file) => readFileSync(join(dir, file), 'utf8'));
  const found = texts.flatMap((text) => [...text.matchAll(/^ *test\(\s*(['`])(.*?)\1,/gm)].map((one) => one[2] ?? ''));
  expect(found).toHaveLength(texts.join('').match(/\btest\(/g)?.length ?? 0);
  return found.map((name) => name.replace(/\$\{[^}]*\}/g, '…'));
}

test('docs/RELIABILITY.md: each row names a test that exists, each test has a row', () => {
  expect(rows.map((cells) => cells.at(-1)).toSorted()).toEqual(names().toSorted());
});

test('docs/RELIABILITY.md: each row is complete', () => {
  for (const cells of rows) {
    expect(cells).toHaveLength(5);
    for (const cell of cells) expect(cell, cells.join()).not.toBe('');
  }
});

test('what a row promises is found by the name of its test', () => {
  expect(
    promisedSeconds('publish at QoS 2: reset before the acknowledgement -> not_connected, unsure; told once at most'),
  ).toBe(0.5);
  expect(promisedSeconds('connect: refused -> connection_refused, nothing listens')).toBeUndefined();
  expect(() => promisedSeconds('nothing of that name')).toThrow('no row');
});
