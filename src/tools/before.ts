// Owns what a few topics held before something was done to them: the last message of each. Bounded.
import type { Message } from '../mqtt/types.ts';
import type { Room } from '../payload/types.ts';
import { costOf } from './kept.ts';

/** Topics remembered: a filter of # on a large broker must not fill the memory. */
const MAX_TOPICS = 2_000;

export class Before {
  readonly #last = new Map<string, Message>();
  readonly #room: Room;
  /** Topics that came when there was no room any more. */
  #forgotten = 0;

  constructor(room: Room) {
    this.#room = room;
  }

  take(message: Message): void {
    const { topic, payload } = message;
    const older = this.#last.get(topic);
    const bytes = costOf(message) - (older ? costOf(older) : 0);
    if (!this.#room.fits(bytes) || (older === undefined && this.#last.size >= MAX_TOPICS)) {
      // What is remembered would not be what was there last: better nothing than something old.
      this.#drop(topic, older);
      this.#forgotten += 1;
      return;
    }
    this.#room.take(bytes);
    this.#last.set(topic, { ...message, payload: Buffer.from(payload) });
  }

  get(topic: string): Message | undefined {
    return this.#last.get(topic);
  }

  get complete(): boolean {
    return this.#forgotten === 0;
  }

  /** In order of first arrival. */
  messages(): Message[] {
    return [...this.#last.values()];
  }

  #drop(topic: string, older: Message | undefined): void {
    if (older === undefined) return;
    this.#last.delete(topic);
    this.#room.take(-costOf(older));
  }
}
