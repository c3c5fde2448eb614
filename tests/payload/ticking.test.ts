import { expect, test } from 'vitest';
import { isClockName, isFine, isTick } from '../../src/payload/ticking.ts';

test.each([
  [1, 2, 5_000, true],
  [100, 160, 60_000, true],
  [1_700_000_000_000, 1_700_000_001_010, 1_000, true],
  ['2026-01-02T03:04:05Z', '2026-01-02T03:04:06Z', 1_000, true],
  ['03:04:05', '03:04:06', 1_000, true],
  [10, 200, 5_000, false],
  [10, 29, 1_000, false],
  ['1_fill', '2_heat', 1_000, false],
  [false, true, 1_000, false],
])('%j to %j within %i ms -> a tick: %j', (before, after, ms, tick) => {
  expect(isTick(before, after, ms)).toBe(tick);
});

test('names that tell the time or count messages; names whose small steps matter', () => {
  expect(['$.uptime_s', '$.seq', '$.meta.timestamp', '$.last_seen', '$.UptimeSec'].map(isClockName)).not.toContain(
    false,
  );
  expect(['$.level', '$.program', '$.temperature', '$.discount'].map(isClockName)).not.toContain(true);
  expect(['$.lat', '$.gps.longitude', '$.setpoint', '$.opened', '$.target_temp'].map(isFine)).not.toContain(false);
  expect(['$.temperature', '$.flat', '$.state'].map(isFine)).not.toContain(true);
});
