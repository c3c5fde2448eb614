// Owns the messages that results left out, or showed in part, for a while, so that they can be paged through without
// listening again.
import { ToolError } from '../errors.ts';
import { bytesBeside } from '../mqtt/beside.ts';
import type { Message } from '../mqtt/types.ts';

/** How long they are held, ms. */
const TTL_MS = 600_000;
/** Bytes held in all; the oldest go first. Stops a row of large collections from filling the 128 MB. */
const MAX_BYTES = 8 * 1024 * 1024;

/** In time order, with when their collection began, ms since the epoch, and the session's id. */
export type Page = { messages: Message[]; began: number; session_id: string };
/** `left_out`: not in the answer at all. `in_part`: there, but cut. */
export type Rest = { left_out: Message[]; in_part: Message[]; began: number; session_id: string };
/** Undefined where there are none. `lost`: of each kind, the last ones that were too many to hold. */
export type Cursors = { left_out: string | undefined; in_part: string | undefined; lost: number };

export type Held = {
  keep(rest: Rest): Cursors;
  /** The next `count`, and the cursor of what is left. Throws invalid_arguments for a cursor that is not known (any more). */
  next(cursor: string, count: number): Page & { next: string | undefined; left: number };
};

/** Both kinds one behind the other: the first `split` were left out. */
type Entry = Page & { split: number; bytes: number; until: number };

/** Runs it after so many ms. */
type Later = (act: () => void, ms: number) => NodeJS.Timeout | undefined;

const unawaited: Later = (act, ms) => setTimeout(act, ms).unref();

export function createHeld(newId: () => string, now: () => number = Date.now, later: Later = unawaited): Held {
  const entries = new Map<string, Entry>();
  let total = 0;
  let timer: NodeJS.Timeout | undefined;

  function clean(): void {
    for (const [id, { until, bytes }] of entries) {
      if (until > now() && total <= MAX_BYTES) continue;
      total -= bytes;
      entries.delete(id);
    }
    watch();
  }

  /** Lets go of them on time where nobody collects any more. The first entry is the oldest. */
  function watch(): void {
    const [oldest] = entries.values();
    clearTimeout(timer);
    timer = oldest && later(clean, Math.max(oldest.until - now(), 0) + 1);
  }

  function keep({ left_out, in_part, began, session_id }: Rest): Cursors {
    const first = firstWithin(left_out, MAX_BYTES);
    const second = firstWithin(in_part, MAX_BYTES - first.bytes);
    const messages = [...first.messages, ...second.messages];
    const lost = left_out.length + in_part.length - messages.length;
    if (messages.length === 0) return { left_out: undefined, in_part: undefined, lost };
    const bytes = first.bytes + second.bytes;
    const id = newId();
    const split = first.messages.length;
    entries.set(id, { messages, split, began, session_id, bytes, until: now() + TTL_MS });
    total += bytes;
    clean();
    const cursor = (from: number, length: number) => (entries.has(id) && length > 0 ? `${id}.${from}` : undefined);
    return { left_out: cursor(0, split), in_part: cursor(split, second.messages.length), lost };
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
    const { began, session_id } = entry;
    return { messages: page, began, session_id, next: to < end ? `${id}.${to}` : undefined, left: end - to };
  }

  return { keep, next };
}

/** The first ones that fit. */
function firstWithin(all: readonly Message[], room: number): { messages: Message[]; bytes: number } {
  const messages: Message[] = [];
  let bytes = 0;
  for (const one of all) {
    const size = one.payload.length + bytesBeside(one);
    if (bytes + size > room) break;
    bytes += size;
    messages.push(one);
  }
  return { messages, bytes };
}

function unknownCursor(): ToolError {
  const problems = [{ path: '/cursor', expected: 'a next_cursor or whole_cursor of the last ten minutes' }];
  return new ToolError('invalid_arguments', 'The cursor is not known, or its messages were let go.', 'Collect again.', {
    problems,
  });
}
