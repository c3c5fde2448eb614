import { describe, expect, inject, test } from 'vitest';
import { ToolError } from '../../src/errors.ts';
import type { PublishProperties } from '../../src/mqtt/types.ts';
import { type FakeBroker, type Script, startFakeBroker } from '../support/fake-broker.ts';
import { failure, listen, open, prefix, publish, signal } from '../support/fake-caller.ts';

/** The payloads of the PUBLISH packets that a fake broker was sent. */
const published = ({ packets }: FakeBroker): string[] =>
  packets.flatMap((packet) => (packet.cmd === 'publish' ? [`${packet.payload}`] : []));

const announcing =
  (properties: object): Script =>
  (packet, { send }) => {
    if (packet.cmd !== 'connect') return false;
    send({ cmd: 'connack', sessionPresent: false, reasonCode: 0, properties });
    return true;
  };

test.each([
  [0, { acknowledged: false, reasonCode: 0, reason: 'not acknowledged at QoS 0' }],
  [1, { acknowledged: true, reasonCode: 0, reason: 'success' }],
  [2, { acknowledged: true, reasonCode: 0, reason: 'success' }],
] as const)('publish: QoS %i, someone listens -> %o', async (qos, expected) => {
  const at = prefix();
  const one = await open(inject('mqttUrl'));
  const ear = await listen(one, at, { qos });
  expect(await publish(one, at, 'x', { qos })).toEqual(expected);
  await ear.heard(1);
});

test.each([1, 2] as const)('publish: QoS %i, the broker says that nobody is subscribed -> so do we', async (qos) => {
  const broker = await startFakeBroker((packet, { send }) => {
    if (packet.cmd !== 'publish' || `${packet.payload}` !== 'to nobody') return false;
    send({ cmd: qos === 1 ? 'puback' : 'pubrec', messageId: packet.messageId ?? 0, reasonCode: 0x10 });
    return true;
  });
  const one = await open(broker.url);
  expect(await publish(one, 'a', 'to nobody', { qos })).toEqual({
    acknowledged: true,
    reasonCode: 0x10,
    reason: 'accepted, but nobody is subscribed to the topic',
  });
  expect(await publish(one, 'a', 'to someone', { qos })).toMatchObject({ reasonCode: 0 });
});

test('publish: MQTT 3.1.1 -> acknowledged, no reason code', async () => {
  const one = await open(inject('mqttUrl'), { protocolVersion: 4 });
  const acks = await Promise.all([1, 2].map((qos) => publish(one, prefix(), 'x', { qos: qos === 1 ? 1 : 2 })));
  expect(acks).toEqual(Array(2).fill({ acknowledged: true, reasonCode: 0, reason: 'success' }));
});

test.each([5, 4] as const)(
  'publish: version %i, 500 at QoS 2 at once, beside a collection -> all acknowledged and heard',
  async (v) => {
    const at = prefix();
    const one = await open(inject('mqttUrl'), { protocolVersion: v });
    const ear = await listen(one, `${at}/#`, { qos: 0 });
    const acks = await Promise.all(Array.from({ length: 500 }, (_, n) => publish(one, `${at}/${n}`, 'x', { qos: 2 })));
    expect(acks.every(({ acknowledged }) => acknowledged)).toBe(true);
    await ear.heard(500);
    expect(ear.messages.map(({ topic }) => topic)).toEqual(acks.map((_, n) => `${at}/${n}`));
  },
);

