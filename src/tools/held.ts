// Owns the messages that results left out, for a while, so that they can be paged through without listening again.
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

export type Held = {
  /** The cursor of the rest; undefined where there is none. */
  keep(page: Page): string | undefined;
  /** The next `count`, and the cursor of what is left. Throws invalid_arguments for a cursor that is not known (any more). */
  next(cursor: string, count: number): Page & { next: string | undefined; left: number };
};

type Entry = Page & { bytes: number; until: number };

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

  function keep({ messages, began }: Page): string | undefined {
    if (messages.length === 0) return undefined;
    const bytes = messages.reduce((sum, one) => sum + one.payload.length + 2 * one.topic.length + OVERHEAD_BYTES, 0);
    const id = newId();
    entries.set(id, { messages, began, bytes, until: now() + TTL_MS });
    total += bytes;
    clean();
    return entries.has(id) ? `${id}.0` : undefined;
  }

  /** A cursor says where to go on, so that one asked for twice gives the same page: an answer may get lost. */
  function next(cursor: string, count: number): Page & { next: string | undefined; left: number } {
    clean();
    const [, id = '', digits = ''] = /^(.+)\.(\d{1,6})$/.exec(cursor) ?? [];
    const entry = entries.get(id);
    const from = Number(digits);
    if (!entry || from >= entry.messages.length) throw unknownCursor();
    const to = from + count;
    const left = Math.max(0, entry.messages.length - to);
    const page = entry.messages.slice(from, to);
    return { messages: page, began: entry.began, next: left > 0 ? `${id}.${to}` : undefined, left };
  }

  return { keep, next };
}

function unknownCursor(): ToolError {
  const problems = [{ path: '/cursor', expected: 'a next_cursor of the last ten minutes' }];
  return new ToolError('invalid_arguments', 'The cursor is not known, or its messages were let go.', 'Collect again.', {
    problems,
  });
}
