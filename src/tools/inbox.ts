// Owns the messages of one collection, bounded in number and bytes.
import type { Message } from '../mqtt/types.ts';
import { boundedCounts } from '../payload/bounded-counts.ts';

export class Inbox {
  /** Bytes of a payload that are kept. */
  static readonly MAX_PAYLOAD_BYTES = 1024 * 1024;
  /** Bytes of all payloads that are kept; beyond it only their beginnings are. Stops 500 payloads of 1 MiB. */
  static readonly MAX_BYTES = 16 * 1024 * 1024;
  /** Kept of a payload once the bytes are used up: enough to tell what it is. */
  static readonly HEAD_BYTES = 1024;

  /** What the counts per topic may take in a result. */
  static readonly COUNTS_BYTES = 48 * 1024;

  readonly messages: Message[] = [];
  /** Resolves once `max` messages are in. */
  readonly full: Promise<void>;
  /** Payloads that were cut. */
  oversized = 0;
  readonly #max: number;
  readonly #retained: 'include' | 'exclude' | 'only';
  readonly #counts = new Map<string, number>();
  #bytes = 0;
  #fill: () => void = () => {};

  constructor(max: number, retained: 'include' | 'exclude' | 'only') {
    this.#max = max;
    this.#retained = retained;
    this.full = new Promise((resolve) => {
      this.#fill = resolve;
    });
  }

  /** Copies what it keeps: the payload given is a view of a larger buffer. */
  take(message: Message): void {
    if (this.messages.length >= this.#max) return;
    if (this.#retained === 'only' && !message.retain) return;
    const room = this.#bytes >= Inbox.MAX_BYTES ? Inbox.HEAD_BYTES : Inbox.MAX_PAYLOAD_BYTES;
    const payload = Buffer.from(message.payload.subarray(0, room));
    if (payload.length < message.size) this.oversized += 1;
    this.#bytes += payload.length;
    this.messages.push({ ...message, payload });
    this.#counts.set(message.topic, (this.#counts.get(message.topic) ?? 0) + 1);
    if (this.messages.length === this.#max) this.#fill();
  }

  /** Messages per topic, in order of the topics; very long names are added up. */
  counts(): Record<string, number> {
    const sorted = [...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1));
    return boundedCounts(sorted, Inbox.COUNTS_BYTES);
  }
}
