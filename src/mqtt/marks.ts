// Owns the requests that a session sends for its own ends: they change nothing and publish nothing, and what comes back
// tells what was before them in line, and what the broker counts. Must not know who waits for that.
import { randomBytes } from 'node:crypto';
import type { Link } from './client.ts';
import type { Hearings } from './hearings.ts';
import { pause } from './race.ts';
import type { Mark } from './retained.ts';
import { SysTree } from './sys-tree.ts';
import type { Census, Sink } from './types.ts';

/** Retained on every mosquitto, and readable unless its access rules say otherwise. */
const VERSION_TOPIC = '$SYS/broker/version';
/** A mosquitto publishes it first whenever it has counted. */
const UPTIME_TOPIC = '$SYS/broker/uptime';
const SYS_FILTER = '$SYS/#';
const CENSUS_TOPICS = [SYS_FILTER, UPTIME_TOPIC];
/** How long the next count is waited for, ms: mosquitto counts every sys_interval (10 s by default) and a second. */
const COUNT_PATIENCE_MS = 12_000;
/** How long an answer about what was counted already is waited for, ms. */
const ANSWER_PATIENCE_MS = 3_000;

export class Marks {
  readonly #link: Link;
  readonly #hearings: Hearings;
  /** Whether the broker is one that keeps its retained messages in order; undefined: not known yet. */
  #ordered: boolean | undefined;
  /** Settles when the latest request for retained messages is over. */
  #last: Promise<unknown> = Promise.resolve();
  #barriers = 0;
  /** Numbers of barriers that are under way; few, as each is waited for, and all fail with the connection. */
  readonly #open = new Set<number>();

  constructor(link: Link, hearings: Hearings) {
    this.#link = link;
    this.#hearings = hearings;
  }

  /** See endOfRetained. */
  mark(signal: AbortSignal): Promise<Mark | undefined> {
    return this.#inTurn(() => this.#mark(signal));
  }

  /** See Session. */
  async census(fresh: boolean, signal: AbortSignal): Promise<Census | undefined> {
    if (!CENSUS_TOPICS.every((filter) => this.#hearings.mayHear(filter))) return undefined;
    if (this.#ordered === false || (fresh && !(await this.#nextCount(signal)))) return undefined;
    return this.#inTurn(() => this.#census(signal));
  }

  /** A dump was over: by its mark, or else after a silence. */
  learn(ordered: boolean): void {
    if (ordered) this.#ordered = true;
    else this.#ordered ??= false;
  }

  /** Without identifiers one after the other, so that none takes another's message for its own. */
  #inTurn<T>(ask: () => Promise<T>): Promise<T> {
    const asked = this.#hearings.identifiers ? ask() : this.#last.then(ask);
    this.#last = asked;
    return asked;
  }

  async #mark(signal: AbortSignal): Promise<Mark | undefined> {
    let version = '';
    const { answered, granted } = await this.#ask(
      VERSION_TOPIC,
      ({ payload }) => {
        version ||= payload.toString('latin1');
      },
      signal,
    );
    if (!answered) return undefined;
    const { skipped } = answered;
    if (version.startsWith('mosquitto version')) return { came: 'proof', again: false, skipped };
    // Where nothing came it may only be late, unless this broker never sends it.
    const again = version === '' && this.#ordered !== false && (await granted) < 0x80;
    return { came: 'answer', again, skipped };
  }

  async #census(signal: AbortSignal): Promise<Census | undefined> {
    // A second time where it is late: asking again pushes it out.
    for (const _ of [1, 2]) {
      const tree = new SysTree();
      const late = new AbortController();
      const timer = setTimeout(() => late.abort(), ANSWER_PATIENCE_MS);
      const either = AbortSignal.any([signal, late.signal]);
      const { answered } = await this.#ask(SYS_FILTER, (message) => tree.take(message), either);
      clearTimeout(timer);
      if (!answered) return undefined;
      if (tree.isMosquitto) return tree.census;
    }
    return undefined;
  }

  /** Subscribes to the retained messages of a filter, with a barrier behind; resolves when that is answered. */
  async #ask(filter: string, take: Sink, signal: AbortSignal) {
    if (signal.aborted) return { answered: undefined, granted: Promise.resolve(0x80) };
    // Where the policy withholds it, the barrier alone tells that what was before it is in.
    if (!this.#hearings.mayHear(filter)) {
      return { answered: await Promise.race([this.#barrier(), aborted(signal)]), granted: Promise.resolve(0x80) };
    }
    const calm = this.#link.hurry();
    const hearing = this.#hearings.enter(filter, 'only', take, true);
    const granted = this.#hearings.subscribe(hearing, 0, true).catch(() => 0x80);
    const answered = await Promise.race([this.#barrier(), aborted(signal)]);
    calm();
    this.#hearings.leave(hearing);
    return { answered, granted };
  }

  /** Whether the broker counted within the patience; retained messages are what it counted before. */
  async #nextCount(signal: AbortSignal): Promise<boolean> {
    const counted = new AbortController();
    const hearing = this.#hearings.enter(UPTIME_TOPIC, 'exclude', () => counted.abort(), true);
    this.#hearings.subscribe(hearing, 0, false).catch(() => {});
    await pause(COUNT_PATIENCE_MS, AbortSignal.any([counted.signal, signal, hearing.gone]));
    this.#hearings.leave(hearing);
    return counted.signal.aborted;
  }

  /** Asks for something that changes nothing and publishes nothing; undefined where no answer can come any more. */
  #barrier(): Promise<{ skipped: boolean } | undefined> {
    const nothing = `bitsperity-mqtt-mcp/nothing/${randomBytes(8).toString('hex')}`;
    this.#barriers += 1;
    const own = this.#barriers;
    this.#open.add(own);
    return this.#link.unsubscribe(nothing).then(
      () => {
        const before = [...this.#open].filter((number) => number < own);
        for (const number of [...before, own]) this.#open.delete(number);
        return { skipped: before.length > 0 };
      },
      () => {
        this.#open.delete(own);
        return undefined;
      },
    );
  }
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    const settle = () => resolve(undefined);
    if (signal.aborted) settle();
    else signal.addEventListener('abort', settle, { once: true });
  });
}
