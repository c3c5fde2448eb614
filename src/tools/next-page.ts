// Owns the further pages of a collection: messages that were held when the answer left them out.
import type { SubscribeAndCollectArgs, SubscribeAndCollectResult } from '../generated/types.ts';
import { withRaw } from '../payload/raw.ts';
import { fitMessages, MESSAGES_BUDGET_BYTES, renderMessage } from '../payload/render.ts';
import { notesOnFit } from './notes.ts';
import type { Context } from './tool.ts';
import { unverified } from './trust.ts';

/** A page says of the collection only what it still knows: nothing was listened for. Throws invalid_arguments. */
export function nextPage(
  cursor: string,
  { return_messages: count, raw, match, session_id, whole_window, retained }: SubscribeAndCollectArgs,
  { held, pool }: Context,
): SubscribeAndCollectResult {
  const { messages, began, session_id: of, next, left } = held.next(cursor, count);
  const asked = pool.list().find(({ facts: { id, name } }) => id === session_id || name === session_id)?.facts.id;
  const ignored = [
    ...(match === undefined ? [] : ['match']),
    ...(whole_window ? ['whole_window'] : []),
    ...(retained === 'include' ? [] : ['retained']),
  ];
  const budget = raw ? MESSAGES_BUDGET_BYTES / 2 : MESSAGES_BUDGET_BYTES;
  const fitted = fitMessages(
    messages.map((message) => renderMessage(message, began)),
    budget,
  );
  return {
    status: 'success',
    messages: raw ? withRaw(fitted.messages, messages, budget) : fitted.messages,
    message_count: fitted.messages.length,
    remaining_count: left,
    ...(next === undefined ? {} : { next_cursor: next }),
    notes: [
      'A further page of an earlier collection, in time order; nothing was listened for.',
      ...(ignored.length > 0 ? [`Ignored, as a cursor does not listen: ${ignored.join(', ')}.`] : []),
      ...(asked !== undefined && asked !== of ? [`They came on another session, ${of}, than the one given.`] : []),
      ...notesOnFit(fitted),
    ],
    ...(pool.isUnverified(of) ? unverified : {}),
  };
}
