import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const src = join(import.meta.dirname, '../src');
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => /\.ts$/.test(file));

test('the process is touched by main.ts alone, by any name', () => {
  const touching = files.filter((file) => /globalThis\s*[.[]|\bprocess\./.test(codeOf(file)));
  expect(touching).toEqual(['main.ts']);
});

test('every source file opens with what it owns', () => {
  const silent = files.filter((file) => !file.startsWith('generated') && !/^\/\/ .*\bOwns\b/.test(read(file)));
  expect(silent).toEqual([]);
});

test('nothing reads what lies outside of the project', () => {
  expect(files.filter((file) => /\.\.\/shared\b/.test(read(file)))).toEqual([]);
});

function read(file: string): string {
  return readFileSync(join(src, file), 'utf8');
}

/** Without comments. */
function codeOf(file: string): string {
  return read(file).replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
}
