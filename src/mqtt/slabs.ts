// Owns the buffers that TCP sockets are read into: each is used again once nobody needs what it held, so that a flood of
// bytes leaves no garbage behind. Must not know MQTT, nor who reads.
import type { OnReadOpts } from 'node:net';

const SLAB_BYTES = 64 * 1024;
/** A shorter read is copied out of it: many of them must not hold a slab each. */
const MIN_BYTES = 32 * 1024;
/** Slabs that wait for their next use, 4 MiB: what a flood needed at its height need not stay. */
const MAX_SPARE = 64;

const spare: Buffer[] = [];
const ours = new WeakSet<ArrayBufferLike>();

/** For the `onread` of a socket. `deliver` has the chunk for itself, until it gives it back by `recycle` or for good. */
export function readingInto(deliver: (chunk: Buffer) => void): OnReadOpts {
  let slab: Buffer | undefined;
  return {
    // Asked for again after each read, and for each address that is tried.
    buffer: () => {
      slab ??= spare.pop() ?? newSlab();
      return slab;
    },
    callback: (length, bytes) => {
      const read = Buffer.from(bytes.buffer, bytes.byteOffset, length);
      if (length < MIN_BYTES) deliver(Buffer.from(read));
      else {
        slab = undefined;
        deliver(read);
      }
      return true;
    },
  };
}

/** Nobody has a view of the chunk any more. One that is no slab is nothing to it. */
export function recycle({ buffer }: Buffer): void {
  if (ours.has(buffer) && spare.length < MAX_SPARE) spare.push(Buffer.from(buffer));
}

/** What holding it takes, bytes. */
export function costOf({ buffer, length }: Buffer): number {
  return ours.has(buffer) ? SLAB_BYTES : length;
}

function newSlab(): Buffer {
  const slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  ours.add(slab.buffer);
  return slab;
}
