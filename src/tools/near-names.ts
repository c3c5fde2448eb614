// Owns the names on a broker that are nearly the one that was asked for, for who has mistyped it. Bounded.
import { areNumbered, edits } from './edits.ts';

/** Levels looked at, and their length. Stops a broker of endless names from taking memory and time. */
const MAX_SEEN = 20_000;
const MAX_CHARS = 64;
/** Names kept; edits that make a name another one; ids too short for that. */
const MAX_NAMES = 5;
const MAX_EDITS = 2;
const MIN_CHARS = 4;

export class NearNames {
  readonly names: string[] = [];
  readonly #wanted: string;
  readonly #seen = new Set<string>();

  constructor(wanted: string) {
    this.#wanted = wanted.toLowerCase();
  }

  look(topic: string): void {
    const length = this.#wanted.length;
    if (length < MIN_CHARS || length > MAX_CHARS || this.names.length >= MAX_NAMES || topic.length > 1024) return;
    for (const level of topic.split('/')) {
      if (Math.abs(level.length - length) > MAX_EDITS || this.#seen.size >= MAX_SEEN || this.#seen.has(level)) continue;
      this.#seen.add(level);
      if (this.names.length < MAX_NAMES && this.#isNear(level.toLowerCase())) this.names.push(level);
    }
  }
  #isNear(level: string): boolean {
    return !areNumbered(level, this.#wanted) && edits(level, this.#wanted) <= MAX_EDITS;
  }
}
