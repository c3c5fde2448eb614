// Owns what came back after a publish: each message judged, in order, with its latency. Bounded; must not know how
// it was sent or listened for.
import type { Message } from '../mqtt/types.ts';
import { decodePayload } from '../payload/decode.ts';
import { type Change, differences } from '../payload/difference.ts';
import type { Expectation, Verdict } from '../payload/expectation.ts';
import type { Room } from '../payload/types.ts';
import { Before } from './before.ts';
import { costOf } from './kept.ts';
import { Stays } from './stays.ts';

/** Reactions kept, the first ones, the one that decided and the last apart. */
const MAX_KEPT = 200;
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
  /** Whether it carries our correlation data: it came because of what was sent. */
  isAnswer(message: Message): boolean;
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
  /** What was expected was so on that topic before: it does not show that the command was obeyed. */
  already = false;
  /** The verdict on the last one that has a value to judge. */
  last: Verdict | undefined;
  /** Whether the topics that met it stayed so. */
  readonly stays = new Stays();
  /** Resolves when the expectation is met. */
  readonly verified: Promise<void>;
  readonly #before: Before;
  /** What a value is compared with: the last message that had one; for a change the last one before sending. */
  readonly #base: Before;
  readonly #watched: Watched;
  readonly #room: Room;
  #resolve: () => void = () => {};

  constructor(before: Before, watched: Watched, room: Room) {
    this.#base = new Before(room);
    this.#room = room;
    this.#before = before;
    this.#watched = watched;
    this.verified = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** What came before sending, or was stored then. */
  takePrior(message: Message): void {
    this.#before.take(message);
    if (!this.#watched.concerns(message)) return;
    // Alone on its topic it stays whatever it is: decoding each of many topics would be for nothing.
    if (this.#base.get(message.topic) === undefined || this.#tells(message)) this.#base.take(message);
  }

  take(message: Message, latencyMs: number): void {
    if (this.#watched.isForeign(message)) {
      this.foreign += 1;
      return;
    }
    this.count += 1;
    const reaction = this.#judge(message, latencyMs);
    const { verdict, echo } = reaction;
    if (echo) this.echoes += 1;
    this.#keep(reaction);
    // What comes next is compared with this one.
    this.#before.take(message);
    if (verdict === 'unwatched' || (echo && !this.#watched.echoCounts)) return;
    if (verdict === 'not_met' && !this.#tells(message)) return;
    this.last = verdict;
    this.stays.take(message.topic, verdict);
    if (verdict === 'met' && this.met === undefined) this.#meet(reaction);
    this.#rebase(message);
  }

  #meet(reaction: Reaction): void {
    const { expectation, isAnswer } = this.#watched;
    const base = expectation.about === 'value' && !isAnswer(reaction.message) && this.#held(reaction.message.topic);
    this.already = base ? expectation.judge(base.payload, undefined) === 'met' : false;
    this.met = reaction;
    this.#resolve();
  }

  /** A change is one against what was there before sending, where that is known. */
  #rebase(message: Message): void {
    const { about } = this.#watched.expectation;
    if (about === 'value' || (about === 'change' && this.#held(message.topic) === undefined)) this.#base.take(message);
  }

  #judge(message: Message, latencyMs: number): Reaction {
    const { expectation, concerns, isEcho } = this.#watched;
    const about = concerns(message);
    const own = { message: { ...message, payload: Buffer.from(message.payload) }, latencyMs, echo: isEcho(message) };
    if (message.size > MAX_JUDGED) return { ...own, verdict: about ? 'unknown' : 'unwatched', changes: [] };
    const { payload } = decodePayload(own.message.payload, message.size, message.topic);
    const older = decoded(this.#before.get(message.topic));
    const changes = older === undefined ? [] : differences(older.payload, payload).changes;
    if (!about) return { ...own, verdict: 'unwatched', changes };
    const base = expectation.about === 'change' ? this.#held(message.topic) : undefined;
    return { ...own, verdict: expectation.judge(payload, base), changes };
  }

  #held(topic: string): { payload: unknown } | undefined {
    return decoded(this.#base.get(topic));
  }

  /** Whether it has a value to judge; of one too large for that nobody knows. */
  #tells(message: Message): boolean {
    const own = decoded(message);
    return own === undefined || this.#watched.expectation.selects(own.payload);
  }

  #keep(reaction: Reaction): void {
    const bytes = costOf(reaction.message);
    const room = this.kept.length < MAX_KEPT && this.#room.fits(bytes);
    if (!room && reaction.verdict !== 'met') return;
    if (!room && this.met) return;
    this.#room.take(bytes);
    this.kept.push(reaction);
  }
}

/** undefined: there is none, or it is too large. */
function decoded(message: Message | undefined): { payload: unknown } | undefined {
  if (message === undefined || message.size > MAX_JUDGED) return undefined;
  return decodePayload(message.payload, message.size, message.topic);
}
