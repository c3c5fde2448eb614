// Owns the reading of a file that a config names: a regular one, up to a size. Must not know what is in it.
import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { codeOf } from './config.ts';

/** A password; stops a file given by mistake from filling memory. */
export const MAX_SECRET_BYTES = 64 * 1024;
/** Certificates and keys, which may be in one file: the bundle of a whole system has 250 KB. */
export const MAX_PEM_BYTES = 1024 * 1024;

export type Small = { content: Buffer; mode: number } | { trouble: string };

/**
 * The whole file. A pipe or a device is refused, one of process substitution (/dev/fd/N) and /dev/stdin too: it gives
 * what it has only once, a secret is read at each connect, and one that nobody writes to blocks a thread of Node for good.
 * Throws the reason of `signal`.
 */
export async function readSmall(file: string, most: number, signal: AbortSignal | undefined): Promise<Small> {
  let handle: FileHandle | undefined;
  try {
    // Before it is opened: opening alone may wake the writer of a pipe, or a device.
    const before = await stat(file);
    if (!before.isFile()) return { trouble: before.isDirectory() ? 'EISDIR' : NOT_REGULAR };
    signal?.throwIfAborted();
    handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const now = await handle.stat();
    if (!now.isFile()) return { trouble: NOT_REGULAR };
    const content = await upTo(handle, most + 1, signal);
    return content.length > most ? { trouble: `it has more than ${most} bytes` } : { content, mode: now.mode };
  } catch (error) {
    signal?.throwIfAborted();
    return { trouble: codeOf(error) };
  } finally {
    await handle?.close();
  }
}

const NOT_REGULAR = 'it is not a regular file';

async function upTo(handle: FileHandle, most: number, signal: AbortSignal | undefined): Promise<Buffer> {
  const room = Buffer.alloc(most);
  let length = 0;
  while (length < most) {
    signal?.throwIfAborted();
    const { bytesRead } = await handle.read(room, length, most - length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  // What is kept is of its own size, not a view of the whole room.
  return Buffer.from(room.subarray(0, length));
}