describe('receive maximum', () => {
  /** A broker that takes three at a time and acknowledges when it is told to. */
  async function slowBroker() {
    const held: (() => void)[] = [];
    const broker = await startFakeBroker((packet, client) => {
      if (packet.cmd === 'publish' && packet.qos === 1) {
        const { messageId = 0 } = packet;
        held.push(() => client.send({ cmd: 'puback', messageId, reasonCode: 0 }));
        return true;
      }
      return announcing({ receiveMaximum: 3 })(packet, client);
    });
    const acknowledge = (count: number) => {
      for (const send of held.splice(0, count)) send();
    };
    return { broker, acknowledge };
  }

  test('more publishes than it allows -> never more under way, in order', async () => {
    const { broker, acknowledge } = await slowBroker();
    const one = await open(broker.url);
    const all = Promise.all(Array.from({ length: 8 }, (_, n) => publish(one, 'a', `${n}`)));
    await broker.received('publish', 3);
    await publish(one, 'a', 'at QoS 0, which does not count', { qos: 0 });
    await broker.received('publish', 4);
    expect(published(broker)).toEqual(['0', '1', '2', 'at QoS 0, which does not count']);
    for (const count of [1, 2, 3, 2]) {
      const before = published(broker).length;
      acknowledge(count);
      await broker.received('publish', Math.min(9, before + count));
    }
    await all;
    expect(published(broker).slice(4)).toEqual(['3', '4', '5', '6', '7']);
  });

  test('cancelled under way -> counts until the broker answers; cancelled while waiting -> never sent', async () => {
    const { broker, acknowledge } = await slowBroker();
    const one = await open(broker.url);
    const controller = new AbortController();
    const sent = ['0', '1', '2', '3'].map((text) => publish(one, 'a', text, { signal: controller.signal }));
    const fifth = publish(one, 'a', '4');
    await broker.received('publish', 3);
    controller.abort(new Error('enough'));
    for (const call of sent) await expect(call).rejects.toThrow('enough');
    await publish(one, 'a', 'mark', { qos: 0 });
    await broker.received('publish', 4);
    expect(published(broker)).toEqual(['0', '1', '2', 'mark']);
    acknowledge(1);
    await broker.received('publish', 5);
    acknowledge(3);
    await fifth;
    expect(published(broker)).toEqual(['0', '1', '2', 'mark', '4']);
  });

  test('0, which MQTT 5 forbids -> messages are sent all the same', async () => {
    const broker = await startFakeBroker(announcing({ receiveMaximum: 0 }));
    const one = await open(broker.url);
    expect(await publish(one, 'a', 'x')).toMatchObject({ acknowledged: true });
  });

  test('cancelled before -> never sent', async () => {
    const { broker } = await slowBroker();
    const one = await open(broker.url);
    const aborted = { signal: AbortSignal.abort(new Error('enough')) };
    await expect(publish(one, 'a', 'x', aborted)).rejects.toThrow('enough');
    await expect(publish(one, 'a', 'x', { ...aborted, qos: 0 })).rejects.toThrow('enough');
    await publish(one, 'a', 'mark', { qos: 0 });
    await broker.received('publish');
    expect(published(broker)).toEqual(['mark']);
  });
});

describe('refusals', () => {
  test.each([
    [1, 0x87, 'not authorized to publish to this topic'],
    [1, 0x97, 'quota exceeded'],
    [2, 0x99, 'payload format invalid'],
  ] as const)('QoS %i, reason code %i -> publish_denied, in words', async (qos, reasonCode, reason) => {
    const broker = await startFakeBroker((packet, { send }) => {
      if (packet.cmd !== 'publish') return false;
      send({ cmd: qos === 1 ? 'puback' : 'pubrec', messageId: packet.messageId ?? 0, reasonCode });
      return true;
    });
    const one = await open(broker.url);
    expect(await failure(publish(one, 'a', 'x', { qos }))).toMatchObject({
      code: 'publish_denied',
      reason_code: reasonCode,
      reason,
    });
    await publish(one, 'a', 'x', { qos: 0 });
  });

  test.each([
    ['QoS above its maximum', { maximumQoS: 1 }, { qos: 2 }, 'publish_denied'],
    ['retain, where it has none', { retainAvailable: false }, { retain: true }, 'publish_denied'],
    ['a packet above its maximum', { maximumPacketSize: 1_000 }, { payload: Buffer.alloc(1_000) }, 'payload_too_large'],
  ] as const)('the broker announced a limit: %s -> refused before it is sent', async (_what, limit, more, code) => {
    const broker = await startFakeBroker(announcing(limit));
    const one = await open(broker.url);
    expect((await failure(publish(one, 'a', 'x', more))).code).toBe(code);
    await publish(one, 'a', 'fits', { qos: 0 });
    await broker.received('publish');
    expect(published(broker)).toEqual(['fits']);
  });

  test.each(['a/+', '#', 'a\0', '', '\ud800', 'a\t'])('topic %j -> invalid_topic', async (topic) => {
    const one = await open(inject('mqttUrl'));
    expect((await failure(publish(one, topic, 'x'))).code).toBe('invalid_topic');
    const response = publish(one, 'a', 'x', { properties: { response_topic: topic } });
    expect((await failure(response)).code).toBe('invalid_topic');
  });
});

