// Owns who listens on one session: SUBSCRIBE and UNSUBSCRIBE of their filters, the gaps while the connection was away,
// and being told that it is over. Must not know dumps, publishes, or why a connection goes.
import { ToolError } from '../errors.ts';
import type { Policy } from '../policy.ts';
import type { Link } from './client.ts';
import { departed } from './departure.ts';
import { reasonText } from './reason-codes.ts';
import type { Listener, Routes } from './routes.ts';
import { overlaps, parseFilter, quoteTopic } from './topic.ts';
import type { ListenOptions, Qos, Sink } from './types.ts';

type Gap = { from: number; to: number | undefined };

export type Hearing = {
  readonly listener: Listener;
  readonly gaps: Gap[];
  /** Aborted when it is over, for whatever reason. */
  readonly gone: AbortSignal;
  /** Resolves with the reason when nothing more can come. */
  readonly lost: Promise<string>;
};

/** The other side of a Hearing. */
type Ending = { lose: (reason: string) => void; gone: AbortController };

export type HearingsOptions = { identifiers: boolean; version: 4 | 5; policy: Policy };

export class Hearings {
  /** Each SUBSCRIBE has an identifier of its own. */
  readonly identifiers: boolean;
  readonly #link: Link;
  readonly #routes: Routes;
  readonly #policy: Policy;
  readonly #version: 4 | 5;
  readonly #all = new Map<Hearing, Ending>();
  #away = false;
  /** Filters that were left while the connection was away: a broker that keeps them has to be told. */
  readonly #leftMeanwhile = new Set<string>();

  constructor(link: Link, routes: Routes, { identifiers, version, policy }: HearingsOptions) {
    this.#link = link;
    this.#policy = policy;
    this.#routes = routes;
    this.#version = version;
    this.identifiers = identifiers;
  }

  get size(): number {
    return this.#all.size;
  }

  /** Filters that tools listen to, sorted, each once. */
  filters(): string[] {
    return [...new Set(this.#asked())].sort();
  }

  /** Throws policy_denied; whoever subscribes comes through here. */
  enter(filter: string, retained: ListenOptions['retained'], sink: Sink, own = false): Hearing {
    this.#policy.maySubscribe(filter);
    const seen = this.identifiers ? undefined : new Set<string>();
    const gone = new AbortController();
    let lose: Ending['lose'] = () => {};
    const lost = new Promise<string>((resolve) => {
      lose = resolve;
    });
    const listener: Listener = { filter, sink, retained, dumping: true, seen, own };
    const hearing: Hearing = { listener, gaps: [], gone: gone.signal, lost };
    this.#all.set(hearing, { lose, gone });
    return hearing;
  }

  mayHear(filter: string): boolean {
    try {
      this.#policy.maySubscribe(filter);
      return true;
    } catch (error) {
      if (error instanceof ToolError) return false;
      throw error;
    }
  }

  /** Resolves with the code of SUBACK. */
  subscribe({ listener }: Hearing, wanted: Qos, dump: boolean): Promise<number> {
    const { filter } = listener;
    const qos = this.#routes.add(listener, wanted);
    const id = this.identifiers ? this.#routes.identify(filter, listener) : undefined;
    return this.#link.subscribe(filter, { qos, id, dump });
  }

  /** Leaves; a share group only once nothing more comes. `arrived`: messages of the session so far. */
  async depart(hearing: Hearing, arrived: () => number): Promise<void> {
    await this.#leaveGroup(hearing, arrived);
    this.leave(hearing);
  }

  /** The same of every share group; who listens is still there to be told that it is over. */
  departAll(arrived: () => number): Promise<unknown> | undefined {
    const shared = [...this.#all.keys()].filter(({ listener }) => parseFilter(listener.filter).share !== undefined);
    return shared.length > 0 ? Promise.all(shared.map((hearing) => this.#leaveGroup(hearing, arrived))) : undefined;
  }

  async #leaveGroup(hearing: Hearing, arrived: () => number): Promise<void> {
    const { listener, gone } = hearing;
    const { filter } = listener;
    if (this.#away || parseFilter(filter).share === undefined || !this.#routes.isAlone(listener)) return;
    await departed({ unsubscribe: () => this.#link.unsubscribe(filter), arrived, gone });
  }

  /** False where it had left already. */
  leave(hearing: Hearing): boolean {
    const ending = this.#all.get(hearing);
    if (!ending) return false;
    this.#all.delete(hearing);
    ending.gone.abort();
    const { listener } = hearing;
    if (!this.#routes.remove(listener)) return true;
    if (this.#away) this.#leftMeanwhile.add(listener.filter);
    else this.#link.unsubscribe(listener.filter).catch(() => {});
    return true;
  }

  down(): void {
    this.#away = true;
    const from = Date.now();
    for (const { gaps } of this.#all.keys()) if (!isOpen(gaps.at(-1))) gaps.push({ from, to: undefined });
  }

  /** The highest that any of its listeners asked for: the broker has one subscription of a filter. */
  qosOf({ listener }: Hearing): Qos {
    return this.#routes.qosOf(listener.filter) ?? 0;
  }

  /** A filter that is listened to, and whose copies of a message could not be told from those of `filter`. */
  confusable(filter: string): string | undefined {
    if (this.identifiers) return undefined;
    const { share } = parseFilter(filter);
    return this.#asked().find(
      (other) => other !== filter && (share ?? parseFilter(other).share) !== undefined && overlaps(filter, other),
    );
  }

  /** Subscribes everything again; `resumed`: the broker kept what there was. */
  up(resumed: boolean): void {
    this.#away = false;
    const active = this.#routes.active();
    for (const { filter, qos } of active) {
      const id = this.identifiers ? this.#routes.identify(filter, undefined) : undefined;
      const back = (code: number) => {
        // The connection is back in either case.
        this.#closeGaps(filter);
        if (code >= 0x80) this.#loseFilter(filter, refusedAgain(filter, code, this.#version));
      };
      this.#link.subscribe(filter, { qos, id, dump: false }).then(back, () => {});
    }
    if (resumed) {
      const left = [...this.#leftMeanwhile].filter((filter) => !active.some((one) => one.filter === filter));
      for (const filter of left) this.#link.unsubscribe(filter).catch(() => {});
    }
    this.#leftMeanwhile.clear();
  }

  /** Nothing more comes, for anybody. */
  lose(reason: string): void {
    this.#away = true;
    for (const { lose, gone } of this.#all.values()) {
      gone.abort();
      lose(reason);
    }
  }

  /** Of each hearing that a tool asked for. */
  #asked(): string[] {
    return [...this.#all.keys()].filter(({ listener }) => !listener.own).map(({ listener }) => listener.filter);
  }

  /** The broker has answered for the filter. */
  #closeGaps(filter: string): void {
    for (const { listener, gaps } of this.#all.keys()) {
      const last = gaps.at(-1);
      if (listener.filter === filter && isOpen(last)) last.to = Date.now();
    }
  }

  #loseFilter(filter: string, reason: string): void {
    for (const [{ listener }, { lose }] of this.#all) if (listener.filter === filter) lose(reason);
  }
}

/** In words, as `lost` tells it. */
function refusedAgain(filter: string, code: number, version: 4 | 5): string {
  const why = `${reasonText(code, 'suback', version)}, reason code 0x${code.toString(16)}`;
  return `the connection came back, but the broker refused the subscription to ${quoteTopic(filter)} then: ${why}`;
}

function isOpen(gap: Gap | undefined): gap is Gap {
  return gap !== undefined && gap.to === undefined;
}
