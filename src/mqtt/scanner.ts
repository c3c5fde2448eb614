// Owns the splitting of a broker's bytes into what is taken here, QoS 0 PUBLISH frames, and what is passed on to mqtt.js:
// every other byte, untouched and in order. Must not know streams, time or sessions.
import { Carry } from './scan-carry.ts';
import { isAnswer, isPlainPublish, isPossible, PacketTooLarge, PUBLISH_RETAINED } from './scan-header.ts';
import { createView, headEnd, locate, MAX_HEAD_BYTES, type PublishView } from './scan-publish.ts';

export type ScannerOptions = {
  version: 4 | 5;
  /** Of a larger payload that comes in pieces only this many first bytes are kept, and its size is counted. */
  maxPayloadBytes: number;
  /** Of a frame that is passed on: mqtt.js keeps it until it is whole. Absent: any. */
  maxPassedBytes?: number;
  /** The view is good until it returns. */
  take(publish: PublishView): void;
  /**
   * Never empty. Part of the chunk that was given in, or a copy. `answers`: among them is something else than a PUBLISH
   * and its acknowledgements, which somebody may be waiting for.
   */
  pass(bytes: Buffer, answers: boolean): void;
};

/**
 * Frames are told apart by their length alone, so a PUBLISH that cannot be understood here is passed on and the next
 * frame is found all the same. Where the framing itself is broken (a packet type, flags or a length that cannot be), it
 * passes everything on from there: mqtt.js then reports the error. Throws PacketTooLarge.
 */
export class Scanner {
  readonly #view = createView();
  readonly #options: ScannerOptions;
  readonly #v5: boolean;
  /** The beginning of a PUBLISH, or of a fixed header, that the last chunk ended in. */
  readonly #carry = new Carry();
  /** How many bytes of that PUBLISH, whose head is in `#view`, are kept; 0: not known yet. */
  #kept = 0;
  /** How many behind those are gone already. */
  #dropped = 0;
  /** Bytes still to come of a frame that is being passed on. */
  #passing = 0;
  #answers = false;
  #aside = false;
  #stopped = false;

  constructor(options: ScannerOptions) {
    this.#options = options;
    this.#v5 = options.version === 5;
  }

  /** The framing is broken: nothing is taken any more. */
  get aside(): boolean {
    return this.#aside;
  }

  /** Nothing is taken or passed on any more, also not by a scan under way. */
  stop(): void {
    this.#stopped = true;
  }

  /**
   * Reads `chunk` from offset `from` on and returns the offset up to which it got: the end of the chunk, or less after
   * `frames` frames, or after bytes were passed on, so that mqtt.js can deal with them before what follows is taken.
   * It copies what it needs of a frame that goes on in the next chunk. `now` is the time its messages get.
   */
  scan(chunk: Buffer, from: number, frames: number, now: number): number {
    this.#view.at = now;
    if (this.#stopped) return chunk.length;
    if (this.#aside) return this.#pass(chunk, from, chunk.length);
    if (this.#carry.length > 0) return this.#resume(chunk, from);
    const { length } = chunk;
    const { take, maxPayloadBytes } = this.#options;
    const view = this.#view;
    const v5 = this.#v5;
    view.bytes = chunk;
    // What is to be passed on begins here.
    let run = from;
    let at = Math.min(length, from + this.#passing);
    this.#passing -= at - from;
    for (let left = frames; at < length && left > 0 && !this.#stopped; left -= 1) {
      const first = chunk[at] ?? 0;
      const isOurs = isPlainPublish(first);
      if (isOurs && run < at) break;
      let body = at + 1;
      let remaining = 0;
      let shift = 0;
      let byte = 0x80;
      while (byte > 0x7f && body < length && shift < 28) {
        byte = chunk[body] ?? 0;
        remaining |= (byte & 0x7f) << shift;
        shift += 7;
        body += 1;
      }
      if (!(isOurs || isPossible(first))) {
        this.#aside = true;
        at = length;
        break;
      }
      const end = body + remaining;
      if (byte > 0x7f || (isOurs && end > length))
        return run < at ? this.#pass(chunk, run, at) : this.#resume(chunk, at);
      if (isOurs && locate(view, chunk, body, end, v5)) {
        view.size = end - view.payloadStart;
        view.payloadEnd = view.size > maxPayloadBytes ? view.payloadStart + maxPayloadBytes : end;
        view.retain = first === PUBLISH_RETAINED;
        take(view);
        run = at = end;
      } else {
        this.#checkPassed(end - at);
        at = Math.min(length, end);
        this.#passing = end - at;
        this.#answers ||= isAnswer(first);
      }
    }
    return this.#pass(chunk, run, at);
  }

  /** Goes on with a frame whose beginning is, or belongs, in the carry. */
  #resume(chunk: Buffer, from: number): number {
    const carry = this.#carry;
    let at = from;
    let wanted = this.#wanted();
    while (wanted > carry.length) {
      at = carry.fill(chunk, at, wanted);
      if (carry.length < wanted) return at;
      wanted = this.#wanted();
    }
    if (wanted > 0) return this.#finish(chunk, at);
    this.#answers = isAnswer(carry.bytes[0] ?? 0);
    const bytes = carry.release();
    this.#pass(bytes, 0, bytes.length);
    return at;
  }

  /** How many bytes of the carried frame are needed before anything can be done; 0: it is none of ours after all. */
  #wanted(): number {
    if (this.#kept > 0) return this.#kept;
    const { bytes, length } = this.#carry;
    let body = 1;
    let remaining = 0;
    let byte = 0x80;
    while (byte > 0x7f && body < length && body < 5) {
      byte = bytes[body] ?? 0;
      remaining |= (byte & 0x7f) << (7 * (body - 1));
      body += 1;
    }
    if (byte > 0x7f && body < 5) return length + 1;
    const end = body + remaining;
    if (byte > 0x7f) {
      this.#aside = true;
      return 0;
    }
    if (isPlainPublish(bytes[0] ?? 0)) {
      const head = headEnd(bytes, body, length, end, this.#v5);
      if (head > length && head <= MAX_HEAD_BYTES) return head;
      if (head <= length && locate(this.#view, bytes, body, end, this.#v5)) {
        this.#view.size = end - head;
        this.#kept = Math.min(end, head + this.#options.maxPayloadBytes);
        return this.#kept;
      }
    }
    this.#checkPassed(end);
    this.#passing = end - length;
    return 0;
  }

  /** Takes the carried frame, whose head `#view` knows, once what is not kept of its payload has gone by. */
  #finish(chunk: Buffer, from: number): number {
    const carry = this.#carry;
    const view = this.#view;
    const missing = view.payloadStart + view.size - carry.length - this.#dropped;
    const at = Math.min(chunk.length, from + missing);
    this.#dropped += at - from;
    if (at - from < missing) return at;
    this.#dropped = 0;
    this.#kept = 0;
    view.bytes = carry.bytes;
    view.payloadEnd = carry.length;
    view.retain = carry.bytes[0] === PUBLISH_RETAINED;
    if (!this.#stopped) this.#options.take(view);
    carry.clear();
    return at;
  }

  #checkPassed(bytes: number): void {
    const { maxPassedBytes = bytes } = this.#options;
    if (bytes > maxPassedBytes) throw new PacketTooLarge();
  }

  #pass(chunk: Buffer, from: number, to: number): number {
    if (from === to || this.#stopped) return to;
    const answers = this.#answers;
    if (this.#passing === 0) this.#answers = false;
    this.#options.pass(chunk.subarray(from, to), answers);
    return to;
  }
}
