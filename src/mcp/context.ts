// Owns the making of a handler's context from a call, the same for both eras.
import { isObject } from '../rpc/message.ts';
import type { CallContext } from './catalog.ts';
import { clientCapabilities, type Served } from './core.ts';
import { type LogLevel, logLevels, progressToken } from './protocol.ts';

/** A context for the first round; `answers` and `state` come from the input driver. */
export function contextOf(served: Served): CallContext {
  const { call } = served;
  const token = progressToken(call.params);
  let last = Number.NEGATIVE_INFINITY;
  return {
    // Read only by those who need it: a quick call makes no AbortController.
    get signal() {
      return call.signal;
    },
    get aborted() {
      return call.aborted;
    },
    progress: (step) => {
      // The numbers of one token only ever rise.
      if (token === undefined || step.progress <= last) return;
      last = step.progress;
      call.notify('notifications/progress', { progressToken: token, ...step });
    },
    log: (level, data, logger) => {
      if (!wantsLog(served, level)) return;
      call.notify('notifications/message', { level, ...(logger === undefined ? {} : { logger }), data });
    },
    supports: (kind) => supports(served, kind),
    answers: {},
    state: undefined,
  };
}

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
