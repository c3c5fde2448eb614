// Owns the search for many short patterns in one pass: Aho and Corasick 1975, as a dense table over byte classes.
// Must not know what the patterns mean. Bytes are compared with bit 0x20 set, so ASCII matches in either case.

/** `start`: only where a word begins. `end`: only where it ends. */
export type Pattern = { bytes: Uint8Array; start: boolean; end: boolean };

/** Next state by (state << 6 | class), with HIT set where a pattern ends. */
export type Automaton = { next: Uint16Array; classes: Uint8Array; ends: readonly (readonly Pattern[])[] };

const HIT = 0x4000;
const STATE = 0x3fff;
const CLASS_BITS = 6;

/** Lower-cases ASCII and the umlauts of Latin-1; of an umlaut in UTF-8 the second byte. */
function fold(byte: number): number {
  return byte | 0x20;
}

/** Whether any pattern occurs. One table look-up a byte. */
export function occursInBytes(bytes: Uint8Array, automaton: Automaton): boolean {
  const { next, classes } = automaton;
  let state = 0;
  for (let i = 0; i < bytes.length; i++) {
    state = next[((state & STATE) << CLASS_BITS) | (classes[bytes[i] ?? 0] ?? 0)] ?? 0;
    if (state >= HIT && confirmed(automaton, state & STATE, i, (at) => bytes[at] ?? 0)) return true;
  }
  return false;
}

/** The same for a text; characters beyond U+00FF match nothing. */
export function occursInText(text: string, automaton: Automaton): boolean {
  const { next, classes } = automaton;
  let state = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    state = next[((state & STATE) << CLASS_BITS) | (code < 256 ? (classes[code] ?? 0) : 0)] ?? 0;
    if (state >= HIT && confirmed(automaton, state & STATE, i, (at) => text.charCodeAt(at))) return true;
  }
  return false;
}

type CodeAt = (at: number) => number;

function confirmed(automaton: Automaton, state: number, last: number, codeAt: CodeAt): boolean {
  const patterns = automaton.ends[state] ?? [];
  return patterns.some(({ bytes, start, end }) => {
    if (start && !beginsWord(last - bytes.length + 1, codeAt)) return false;
    return !end || !isLower(codeAt(last + 1));
  });
}

/** As words.ts cuts: behind anything but a letter, at a capital (`lastError`), behind the n of an escaped \n. */
function beginsWord(at: number, codeAt: CodeAt): boolean {
  if (at === 0 || !isLower(fold(codeAt(at - 1))) || !isLower(codeAt(at))) return true;
  return at > 1 && codeAt(at - 2) === 0x5c;
}

function isLower(code: number): boolean {
  return code >= 0x61 && code <= 0x7a;
}

/** At most 63 different folded bytes and 16,383 states. */
export function compile(patterns: readonly Pattern[]): Automaton {
  const classes = classify(patterns);
  const children: Map<number, number>[] = [new Map()];
  const ends: Pattern[][] = [[]];
  for (const pattern of patterns) {
    let state = 0;
    for (const byte of pattern.bytes) {
      const edge = classes[byte] ?? 0;
      let child = children[state]?.get(edge);
      if (child === undefined) {
        child = children.length;
        children[state]?.set(edge, child);
        children.push(new Map());
        ends.push([]);
      }
      state = child;
    }
    ends[state]?.push(pattern);
  }
  return { classes, ends, next: link(children, ends) };
}

/** Breadth first, so that the state to fall back to is complete before it is needed. */
function link(children: readonly Map<number, number>[], ends: readonly Pattern[][]): Uint16Array {
  const width = 1 << CLASS_BITS;
  const plain = new Uint16Array(children.length * width);
  const fallback = new Uint16Array(children.length);
  const queue = [0];
  for (const state of queue) {
    const back = fallback[state] ?? 0;
    if (state !== 0) ends[state]?.push(...(ends[back] ?? []));
    for (let edge = 0; edge < width; edge++) {
      const child = children[state]?.get(edge);
      const other = state === 0 ? 0 : (plain[back * width + edge] ?? 0);
      plain[state * width + edge] = child ?? other;
      if (child === undefined) continue;
      fallback[child] = other;
      queue.push(child);
    }
  }
  return plain.map((state) => (ends[state]?.length ? state | HIT : state));
}

function classify(patterns: readonly Pattern[]): Uint8Array {
  const classes = new Uint8Array(256);
  let count = 0;
  for (const { bytes } of patterns) {
    for (const byte of bytes) classes[byte] ||= ++count;
  }
  // a byte that lacks bit 0x20 is in the class of the one that has it
  return classes.map((_, byte) => classes[fold(byte)] ?? 0);
}

/** A pattern in UTF-8 and, where that differs, in Latin-1, which is how a decoded text shows an umlaut. */
export function patternsOf(text: string, start: boolean, end = false): Pattern[] {
  const utf8 = Uint8Array.from(Buffer.from(text, 'utf8'), fold);
  const latin1 = Uint8Array.from(Buffer.from(text, 'latin1'), fold);
  const pattern = { bytes: utf8, start, end };
  return utf8.length === latin1.length ? [pattern] : [pattern, { bytes: latin1, start, end }];
}
