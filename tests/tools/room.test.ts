import { describe, expect, test } from 'vitest';
import { PayloadRoom, Rooms } from '../../src/tools/room.ts';

describe('room for what running calls hold', () => {
  test('alone -> half of it; who comes later -> half of what is left, and never more than all in all', () => {
    const rooms = new Rooms(1024);
    const shares = Array.from({ length: 6 }, () => rooms.share());
    const got = shares.map((share) => {
      let bytes = 0;
      for (; share.fits(1); bytes += 1) share.take(1);
      return bytes;
    });
    expect(got).toEqual([512, 256, 128, 64, 32, 16]);
    expect(rooms.used).toBeLessThanOrEqual(1024);
  });

  test('a call that is over gives everything back, to those that go on too', () => {
    const rooms = new Rooms(1024);
    const [first, second] = [rooms.share(), rooms.share()];
    first.take(512);
    expect(second.fits(300)).toBe(false);
    first.close();
    expect(second.fits(512)).toBe(true);
    expect(rooms.used).toBe(0);
  });

  test('a store that lets go without a word -> counted again where there is no room, once a second', () => {
    const rooms = new Rooms(8 * 1024);
    let held = 0;
    const payloads = new PayloadRoom(rooms.share(), () => held);
    payloads.take(2_000);
    held = 500;
    expect(payloads.fits(1_000, 5_000)).toBe(true);
    payloads.take(1_000);
    payloads.take(600);
    held = 0;
    expect(payloads.fits(1, 5_999)).toBe(false);
    expect(payloads.fits(1, 6_000)).toBe(true);
    expect(rooms.used).toBe(0);
  });

  test('what an answer cannot do without is held all the same, and counted', () => {
    const rooms = new Rooms(100);
    const share = rooms.share();
    share.take(200);
    expect([share.fits(1), rooms.share().fits(1)]).toEqual([false, false]);
    share.take(-180);
    expect(share.fits(30)).toBe(true);
  });

  test('heavy work is done one after the other, a failure does not hold up the next', async () => {
    const rooms = new Rooms();
    const done: string[] = [];
    const work = (name: string) => async () => {
      done.push(`${name} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      done.push(`${name} ends`);
      if (name === 'b') throw new Error(name);
    };
    const all = ['a', 'b', 'c'].map((name) => rooms.inTurn(work(name)));
    expect((await Promise.allSettled(all)).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(done).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  });
});
