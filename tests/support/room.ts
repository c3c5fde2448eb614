// Owns the room that a store under test has: as much as a call alone gets, or so many bytes.
import type { Room } from '../../src/payload/types.ts';
import { Rooms } from '../../src/tools/room.ts';

export function room(bytes?: number): Room {
  return new Rooms(bytes === undefined ? undefined : 2 * bytes).share();
}
