// Owns what a few topics held before something was done to them: the last message of each. Bounded.
import type { Message } from '../mqtt/types.ts';

/** Topics remembered, and bytes of their payloads in all: a filter of # on a large broker must not fill the memory. */
const MAX_TOPICS = 2_000;
const MAX_BYTES = 8 * 1024 * 1024;

export class Before {
  readonly #last = new Map<string, Message>();
  #bytes = 0;
  /** Topics that came when there was no room any more. */
  #forgotten = 0;

  take(message: Message): void {
    const { topic, payload } = message;
    const older = this.#last.get(topic);
    const bytes = this.#bytes - (older?.payload.length ?? 0) + payload.length;
    if (bytes > MAX_BYTES || (older === undefined && this.#last.size >= MAX_TOPICS)) {
      // What is remembered would not be what was there last: better nothing than something old.
      this.#drop(topic, older);
      this.#forgotten += 1;
      return;
    }
    this.#bytes = bytes;
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
    this.#last.delete(topic);
    this.#bytes -= older?.payload.length ?? 0;
  }
}
