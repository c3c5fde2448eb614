// Owns whether a key of an object is an identifier, so that the object is a map and not a record. Must not know values.
import { partsOf } from './level-parts.ts';

/** A number, a UUID, a MAC, a hex or random id as a whole: `0x00158d0001a2b3c4`, `17`, `2026-01-02`. */
export function isIdentifier(key: string): boolean {
  const [first, second] = partsOf(key);
  if (first === undefined || second !== undefined) return /^\d+(?:[-.:]\d+)+$/.test(key);
  return first.kind === 'n' || first.sure;
}
