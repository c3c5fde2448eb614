// Owns how much came when: counts in tenths of a second over a window. Must not know messages.

/** Length of a slot, ms; a second is ten of them. */
const SLOT_MS = 100;
const SECOND = 10;

export type Rate = { messages_per_second: number; bytes_per_second: number };

/** `seconds` bounds the memory; what comes later is counted in the last slot. */
export class Rates {
  readonly #messages: Float64Array;
  readonly #bytes: Float64Array;
  readonly #began: number;

  constructor(began: number, seconds: number) {
    const slots = Math.ceil(seconds * SECOND) + 2 * SECOND;
    this.#messages = new Float64Array(slots);
    this.#bytes = new Float64Array(slots);
    this.#began = began;
  }

  /** `at` and `began` are of one clock, ms. */
  add(at: number, bytes: number): void {
    const wanted = Math.floor((at - this.#began) / SLOT_MS);
    const slot = wanted < 0 ? 0 : Math.min(wanted, this.#messages.length - 1);
    this.#messages[slot] = (this.#messages[slot] ?? 0) + 1;
    this.#bytes[slot] = (this.#bytes[slot] ?? 0) + bytes;
  }

  /** Over the last `seconds` of a window of `windowMs`; undefined where it is shorter. */
  last(seconds: number, windowMs: number): Rate | undefined {
    const end = this.#slotsOf(windowMs);
    const from = end - seconds * SECOND;
    if (from < 0) return undefined;
    const messages = sum(this.#messages, from, end) / seconds;
    const bytes = sum(this.#bytes, from, end) / seconds;
    return { messages_per_second: round(messages), bytes_per_second: Math.round(bytes) };
  }

  /** The second with the most messages, wherever it begins, and the same for bytes. */
  peak(windowMs: number): { messages: number; bytes: number } {
    const end = Math.max(this.#slotsOf(windowMs), SECOND);
    return { messages: most(this.#messages, end), bytes: most(this.#bytes, end) };
  }

  /** Whole seconds of the window in which nothing came. */
  silentSeconds(windowMs: number): number {
    let silent = 0;
    for (let from = 0; from + SECOND <= this.#slotsOf(windowMs); from += SECOND) {
      if (sum(this.#messages, from, from + SECOND) === 0) silent += 1;
    }
    return silent;
  }

  #slotsOf(windowMs: number): number {
    return Math.min(Math.round(windowMs / SLOT_MS), this.#messages.length);
  }
}

function most(slots: Float64Array, end: number): number {
  let now = sum(slots, 0, SECOND);
  let best = now;
  for (let next = SECOND; next < end; next++) {
    now += (slots[next] ?? 0) - (slots[next - SECOND] ?? 0);
    if (now > best) best = now;
  }
  return best;
}

function sum(slots: Float64Array, from: number, to: number): number {
  let total = 0;
  for (let slot = from; slot < to; slot++) total += slots[slot] ?? 0;
  return total;
}

/** Three decimals below ten, one above: what a reader can use. */
export function round(value: number): number {
  const factor = value < 10 ? 1000 : 10;
  return Math.round(value * factor) / factor;
}
