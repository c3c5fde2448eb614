// The end of a window, in every tool that has one: what was read by then is in the result.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ToolName } from '../../src/generated/definitions.ts';
import { bench, type Fields, LAB } from './bench.ts';

beforeEach(() => {
  vi.useFakeTimers({
    now: Date.UTC(2026, 0, 2),
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
  });
});
afterEach(() => {
  vi.useRealTimers();
});

const at = (result: Fields, ...path: string[]) => path.reduce((value: unknown, key) => Object(value)[key], result);

test.each<[ToolName, Fields, (result: Fields) => unknown]>([
  ['subscribe_and_collect', { topic_pattern: 'pump7/#' }, (result) => result.original_message_count],
  ['watch_changes', { topic_patterns: ['pump7/#'] }, (result) => result.message_count],
  ['get_topic_schema', { topic_pattern: 'pump7/#' }, (result) => result.received_count],
  ['monitor_performance', { topic_pattern: 'pump7/#' }, (result) => at(result, 'throughput_metrics', 'messages')],
  ['debug_device', { device_id: 'pump7' }, (result) => at(result, 'device_topics', '0', 'live_messages')],
])(
  '%s: read before the end and told after it -> in the result; not told for 2 s -> a note',
  async (tool, args, count) => {
    for (const told of [true, false]) {
      const { session, call } = bench();
      let settle = () => {};
      session.settled = new Promise((resolve) => {
        settle = resolve;
      });
      const running = call(tool, { session_id: LAB, duration_seconds: 10, ...args });
      await vi.advanceTimersByTimeAsync(9_000);
      session.speak('pump7/state', '1');
      await vi.advanceTimersByTimeAsync(2_000);
      session.speak('pump7/state', '2');
      if (told) settle();
      await vi.advanceTimersByTimeAsync(10_000);
      const result = await running;
      expect(count(result)).toBe(2);
      const notes = JSON.stringify(result.notes);
      if (told) expect(notes).not.toContain('were not looked at');
      else expect(notes).toContain('were not looked at');
    }
  },
);
