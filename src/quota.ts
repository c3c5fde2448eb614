// Owns how much a session may write: so many messages a minute, with a burst, and so many retained ones in all.
// Must not know topics.
import { ToolError } from './errors.ts';

/** Both throw policy_denied; `take` counts. */
export type Quota = { check(retain: boolean): void; take(retain: boolean): void };

export type Limits = { max_publishes_per_minute?: number; max_retained_writes?: number };

/** Meters handed out in turn, as many as there may be sessions: who closes and opens again gains nothing. */
const METERS = 5;
/** Of a minute's messages, how many may come at once. */
const BURST = 1 / 6;

export const unlimited: Quota = { check: () => {}, take: () => {} };

/** Hands out the quota of one more session. Retained writes are counted for all sessions together, as they stay. */
export function createQuota(limits: Limits, now: () => number = () => performance.now()): () => Quota {
  const { max_publishes_per_minute: perMinute, max_retained_writes: maxRetained } = limits;
  if (perMinute === undefined && maxRetained === undefined) return () => unlimited;
  const meters = Array.from({ length: METERS }, () => createMeter(perMinute ?? Number.POSITIVE_INFINITY, now));
  let turn = 0;
  let retained = 0;
  return () => {
    const meter = meters[turn++ % METERS];
    const check = (retain: boolean) => {
      if (retain && maxRetained !== undefined && retained >= maxRetained) throw tooManyRetained(maxRetained);
      const wait = meter?.wait() ?? 0;
      if (wait > 0) throw tooFast(perMinute ?? 0, wait);
    };
    const take = (retain: boolean) => {
      check(retain);
      meter?.take();
      if (retain) retained += 1;
    };
    return { check, take };
  };
}

/** A token bucket. */
function createMeter(perMinute: number, now: () => number) {
  if (!Number.isFinite(perMinute)) return undefined;
  const most = Math.max(1, Math.floor(perMinute * BURST));
  let tokens = most;
  let at = now();
  const fill = () => {
    const time = now();
    tokens = Math.min(most, tokens + ((time - at) * perMinute) / 60_000);
    at = time;
  };
  return {
    /** Until the next message may go, ms. */
    wait: () => {
      fill();
      return tokens >= 1 - ROUNDING ? 0 : ((1 - tokens) * 60_000) / perMinute;
    },
    take: () => {
      tokens -= 1;
    },
  };
}

/** What adding fractions may lose of a whole token. */
const ROUNDING = 1e-9;

function tooFast(perMinute: number, waitMs: number): ToolError {
  const message = `Whoever runs this server lets a session publish ${perMinute} messages a minute, and this one has.`;
  const hint = `Publish again in ${Math.ceil(waitMs / 1000)} s.`;
  return new ToolError('policy_denied', message, hint, { retryable: true });
}

function tooManyRetained(most: number): ToolError {
  const message = `Whoever runs this server lets it write ${most} retained messages until it is started again, and it has.`;
  return new ToolError('policy_denied', message, 'Publish with retain false, or ask whoever runs this server.');
}
