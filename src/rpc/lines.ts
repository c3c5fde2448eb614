// Owns bytes <-> lines: splits a byte stream at newlines, whatever the chunks. Must not know what a line means.
import { isUtf8 } from 'node:buffer';

/** Longest JSON-RPC line accepted, bytes without the newline; stops a peer that never sends one from filling memory. */
export const MAX_LINE_BYTES = 4 * 1024 * 1024;

/** A line of text without its newline, or why there is none. */
export type Line = { text: string } | { problem: 'too_long' | 'not_utf8' };

/**
 * Feeds on chunks, yields whole lines: `\n` or `\r\n` ends one, blank ones are dropped, multi-byte characters may span
 * chunks. A line over `limit` bytes yields one `too_long` at once; the rest of it, up to the next newline, is skipped.
 */
export class LineSplitter {
  readonly #limit: number;
  #parts: Buffer[] = [];
  #length = 0;
  #skipping = false;

  constructor(limit = MAX_LINE_BYTES) {
    this.#limit = limit;
  }

  push(chunk: Buffer): Line[] {
    const lines: Line[] = [];
    let start = this.#length > 0 || this.#skipping ? 0 : this.#whole(chunk, lines);
    for (;;) {
      const newline = chunk.indexOf(10, start);
      const end = newline === -1 ? chunk.length : newline;
      this.#keep(chunk.subarray(start, end), lines);
      if (newline === -1) return lines;
      this.#finish(lines);
      start = newline + 1;
    }
  }

  /** The whole lines of a chunk as one text, which is several times faster; where they begin and end well. */
  #whole(chunk: Buffer, lines: Line[]): number {
    const end = chunk.lastIndexOf(10);
    if (end === -1 || end > this.#limit) return 0;
    const bytes = chunk.subarray(0, end);
    // Else each line is looked at by itself: only the bad ones are refused.
    if (!isUtf8(bytes)) return 0;
    for (const line of bytes.toString('utf8').split('\n')) {
      const text = line.endsWith('\r') ? line.slice(0, -1) : line;
      if (!isBlank(text)) lines.push({ text });
    }
    return end + 1;
  }

  /** The stream has ended: a last line without a newline is a line too. */
  end(): Line[] {
    const lines: Line[] = [];
    this.#finish(lines);
    return lines;
  }

  #keep(part: Buffer, lines: Line[]): void {
    if (part.length === 0 || this.#skipping) return;
    this.#length += part.length;
    // One byte of grace: the limit is the line's, and a `\r` may still follow it.
    if (this.#length > this.#limit + 1) {
      this.#parts = [];
      this.#skipping = true;
      lines.push({ problem: 'too_long' });
      return;
    }
    this.#parts.push(part);
  }

  #finish(lines: Line[]): void {
    const first = this.#parts[0];
    const skipped = this.#skipping;
    let bytes = this.#parts.length === 1 && first ? first : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#length = 0;
    this.#skipping = false;
    if (skipped) return;
    if (bytes.at(-1) === 13) bytes = bytes.subarray(0, -1);
    if (bytes.length > this.#limit) lines.push({ problem: 'too_long' });
    else if (!isUtf8(bytes)) lines.push({ problem: 'not_utf8' });
    else {
      const text = bytes.toString('utf8');
      if (!isBlank(text)) lines.push({ text });
    }
  }
}

function isBlank(text: string): boolean {
  const code = text.charCodeAt(0);
  // A message begins with a brace or a bracket; only what does not is worth trimming.
  return code !== 123 && code !== 91 && text.trim() === '';
}
