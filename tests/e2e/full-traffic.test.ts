// Five sessions that all read a busy broker at once, through the built program: what it has in memory at most.
import { readFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { startMosquitto } from '../support/broker.ts';
import { prefix } from '../support/fake-caller.ts';
import { type Fields, Script } from '../support/fake-host.ts';
import { startFlood } from '../support/flood.ts';

/** product.md, Limits: 128 MB with five sessions at full traffic. */
const MOST_BYTES = 128e6;
const SESSIONS = ['one', 'two', 'three', 'four', 'five'];
const RATE = 10_000;
const MESSAGES = 80_000;
const TOPICS = 500;

test.runIf(process.platform === 'linux')(
  'five sessions, each with a whole window and one other tool on a flood -> 128 MB are never passed',
  async () => {
    const at = prefix();
    const broker = await startMosquitto({ config: 'max_queued_messages 0\nmax_queued_bytes 0' });
    onTestFinished(broker.stop);
    const script = new Script();
    for (const name of SESSIONS) await script.connect(name, broker.url);
    const windows = SESSIONS.map((session_id) =>
      script.send('subscribe_and_collect', { ...listening(session_id, `${at}/#`), whole_window: true }),
    );
    for (const name of SESSIONS) await script.subscribed(name, `${at}/#`);
    const beside = SESSIONS.map((session_id, i) => script.send(...listener(i, session_id, `${at}/+`)));
    const text = 'x'.repeat(150);
    const messages = Array.from({ length: MESSAGES }, (_, seq): [string, string] => {
      const payload = seq % 1_000 === 0 ? 'y'.repeat(50_000) : JSON.stringify({ seq, value: seq % 97, text });
      return [`${at}/${seq % TOPICS}`, payload];
    });
    const flood = await startFlood(broker.port, messages, RATE);
    await flood.over;
    for (const id of windows) {
      // On a machine with much else to do the flood outlasts the window; whole-window.test.ts counts to the last one.
      const { original_message_count } = await script.resultOf(id);
      expect(original_message_count).toBeGreaterThan(MESSAGES / 8);
      expect(original_message_count).toBeLessThanOrEqual(MESSAGES);
    }
    for (const id of beside) await script.resultOf(id);
    const { pid } = script.daemon.child;
    const peak = Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
    expect(peak).toBeLessThan(MOST_BYTES);
    await script.end();
  },
);

const listening = (session_id: string, topic_pattern: string): Fields => ({
  session_id,
  topic_pattern,
  duration_seconds: 20,
});

function listener(i: number, session_id: string, filter: string): [string, Fields] {
  const brief = { session_id, duration_seconds: 8 };
  const all: [string, Fields][] = [
    ['list_topics', { ...brief, pattern: filter }],
    ['watch_changes', { ...brief, topic_patterns: [filter] }],
    ['get_topic_schema', { ...brief, topic_pattern: filter }],
    ['monitor_performance', { ...brief, topic_pattern: filter }],
    ['subscribe_and_collect', listening(session_id, filter)],
  ];
  return all[i] ?? ['ping', {}];
}
