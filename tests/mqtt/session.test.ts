// One session, many listeners, on a real broker: who gets what.
import { beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { matches } from '../../src/mqtt/topic.ts';
import type { Qos } from '../../src/mqtt/types.ts';
import { startAedes } from '../support/fake-aedes.ts';
import { failure, listen, open, prefix, publish, signal } from '../support/fake-caller.ts';

let url = '';
beforeAll(() => {
  url = inject('mqttUrl');
});

const qosOf = (n: number): Qos => (n % 3 === 0 ? 0 : n % 3 === 1 ? 1 : 2);

describe.each([5, 4] as const)('MQTT version %i', (protocolVersion) => {
  const session = () => open(url, { protocolVersion });

  test('overlapping filters, publishes at the same time -> each listener gets exactly its own, once', async () => {
    const at = prefix();
    const one = await session();
    const topics = [`${at}/a/1`, `${at}/a/2`, `${at}/b/1`];
    for (const topic of topics) await publish(one, topic, 'kept', { retain: true });
    const filters = [`${at}/#`, `${at}/a/+`, `${at}/+/1`, `${at}/a/1`, `${at}/a/+`, `${at}/c/#`];
    const ears = await Promise.all(filters.map((filter, n) => listen(one, filter, { qos: qosOf(n) })));
    const ends = await Promise.all(ears.map((ear) => ear.retainedEnd));
    expect(ends).toEqual(filters.map(() => ({ complete: true, evidence: 'ordered' })));

    const sent = Array.from({ length: 60 }, (_, n) => ({
      topic: topics[n % 3] ?? '',
      text: `${n}`,
      qos: qosOf(n >> 2),
    }));
    await Promise.all(sent.map(({ topic, text, qos }) => publish(one, topic, text, { qos })));
    for (const [n, ear] of ears.entries()) {
      const filter = filters[n] ?? '';
      const stored = topics.filter((topic) => matches(filter, topic)).map((topic) => `${topic}=kept stored`);
      const live = sent.filter(({ topic }) => matches(filter, topic)).map(({ topic, text }) => `${topic}=${text}`);
      await ear.heard(stored.length + live.length);
      expect(ear.texts().toSorted()).toEqual([...stored, ...live].toSorted());
    }
  });

  test('listeners come and go while messages flow -> none is missed by who stays, none comes twice', async () => {
    const at = prefix();
    const one = await session();
    const stays = await listen(one, `${at}/#`, { retained: 'exclude' });
    for (let n = 0; n < 20; n += 1) {
      const [passing] = await Promise.all([listen(one, `${at}/+`), publish(one, `${at}/x`, `${n}`)]);
      const again = await listen(one, `${at}/#`);
      passing.close();
      again.close();
    }
    await stays.heard(20);
    expect(stays.texts()).toEqual(Array.from({ length: 20 }, (_, n) => `${at}/x=${n}`));
  });

  test('the same filter again, retained include -> the retained messages come once more, to the second alone', async () => {
    const at = prefix();
    const one = await session();
    await publish(one, `${at}/a`, 'kept', { retain: true });
    const first = await listen(one, `${at}/#`);
    await first.retainedEnd;
    const second = await listen(one, `${at}/#`);
    await second.retainedEnd;
    await publish(one, `${at}/a`, 'live');
    await Promise.all([first.heard(2), second.heard(2)]);
    const both = [`${at}/a=kept stored`, `${at}/a=live`];
    expect([first.texts(), second.texts()]).toEqual([both, both]);
  });

  test.each([
    ['include', ['kept stored', 'live']],
    ['exclude', ['live']],
    ['only', ['kept stored']],
  ] as const)('retained %s, beside a listener of the same filter -> %j', async (retained, expected) => {
    const at = prefix();
    const one = await session();
    await publish(one, at, 'kept', { retain: true });
    const beside = await listen(one, at);
    const ear = await listen(one, at, { retained });
    await ear.retainedEnd;
    await publish(one, at, 'live');
    await beside.heard(2);
    expect(ear.texts()).toEqual(expected.map((text) => `${at}=${text}`));
  });

  test('published with retain while we listen -> live, not stored', async () => {
    const at = prefix();
    const one = await session();
    const ear = await listen(one, at);
    await ear.retainedEnd;
    await publish(one, at, 'now', { retain: true });
    await ear.heard(1);
    expect(ear.texts()).toEqual([`${at}=now`]);
    expect(ear.messages[0]?.retain).toBe(false);
  });

  test('the last listener of a filter leaves -> UNSUBSCRIBE; before that, not', async () => {
    const at = prefix();
    const one = await session();
    const [first, second, other] = [
      await listen(one, `${at}/a`),
      await listen(one, `${at}/a`),
      await listen(one, `${at}/b`),
    ];
    first.close();
    first.close();
    expect(one.state().subscribedTopics).toEqual([`${at}/a`, `${at}/b`]);
    await publish(one, `${at}/a`, '1');
    await second.heard(1);
    second.close();
    expect(one.state().subscribedTopics).toEqual([`${at}/b`]);
    const before = one.state().messagesReceived;
    await publish(one, `${at}/a`, '2');
    await publish(one, `${at}/b`, '3');
    await other.heard(1);
    expect(one.state().messagesReceived - before).toBe(1);
    expect([first.texts(), second.texts()]).toEqual([[], [`${at}/a=1`]]);
  });

  test.each([0, 1, 2] as const)(
    'subscribed with QoS %i -> granted, and messages come with that at most',
    async (qos) => {
      const at = prefix();
      const one = await session();
      const ear = await listen(one, at, { qos });
      expect(ear.grantedQos).toBe(qos);
      for (const own of [0, 1, 2] as const) {
        await publish(one, at, `${own}`, { qos: own });
        await ear.heard(own + 1);
      }
      expect(ear.messages.map((message) => message.qos)).toEqual([0, Math.min(qos, 1), qos]);
    },
  );

  test('two members of a $share group, two sessions -> each message once, no retained one', async () => {
    const at = prefix();
    const [one, two] = [await session(), await session()];
    await publish(one, at, 'kept', { retain: true });
    const ears = [await listen(one, `$share/g/${at}`), await listen(two, `$share/g/${at}`)];
    for (const ear of ears) expect(await ear.retainedEnd).toEqual({ complete: true, evidence: 'ordered' });
    // Of its own: in one 3.1.1 session it would be refused.
    const witness = await listen(await session(), at, { retained: 'exclude' });
    for (let n = 0; n < 20; n += 1) await publish(one, at, `${n}`);
    await witness.heard(20);
    await expect.poll(() => ears.flatMap((ear) => ear.texts())).toHaveLength(20);
    const all = ears.flatMap((ear) => ear.texts()).toSorted();
    expect(all).toEqual(witness.texts().toSorted());
  });

  test('a share and a filter that overlaps it, one session -> apart with identifiers, refused without', async () => {
    const at = prefix();
    const one = await session();
    const plain = await listen(one, `${at}/+`);
    const share = `$share/g/${at}/#`;
    if (protocolVersion === 4) {
      expect(await failure(listen(one, share))).toMatchObject({ code: 'subscribe_denied', retryable: true });
      await listen(one, `$share/g/${at}-other/#`);
      expect((await failure(listen(one, `${at}-other/x`))).code).toBe('subscribe_denied');
      plain.close();
    }
    const shared = await listen(one, share);
    for (let n = 0; n < 5; n += 1) await publish(one, `${at}/x`, `${n}`);
    const texts = Array.from({ length: 5 }, (_, n) => `${at}/x=${n}`);
    await shared.heard(5);
    expect(shared.texts()).toEqual(texts);
    expect(plain.texts()).toEqual(protocolVersion === 4 ? [] : texts);
  });

  test('someone else asks for more of the same filter -> sharedQos says so, also when both have left', async () => {
    const at = prefix();
    const one = await session();
    const few = await listen(one, at);
    expect(few.sharedQos).toBe(0);
    const subscription = await one.listen(at, { qos: 0, retained: 'include', signal }, () => {});
    const more = await listen(one, at, { qos: 2 });
    expect(subscription.sharedQos).toBe(2);
    await publish(one, at, 'x', { qos: 2 });
    await few.heard(1);
    expect(few.messages[0]?.qos).toBe(2);
    more.close();
    few.close();
    subscription.close();
    expect(subscription.sharedQos).toBe(2);
  });

  test('what the session asks for itself -> neither counted nor remembered, unless a tool listens to it', async () => {
    const at = prefix();
    const one = await session();
    await publish(one, at, 'kept', { retain: true });
    const ear = await listen(one, `${at}/#`);
    await ear.retainedEnd;
    await one.census(false, signal);
    expect(one.state()).toMatchObject({ messagesReceived: 1, bytesReceived: 4, subscribedTopics: [`${at}/#`] });
    expect(one.known.startingWith('$SYS', 10).total).toBe(0);
    const sys = await listen(one, '$SYS/broker/version');
    await sys.retainedEnd;
    // Without identifiers the session's own copy of what a tool wants too looks the same.
    expect(one.state().messagesReceived).toBe(protocolVersion === 5 ? 2 : 3);
    expect(sys.messages).toHaveLength(1);
    await publish(one, at, '', { retain: true });
  });

  test('$SYS/# -> the broker speaks; # -> nothing that begins with $', async () => {
    const at = prefix();
    const one = await session();
    const [sys, all] = [await listen(one, '$SYS/#'), await listen(one, '#')];
    await sys.heard(5);
    await publish(one, at, 'x');
    await expect.poll(() => all.texts()).toContain(`${at}=x`);
    expect(sys.messages.every(({ topic }) => topic.startsWith('$SYS/'))).toBe(true);
    expect(all.messages.filter(({ topic }) => topic.startsWith('$'))).toEqual([]);
  });

  test('binary, empty and 1 MiB payloads -> byte for byte', async () => {
    const at = prefix();
    const one = await session();
    const ear = await listen(one, at);
    const payloads = [Buffer.from([0, 255, 128, 10]), Buffer.alloc(0), Buffer.alloc(1024 * 1024, 7)];
    for (const payload of payloads) await publish(one, at, payload);
    await ear.heard(3);
    expect(ear.messages.map(({ payload, size }) => payload.length === size)).toEqual([true, true, true]);
    expect(ear.messages.every(({ payload }, n) => payload.equals(payloads[n] ?? Buffer.of()))).toBe(true);
  });

  test.each([
    [800, { complete: true, evidence: 'ordered' }],
    [2_000, { complete: false, evidence: 'ordered', doubt: 'many' }],
  ])('%i retained topics -> all of them, in order; proven where no queue was ever full', async (count, end) => {
    const at = prefix();
    const one = await session();
    const topics = Array.from({ length: count }, (_, n) => `${at}/${n % 40}/${n}`);
    const clear = () => Promise.all(topics.map((topic) => publish(one, topic, '', { retain: true })));
    await Promise.all(topics.map((topic) => publish(one, topic, 'kept', { retain: true })));
    onTestFinished(async () => void (await clear()), 20_000);
    const ear = await listen(one, `${at}/#`);
    expect(await ear.retainedEnd).toEqual(end);
    expect(new Set(ear.messages.map(({ topic }) => topic))).toEqual(new Set(topics));
    expect(ear.messages).toHaveLength(count);
  });
});

test.each([5, 4] as const)(
  'version %i: a dump behind one that fills the socket -> all of it, or not called complete',
  async (v) => {
    // Mosquitto 2.0.11 answers the barrier of the second one before it sends any of it, and sends it only when pushed.
    const at = prefix();
    const feeder = await open(url);
    const topics = Array.from({ length: 200 }, (_, n) => `${at}/${n}/${'t'.repeat(60_000)}`);
    for (const topic of topics) await publish(feeder, topic, 'kept', { retain: true });
    onTestFinished(
      async () => void (await Promise.all(topics.map((one) => publish(feeder, one, '', { retain: true })))),
      20_000,
    );
    const one = await open(url, { protocolVersion: v });
    for (let round = 0; round < 3; round += 1) {
      const ears = await Promise.all([listen(one, `${at}/#`), listen(one, `${at}/#`), listen(one, `${at}/+/+`)]);
      const ends = await Promise.all(ears.map((ear) => ear.retainedEnd));
      for (const [n, ear] of ears.entries()) {
        if (ends[n]?.complete) expect(new Set(ear.messages.map(({ topic }) => topic)).size).toBe(200);
        ear.close();
      }
      expect(ends.filter(({ complete }) => complete).length).toBeGreaterThan(0);
    }
  },
);

test('MQTT 5 properties -> come in typed fields', async () => {
  const at = prefix();
  const one = await open(url);
  const ear = await listen(one, at);
  await publish(one, at, '{}', {
    properties: {
      content_type: 'application/json',
      response_topic: 'answers/1',
      correlation_data: 'é1',
      message_expiry_seconds: 60,
      user_properties: { unit: 'C', né: '' },
    },
  });
  await ear.heard(1);
  expect(ear.messages[0]?.properties).toEqual({
    content_type: 'application/json',
    response_topic: 'answers/1',
    correlation_data: Buffer.from('é1').toString('base64'),
    message_expiry_seconds: expect.any(Number),
    user_properties: { unit: 'C', né: '' },
  });
});

test.each(['a/#/b', 'a+', 'a\0b', '', '$share/g', 'x'.repeat(65_536)])(
  'listen: filter %j -> invalid_topic, nothing sent',
  async (filter) => {
    const one = await open(url);
    expect((await failure(listen(one, filter))).code).toBe('invalid_topic');
    expect(one.state().subscribedTopics).toEqual([]);
  },
);

test('listen: cancelled -> the subscription is gone', async () => {
  const one = await open(url);
  const controller = new AbortController();
  const listening = one.listen(prefix(), { qos: 0, retained: 'include', signal: controller.signal }, () => {});
  controller.abort(new Error('enough'));
  await expect(listening).rejects.toThrow('enough');
  expect(one.state().subscribedTopics).toEqual([]);
  const aborted = { qos: 0, retained: 'include', signal: AbortSignal.abort(new Error('enough')) } as const;
  await expect(one.listen(prefix(), aborted, () => {})).rejects.toThrow('enough');
  expect(one.state().subscribedTopics).toEqual([]);
});

test('end -> listeners are told, and everything after fails with not_connected', async () => {
  const at = prefix();
  const one = await open(url);
  const ear = await listen(one, at);
  await one.end('the session was closed');
  expect(await ear.lost).toBe('the session was closed');
  for (const call of [publish(one, at, 'x'), publish(one, at, 'x', { qos: 0 }), listen(one, at)]) {
    expect(await failure(call)).toMatchObject({ code: 'not_connected', retryable: false });
  }
  expect(one.state()).toMatchObject({ isConnected: false, connectionError: 'the session was closed' });
});

test('counters -> messages and payload bytes', async () => {
  const at = prefix();
  const one = await open(url);
  const ear = await listen(one, at, { retained: 'exclude' });
  await publish(one, at, '12345');
  await ear.heard(1);
  expect(one.state()).toMatchObject({ messagesReceived: 1, bytesReceived: 5, reconnects: 0, connectionError: null });
});

describe('aedes, which keeps no order and speaks 3.1.1 only', () => {
  test('retained messages -> all of them, by a silence', async () => {
    const at = prefix();
    const { url: own } = await startAedes();
    const one = await open(own);
    const topics = Array.from({ length: 200 }, (_, n) => `${at}/${n}`);
    for (const topic of topics) await publish(one, topic, 'kept', { retain: true });
    const ear = await listen(one, `${at}/#`);
    expect(await ear.retainedEnd).toEqual({ complete: true, evidence: 'quiet_window' });
    expect(ear.messages.map(({ topic }) => topic).toSorted()).toEqual(topics.toSorted());
  });

  test('overlapping filters -> each listener gets its own, once', async () => {
    const at = prefix();
    const { url: own } = await startAedes();
    const one = await open(own);
    await publish(one, `${at}/a`, 'kept', { retain: true });
    const ears = [await listen(one, `${at}/#`), await listen(one, `${at}/+`), await listen(one, `${at}/a`)];
    await Promise.all(ears.map((ear) => ear.retainedEnd));
    await publish(one, `${at}/a`, 'live');
    await publish(one, `${at}/a`, 'last');
    await Promise.all(ears.map((ear) => ear.heard(3)));
    const own3 = [`${at}/a=kept stored`, `${at}/a=live`, `${at}/a=last`];
    expect(ears.map((ear) => ear.texts())).toEqual([own3, own3, own3]);
  });

  test('listening to nothing there is -> complete, by a silence', async () => {
    const { url: own } = await startAedes();
    const ear = await listen(await open(own), prefix());
    expect(await ear.retainedEnd).toEqual({ complete: true, evidence: 'quiet_window' });
  });

  test('publish with properties -> invalid_arguments, as 3.1.1 has none', async () => {
    const { url: own } = await startAedes();
    const call = publish(await open(own), 'a', 'x', { properties: { content_type: 'x' }, signal });
    expect((await failure(call)).code).toBe('invalid_arguments');
  });
});
