// Long verdicts leave room for others: by what their steps cost, never by a clock.
import { expect, test, vi } from 'vitest';
import { createIdentity } from '../../src/conventions/identity.ts';
import { findingSteps, findingsOf } from '../../src/findings/index.ts';
import { DeviceWatch } from '../../src/tools/device-watch.ts';
import { inSlices, SLICE_COST } from '../../src/tools/slices.ts';
import { messageOf, T0 } from '../support/device.ts';
import { room } from '../support/room.ts';

const never = new AbortController().signal;

/** A device of `topics` topics that each sent `each` messages of `fields` fields. */
function loaded(topics: number, each: number, fields: number) {
  const watch = new DeviceWatch(createIdentity('pump-77'), room());
  for (let n = 0; n < each; n++) {
    const payload = Object.fromEntries(Array.from({ length: fields }, (_, i) => [`field_${i}`, ((i + 1) * n) % 97]));
    for (let topic = 0; topic < topics; topic++) {
      watch.take(messageOf({ t: n / 20, topic: `lab/pump-77/${topic}/data`, payload }));
    }
  }
  return watch;
}

function costs<T>(work: Generator<number, T>): { all: number[]; result: T } {
  const all: number[] = [];
  for (let step = work.next(); ; step = work.next()) {
    if (step.done) return { all, result: step.value };
    all.push(step.value);
  }
}

test.each([
  [15, 400, 8],
  [1_000, 6, 40],
])('%i topics of %i messages -> judged in steps of one message, or one rule on one topic', (topics, each, fields) => {
  const watch = loaded(topics, each, fields);
  const timeline = costs(watch.timelineSteps());
  const { series } = timeline.result;
  expect(timeline.all.length).toBeGreaterThanOrEqual(topics * each);
  const view = { began: T0, ended: T0 + 30_000, series, claims: [], lossy: false };
  const steps = costs(findingSteps(view));
  expect(steps.all.length).toBeGreaterThan(topics * each + 15 * topics);
  // Of whole devices, steps cost more; they are a dozen.
  const long = [...timeline.all, ...steps.all].filter((cost) => cost > each * (fields + 1) + 100 * fields);
  expect(long.length).toBeLessThanOrEqual(15);
  expect(steps.result).toEqual(findingsOf(view));
});

test('work of many steps -> the event loop turns after SLICE_COST of them; an abort ends it there', async () => {
  let done = 0;
  function* work(): Generator<number, string> {
    for (; done < 1_000; done++) yield SLICE_COST / 10;
    return 'over';
  }
  const seen: number[] = [];
  let watching = true;
  const look = () => {
    seen.push(done);
    if (watching) setImmediate(look);
  };
  setImmediate(look);
  expect(await inSlices(work(), never)).toBe('over');
  watching = false;
  expect(seen.length).toBeGreaterThanOrEqual(99);
  for (const [i, at] of seen.entries()) expect(at - (seen[i - 1] ?? 0)).toBeLessThanOrEqual(20);
  done = 0;
  const controller = new AbortController();
  const running = inSlices(work(), controller.signal);
  controller.abort(new Error('nobody waits'));
  await expect(running).rejects.toThrow('nobody waits');
  expect(done).toBeLessThan(20);
});

test('little work -> done at once, without a turn of the event loop', async () => {
  const turns = vi.fn();
  const immediate = setImmediate(turns);
  function* work(): Generator<number, string> {
    yield 1;
    return 'over';
  }
  expect(await inSlices(work(), never)).toBe('over');
  expect(turns).not.toHaveBeenCalled();
  clearImmediate(immediate);
});
