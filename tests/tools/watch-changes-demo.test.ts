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
    say: (session) => session.speak(topic, payload, { retain: true }),
  }));
  for (let turn = 0; turn < rounds * fleet.size; turn++) {
    const at = Math.round((turn * 1_000) / fleet.size + jitter * late()) + 50;
    const said = fleet.beat();
    sayings.push({ at, say: (session) => said.forEach(({ topic, payload }) => session.speak(topic, payload)) });
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
