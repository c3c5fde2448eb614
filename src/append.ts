// Owns the end of a file that others may move away: whether it can be had, opening it, and whether a path still leads to
// it. Must not know what is written.
import { accessSync, closeSync, constants, fstatSync, openSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { codeOf } from './config.ts';

export type End = { descriptor: number; dev: number; ino: number };

/** Why it cannot be appended to, as far as that can be told without touching it; and its mode, where it is there. */
export function appendable(file: string): { trouble?: string; mode?: number } {
  try {
    const stats = statSync(file, { throwIfNoEntry: false });
    if (stats === undefined) accessSync(dirname(file), constants.W_OK);
    else {
      if (stats.isDirectory()) return { trouble: 'EISDIR' };
      if (stats.isFIFO() || stats.isSocket()) return { trouble: PIPE };
      accessSync(file, constants.W_OK);
    }
    return stats === undefined ? {} : { mode: stats.mode };
  } catch (error) {
    return { trouble: codeOf(error) };
  }
}

export const PIPE = 'it is a pipe or a socket, not a file';

/** Creates it for its owner alone where it is not there. Never waits, as a pipe without a reader would make it. */
export function openEnd(file: string): End {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK = 0 } = constants;
  const descriptor = openSync(file, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o600);
  const stats = fstatSync(descriptor);
  if (!stats.isFIFO() && !stats.isSocket()) return { descriptor, dev: stats.dev, ino: stats.ino };
  closeSync(descriptor);
  throw Object.assign(new Error(PIPE), { code: PIPE });
}

/** False for one that was renamed or removed, as logrotate does. */
export function leadsTo(end: End, stats: Stats | undefined): boolean {
  return stats !== undefined && stats.dev === end.dev && stats.ino === end.ino;
}
