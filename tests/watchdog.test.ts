import { expect, test } from 'vitest';
import { STALL_MS, watchLoop } from '../src/watchdog.ts';
import { startDaemon } from './support/daemon.ts';

/** Holds the thread, as a payload that is too dear would. */
function stall(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

test('a loop that stands still is told of, with how long', async () => {
  const late = await new Promise<number>((resolve) => {
    const { stop } = watchLoop((ms) => {
      stop();
      resolve(ms);
    });
    stall(2_200);
  });
  expect(late).toBeGreaterThan(STALL_MS);
});

test('the program: stopped for a while -> one line on stderr that says so, without anything else in it', async () => {
  const daemon = startDaemon();
  daemon.send('{"jsonrpc":"2.0","id":1,"method":"ping"}');
  await daemon.answer(1);
  daemon.kill('SIGSTOP');
  stall(2_500);
  daemon.kill('SIGCONT');
  await expect.poll(() => daemon.stderr.length, { timeout: 10_000 }).toBeGreaterThan(0);
  const lines = daemon.stderr.map((line) => JSON.parse(line));
  expect(lines).toEqual([
    { time: expect.any(String), level: 'warn', msg: 'event loop stalled', late_ms: expect.any(Number) },
  ]);
  daemon.end();
  expect((await daemon.exit).code).toBe(0);
});
