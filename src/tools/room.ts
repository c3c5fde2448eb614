// Owns how many bytes of what brokers send all running calls may hold together, and the fair share of each. Must not
// know what is held, nor what is let go where there is no room.
import type { Room } from '../payload/types.ts';

/** Of all calls: with it five sessions that listen to everything at once stay under 128 MB. */
const MAX_BYTES = 24 * 1024 * 1024;
/** What a byte of a payload costs of it: those lie outside of V8's heap, and what is let go of them is collected late. */
export const PAYLOAD_COST = 2;

/** Time between two counts of what is still held, ms: what was let go for others is garbage first, and memory too. */
const RECOUNT_MS = 1_000;

/** The payloads of a store that lets go of some for others without a word: they are counted again where there is no room. */
export class PayloadRoom {
  readonly #room: Room;
  readonly #count: () => number;
  #held = 0;
  #countedAt = 0;

  /** `count`: bytes of all payloads that are held now. */
  constructor(room: Room, count: () => number) {
    this.#room = room;
    this.#count = count;
  }

  /** `at`: now, ms since the epoch. */
  fits(bytes: number, at: number): boolean {
    if (this.#room.fits(PAYLOAD_COST * bytes)) return true;
    if (at - this.#countedAt < RECOUNT_MS) return false;
    this.#countedAt = at;
    this.take(this.#count() - this.#held);
    return this.#room.fits(PAYLOAD_COST * bytes);
  }

  take(bytes: number): void {
    this.#held += bytes;
    this.#room.take(PAYLOAD_COST * bytes);
  }
}

export class Rooms {
  readonly #max: number;
  #used = 0;
  #before: Promise<unknown> = Promise.resolve();

  constructor(max = MAX_BYTES) {
    this.#max = max;
  }

  get used(): number {
    return this.#used;
  }

  /** One such work after the other: each needs several times as much as what it looks at. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#before.then(work);
    this.#before = result.catch(() => {});
    return result;
  }

  /** At most half of what the others leave, so that who comes last has some too. `close` gives all of it back. */
  share(): Room & { close(): void } {
    let own = 0;
    const take = (bytes: number) => {
      own += bytes;
      this.#used += bytes;
    };
    return {
      fits: (bytes) => own + bytes <= (this.#max - (this.#used - own)) / 2,
      take,
      close: () => take(-own),
    };
  }
}
