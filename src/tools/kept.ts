// Owns what a kept message or name takes of the room, and what is let go of one for which there is none. Must not know
// how many are kept.
import { bytesBeside } from '../mqtt/beside.ts';
import type { Message } from '../mqtt/types.ts';
import type { Room } from '../payload/types.ts';
import { PAYLOAD_COST } from './room.ts';

/** What a name in a set costs beside its characters, bytes, roughly. */
const NAME_BYTES = 50;

/** Of the room. */
export function costOf(message: Message): number {
  return PAYLOAD_COST * message.payload.length + bytesBeside(message);
}

/** For those whose properties there is no room for. */
export function withoutProperties({ properties: _, ...rest }: Message): Message {
  return rest;
}

/** Nothing where it is there already, or there is no room. */
export function keepName(name: string, names: Set<string>, room: Room): void {
  const cost = name.length + NAME_BYTES;
  if (names.has(name) || !room.fits(cost)) return;
  room.take(cost);
  names.add(name);
}

/** Of payloads that were too long, or for which there was no room. */
export function cutNote(payloads: number, most: string): string {
  return `${payloads} payloads were cut: at most ${most} of one is held, and 6 MiB of all, less while other calls hold much.`;
}

/** Of messages whose properties there was no room for. */
export function lightenedNote(messages: number): string {
  return `The properties of ${messages} messages are left out: there was no room for them. Narrow the filter.`;
}
