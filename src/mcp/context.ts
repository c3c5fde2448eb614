// Owns the making of a handler's context from a call, the same for both eras.
import { isObject } from '../rpc/message.ts';
import type { CallContext } from './catalog.ts';
import { clientCapabilities, type Served } from './core.ts';
import { type LogLevel, logLevels, progressToken } from './protocol.ts';

/** For the first round: `answers` and `state` come from the input driver. `asks`: whether there is anybody to ask. */
export function contextOf(served: Served, asks = true): CallContext {
  return new Context(served, asks);
}

const noAnswers = Object.freeze({});

/** A class for its getters: what a quick call never reads is never made for it. */
class Context implements CallContext {
  answers: Record<string, unknown> = noAnswers;
  state: unknown = undefined;
  readonly #served: Served;
  readonly #asks: boolean;
  #last = Number.NEGATIVE_INFINITY;

  constructor(served: Served, asks: boolean) {
    this.#served = served;
    this.#asks = asks;
  }

  get signal(): AbortSignal {
    return this.#served.call.signal;
  }

  get aborted(): boolean {
    return this.#served.call.aborted;
  }

  get supports(): CallContext['supports'] {
    return (kind) => this.#asks && supports(this.#served, kind);
  }

  get progress(): CallContext['progress'] {
    return (step) => this.#progress(step);
  }

  get log(): CallContext['log'] {
    return (level, data, logger) => {
      if (!wantsLog(this.#served, level)) return;
      const named = logger === undefined ? {} : { logger };
      this.#served.call.notify('notifications/message', { level, ...named, data });
    };
  }

  #progress(step: Step): void {
    const { call } = this.#served;
    const token = progressToken(call.params);
    // The numbers of one token only ever rise.
    if (token === undefined || step.progress <= this.#last) return;
    this.#last = step.progress;
    call.notify('notifications/progress', { progressToken: token, ...step });
  }
}

type Step = Parameters<CallContext['progress']>[0];

/** Legacy clients get `info` and above until they say otherwise; modern ones what the request asks for, or nothing. */
function wantsLog({ era, core }: Served, level: LogLevel): boolean {
  const least = era.kind === 'modern' ? era.logLevel : (core.session?.logLevel ?? 'info');
  return least !== undefined && logLevels.indexOf(level) >= logLevels.indexOf(least);
}

/** Bare `elicitation: {}` means forms; `{url: {}}` alone does not. */
export function supports(served: Pick<Served, 'era' | 'core'>, kind: 'elicitation' | 'sampling' | 'roots'): boolean {
  const capability = clientCapabilities(served)[kind];
  if (!isObject(capability)) return false;
  return kind !== 'elicitation' || isObject(capability.form) || !isObject(capability.url);
}
