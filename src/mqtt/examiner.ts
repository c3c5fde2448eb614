// Owns what a check needs and a connect does not: loaded at the first check.
import type { Examiner } from './checks.ts';
import { connectError } from './connect-error.ts';
import { parseBroker, parseConnectionString } from './connection-string.ts';
import { tlsContext } from './stream.ts';

export { checkup } from './checkup.ts';
export { addressOf } from './connection-string.ts';

export const placeOf: Examiner['placeOf'] = (url, profile) => {
  const { transport, host, port, clientId } = profile === undefined ? parseConnectionString(url) : parseBroker(url);
  try {
    return { place: { transport, host, port, tls: tlsContext(profile?.tls ?? {}) }, clientId };
  } catch (error) {
    throw connectError(error, { host, port, transport });
  }
};
