// Owns regular expressions of schemas: RE2, which cannot hang. Loaded only where a schema has one.
import { RE2JS } from 're2js';
import type { Pattern } from './validate.ts';

/** Longest expression, characters. */
const MAX_PATTERN = 1000;

/** Throws where it is none. */
export function compilePattern(pattern: string): Pattern {
  if (pattern.length > MAX_PATTERN) throw new Error('too long');
  const compiled = RE2JS.compile(pattern);
  return { matches: (text) => compiled.matcher(text).find() };
}
