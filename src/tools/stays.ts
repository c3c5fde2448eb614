// Owns whether what once met an expectation still does: the last verdict on each topic that met it. Bounded; must not
// know what the expectation is.
import type { Verdict } from '../payload/expectation.ts';

/** Topics followed: a filter of # on a large broker must not fill the memory. */
const MAX_TOPICS = 2_000;

export class Stays {
  readonly #last = new Map<string, Verdict>();

  take(topic: string, verdict: Verdict): void {
    if (!this.#last.has(topic) && (verdict !== 'met' || this.#last.size >= MAX_TOPICS)) return;
    this.#last.set(topic, verdict);
  }

  /** A topic that has turned away from it; undefined where none has. */
  get turned(): string | undefined {
    return this.#first('not_met');
  }

  /** Undefined where it cannot be told. */
  get stayed(): boolean | undefined {
    if (this.turned !== undefined) return false;
    return this.#first('unknown') === undefined ? true : undefined;
  }

  #first(wanted: Verdict): string | undefined {
    for (const [topic, verdict] of this.#last) if (verdict === wanted) return topic;
    return undefined;
  }
}
