// Owns the last contact with a device and how it is known. A stored message alone is no contact.
import { live } from './entries.ts';
import { latestTime } from './payload-time.ts';
import type { Entry, View } from './types.ts';

export type Contact = { at: number; knownBy: 'live_message' | 'payload_timestamp'; entry: Entry; field?: string };

/**
 * The last live message of the device itself: not a command to it, not a last will, not what its bridge says of it.
 * Else the latest time in a stored payload. undefined: nobody knows.
 */
export function lastContact(view: View): Contact | undefined {
  const own = view.series.filter(
    ({ role }) => role.of !== 'bridge' && ['state', 'event', 'log', 'availability'].includes(role.role),
  );
  const spoken = own.flatMap((series) =>
    live(series).filter(({ payload, type }) => {
      // Nothing in it, but somebody sent it; on an availability topic it clears what is stored.
      if (type === 'empty') return series.role.role !== 'availability';
      if (series.role.presence === undefined) return true;
      const presence = series.role.presence(payload);
      if (presence === undefined) return true;
      return presence !== 'offline' && series.role.writtenBy !== 'bridge';
    }),
  );
  const last = spoken.toSorted((a, b) => a.seq - b.seq).at(-1);
  if (last !== undefined) return { at: last.at, knownBy: 'live_message', entry: last };
  const told = latestTime(view);
  if (told === undefined) return undefined;
  return { at: told.time.ms, knownBy: 'payload_timestamp', entry: told.entry, field: told.time.field };
}
