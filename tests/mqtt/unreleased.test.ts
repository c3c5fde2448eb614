import { expect, test } from 'vitest';
import { TooMuchUnreleased, UnreleasedStore } from '../../src/mqtt/unreleased.ts';

const MIB = 1024 * 1024;

function store() {
  const errors: unknown[] = [];
  const held = new UnreleasedStore<{ messageId: number; length: number; payload: Buffer; properties?: object }>(
    (error) => errors.push(error),
  );
  /** Whether it is taken. */
  const put = (messageId: number, payload: Buffer, length = payload.length, properties = {}) => {
    let taken = false;
    held.put({ messageId, length, payload, properties }, () => {
      taken = true;
    });
    return taken;
  };
  const get = (messageId: number) => {
    let text: string | undefined;
    held.get({ messageId }, (_error, packet) => {
      text = packet?.payload.toString();
    });
    return text;
  };
  const del = (messageId: number) => held.del({ messageId }, () => {});
  return { held, errors, put, get, del };
}

test('more than 4 MiB -> not taken, and said; released ones make room', () => {
  const { put, del, errors } = store();
  const payload = Buffer.alloc(MIB);
  expect([1, 2, 3].map((id) => put(id, payload))).toEqual([true, true, true]);
  expect(put(4, payload)).toBe(false);
  expect(errors).toEqual([expect.any(TooMuchUnreleased)]);
  del(1);
  expect(put(4, payload)).toBe(true);
  expect(put(5, payload)).toBe(false);
});

test('empty ones -> bounded too; a large one alone is taken', () => {
  const { put, held } = store();
  let count = 0;
  while (count < 65_535 && put(count + 1, Buffer.alloc(0))) count += 1;
  expect(count).toBe(8_192);
  held.close(() => {});
  expect(put(1, Buffer.alloc(1), 16 * MIB)).toBe(true);
  expect(put(2, Buffer.alloc(0))).toBe(false);
});

test('the same identifier again -> the newest, counted once', () => {
  const { put, get, del } = store();
  for (let n = 0; n < 10; n += 1) expect(put(7, Buffer.alloc(MIB, `${n}`))).toBe(true);
  expect(get(7)).toMatch(/^9+$/);
  del(7);
  expect(get(7)).toBeUndefined();
  del(7);
  for (const id of [1, 2, 3]) expect(put(id, Buffer.alloc(MIB))).toBe(true);
});

test('what is held -> a copy, which keeps no chunk alive', () => {
  const { held, put } = store();
  const chunk = Buffer.from('payload and correlation');
  put(1, chunk.subarray(0, 7), 7, { correlationData: chunk.subarray(12), contentType: 'x' });
  held.get({ messageId: 1 }, (_error, packet) => {
    expect(packet?.payload.toString()).toBe('payload');
    expect(packet?.payload.buffer.byteLength).toBe(7);
    expect(packet?.properties).toEqual({ correlationData: Buffer.from('correlation'), contentType: 'x' });
  });
});
