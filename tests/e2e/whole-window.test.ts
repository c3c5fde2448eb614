// A busy broker through the built program: everything counted, nothing lost, and the program stays answerable.
import { once } from 'node:events';
import { connect } from 'node:net';
import mqtt from 'mqtt';
import { generate } from 'mqtt-packet';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type MosquittoOptions, startMosquitto } from '../support/broker.ts';
import { prefix } from '../support/fake-caller.ts';
import { type Fields, Script } from '../support/fake-host.ts';
import { startFlood } from '../support/flood.ts';

const RATE = 15_000;
const MESSAGES = 30_000;
const TOPICS = 20;
/** No message is dropped for being too many: what is missing is missing here. */
const unlimited = { config: 'max_queued_messages 0\nmax_queued_bytes 0' };

async function mosquitto(options?: MosquittoOptions) {
  const broker = await startMosquitto(options);
  onTestFinished(broker.stop);
  return broker;
}

const whole = (topic_pattern: string, more: Fields = {}): Fields => ({
  session_id: 'lab',
  topic_pattern,
  duration_seconds: 10,
  whole_window: true,
  ...more,
});

const list = ({ messages }: Fields): Fields[] => (Array.isArray(messages) ? messages : []);
const payloadOf = ({ payload }: Fields): Fields => Object(payload);

test('a flood -> counted and sized exactly, match apart, errors found, ping answered meanwhile, pages without gaps', async () => {
  const at = prefix();
  const broker = await mosquitto(unlimited);
  const script = new Script();
  await script.connect('lab', broker.url);
  const [all, hot, fault] = [{}, { match: '$[?@.value >= 90]' }, { match: '"status":"fa.lt"' }].map((more) =>
    script.send('subscribe_and_collect', whole(`${at}/#`, more)),
  );
  await script.subscribed('lab', `${at}/#`);
  const messages = Array.from({ length: MESSAGES }, (_, seq): [string, string] => {
    const status = seq % 5_000 === 1_234 ? 'fault' : 'ready';
    return [
      `${at}/${seq % TOPICS}`,
      JSON.stringify({ seq, value: seq % 100, status, unit: 'celsius'.padEnd(150, '.') }),
    ];
  });
  const flood = await startFlood(broker.port, messages, RATE);
  let pings = 0;
  for (; flood.running; pings += flood.running ? 1 : 0) await script.result('ping');
  expect(pings).toBeGreaterThan(3);
  await flood.over;

  const result = await script.resultOf(all ?? 0);
  const perTopic = (total: number) =>
    Object.fromEntries(Array.from({ length: TOPICS }, (_, i) => [`${at}/${i}`, total / TOPICS]));
  expect(result).toMatchObject({ original_message_count: MESSAGES, message_count: 50, topics: perTopic(MESSAGES) });
  const size = (topic: string) =>
    messages.filter(([one]) => one === topic).reduce((sum, [, { length }]) => sum + length, 0);
  const topic = `${at}/7`;
  expect(Object(result.topic_bytes)[topic]).toBe(size(topic));
  const faults = Array.from({ length: MESSAGES / 5_000 }, (_, i) => i * 5_000 + 1_234);
  const errors = list(result).filter(({ kept_because }) => kept_because === 'error');
  expect(errors.map((one) => payloadOf(one).seq)).toEqual(faults);
  expect(payloadOf(list(result)[0] ?? {}).seq).toBe(0);
  expect(payloadOf(list(result).at(-1) ?? {}).seq).toBe(MESSAGES - 1);

  const seen = list(result).map((one) => payloadOf(one).seq);
  const others = await paged(script, result.next_cursor);
  const held = [...seen, ...others.map((one) => payloadOf(one).seq)];
  expect(new Set(held).size).toBe(held.length);
  expect(held.length).toBeGreaterThan(150);
  expect(held.length).toBeLessThanOrEqual(500);
  for (const one of [...others, ...(await paged(script, result.whole_cursor))]) {
    expect(messages[Number(payloadOf(one).seq)]?.[1]).toBe(JSON.stringify(one.payload));
  }

  expect(await script.resultOf(hot ?? 0)).toMatchObject({
    original_message_count: MESSAGES,
    matched_count: MESSAGES / 10,
  });
  const found = await script.resultOf(fault ?? 0);
  expect(found).toMatchObject({
    original_message_count: MESSAGES,
    matched_count: faults.length,
    topics: perTopic(MESSAGES),
  });
  expect(list(found).map((one) => payloadOf(one).seq)).toEqual(faults);
});

