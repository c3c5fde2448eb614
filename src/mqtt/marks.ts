// Owns the requests that a session sends for its own ends: they change nothing and publish nothing, and what comes back
// tells what was before them in line. Must not know who waits for that.
import { randomBytes } from 'node:crypto';
import type { Link } from './client.ts';
import type { Hearings } from './hearings.ts';
import type { Mark } from './retained.ts';
import type { Sink } from './types.ts';

/** Retained on every mosquitto, and readable unless its access rules say otherwise. */
const VERSION_TOPIC = '$SYS/broker/version';

export class Marks {
  readonly #link: Link;
  readonly #hearings: Hearings;
  /** Whether the broker is one that keeps its retained messages in order; undefined: not known yet. */
  #ordered: boolean | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(link: Link, hearings: Hearings) {
    this.#link = link;
    this.#hearings = hearings;
  }

  /** See endOfRetained. Without identifiers one after the other, so that none takes another's message for its own. */
  mark(): Promise<Mark | undefined> {
    const marked = this.#hearings.identifiers ? this.#mark() : this.#last.then(() => this.#mark());
    this.#last = marked;
    return marked;
  }

  /** A dump was over: by its mark, or else after a silence. */
  learn(ordered: boolean): void {
    if (ordered) this.#ordered = true;
    else this.#ordered ??= false;
  }

  async #mark(): Promise<Mark | undefined> {
    let version = '';
    const take: Sink = ({ payload }) => {
      version ||= payload.toString('latin1');
    };
    const hearing = this.#hearings.enter(VERSION_TOPIC, 'only', take, true);
    const granted = this.#hearings.subscribe(hearing, 0, true).catch(() => 0x80);
    const answered = await this.#barrier();
    this.#hearings.leave(hearing);
    if (!answered) return undefined;
    if (version.startsWith('mosquitto version')) return { came: 'proof', again: false };
    // Where nothing came it may only be late, unless this broker never sends it.
    return { came: 'answer', again: version === '' && (await granted) < 0x80 && this.#ordered !== false };
  }

  /** Asks for something that changes nothing and publishes nothing; false where no answer can come any more. */
  #barrier(): Promise<boolean> {
    const nothing = `bitsperity-mqtt-mcp/nothing/${randomBytes(8).toString('hex')}`;
    return this.#link.unsubscribe(nothing).then(
      () => true,
      () => false,
    );
  }
}
