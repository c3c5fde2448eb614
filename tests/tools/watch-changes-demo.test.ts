// What watch_changes tells of many devices at once: the demo's, over many seeds, as fast as the clock can be turned.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createFleet } from '../../src/demo/fleet.ts';
import { randomFor } from '../../src/demo/random.ts';
import type { FakeSession } from '../support/fake-pool.ts';
import { bench, type Fields, LAB } from './bench.ts';

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 2) });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Ms since the watch began; ascending. */
type Saying = { at: number; say: (session: FakeSession) => void };

async function watched(sayings: Saying[], args: Fields = {}): Promise<Fields> {
  const { session, call } = bench();
  const all = { session_id: LAB, topic_patterns: ['#'], duration_seconds: 60, ...args };
  const running = call('watch_changes', all);
  await vi.dynamicImportSettled();
  await vi.advanceTimersByTimeAsync(0);
  let now = 0;
  for (const { at, say } of sayings.toSorted((a, b) => a.at - b.at)) {
    await vi.advanceTimersByTimeAsync(at - now);
    now = at;
    say(session);
  }
  await vi.advanceTimersByTimeAsync(300_000);
  return running;
}

/** The demo's devices, a beat a second each, up to `jitter` ms late. */
function demo(seed: number, jitter: number, rounds: number): Saying[] {
  const fleet = createFleet(seed, 1_000);
  const late = randomFor(seed, 'jitter');
  const sayings: Saying[] = fleet.start().map(({ topic, payload }) => ({
    at: 0,
    say: (session) => session.speak(topic, Buffer.from(payload), { retain: true }),
  }));
  for (let turn = 0; turn < rounds * fleet.size; turn++) {
    const at = Math.round((turn * 1_000) / fleet.size + jitter * late()) + 50;
    const said = fleet.beat();
    for (const { topic, payload } of said)
      sayings.push({ at, say: (session) => session.speak(topic, Buffer.from(payload)) });
  }
  return sayings;
}

/** A button that is pressed now and then, and a lamp that obeys. */
function button(seed: number): Saying[] {
  const next = randomFor(seed, 'button');
  let at = 0;
  return Array.from({ length: 8 }, (_, n) => {
    at += Math.round(800 + next() * 5_000);
    const lag = 150 + Math.round(next() * 60);
    return [
      { at, say: (session: FakeSession) => session.speak('own/button', String(n)) },
      { at: at + lag, say: (session: FakeSession) => session.speak('own/lamp', n % 2 === 0 ? 'ON' : 'OFF') },
    ];
  }).flat();
}

const pairsOf = ({ lags }: Fields) =>
  Object.values(Object(lags)).map((lag) => `${Object(lag).leader} -> ${Object(lag).follower}`);

const sizeOf = (result: unknown) => Math.ceil(Buffer.byteLength(JSON.stringify(result)) / 4);

describe('by default, under 3,000 tokens, four bytes each', () => {
  const event = { topic_pattern: 'home/+/+/+' };
  test.each<[string, Fields]>([
    ['devices alone', {}],
    ['around events', { event }],
    ['every step told', { noise_percent: 0, event }],
  ])('%s', async (_what, args) => {
    for (let seed = 1; seed <= 3; seed++) {
      const result = await watched([...demo(seed, 200, 50), ...button(seed)], args);
      expect(sizeOf(result)).toBeLessThan(3_000);
      expect(Object.keys(Object(result.timeline)).length).toBeGreaterThan(15);
    }
  });

  test('documents of many fields that all change, on long names -> fewer lines, the rest counted', async () => {
    const wide = (n: number) => JSON.stringify(Array.from({ length: 30 }, (_, i) => `${i * n} ${'x'.repeat(150)}`));
    const sayings = Array.from({ length: 60 }, (_, n) => ({
      at: n * 100,
      say: (session: FakeSession) => session.speak(`${'long/'.repeat(90)}${n % 30}`, wide(n)),
    }));
    const result = await watched(sayings, { event: { topic_pattern: '#' } });
    expect(sizeOf(result)).toBeLessThan(3_000);
    expect(result).toMatchObject({ change_count: 60, event_count: 60 });
    expect(result.notes).toContainEqual(expect.stringMatching(/^\d+ of 60 changes are not shown/));
  });

  test('more changes asked for -> they come', async () => {
    const result = await watched(demo(1, 200, 50), { return_changes: 200, noise_percent: 0 });
    expect(Object.keys(Object(result.timeline)).length).toBe(200);
  });
});

describe('what moves together', () => {
  test.each([[0], [200], [500]])(
    'devices that are well, each on its own, %i ms of jitter -> nothing',
    async (jitter) => {
      for (let seed = 1; seed <= 8; seed++) {
        for (const rounds of [12, 30]) {
          expect(pairsOf(await watched(demo(seed, jitter, rounds))), `seed ${seed}, ${rounds} rounds`).toEqual([]);
        }
      }
    },
  );

  test('a button and the lamp that obeys it, among them -> that, and nothing else', async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const result = await watched([...demo(seed, 200, 30), ...button(seed)]);
      expect(pairsOf(result), `seed ${seed}`).toEqual(['own/button -> own/lamp']);
    }
  });

  test('thirty topics that change when they like -> nothing', async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const sayings = Array.from({ length: 30 }, (_, topic) => {
        const next = randomFor(seed, `topic ${topic}`);
        let at = 0;
        return Array.from({ length: 12 }, (_, n) => {
          at += Math.round(20 + next() * 5_000);
          return { at, say: (session: FakeSession) => session.speak(`own/${topic}`, `${n}`) };
        });
      });
      expect(pairsOf(await watched(sayings.flat())), `seed ${seed}`).toEqual([]);
    }
  });
});
