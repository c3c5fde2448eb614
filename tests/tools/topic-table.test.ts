import { expect, test } from 'vitest';
import type { Message } from '../../src/mqtt/types.ts';
import { TopicTable } from '../../src/tools/topic-table.ts';

const message = (topic: string, retain = false): Message => ({
  topic,
  payload: Buffer.from('x'),
  size: 1,
  qos: 0,
  retain,
  dup: false,
  at: 0,
});

test('more topics than the limit -> the first ones stay exact, messages of the others are counted', () => {
  const table = new TopicTable(3);
  for (const topic of ['a', 'b', 'c', 'd', 'a', 'd', 'e']) table.take(message(topic));
  expect([table.size, table.overflowed]).toEqual([3, 3]);
  expect(table.first(10).map(([topic, { count }]) => [topic, count])).toEqual([
    ['a', 2],
    ['b', 1],
    ['c', 1],
  ]);
});

test('retained -> counted once a topic, whether it spoke before or comes again', () => {
  const table = new TopicTable();
  table.take(message('a'));
  table.take(message('a', true));
  table.take(message('a', true));
  table.takeMissing(message('a', true));
  table.takeMissing(message('b', true));
  expect([table.size, table.retained]).toEqual([2, 2]);
  expect(table.first(2).map(([, { count }]) => count)).toEqual([3, 1]);
});
