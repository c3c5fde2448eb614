// What each tool's answer costs the assistant on ordinary traffic, by default: the demo's, on the built program.
import { expect, test } from 'vitest';
import { facts } from '../../src/generated/facts.ts';
import { type Fields, Script } from '../support/fake-host.ts';

const SESSION = { session_id: 'demo' };
const WINDOW = { ...SESSION, duration_seconds: 12 };
const LAMP = 'home/livingroom/lamp';
const ALL = { topic_pattern: '#' };

/** Tokens, of four bytes. */
const MOST = 3_000;
/**
 * Exactly 50 messages come back, and of each the fields that every message has cost 43 tokens and a name of the demo 8:
 * 2,500 before any payload (800) and the counts of 38 topics (600). Further messages do not add to it.
 */
const EXCEPTIONS: Record<string, number> = { subscribe_and_collect: 4_300 };

type Answer = [tool: string, what: string, answer: Fields];

/** What all of them answer with defaults but for the window. */
async function answersOfAll(): Promise<Answer[]> {
  const script = new Script({ args: ['--demo'] });
  const answers: Answer[] = [];
  const ask = async (name: string, args: Fields = {}, what = 'defaults') => {
    answers.push([name, what, await script.result(name, args)]);
  };
  const order = { ...SESSION, topic: `${LAMP}/set`, payload: { state: 'ON' } };
  const expected = { topic_pattern: `${LAMP}/state`, path: '$.state', equals: 'ON' };
  await ask('establish_connection', { profile: 'demo', name: 'demo' });
  await ask('list_active_connections');
  await Promise.all([
    ask('list_topics', SESSION),
    ask('subscribe_and_collect', { ...WINDOW, ...ALL }),
    ask('get_topic_schema', { ...WINDOW, ...ALL }),
    ask('debug_device', { ...WINDOW, device_id: 'lamp' }),
    ask('debug_device', { ...WINDOW, device_id: 'no-such-device' }, 'an unknown device'),
    ask('monitor_performance', { ...WINDOW, ...ALL }),
    ask('test_connection', { ...SESSION, probe_topic: 'probe' }),
    ask('watch_changes', { ...WINDOW, topic_patterns: ['#'] }),
    ask('watch_changes', { ...WINDOW, topic_patterns: ['#'], event: { topic_pattern: 'home/+/+/state' } }, 'an event'),
    ask('publish_message', order),
    ask('send_and_verify', { ...order, expect: expected }),
  ]);
  await ask('close_connection', SESSION);
  await script.end();
  return answers;
}

test('every tool -> an answer of under 3,000 tokens', async () => {
  const answers = await answersOfAll();
  expect(new Set(answers.map(([name]) => name))).toEqual(new Set(Object.keys(facts)));
  for (const [name, what, answer] of answers) {
    const tokens = Math.ceil(Buffer.byteLength(JSON.stringify(answer)) / 4);
    expect(tokens, `${name}, ${what}`).toBeLessThan(EXCEPTIONS[name] ?? MOST);
  }
}, 60_000);