// mosquitto closes the connection over each of them.
describe('text that brokers do not take, on a real one', () => {
  const odd = ['\x01', '\x1f', '\x7f', '\x9f', '\ufdd0', '\uffff', '\u{1fffe}'];

  test.each([5, 4] as const)(
    'version %i: in a topic or a filter -> invalid_topic, and the session lives',
    async (v) => {
      const one = await open(inject('mqttUrl'), { protocolVersion: v });
      for (const char of odd) {
        expect((await failure(publish(one, `a${char}`, 'x'))).code).toBe('invalid_topic');
        expect((await failure(listen(one, `a${char}/#`))).code).toBe('invalid_topic');
      }
      await publish(one, prefix(), 'x');
      expect(one.state()).toMatchObject({ isConnected: true, reconnects: 0 });
    },
  );

  test('in a property -> refused, and the session lives; correlation data are bytes and may hold it', async () => {
    const one = await open(inject('mqttUrl'));
    const refused = async (properties: PublishProperties) =>
      (await failure(publish(one, 'a', 'x', { properties }))).code;
    for (const text of [...odd, '\0', '\ud800'].map((char) => `a${char}b`)) {
      expect(await refused({ response_topic: text })).toBe('invalid_topic');
      expect(await refused({ content_type: text })).toBe('invalid_arguments');
      expect(await refused({ user_properties: { x: text } })).toBe('invalid_arguments');
      expect(await refused({ user_properties: { [text]: 'x' } })).toBe('invalid_arguments');
    }
    expect(await refused({ user_properties: { ['x'.repeat(65_536)]: 'x' } })).toBe('invalid_arguments');
    expect(await refused({ correlation_data: '\ud800' })).toBe('invalid_arguments');
    for (const char of odd) await publish(one, prefix(), 'x', { properties: { correlation_data: char } });
    expect(one.state()).toMatchObject({ isConnected: true, reconnects: 0 });
  });

  test('everything else -> arrives as it was sent', async () => {
    const one = await open(inject('mqttUrl'));
    const at = `${prefix()}/é 😀\xa0\ue000\ufeff`;
    const ear = await listen(one, at, { qos: 2 });
    const properties = {
      content_type: 'text/plain; é',
      response_topic: 'answers/😀',
      correlation_data: '1 \x01',
      message_expiry_seconds: 0xffffffff,
      user_properties: { ä: '1', b: '' },
    };
    for (const qos of [0, 1, 2] as const) await publish(one, at, `é ${qos}`, { qos, properties });
    await ear.heard(3);
    const { correlation_data, ...rest } = properties;
    const expected = { ...rest, correlation_data: Buffer.from(correlation_data).toString('base64') };
    for (const message of ear.messages) {
      expect(message).toMatchObject({
        topic: at,
        properties: { ...expected, message_expiry_seconds: expect.any(Number) },
      });
    }
    expect(ear.messages.map(({ payload }) => `${payload}`)).toEqual(['é 0', 'é 1', 'é 2']);
  });
});

test('publishes and subscriptions in one turn -> on the wire in the order of the calls', async () => {
  const broker = await startFakeBroker();
  const one = await open(broker.url);
  const calls = [publish(one, 'a', '1', { qos: 0 }), listen(one, 'b', { retained: 'exclude' }), publish(one, 'a', '2')];
  await Promise.all(calls);
  const order = broker.packets.flatMap(({ cmd }) => (cmd === 'publish' || cmd === 'subscribe' ? [cmd] : []));
  expect(order).toEqual(['publish', 'subscribe', 'publish']);
});

test('a PUBACK for a message of QoS 2, in MQTT 5 -> the connection is closed, the publish fails, a new one comes', async () => {
  const broker = await startFakeBroker((packet, { send }) => {
    if (packet.cmd !== 'publish' || packet.qos !== 2) return false;
    send({ cmd: 'puback', messageId: packet.messageId ?? 0, reasonCode: 0 });
    return true;
  });
  const one = await open(broker.url);
  expect((await failure(publish(one, 'a', 'x', { qos: 2 }))).code).toBe('not_connected');
  await broker.received('connect', 2);
  await expect.poll(() => one.state().isConnected).toBe(true);
  expect(await publish(one, 'a', 'x')).toMatchObject({ acknowledged: true });
});

