// Owns what both ways of collecting have in common. Types only.
import type { Message } from '../mqtt/types.ts';

/** Takes the messages of one collection, keeps some, counts all. */
export type Collector = {
  take(message: Message): void;
  /** Resolves once it wants no more. */
  readonly full: Promise<void>;
  /** Messages that arrived. */
  readonly received: number;
  /** Those of them that `match` let through; all where there is none. */
  readonly matched: number;
  /** The kept ones, in order of arrival. */
  messages(): Message[];
  /** Messages that arrived, per topic, in order of the topics; what is too much for a result is added up. */
  counts(): Record<string, number>;
  /** Caps that were hit. */
  notes(): string[];
};

/** What the counts per topic may take in a result, bytes. */
export const COUNTS_BYTES = 48 * 1024;
/** Topics counted apart. */
export const MAX_TOPICS = 1_000_000;
