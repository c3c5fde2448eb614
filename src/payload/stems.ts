// Owns the search for the beginnings of many words in one pass over bytes or over a text: a table of three-letter
// windows says where to look closer. Must not know what the words mean. ASCII letters match in either case.

/** `start`: only where a word begins. `end`: only where it ends. At least three bytes, or two and `end`. */
export type Stem = { bytes: Uint8Array; start: boolean; end: boolean };

/** `windows`: where a stem may begin, by the letters of three bytes; ANYWHERE or AT_START. `byWindow`: which ones. */
export type Stems = { windows: Uint8Array; byWindow: readonly (readonly Stem[] | undefined)[] };

const ANYWHERE = 1;
const AT_START = 2;
const WINDOW = 0x7fff;
/** Five bits of a byte: a to z in either case are 1 to 26, bytes beyond ASCII 27, `([{\|0` more, all others 0. */
const LETTERS = Uint8Array.from({ length: 256 }, (_, code) => (code < 0x80 ? classOf(fold(code)) : 27));
const CLASSES = 32;

function classOf(folded: number): number {
  if (isLower(folded)) return folded & 0x1f;
  const mark = [0x28, 0x7b, 0x7c, 0x30].indexOf(folded);
  return mark < 0 ? 0 : 28 + mark;
}

/** Whether any stem occurs. Linear, a few nanoseconds a byte. */
export function occursInBytes(bytes: Uint8Array, stems: Stems): boolean {
  const windows = stems.windows;
  const letters = LETTERS;
  const length = bytes.length;
  let window = 0;
  for (let i = 0; i < length; i++) {
    window = ((window << 5) | (letters[bytes[i] ?? 0] ?? 0)) & WINDOW;
    if (windows[window] !== 0 && occursAt(i - 2, window, stems, bytes)) return true;
  }
  return atTheEnd(window, stems, bytes);
}

/** The same for a text, where an umlaut is one character. Beyond Latin-1 nothing matches. */
export function occursInText(text: string, stems: Stems): boolean {
  return occursInBytes(Buffer.from(text, 'latin1'), stems);
}

/** A stem in UTF-8 and, where that differs, in Latin-1, which is how a text shows an umlaut. */
export function stemsOf(text: string, start: boolean, end = false): Stem[] {
  const utf8 = Uint8Array.from(Buffer.from(text, 'utf8'), fold);
  const latin1 = Uint8Array.from(Buffer.from(text, 'latin1'), fold);
  const stem = { bytes: utf8, start, end };
  return utf8.length === latin1.length ? [stem] : [stem, { bytes: latin1, start, end }];
}

export function compile(list: readonly Stem[]): Stems {
  const windows = new Uint8Array(WINDOW + 1);
  const byWindow: Stem[][] = [];
  for (const stem of list) {
    for (const window of windowsOf(stem.bytes)) {
      windows[window] = stem.start && windows[window] !== ANYWHERE ? AT_START : ANYWHERE;
      byWindow[window] = [...(byWindow[window] ?? []), stem];
    }
  }
  return { windows, byWindow };
}

/** A stem of two bytes may have anything for its third. */
function windowsOf(bytes: Uint8Array): number[] {
  const [a = 0, b = 0, c] = bytes;
  const head = (letter(a) << 10) | (letter(b) << 5);
  return c === undefined ? Array.from({ length: CLASSES }, (_, third) => head | third) : [head | letter(c)];
}

function letter(byte: number): number {
  return LETTERS[byte] ?? 0;
}

function occursAt(at: number, window: number, stems: Stems, bytes: Uint8Array): boolean {
  if (at < 0) return false;
  const begins = beginsWord(at, bytes);
  if (!begins && stems.windows[window] === AT_START) return false;
  for (const stem of stems.byWindow[window] ?? []) {
    if (stem.start && !begins) continue;
    if (matches(at, stem.bytes, bytes) && !(stem.end && isLower(bytes[at + stem.bytes.length] ?? 0))) return true;
  }
  return false;
}

function matches(at: number, stem: Uint8Array, bytes: Uint8Array): boolean {
  if (at + stem.length > bytes.length) return false;
  for (let i = 0; i < stem.length; i++) {
    if (fold(bytes[at + i] ?? 0) !== stem[i]) return false;
  }
  return true;
}

/** A stem of two bytes that are the last two. */
function atTheEnd(window: number, stems: Stems, bytes: Uint8Array): boolean {
  const end = (window << 5) & WINDOW;
  return stems.windows[end] !== 0 && occursAt(bytes.length - 2, end, stems, bytes);
}

/** As words.ts cuts: behind anything but a letter, at a capital (`lastError`), behind the n of an escaped \n. */
function beginsWord(at: number, bytes: Uint8Array): boolean {
  if (at === 0 || !isLower(fold(bytes[at - 1] ?? 0)) || !isLower(bytes[at] ?? 0)) return true;
  return at > 1 && bytes[at - 2] === 0x5c;
}

/** Lower-cases ASCII and the umlauts of Latin-1; of an umlaut in UTF-8 the second byte. */
function fold(code: number): number {
  return code | 0x20;
}

function isLower(code: number): boolean {
  return code >= 0x61 && code <= 0x7a;
}