/** Everything behind a cursor, in time order within each page. */
async function paged(script: Script, cursor: unknown): Promise<Fields[]> {
  const found: Fields[] = [];
  for (let next = cursor; next !== undefined; ) {
    const page = await script.result('subscribe_and_collect', { session_id: 'lab', cursor: next });
    const offsets = list(page).map(({ offset_ms }) => Number(offset_ms));
    expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
    found.push(...list(page));
    next = page.next_cursor;
  }
  return found;
}

describe('QoS 1, a broker that keeps sessions', () => {
  const EACH = 180;

  test.each(['SIGTERM', 'SIGKILL'] as const)(
    'restarted by %s inside a window -> every message that was acknowledged to its sender is counted',
    async (signal) => {
      const at = prefix();
      const broker = await mosquitto({ persistence: true });
      const script = new Script();
      const keeping = { clean_start: false, session_expiry_seconds: 300, client_id: 'collector' };
      await script.connect('lab', broker.url, keeping);
      const window = script.send('subscribe_and_collect', whole(`${at}/+`, { qos: 1 }));
      await script.subscribed('lab', `${at}/+`);

      const sender = await mqtt.connectAsync(broker.url, { clientId: 'sender', clean: false, reconnectPeriod: 50 });
      onTestFinished(() => sender.endAsync(true));
      const send = async (n: number) => {
        await sender.publishAsync(`${at}/${n}`, JSON.stringify({ n }), { qos: 1 });
      };
      for (let n = 0; n < EACH / 3; n += 1) await send(n);
      // What a broker acknowledged, and neither saved nor passed on when it is killed, is its own loss.
      while (Number((await script.session('lab')).messages_received) < EACH / 3);
      // Under way when it goes, and sent while it is away: mqtt.js sends again what was not acknowledged.
      const more = () => Array.from({ length: EACH / 3 }, (_, n) => send(EACH / 3 + n));
      const underWay = signal === 'SIGTERM' ? more() : [];
      await broker.kill(signal);
      if (signal === 'SIGKILL') underWay.push(...more());
      const meanwhile = Array.from({ length: EACH / 3 }, (_, n) => send((2 * EACH) / 3 + n));
      await broker.restart();
      await Promise.all([...underWay, ...meanwhile]);

      const result = await script.resultOf(window);
      // More topics than are named: each is in one message, and all of those are held.
      const held = [...list(result), ...(await paged(script, result.next_cursor))];
      const seen = new Set(held.map(({ topic }) => topic));
      const missing = Array.from({ length: EACH }, (_, n) => `${at}/${n}`).filter((topic) => !seen.has(topic));
      expect(missing).toEqual([]);
      expect(result.stopped_by).toBe('duration');
      expect(result.notes).toContainEqual(expect.stringMatching(/connection was down for/));
    },
  );
});

test('the broker drops messages to a slow reader inside a window -> the result says so, with the number', async () => {
  const at = prefix();
  const broker = await mosquitto({ config: 'max_queued_messages 10' });
  const script = new Script();
  await script.connect('lab', broker.url);
  const window = script.send('subscribe_and_collect', whole(`${at}/none`));
  await script.subscribed('lab', '$SYS/broker/publish/messages/dropped');
  const slow = connect({ port: broker.port, host: '127.0.0.1' });
  onTestFinished(() => void slow.destroy());
  await once(slow, 'connect');
  slow.write(generate({ cmd: 'connect', clientId: 'slow', protocolVersion: 4, keepalive: 0, clean: true }));
  await once(slow, 'data');
  slow.write(generate({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: `${at}/#`, qos: 0 }] }));
  await once(slow, 'data');
  slow.pause();
  const text = 'x'.repeat(4_000);
  const messages = Array.from({ length: 10_000 }, (): [string, string] => [`${at}/much`, text]);
  await (await startFlood(broker.port, messages, 10_000)).over;
  const { notes } = await script.resultOf(window);
  const note = (Array.isArray(notes) ? notes.map(String) : []).find((one) => one.includes('$SYS'));
  const dropped = Number(/dropped (\d+) messages/.exec(note ?? '')?.[1]);
  expect(dropped).toBeGreaterThan(0);
  expect(dropped).toBeLessThanOrEqual(messages.length);
});
