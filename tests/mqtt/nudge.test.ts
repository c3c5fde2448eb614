import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Nudge } from '../../src/mqtt/nudge.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function nudged() {
  let sent = 0;
  const nudge = new Nudge(() => {
    sent += 1;
  });
  return { nudge, sent: () => sent };
}

test('nobody in a hurry -> nothing is sent', () => {
  const { nudge, sent } = nudged();
  nudge.poke();
  nudge.hurry()();
  nudge.poke();
  expect(sent()).toBe(0);
});

test('chunk after chunk -> one at once, and one in two milliseconds', () => {
  const { nudge, sent } = nudged();
  nudge.hurry();
  nudge.poke();
  expect(sent()).toBe(1);
  for (let ms = 0; ms < 100; ms += 1) {
    nudge.poke();
    vi.advanceTimersByTime(1);
  }
  expect(sent()).toBe(51);
  vi.advanceTimersByTime(100);
  expect(sent()).toBe(51);
});

test('two in a hurry, one is through, and says so twice -> goes on for the other', () => {
  const { nudge, sent } = nudged();
  const calm = nudge.hurry();
  nudge.hurry();
  calm();
  calm();
  nudge.poke();
  expect(sent()).toBe(1);
});
