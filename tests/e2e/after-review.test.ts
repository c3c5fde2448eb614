// Found by a review: what is piped in one write, on the built program, and results that must say why they are short.
import { randomUUID } from 'node:crypto';
import { expect, inject, test } from 'vitest';
import { listen, open, prefix, publish } from '../support/fake-caller.ts';
import { type Fields, Script } from '../support/fake-host.ts';
import { dig } from '../support/streams.ts';
import { bench, LAB } from '../tools/bench.ts';

/** Requests in one write; their ids are 1001 and up. */
function pipe({ daemon }: Script, requests: [string, Fields][]): number[] {
  const ids = requests.map((_, n) => 1001 + n);
  daemon.send(...requests.map(([method, params], n) => ({ jsonrpc: '2.0', id: ids[n], method, params })));
  return ids;
}

const lab = { session_id: 'lab' };
const establish = (more: Fields = {}): [string, Fields] => [
  'establish_connection',
  { connection_string: inject('mqttUrl'), name: 'lab', ...more },
];

const ways = (['a session that connects', 'a live one'] as const).flatMap((way) =>
  ([0, 1, 2] as const).map((qos) => [way, qos] as const),
);
test.each(ways)('publish and close piped at once to %s, QoS %i -> published, then closed', async (way, qos) => {
  const topic = prefix();
  const ear = await listen(await open(inject('mqttUrl')), topic, { qos: 2 });
  const script = new Script();
  const live = way === 'a live one';
  if (live) await script.connect('lab', inject('mqttUrl'));
  const writes: [string, Fields][] = [
    ['publish_message', { ...lab, topic, payload: 'x', qos }],
    ['close_connection', lab],
  ];
  const ids = pipe(script, live ? writes : [establish(), ...writes]);
  const answers = await Promise.all(ids.map((id) => script.resultOf(id)));
  expect(answers.map(({ status }) => status)).toEqual([...(live ? [] : ['connected']), 'published', 'closed']);
  await ear.heard(1);
  expect(ear.texts()).toEqual([`${topic}=x`]);
  await script.end();
});

test('closed in mid-collection, messages queued meanwhile -> stopped and said why; then they come, once', async () => {
  const at = prefix();
  const script = new Script();
  const kept = establish({ client_id: randomUUID(), clean_start: false, session_expiry_seconds: 300 });
  const collect = { ...lab, topic_pattern: `${at}/#`, qos: 1, duration_seconds: 10, max_messages: 3 };
  await script.result(...kept);
  const collecting = script.send('subscribe_and_collect', collect);
  await script.subscribed('lab', `${at}/#`);
  await script.result('close_connection', lab);
  const closed = await script.resultOf(collecting);
  expect(closed).toMatchObject({ stopped_by: 'disconnected', original_message_count: 0 });
  expect(closed.notes).toContain('It ended early: the session was closed.');

  const other = await open(inject('mqttUrl'));
  for (const text of ['1', '2', '3']) await publish(other, `${at}/${text}`, text);
  const [, again = 0] = pipe(script, [kept, ['subscribe_and_collect', collect]]);
  const { messages, ...result } = await script.resultOf(again);
  expect(result).toMatchObject({ stopped_by: 'max_messages', original_message_count: 3 });
  expect([0, 1, 2].map((n) => dig(messages, n, 'topic'))).toEqual(['1', '2', '3'].map((text) => `${at}/${text}`));
  await script.end();
});

test('eight publishes of 1 MiB piped at once, to a broker that reads -> all published', async () => {
  const script = new Script();
  await script.connect('lab', inject('mqttUrl'));
  const payload = 'x'.repeat(1024 * 1024);
  const topic = prefix();
  const ids = pipe(
    script,
    Array.from({ length: 8 }, (_, n) => ['publish_message', { ...lab, topic, payload, qos: n % 2 }]),
  );
  for (const id of ids) expect(await script.resultOf(id)).toMatchObject({ status: 'published' });
  await script.end();
});

test('list_topics: names so long that an answer holds fewer than asked for -> a note says so', async () => {
  const { session, call } = bench();
  const running = call('list_topics', { session_id: LAB, duration_seconds: 0 });
  await expect.poll(() => session.listened).toHaveLength(1);
  const long = 'x'.repeat(30_000);
  for (let n = 100; n < 250; n += 1) session.speak(`${n}/${long}`, '', { retain: true });
  session.endRetained({ complete: true, evidence: 'ordered' });
  const result = await running;
  expect(result).toMatchObject({ total_topics: 150, truncated: true, retained_complete: true });
  expect(result.topic_count).toBeLessThan(150);
  expect(result.topics).toHaveLength(Number(result.topic_count));
  expect(result.notes).toContainEqual(expect.stringMatching(/^Fewer are listed .* at most 4 MiB\.$/));
});
