// Owns what the scans of CBOR and MessagePack share: how far one goes, what it notes, and whether bytes that are
// well-formed look meant. No recursion, nothing is allocated for what a length only claims. Must not know either format.
import { MAX_JSON_DEPTH } from '../json-scan.ts';

/** As deep as JSON: what reads the outcome may recurse. Stops 100,000 brackets, which would overflow the stack. */
export const MAX_DEPTH = MAX_JSON_DEPTH;
/** Values of one payload. Stops a megabyte of ones from becoming a million values. */
const MAX_ITEMS = 100_000;
/** Integer keys as the registries use them (SenML -6 to 24, CoRE, COSE): not any byte. */
const MIN_KEY = -16;
const MAX_KEY = 255;
/** A text of fewer bytes proves nothing. */
const TELLING_TEXT = 3;

/** An open array or map; `left`: values to come, Infinity where a break ends it. */
type Frame = { isMap: boolean; left: number; seen: number; texts: number; keys: Set<number> };

export class Scan {
  /** The first item is complete. */
  done = false;
  floats32 = 0;
  floats64 = 0;
  #items = 0;
  /** Maps with text for keys, maps with integers, texts that look meant, truths and nulls. */
  #named = 0;
  #numbered = 0;
  #texts = 0;
  #words = 0;
  #root: Frame | undefined;
  readonly #frames: Frame[] = [];
  readonly #integerKeys: boolean;

  /** `integerKeys`: whether a map may have them and still look meant. */
  constructor(integerKeys: boolean) {
    this.#integerKeys = integerKeys;
  }

  /** An item begins. False: there are too many. */
  begin(): boolean {
    return ++this.#items <= MAX_ITEMS;
  }

  /** An array or map of `left` values in the `room` that is left in bytes. False: too deep, or they cannot be there. */
  open(isMap: boolean, left: number, room: number): boolean {
    if (this.#frames.length >= MAX_DEPTH || (left > room && left !== Number.POSITIVE_INFINITY)) return false;
    const frame: Frame = { isMap, left, seen: 0, texts: 0, keys: new Set() };
    this.#root ??= frame;
    if (left > 0) this.#frames.push(frame);
    else this.#complete();
    return true;
  }

  /** A break ends what is of indefinite length, a map after a value. False: it stands elsewhere. */
  close(): boolean {
    const frame = this.#frames.at(-1);
    if (frame?.left !== Number.POSITIVE_INFINITY || (frame.isMap && frame.seen % 2 === 1)) return false;
    this.#end();
    this.#complete();
    return true;
  }

  /** A text. False: it is not UTF-8. */
  text(bytes: Buffer): boolean {
    const kind = kindOf(bytes);
    if (kind === 'broken') return false;
    if (kind === 'printable' && bytes.length > 0) {
      const map = this.#awaitingKey();
      if (map) map.texts++;
      if (bytes.length >= TELLING_TEXT) this.#texts++;
    }
    this.#complete();
    return true;
  }

  integer(value: number): void {
    if (value >= MIN_KEY && value <= MAX_KEY) this.#awaitingKey()?.keys.add(value);
    this.#complete();
  }

  float(bits: 32 | 64): void {
    if (bits === 32) this.floats32++;
    else this.floats64++;
    this.#complete();
  }

  /** true, false, nil. */
  word(): void {
    this.#words++;
    this.#complete();
  }

  /** Any other value: it tells nothing. */
  plain(): void {
    this.#complete();
  }

  /**
   * A map at the root has printable texts for keys. Or (CBOR alone, where registries number their keys) it has small
   * integers, two of them at least, none twice, one of them not negative, and somewhere a value that is no integer. An
   * array at the root holds a map of the first kind, or of the second, or a printable text of three characters, or is
   * two floating point numbers at least and nothing else.
   */
  looksMeant(): boolean {
    const root = this.#root;
    if (root === undefined) return false;
    const floats = this.floats32 + this.floats64;
    const isTold = this.#texts + this.#words + floats > 0;
    if (root.isMap) return isNamed(root) || (isTold && this.#isNumbered(root));
    const onlyFloats = floats >= 2 && floats === this.#items - 1;
    return onlyFloats || this.#texts > 0 || this.#named > 0 || (isTold && this.#numbered > 0);
  }

  #awaitingKey(): Frame | undefined {
    const frame = this.#frames.at(-1);
    return frame?.isMap && frame.seen % 2 === 0 ? frame : undefined;
  }

  /** A value is complete, and with it perhaps those around it. */
  #complete(): void {
    for (let frame = this.#frames.at(-1); frame; frame = this.#frames.at(-1)) {
      frame.seen++;
      frame.left--;
      if (frame.left > 0) return;
      this.#end();
    }
    this.done = true;
  }

  #end(): void {
    const frame = this.#frames.pop();
    if (frame && isNamed(frame)) this.#named++;
    else if (frame && this.#isNumbered(frame)) this.#numbered++;
  }

  #isNumbered({ isMap, seen, keys }: Frame): boolean {
    if (!this.#integerKeys || !isMap || keys.size < 2) return false;
    return keys.size === seen / 2 && [...keys].some((key) => key >= 0);
  }
}

function isNamed({ isMap, seen, texts }: Frame): boolean {
  return isMap && seen > 0 && texts === seen / 2;
}

/** printable: UTF-8 without control characters. */
function kindOf(bytes: Buffer): 'printable' | 'control' | 'broken' {
  let control = false;
  for (const byte of bytes) {
    if (byte >= 0x80) return kindOfText(bytes.toString('utf8'));
    if (byte < 0x20 || byte === 0x7f) control = true;
  }
  return control ? 'control' : 'printable';
}

/** A replacement character that the sender meant is taken for damage, and the payload stays binary: nothing is lost. */
function kindOfText(text: string): 'printable' | 'control' | 'broken' {
  if (text.includes('\ufffd')) return 'broken';
  return /[\u0000-\u001f\u007f-\u009f]/.test(text) ? 'control' : 'printable';
}
