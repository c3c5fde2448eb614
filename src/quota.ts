// Owns how much a session may write: so many messages a minute, with a burst, and so many retained ones in all.
// Must not know topics, nor what a session is.
import { ToolError } from './errors.ts';

export type Quota = {
  /** Both throw policy_denied; `take` counts. */
  check(retain: boolean): void;
  take(retain: boolean): void;
  /** It is over: what it has used is the next one's. */
  release(): void;
};

export type Quotas = {
  /** That of one more session. */
  session(): Quota;
  /** That of all wills that a profile leaves with its broker: a takeover of its client id publishes one. */
  will(profile: string): Quota;
};

export type Limits = { max_publishes_per_minute?: number; max_retained_writes?: number };

/** Rates that are counted apart: five sessions and three checks at once; stops closing and opening from making more. */
const MAX_METERS = 8;
/** Of a minute's messages, how many may come at once. */
const BURST = 1 / 6;

export const unlimited: Quota = { check: () => {}, take: () => {}, release: () => {} };
const free: Quotas = { session: () => unlimited, will: () => unlimited };

/** Retained writes are counted for all together, as they stay. */
export function createQuota(limits: Limits, now: () => number = () => performance.now()): Quotas {
  const { max_publishes_per_minute: perMinute, max_retained_writes: maxRetained } = limits;
  if (perMinute === undefined && maxRetained === undefined) return free;
  const newMeter = () => createMeter(perMinute ?? Number.POSITIVE_INFINITY, now);
  const meters: Meter[] = [];
  const ofWills = new Map<string, Meter>();
  let retained = 0;

  const quotaOf = (meter: Meter, words: string): Quota => {
    const check = (retain: boolean) => {
      if (retain && maxRetained !== undefined && retained >= maxRetained) throw tooManyRetained(maxRetained);
      const wait = meter.wait();
      if (wait > 0) throw tooFast(perMinute ?? 0, words, wait);
    };
    const take = (retain: boolean) => {
      check(retain);
      meter.take();
      if (retain) retained += 1;
    };
    let held = true;
    const release = () => {
      if (held) meter.holders -= 1;
      held = false;
    };
    return { check, take, release };
  };

  /** One that nobody holds, the emptiest; or a new one; or, where there are too many, the emptiest of all. */
  const meterOfSession = (): Meter => {
    const [emptiest, ...others] = meters.toSorted((a, b) => a.tokens() - b.tokens());
    const idle = [emptiest, ...others].find((meter) => meter?.holders === 0);
    if (idle) return idle;
    if (emptiest && meters.length >= MAX_METERS) return emptiest;
    const meter = newMeter();
    meters.push(meter);
    return meter;
  };

  return {
    session: () => {
      const meter = meterOfSession();
      const words = meter.isFull() ? THIS_ONE : AND_BEFORE;
      meter.holders += 1;
      return quotaOf(meter, words);
    },
    will: (profile) => {
      const meter = ofWills.get(profile) ?? newMeter();
      ofWills.set(profile, meter);
      return quotaOf(meter, OF_WILLS);
    },
  };
}

type Meter = {
  /** Sessions that count on it. */
  holders: number;
  isFull(): boolean;
  tokens(): number;
  /** Until the next message may go, ms. */
  wait(): number;
  take(): void;
};

/** A token bucket. */
function createMeter(perMinute: number, now: () => number): Meter {
  const most = Math.max(1, Math.floor(perMinute * BURST));
  const endless = !Number.isFinite(perMinute);
  let tokens = most;
  let at = now();
  const fill = () => {
    const time = now();
    if (!endless) tokens = Math.min(most, tokens + ((time - at) * perMinute) / 60_000);
    at = time;
    return tokens;
  };
  return {
    holders: 0,
    isFull: () => fill() >= most,
    tokens: fill,
    wait: () => (fill() >= 1 - ROUNDING ? 0 : ((1 - tokens) * 60_000) / perMinute),
    take: () => {
      tokens -= 1;
    },
  };
}

/** What adding fractions may lose of a whole token. */
const ROUNDING = 1e-9;

const THIS_ONE = 'and this one has';
const AND_BEFORE = 'and this one, which goes on with the count of one before it, has';
const OF_WILLS = 'and so many wills has this profile left: each connect leaves one, which counts as a message';

function tooFast(perMinute: number, words: string, waitMs: number): ToolError {
  const message = `Whoever runs this server lets a session publish ${perMinute} messages a minute, ${words}.`;
  const hint = `Call again in ${Math.ceil(waitMs / 1000)} s.`;
  return new ToolError('policy_denied', message, hint, { retryable: true });
}

function tooManyRetained(most: number): ToolError {
  const message = `Whoever runs this server lets it write ${most} retained messages until it is started again, and it has.`;
  return new ToolError('policy_denied', message, 'Publish with retain false, or ask whoever runs this server.');
}
