// Owns a cheap look at the structure of a payload: one pass over its bytes, no decoding. Equal shapes may have several
// skeletons (arrays of other lengths), so it only tells whether shapeOf is worth its while.

/** Bytes looked at; what lies beyond changes no skeleton. */
const MAX_BYTES = 512;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const SPACE = 0x20;
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;

/**
 * A 32-bit hash of brackets, separators, keys and kinds of values. What does not begin like a JSON object or array has
 * one by its first byte's class: digit, letter, other, nothing.
 */
export function skeleton(bytes: Uint8Array): number {
  const first = bytes[0];
  if (first !== OPEN_BRACE && first !== OPEN_BRACKET) return scalarClass(first);
  const end = bytes.length < MAX_BYTES ? bytes.length : MAX_BYTES;
  let hash = 0x811c9dc5;
  let literal = false;
  for (let i = 0; i < end; i += 1) {
    const byte = bytes[i] ?? 0;
    if (byte === QUOTE) {
      let text = 7;
      for (i += 1; i < end && bytes[i] !== QUOTE; i += 1) {
        if (bytes[i] === BACKSLASH) i += 1;
        text = Math.imul(text ^ (bytes[i] ?? 0), 0x01000193);
      }
      let next = i + 1;
      while (next < end && (bytes[next] ?? 0) <= SPACE) next += 1;
      // A string before a colon is a key and part of the structure; a value is not.
      hash = Math.imul(hash ^ (bytes[next] === COLON ? text : QUOTE), 0x01000193);
      literal = false;
    } else if (isStructure(byte)) {
      hash = Math.imul(hash ^ byte, 0x01000193);
      literal = false;
    } else if (!literal && byte > SPACE) {
      hash = Math.imul(hash ^ literalClass(byte), 0x01000193);
      literal = true;
    }
  }
  return hash | 0;
}

/** { } [ ] , : */
function isStructure(byte: number): boolean {
  return (
    byte === 0x2c || byte === COLON || byte === OPEN_BRACE || byte === 0x7d || byte === OPEN_BRACKET || byte === 0x5d
  );
}

/** true and false are one kind, null another, the rest are numbers. */
function literalClass(byte: number): number {
  if (byte === 0x74 || byte === 0x66) return 0x62;
  return byte === 0x6e ? 0x6e : 0x30;
}

function scalarClass(byte: number | undefined): number {
  if (byte === undefined) return 0;
  if ((byte >= 0x30 && byte <= 0x39) || byte === 0x2d) return 1;
  return byte >= 0x41 && byte <= 0x7a ? 2 : 3;
}
