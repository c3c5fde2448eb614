import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { costOf, readingInto, recycle } from '../../src/mqtt/slabs.ts';

const SLAB_BYTES = 64 * 1024;

/** Writes to whoever connects; gives the chunks that were read. */
async function reading(written: readonly Buffer[], deliver: (chunk: Buffer) => void): Promise<void> {
  const server = createServer(async (socket: Socket) => {
    for (const bytes of written) if (!socket.write(bytes)) await once(socket, 'drain');
    socket.end();
  });
  onTestFinished(() => void server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const socket = connect({ port, host: '127.0.0.1', onread: readingInto(deliver) });
  socket.resume();
  await once(socket, 'close');
}

test('chunks that are given back -> the same few buffers again and again, and every byte read as it was sent', async () => {
  const written = Array.from({ length: 400 }, (_, n) => Buffer.alloc(SLAB_BYTES, n));
  const all = Buffer.concat(written);
  const buffers = new Set<ArrayBufferLike>();
  let at = 0;
  await reading(written, (chunk) => {
    expect(chunk.equals(all.subarray(at, at + chunk.length))).toBe(true);
    at += chunk.length;
    if (costOf(chunk) === SLAB_BYTES) buffers.add(chunk.buffer);
    recycle(chunk);
  });
  expect(at).toBe(all.length);
  expect(buffers.size).toBeGreaterThan(0);
  expect(buffers.size).toBeLessThan(10);
});

test('chunks that are kept -> nothing is written over them', async () => {
  const written = Array.from({ length: 100 }, (_, n) => Buffer.alloc(SLAB_BYTES, n));
  const kept: Buffer[] = [];
  await reading(written, (chunk) => kept.push(chunk));
  expect(Buffer.concat(kept).equals(Buffer.concat(written))).toBe(true);
});

test('a short read costs its bytes, not a buffer; what is no slab is not taken back', async () => {
  const kept: Buffer[] = [];
  await reading([Buffer.from('short')], (chunk) => kept.push(chunk));
  expect(kept.map((chunk) => [chunk.toString(), costOf(chunk)])).toEqual([['short', 5]]);
  const own = Buffer.alloc(SLAB_BYTES, 'x');
  recycle(own);
  await reading([Buffer.alloc(20 * SLAB_BYTES, 'y')], (chunk) => recycle(chunk));
  expect(own.equals(Buffer.alloc(SLAB_BYTES, 'x'))).toBe(true);
});
