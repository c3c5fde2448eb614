import { expect, test } from 'vitest';
import { Window } from '../../src/mqtt/window.ts';

function entered(window: Window, count: number) {
  const started: number[] = [];
  const quits = Array.from({ length: count }, (_, n) => window.enter(() => started.push(n)));
  return { started, quits };
}

test('window: room -> starts at once, past its size waits, in order', () => {
  const window = new Window(2);
  const { started } = entered(window, 5);
  expect(started).toEqual([0, 1]);
  window.leave();
  expect(started).toEqual([0, 1, 2]);
  window.leave();
  window.leave();
  expect(started).toEqual([0, 1, 2, 3, 4]);
});

test('window: everyone has left -> all of it is free again', () => {
  const window = new Window(3);
  entered(window, 3);
  for (let n = 0; n < 3; n += 1) window.leave();
  expect(entered(window, 4).started).toEqual([0, 1, 2]);
});

test('window: quit while waiting -> never starts, the next one does', () => {
  const window = new Window(1);
  const { started, quits } = entered(window, 3);
  quits[1]?.();
  window.leave();
  expect(started).toEqual([0, 2]);
});

test('window: quit once started -> changes nothing', () => {
  const window = new Window(1);
  const { started, quits } = entered(window, 2);
  quits[0]?.();
  quits[0]?.();
  expect(started).toEqual([0]);
  window.leave();
  quits[1]?.();
  expect(started).toEqual([0, 1]);
  window.leave();
  expect(entered(window, 2).started).toEqual([0]);
});

test('window: thousands leave as soon as they start -> no stack overflow', () => {
  const window = new Window(1);
  let started = 0;
  window.enter(() => {});
  for (let n = 0; n < 1_000; n += 1) {
    window.enter(() => {
      started += 1;
      window.leave();
    });
  }
  window.leave();
  expect(started).toBe(1_000);
});

test('window: by cost -> no more than its size at once, one alone whatever its cost', () => {
  const window = new Window(10);
  const started: number[] = [];
  for (const cost of [6, 4, 1, 30, 2]) window.enter(() => started.push(cost), cost);
  expect(started).toEqual([6, 4]);
  expect(window.admit(0)).toBe(false);
  window.leave(6);
  expect(started).toEqual([6, 4, 1]);
  window.leave(4);
  window.leave(1);
  expect(started).toEqual([6, 4, 1, 30]);
  window.leave(30);
  expect(started).toEqual([6, 4, 1, 30, 2]);
  expect(window.admit(8)).toBe(true);
  expect(window.admit(1)).toBe(false);
});

test('window: the one that waits for much room quits -> those behind it start', () => {
  const window = new Window(10);
  const started: number[] = [];
  window.enter(() => started.push(6), 6);
  const quit = window.enter(() => started.push(9), 9);
  window.enter(() => started.push(3), 3);
  expect(started).toEqual([6]);
  quit();
  expect(started).toEqual([6, 3]);
});
