// A payload of one byte may carry 128 KiB of properties: they take room as payloads do.
import { expect, test } from 'vitest';
import { bytesBeside } from '../../src/mqtt/beside.ts';
import type { Message } from '../../src/mqtt/types.ts';
import { createHeld } from '../../src/tools/held.ts';
import { Inbox } from '../../src/tools/inbox.ts';
import { WindowInbox } from '../../src/tools/window-inbox.ts';
import { room } from '../support/room.ts';

const MIB = 1024 * 1024;
const heavy = (n: number): Message => ({
  topic: `a/${n}`,
  payload: Buffer.from('1'),
  size: 1,
  qos: 0,
  retain: false,
  dup: false,
  at: n,
  properties: { user_properties: { text: 'x'.repeat(60_000), more: 'y'.repeat(60_000) } },
});
const total = (messages: readonly Message[]) => messages.reduce((sum, one) => sum + bytesBeside(one), 0);

test.each([
  ['a plain collection', () => new Inbox(500, undefined, room(10 * MIB))],
  ['a whole window', () => new WindowInbox(undefined, room(10 * MIB))],
])('%s -> every message, the properties of those for which there is room, and a note', (_what, create) => {
  const inbox = create();
  for (let n = 0; n < 500; n += 1) inbox.take(heavy(n));
  const messages = inbox.messages();
  expect(messages.length).toBeGreaterThan(400);
  expect(total(messages)).toBeLessThan(12 * MIB);
  expect(messages.filter(({ properties }) => properties).length).toBeGreaterThan(10);
  expect(inbox.notes()).toEqual([expect.stringMatching(/properties of \d+ messages are left out/)]);
});

test('a payload for which there is no room -> its beginning, and the properties all the same', () => {
  const inbox = new WindowInbox(undefined, room(20_000));
  const message = { ...heavy(0), payload: Buffer.alloc(60_000), size: 60_000, properties: { content_type: 'a/b' } };
  inbox.take(message);
  inbox.take({ ...message, at: 1, topic: 'b' });
  expect(inbox.messages()[0]).toMatchObject({ properties: { content_type: 'a/b' } });
  expect(inbox.messages()[0]?.payload.length).toBe(1024);
});

test('topics of 32 KB each -> every message counted, those held for which there is room, and a note', () => {
  const inbox = new Inbox(500, undefined, room(10 * MIB));
  for (let n = 0; n < 600; n += 1) inbox.take({ ...heavy(n), topic: `${n}${'x'.repeat(16_000)}` });
  expect([inbox.received, inbox.matched]).toEqual([500, 500]);
  expect(total(inbox.messages())).toBeLessThan(11 * MIB);
  expect(inbox.notes()).toContainEqual(expect.stringMatching(/messages of long topics were counted/));
});

test('what is held for further pages -> properties count', () => {
  const held = createHeld(() => 'id');
  const left_out = Array.from({ length: 500 }, (_, n) => heavy(n));
  const { left_out: cursor = '', lost } = held.keep({ left_out, in_part: [], began: 0, session_id: 's' });
  const page = held.next(cursor, 500);
  expect(total(page.messages)).toBeLessThanOrEqual(8 * MIB);
  expect(page.messages.length + lost).toBe(500);
});
