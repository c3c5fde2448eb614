// Owns what both ways of collecting have in common. Types only.
import type { Message } from '../mqtt/types.ts';
import type { Totals } from './topic-totals.ts';

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
  /** What arrived, by topic. */
  totals(): Totals;
  /** Caps that were hit. */
  notes(): string[];
};
