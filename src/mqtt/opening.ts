// Owns the time that the secrets of a profile may take: the call's, and what is left of it goes to the broker.
// Must not know where secrets come from.
import { ToolError } from '../errors.ts';
import type { OpenProfile, Profiles } from './profile.ts';
import { within } from './race.ts';

type Asked = { profile?: string | undefined; timeoutSeconds: number };
export type Opened = { profile: OpenProfile | undefined; secondsLeft: number };

/** Rejects with the signal's reason, or with connection_timeout; either ends what is being read or run. */
export async function opened(profiles: Profiles, asked: Asked, signal: AbortSignal): Promise<Opened> {
  const { profile: name, timeoutSeconds } = asked;
  if (name === undefined) return { profile: undefined, secondsLeft: timeoutSeconds };
  const began = performance.now();
  const ended = new AbortController();
  try {
    const opening = profiles.open(name, AbortSignal.any([signal, ended.signal]));
    const profile = await within(opening, timeoutSeconds * 1000, signal, () => tooSlow(timeoutSeconds));
    // In tenths: it is said where the broker takes longer.
    const left = Math.round(timeoutSeconds * 10 - (performance.now() - began) / 100) / 10;
    return { profile, secondsLeft: Math.max(left, 0.1) };
  } finally {
    ended.abort();
  }
}

function tooSlow(seconds: number): ToolError {
  const message = `The secrets of the profile were not available within ${seconds} s.`;
  const hint = 'Whoever runs this server must see why the file or command is so slow; timeout_seconds may be larger.';
  return new ToolError('connection_timeout', message, hint, { retryable: true });
}