describe('the connection is lost', () => {
  /** A broker that never acknowledges, and takes new connections only while `admits`. */
  async function deafBroker() {
    const state = { admits: true };
    const broker = await startFakeBroker((packet, { socket }) => {
      if (packet.cmd === 'connect' && !state.admits) {
        socket.destroy();
        return true;
      }
      return packet.cmd === 'publish' || packet.cmd === 'pubrel';
    });
    const drop = () => broker.clients.at(-1)?.socket.destroy();
    return { broker, state, drop };
  }

  test.each([1, 2] as const)(
    'QoS %i under way -> not_connected that leaves open whether it came, never sent again',
    async (qos) => {
      const { broker, drop } = await deafBroker();
      const one = await open(broker.url);
      const call = failure(publish(one, 'a', 'cut off', { qos }));
      await broker.received('publish');
      drop();
      expect(await call).toMatchObject({
        code: 'not_connected',
        hint: expect.stringContaining('may have arrived or not'),
      });
      await broker.received('connect', 2);
      await expect.poll(() => one.state().isConnected).toBe(true);
      await publish(one, 'a', 'after', { qos: 0 });
      await broker.received('publish', 2);
      expect(published(broker)).toEqual(['cut off', 'after']);
    },
  );

  test('QoS 2 between PUBREC and PUBCOMP -> the same, and no PUBREL is sent again', async () => {
    const broker = await startFakeBroker((packet) => packet.cmd === 'pubrel');
    const one = await open(broker.url);
    const call = failure(publish(one, 'a', 'cut off', { qos: 2 }));
    await broker.received('pubrel');
    broker.clients[0]?.socket.destroy();
    expect((await call).code).toBe('not_connected');
    await broker.received('connect', 2);
    await expect.poll(() => one.state().isConnected).toBe(true);
    await publish(one, 'a', 'after', { qos: 0 });
    await broker.received('publish', 2);
    expect(broker.packets.filter(({ cmd }) => cmd === 'pubrel')).toHaveLength(1);
  });

  test.each([0, 1, 2] as const)('QoS %i while it is away -> not_connected, never sent later', async (qos) => {
    const { broker, state, drop } = await deafBroker();
    const one = await open(broker.url);
    state.admits = false;
    drop();
    await expect.poll(() => one.state().isConnected).toBe(false);
    expect(await failure(publish(one, 'a', 'lost', { qos }))).toMatchObject({ code: 'not_connected', retryable: true });
    expect((await failure(listen(one, 'a'))).code).toBe('not_connected');
    state.admits = true;
    await expect.poll(() => one.state().isConnected, { timeout: 10_000 }).toBe(true);
    await publish(one, 'a', 'after', { qos: 0 });
    await broker.received('publish');
    expect(published(broker)).toEqual(['after']);
    expect(broker.packets.filter(({ cmd }) => cmd === 'subscribe')).toEqual([]);
  });

  test('publishes that wait for their turn -> not_connected at once, never sent', async () => {
    const { broker, drop } = await deafBroker();
    const one = await open(broker.url);
    const calls = Array.from({ length: 50 }, (_, n) => failure(publish(one, 'a', `${n}`)));
    await broker.received('publish', 20);
    drop();
    const codes = (await Promise.all(calls)).map(({ code }) => code);
    expect(codes).toEqual(Array(50).fill('not_connected'));
    await expect.poll(() => one.state().isConnected, { timeout: 10_000 }).toBe(true);
    await publish(one, 'a', 'after', { qos: 0 });
    await broker.received('publish', 21);
    expect(published(broker)).toHaveLength(21);
  });

  test('the session is closed with a publish under way -> not_connected', async () => {
    const { broker } = await deafBroker();
    const one = await open(broker.url);
    const call = failure(publish(one, 'a', 'x'));
    await broker.received('publish');
    await one.end('the session was closed');
    expect((await call).code).toBe('not_connected');
    await broker.received('disconnect');
  });
});

test('publish: policy forbids it -> policy_denied', async () => {
  const { connect } = await import('../../src/mqtt/connect.ts');
  const { createPolicy } = await import('../../src/policy.ts');
  const { request } = await import('../support/fake-connect.ts');
  const options = { id: 'i', name: 'n', policy: createPolicy({ readOnly: true }), ttlMs: 1_000 };
  const one = await connect(request({ connectionString: inject('mqttUrl') }), undefined, options, signal);
  await expect(publish(one, 'a', 'x')).rejects.toBeInstanceOf(ToolError);
  await one.end('over');
});
