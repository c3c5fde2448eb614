// Owns what came back after a publish: each message judged, in order, with its latency. Bounded; must not know how
// it was sent or listened for.
import type { Message } from '../mqtt/types.ts';
import { decodePayload } from '../payload/decode.ts';
import { type Change, differences } from '../payload/difference.ts';
import type { Expectation, Verdict } from '../payload/expectation.ts';
import type { Before } from './before.ts';

/** Reactions kept, the first ones, the one that decided and the last apart; bytes of their payloads. */
const MAX_KEPT = 200;
const MAX_BYTES = 4 * 1024 * 1024;
/** Largest payload that is judged and compared, bytes. */
const MAX_JUDGED = 256 * 1024;

export type Reaction = {
  message: Message;
  /** Since the publish was handed to the session, ms. */
  latencyMs: number;
  /** The broker's own copy of what was sent. */
  echo: boolean;
  /** unwatched: came on a filter that the expectation is not about. */
  verdict: Verdict | 'unwatched';
  changes: Change[];
};

/** What is judged, and what is only told. */
export type Watched = {
  expectation: Expectation;
  /** Whether the expectation is about this message. */
  concerns(message: Message): boolean;
  /** Whether it answers somebody else's request: other correlation data, or none on our response topic. */
  isForeign(message: Message): boolean;
  isEcho(message: Message): boolean;
  /** An echo counts: what was asked for is that the broker hands it back. */
  echoCounts: boolean;
};

export class Reactions {
  readonly kept: Reaction[] = [];
  /** All, echoes included. */
  count = 0;
  echoes = 0;
  /** Answers to other requests: no reactions, and in no other count. */
  foreign = 0;
  /** The first that met the expectation. */
  met: Reaction | undefined;
  /** The verdict on the last one that the expectation is about. */
  last: Verdict | undefined;
  /** Resolves when the expectation is met. */
  readonly verified: Promise<void>;
  readonly #before: Before;
  readonly #watched: Watched;
  #bytes = 0;
  #resolve: () => void = () => {};

  constructor(before: Before, watched: Watched) {
    this.#before = before;
    this.#watched = watched;
    this.verified = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  take(message: Message, latencyMs: number): void {
    if (this.#watched.isForeign(message)) {
      this.foreign += 1;
      return;
    }
    this.count += 1;
    const reaction = this.#judge(message, latencyMs);
    if (reaction.echo) this.echoes += 1;
    if (reaction.verdict !== 'unwatched' && (!reaction.echo || this.#watched.echoCounts)) this.last = reaction.verdict;
    this.#keep(reaction);
    // What comes next is compared with this one.
    this.#before.take(message);
    if (reaction.verdict !== 'met' || this.met || (reaction.echo && !this.#watched.echoCounts)) return;
    this.met = reaction;
    this.#resolve();
  }

  #judge(message: Message, latencyMs: number): Reaction {
    const echo = this.#watched.isEcho(message);
    const concerns = this.#watched.concerns(message);
    const own = { message: { ...message, payload: Buffer.from(message.payload) }, latencyMs, echo };
    if (message.size > MAX_JUDGED) return { ...own, verdict: concerns ? 'unknown' : 'unwatched', changes: [] };
    const { payload } = decodePayload(own.message.payload, message.size, message.topic);
    const older = this.#before.get(message.topic);
    const prior =
      older && older.size <= MAX_JUDGED ? decodePayload(older.payload, older.size, message.topic) : undefined;
    const changes = prior === undefined ? [] : differences(prior.payload, payload).changes;
    return { ...own, verdict: concerns ? this.#watched.expectation.judge(payload, prior) : 'unwatched', changes };
  }

  #keep(reaction: Reaction): void {
    const room = this.kept.length < MAX_KEPT && this.#bytes + reaction.message.payload.length <= MAX_BYTES;
    if (!room && reaction.verdict !== 'met') return;
    if (!room && this.met) return;
    this.#bytes += reaction.message.payload.length;
    this.kept.push(reaction);
  }
}
