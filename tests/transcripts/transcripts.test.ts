import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { startServer } from '../mcp/server.ts';
import { dig } from '../support/streams.ts';
import { fits, play, readTranscript } from '../support/transcript.ts';

const folder = import.meta.dirname;
const files = readdirSync(folder).filter((name) => name.endsWith('.txt'));

test.each(files)('%s', async (file) => {
  const transcript = readTranscript(join(folder, file), { $broker: inject('mqttUrl') });
  expect(transcript.title).not.toBe('');
  const server = startServer({ drainMs: 200 });
  await play(transcript, server);
  expect(server.logged.filter(({ msg }) => msg === 'bug')).toEqual([]);
});

test('placeholders: any value, any text between, any other members', () => {
  expect(fits({ a: [1, { b: null }] }, { a: [1, { b: null }] })).toBe(true);
  expect(fits({ a: 1 }, { a: '…' })).toBe(true);
  expect(fits({ a: 1, b: 2 }, { a: 1 })).toBe(false);
  expect(fits({ a: 1, b: 2 }, { a: 1, '…': '…' })).toBe(true);
  expect(fits({ b: 2 }, { a: '…', '…': '…' })).toBe(false);
  expect(fits('no such thing', 'no…thing')).toBe(true);
  expect(fits('no such things', 'no…thing')).toBe(false);
  expect(fits(1, '1')).toBe(false);
  expect(fits([1, 2], [1])).toBe(false);
  expect(dig({ a: [{ b: 1 }] }, 'a', 0, 'b')).toBe(1);
});
