// Owns the reading of the documents: which there are, and their fenced blocks.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../..');

export type Block = { kind: string; text: string; line: number };

/** README.md and everything below docs/. */
export const documents = [
  'README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`)
    .sort(),
];

export function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

export function blocksOf(file: string): Block[] {
  const text = read(file);
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(({ 1: kind = '', 2: body = '', index }) => ({
    kind,
    text: body,
    line: text.slice(0, index).split('\n').length,
  }));
}

/** The commands of `sh` blocks, those that go over several lines as one. */
export function commandsOf(file: string): string[] {
  return blocksOf(file)
    .filter(({ kind }) => kind === 'sh')
    .flatMap(({ text }) => text.replaceAll('\\\n', '\\\u0000').split('\n'))
    .map((line) => line.replaceAll('\u0000', '\n').trim())
    .filter((line) => line !== '');
}
