// Owns what a broker's own moving average says of how many messages it gets, and how many of them came while one listened.
import type { Message } from '../mqtt/types.ts';

/** mosquitto's PUBLISH packets a minute, as a moving average; others tell nothing there. */
export const LOAD_TOPIC = '$SYS/broker/load/publish/received/1min';

/** What the average loses in a minute is all but 1/e. */
const MINUTE_MS = 60_000;
/** Less than this part of the average may be no more than a late statement: a burst of long ago looks like that. */
const LEAST_PART = 0.02;

export type Load = {
  /** PUBLISH packets a minute of late; undefined where the broker says nothing. */
  perMinute: number | undefined;
  /** Messages that it got between its first and last live statement; undefined where it made only one. */
  counted: number | undefined;
};

type Said = { at: number; perMinute: number };

export class BrokerLoad {
  #first: Said | undefined;
  #last: Said | undefined;
  #perMinute: number | undefined;

  take({ payload, retain, at }: Message): void {
    const perMinute = Number.parseFloat(payload.toString('latin1'));
    if (!Number.isFinite(perMinute)) return;
    this.#perMinute = perMinute;
    // A stored one is of before: nobody knows of when.
    if (retain) return;
    this.#last = { at, perMinute };
    this.#first ??= this.#last;
  }

  read(): Load {
    return { perMinute: this.#perMinute, counted: countedBetween(this.#first, this.#last) };
  }
}

/** mosquitto: average = rate x (1 - k) + average x k, where k = e^-minutes. Solved for rate. */
function countedBetween(first: Said | undefined, last: Said | undefined): number | undefined {
  if (!first || !last || last.at <= first.at) return undefined;
  const minutes = (last.at - first.at) / MINUTE_MS;
  const kept = Math.exp(-minutes);
  const count = ((last.perMinute - first.perMinute * kept) * minutes) / (1 - kept);
  return count < first.perMinute * LEAST_PART ? 0 : Math.round(count);
}
