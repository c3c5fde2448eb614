// Payloads that are no text, and the bytes beside what was read out of them, through subscribe_and_collect.
import { gzipSync } from 'node:zlib';
import { encode } from 'cborg';
import { afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { loadFormats } from '../../src/payload/decode.ts';
import { bench, type Fields, LAB } from './bench.ts';

const CBOR = Buffer.from(encode({ level: 'crit', t: 21.5 }));
const at = { session_id: LAB, topic_pattern: 'a/#', duration_seconds: 10 };

beforeAll(loadFormats);
beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 2) });
});
afterEach(() => {
  vi.useRealTimers();
});

/** The result of a collection of these payloads. */
async function collected(payloads: readonly (Buffer | string)[], args: Fields = {}) {
  const own = bench();
  const running = own.call('subscribe_and_collect', { ...at, ...args });
  await vi.advanceTimersByTimeAsync(0);
  for (const payload of payloads) own.session.speak('a/b', payload);
  await vi.advanceTimersByTimeAsync(10_000);
  const result = await running;
  return { ...own, result, messages: Array.isArray(result.messages) ? result.messages : [] };
}

test('CBOR, gzip and an image -> read, with the format they had', async () => {
  const png = Buffer.from('89504e470d0a1a0a0000000d4948445200000280000001e00802000000ff', 'hex');
  const { messages } = await collected([CBOR, gzipSync('21.5'), png, '{"t":1}']);
  expect(messages).toMatchObject([
    { payload: { level: 'crit', t: 21.5 }, payload_type: 'json', payload_format: 'cbor', size_bytes: CBOR.length },
    { payload: 21.5, payload_type: 'number', payload_format: 'gzip+number' },
    { payload_type: 'binary', payload_encoding: 'base64', payload_format: 'image/png', payload_detail: '640x480' },
    { payload: { t: 1 }, payload_type: 'json' },
  ]);
  expect(messages[3]).not.toHaveProperty('payload_format');
  expect(messages[0]).not.toHaveProperty('raw');
});

test.each([false, true])(
  'an error in CBOR among a hundred others, whole_window %s -> kept as one',
  async (whole_window) => {
    const harmless = Buffer.from(encode({ level: 'info', t: 21.5 }));
    const all = [...new Array(50).fill(harmless), CBOR, ...new Array(50).fill(harmless)];
    const { messages } = await collected(all, { return_messages: 5, whole_window });
    expect(messages.filter(({ kept_because }) => kept_because === 'error')).toMatchObject([
      { payload: { level: 'crit' } },
    ]);
  },
);

test('raw -> all bytes as base64 and the first 64 in hex, on further pages too', async () => {
  const long = Buffer.from('x'.repeat(100));
  const { messages, result, call } = await collected([CBOR, long, 'on', '7'], { raw: true, return_messages: 3 });
  const raw = (bytes: Buffer) => ({
    base64: bytes.toString('base64'),
    hex_head: bytes.subarray(0, 64).toString('hex'),
  });
  const page = await call('subscribe_and_collect', { session_id: LAB, cursor: result.next_cursor, raw: true });
  const all = [...messages, ...(Array.isArray(page.messages) ? page.messages : [])];
  const shown = all.map((message) => message.raw);
  expect(shown).toHaveLength(4);
  for (const bytes of [CBOR, long, Buffer.from('on'), Buffer.from('7')]) expect(shown).toContainEqual(raw(bytes));
});

test('raw of 500 times 100 KB -> a result under 4 MiB, each cut alike and said so', async () => {
  const large = Buffer.alloc(100_000, 0xfe);
  const { messages, result } = await collected(new Array(500).fill(large), { raw: true, return_messages: 500 });
  expect(messages).toHaveLength(500);
  expect(
    Buffer.byteLength(JSON.stringify(result)) + Buffer.byteLength(JSON.stringify(JSON.stringify(result))),
  ).toBeLessThan(4 * 1024 * 1024);
  for (const { raw } of messages) expect(raw).toMatchObject({ hex_head: 'fe'.repeat(64), truncated: true });
  expect(String(messages[0]?.raw.base64).length).toBeGreaterThan(1000);
});
