// Owns the reading of what a mosquitto says of itself under $SYS. Must not know how it was asked.
import type { Census, Message } from './types.ts';

/** Topics under $SYS that are counted, at most; mosquitto has about 60. Stops a broker of endless ones. */
const MAX_TOPICS = 1_000;

export class SysTree {
  readonly #topics = new Set<string>();
  #version = '';
  #retained: number | undefined;
  #dropped: number | undefined;

  get isMosquitto(): boolean {
    return this.#version.startsWith('mosquitto version');
  }

  take({ topic, payload }: Message): void {
    if (this.#topics.size < MAX_TOPICS) this.#topics.add(topic);
    if (topic === '$SYS/broker/version') this.#version = payload.toString('latin1');
    if (topic === '$SYS/broker/retained messages/count') this.#retained = numberIn(payload);
    if (topic === '$SYS/broker/publish/messages/dropped') this.#dropped = numberIn(payload);
  }

  get census(): Census {
    // Its own count has those under $SYS in it.
    const retained = this.#retained === undefined ? undefined : this.#retained - this.#topics.size;
    return { retained, dropped: this.#dropped };
  }
}

function numberIn(payload: Buffer): number | undefined {
  const text = payload.toString('latin1');
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
