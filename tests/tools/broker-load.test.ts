import { expect, test } from 'vitest';
import { BrokerLoad } from '../../src/tools/broker-load.ts';
import { messageOf } from '../support/device.ts';

const said = (at: number, payload: string, retain = false) => ({ ...messageOf({ topic: 'x', payload, retain }), at });

/** What mosquitto says every 10 s, where `rate` messages a minute come, and `before` was its average. */
function saying(before: number, rate: number, times: number, lateMs = 0): BrokerLoad {
  const load = new BrokerLoad();
  const kept = Math.exp(-10 / 60);
  let average = before;
  for (let n = 0; n < times; n += 1) {
    load.take(said(n * 10_000 + (n > 0 ? lateMs : 0), average.toFixed(2)));
    average = rate * (1 - kept) + average * kept;
  }
  return load;
}

test('steady, rising and falling -> what came between two statements', () => {
  expect(saying(60, 60, 2).read()).toEqual({ perMinute: 60, counted: 10 });
  expect(saying(0, 120, 4).read().counted).toBe(60);
  expect(saying(600, 60, 4).read().counted).toBe(30);
});

test('a burst of before -> nothing came, also where a statement is late', () => {
  expect(saying(3_000, 0, 2).read()).toMatchObject({ perMinute: 2539.45, counted: 0 });
  expect(saying(100_000, 0, 2, 300).read().counted).toBe(0);
});

test('one statement, or a stored one and one -> not known', () => {
  expect(saying(60, 60, 1).read()).toEqual({ perMinute: 60, counted: undefined });
  const load = new BrokerLoad();
  load.take(said(0, '60', true));
  load.take(said(5_000, '120'));
  load.take(said(9_000, 'none'));
  expect(load.read()).toEqual({ perMinute: 120, counted: undefined });
});
