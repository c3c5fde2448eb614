import { expect, test } from 'vitest';
import { ProbeLog } from '../../src/mqtt/probes.ts';

const probe = (topic: string, at: number, came = true) => ({ topic, at, acknowledged: true, came });

test('the last probe of each topic, the latest first, for ten minutes', () => {
  const log = new ProbeLog();
  log.note(probe('a', 0));
  log.note(probe('b', 1_000));
  log.note(probe('a', 2_000, false));
  expect(log.recent(3_000)).toEqual([probe('a', 2_000, false), probe('b', 1_000)]);
  expect(log.recent(601_500)).toEqual([probe('a', 2_000, false)]);
});

test('more topics than are remembered -> the latest twenty', () => {
  const log = new ProbeLog();
  for (let n = 0; n < 50; n++) log.note(probe(`t/${n}`, n));
  expect(log.recent(50).map(({ topic }) => topic)).toEqual(Array.from({ length: 20 }, (_, i) => `t/${49 - i}`));
});
