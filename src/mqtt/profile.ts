// Owns what a named broker is to the pool. Must not know where profiles come from.
import { ToolError } from '../errors.ts';
import type { TlsOptions } from './stream.ts';

/** What the broker publishes where the session ends without DISCONNECT. */
export type Will = { topic: string; payload: string; qos: 0 | 1 | 2; retain: boolean };

/** What a profile holds once its files, variables and commands have been read. */
export type OpenProfile = {
  url: string;
  username?: string;
  password?: string;
  tls?: TlsOptions;
  protocolVersion?: 4 | 5;
  keepaliveSeconds?: number;
  will?: Will;
};

/** Profiles by name; `open` reads the secrets anew each time and may throw a ToolError, or the reason of `signal`. */
export type Profiles = {
  names(): string[];
  open(name: string, signal?: AbortSignal): Promise<OpenProfile>;
};

export function unknownProfile(names: string[]): ToolError {
  const hint =
    names.length > 0 ? `Profiles: ${names.join(', ')}.` : 'No profiles are configured; use connection_string.';
  const problems = [{ path: '/profile', expected: 'the name of a configured profile' }];
  return new ToolError('invalid_arguments', 'No profile has that name.', hint, { problems });
}
