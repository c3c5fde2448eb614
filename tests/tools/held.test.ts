// What is held for further pages, and what is not.
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Message } from '../../src/mqtt/types.ts';
import { createHeld } from '../../src/tools/held.ts';
import { Inbox } from '../../src/tools/inbox.ts';
import { collectGarbage } from '../support/garbage.ts';
import { room } from '../support/room.ts';

const MIB = 1024 * 1024;
const message = (at: number, payload: Buffer, topic = 'a'): Message => ({
  topic,
  payload,
  size: payload.length,
  qos: 0,
  retain: false,
  dup: false,
  at,
});

test('more than 8 MiB left out -> the first of them are held, and the others told', () => {
  const held = createHeld(() => 'id');
  const left_out = Array.from({ length: 40 }, (_, n) => message(n, Buffer.alloc(MIB)));
  const {
    left_out: cursor = '',
    in_part,
    lost,
  } = held.keep({ left_out, in_part: left_out.slice(0, 2), began: 0, session_id: 's' });
  expect(in_part).toBeUndefined();
  const page = held.next(cursor, 500);
  expect(page.messages.map(({ at }) => at)).toEqual(Array.from({ length: 7 }, (_, n) => n));
  expect([lost, page.left]).toEqual([42 - 7, 0]);
});

test('nothing is asked for any more -> the messages go after ten minutes all the same', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const held = createHeld(() => 'id');
  const kept = (() => {
    const one = message(0, Buffer.from('1'));
    const { left_out = '' } = held.keep({ left_out: [one], in_part: [], began: 0, session_id: 's' });
    vi.advanceTimersByTime(599_000);
    expect(held.next(left_out, 1).messages).toEqual([one]);
    return new WeakRef(one);
  })();
  vi.advanceTimersByTime(2_000);
  await collectGarbage();
  expect(kept.deref()).toBeUndefined();
});

test('a match that never fits, endless topics -> topics beyond 64 Mi characters are added up, with a note', () => {
  const inbox = new Inbox(500, { test: () => false, skipped: 0 }, room());
  const name = 'x'.repeat(65_000);
  for (let n = 0; n < 1_100; n += 1) inbox.take(message(n, Buffer.from('1'), `${n}${name}`));
  const sum = [...inbox.totals().named.values()].reduce((all, { count }) => all + count, 0);
  expect([inbox.received, sum]).toEqual([1_100, 1_100]);
  expect(inbox.notes()).toContainEqual(expect.stringMatching(/^68 messages came of topics beyond/));
});
