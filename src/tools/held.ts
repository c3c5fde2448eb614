// Owns the messages that results left out, or showed in part, for a while, so that they can be paged through without
// listening again.
import { ToolError } from '../errors.ts';
import type { Message } from '../mqtt/types.ts';

/** How long they are held, ms. */
const TTL_MS = 600_000;
/** Bytes held in all; the oldest go first. Stops a row of large collections from filling memory. */
const MAX_BYTES = 24 * 1024 * 1024;
/** Bytes of a message beside its topic and payload, roughly. */
const OVERHEAD_BYTES = 300;

/** In time order, with when their collection began, ms since the epoch. */
export type Page = { messages: Message[]; began: number };
/** `left_out`: not in the answer at all. `in_part`: there, but cut. */
export type Rest = { left_out: Message[]; in_part: Message[]; began: number };
/** Undefined where there are none, or too many to hold. */
export type Cursors = { left_out: string | undefined; in_part: string | undefined };

export type Held = {
  keep(rest: Rest): Cursors;
  /** The next `count`, and the cursor of what is left. Throws invalid_arguments for a cursor that is not known (any more). */
  next(cursor: string, count: number): Page & { next: string | undefined; left: number };
};

/** Both kinds one behind the other: the first `split` were left out. */
type Entry = Page & { split: number; bytes: number; until: number };

export function createHeld(newId: () => string, now: () => number = Date.now): Held {
  const entries = new Map<string, Entry>();
  let total = 0;

  function clean(): void {
    for (const [id, { until, bytes }] of entries) {
      if (until > now() && total <= MAX_BYTES) continue;
      total -= bytes;
      entries.delete(id);
    }
  }

  function keep({ left_out, in_part, began }: Rest): Cursors {
    const messages = [...left_out, ...in_part];
    if (messages.length === 0) return { left_out: undefined, in_part: undefined };
    const bytes = messages.reduce((sum, one) => sum + one.payload.length + 2 * one.topic.length + OVERHEAD_BYTES, 0);
    const id = newId();
    const split = left_out.length;
    entries.set(id, { messages, split, began, bytes, until: now() + TTL_MS });
    total += bytes;
    clean();
    const cursor = (from: number, length: number) => (entries.has(id) && length > 0 ? `${id}.${from}` : undefined);
    return { left_out: cursor(0, split), in_part: cursor(split, in_part.length) };
  }

  /** A cursor says where to go on, so that one asked for twice gives the same page: an answer may get lost. */
  function next(cursor: string, count: number): Page & { next: string | undefined; left: number } {
    clean();
    const [, id = '', digits = ''] = /^(.+)\.(\d{1,6})$/.exec(cursor) ?? [];
    const entry = entries.get(id);
    const from = Number(digits);
    if (!entry || from >= entry.messages.length) throw unknownCursor();
    const end = from < entry.split ? entry.split : entry.messages.length;
    const to = Math.min(end, from + count);
    const page = entry.messages.slice(from, to);
    return { messages: page, began: entry.began, next: to < end ? `${id}.${to}` : undefined, left: end - to };
  }

  return { keep, next };
}

function unknownCursor(): ToolError {
  const problems = [{ path: '/cursor', expected: 'a next_cursor or whole_cursor of the last ten minutes' }];
  return new ToolError('invalid_arguments', 'The cursor is not known, or its messages were let go.', 'Collect again.', {
    problems,
  });
}
