// Owns the further pages of a collection: messages that were held when the answer left them out.
import type { SubscribeAndCollectResult } from '../generated/types.ts';
import { fitMessages, renderMessage } from '../payload/render.ts';
import type { Held } from './held.ts';
import { notesOnFit } from './notes.ts';

/** A page says of the collection only what it still knows: nothing was listened for. Throws invalid_arguments. */
export function nextPage(cursor: string, count: number, held: Held): SubscribeAndCollectResult {
  const { messages, began, next, left } = held.next(cursor, count);
  const fitted = fitMessages(messages.map((message) => renderMessage(message, began)));
  return {
    status: 'success',
    messages: fitted.messages,
    message_count: fitted.messages.length,
    remaining_count: left,
    ...(next === undefined ? {} : { next_cursor: next }),
    notes: ['A further page of an earlier collection, in time order; nothing was listened for.', ...notesOnFit(fitted)],
  };
}
