// What goes out of one client, on a stream of the test's: nothing is connected.
import { Duplex } from 'node:stream';
import { parser } from 'mqtt-packet';
import { expect, test } from 'vitest';
import { Delivery, lowIds } from '../../src/mqtt/delivery.ts';

const settled = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

/** What a delivery wrote, as packets; `hold` keeps the stream from taking more. */
function outlet(version: 4 | 5 = 5) {
  const packets: { cmd: string; messageId: number }[] = [];
  const decoder = parser({ protocolVersion: 5 });
  decoder.on('packet', ({ cmd, messageId = 0 }) => packets.push({ cmd, messageId }));
  const state = { writes: 0, done: () => {}, hold: false };
  const take = (bytes: Buffer[], done: () => void) => {
    state.writes += 1;
    for (const one of bytes) decoder.parse(one);
    state.done = done;
    if (!state.hold) done();
  };
  const stream = new Duplex({
    read: () => {},
    write: (bytes, _encoding, done) => take([bytes], done),
    writev: (pieces, done) =>
      take(
        pieces.map(({ chunk }) => chunk),
        done,
      ),
  });
  const delivery = new Delivery(() => stream, version);
  const publish = (qos: 0 | 1 | 2, bytes = 1) =>
    delivery.publish({ topic: 'a', payload: Buffer.alloc(bytes), qos, retain: false });
  return { packets, state, delivery, publish };
}

test('many in one turn -> one write', async () => {
  const { packets, state, publish } = outlet();
  await Promise.all(Array.from({ length: 50 }, () => publish(0)));
  expect(packets).toHaveLength(50);
  expect(state.writes).toBe(1);
});

test('flush -> written before it returns, in order; nothing is written twice', async () => {
  const { packets, delivery, publish } = outlet();
  const sent = publish(0);
  delivery.flush();
  expect(packets).toHaveLength(1);
  await sent;
  delivery.flush();
  await settled();
  expect(packets).toHaveLength(1);
});

test('packet identifiers: ours and those of mqtt.js never meet, over more than all of them', async () => {
  const theirs = lowIds();
  const low = new Set(Array.from({ length: 70_000 }, () => theirs.allocate()));
  expect(low.has(theirs.getLastAllocated())).toBe(true);
  const { packets, delivery, publish } = outlet();
  for (let n = 0; n < 70_000; n += 1) {
    const sent = publish(1);
    delivery.flush();
    delivery.answered({ cmd: 'puback', messageId: packets.at(-1)?.messageId });
    await sent;
  }
  const high = new Set(packets.map(({ messageId }) => messageId));
  expect([Math.min(...low), Math.max(...low), low.size]).toEqual([1, 0x7fff, 0x7fff]);
  expect([Math.min(...high), Math.max(...high), high.size]).toEqual([0x8000, 0xffff, 0x8000]);
});

test('QoS 2 that was cut off -> its identifier is not used again until the broker has begun anew', async () => {
  const { packets, delivery, publish } = outlet();
  const cut = publish(2);
  delivery.flush();
  const burnt = packets[0]?.messageId;
  delivery.lost();
  await expect(cut).rejects.toThrow('connection closed');
  const around = async () => {
    packets.length = 0;
    for (let n = 0; n < 0x8000; n += 1) {
      const sent = publish(1);
      delivery.flush();
      delivery.answered({ cmd: 'puback', messageId: packets.at(-1)?.messageId });
      await sent;
    }
    return packets.some(({ messageId }) => messageId === burnt);
  };
  expect(await around()).toBe(false);
  delivery.forgotten();
  expect(await around()).toBe(true);
});

test('QoS 2: PUBREC -> PUBREL, PUBCOMP -> done, with the code of PUBREC', async () => {
  const { packets, delivery, publish } = outlet();
  const sent = publish(2);
  delivery.flush();
  const messageId = packets[0]?.messageId;
  delivery.answered({ cmd: 'pubrec', messageId, reasonCode: 0x10 });
  await settled();
  expect(packets).toEqual([
    { cmd: 'publish', messageId },
    { cmd: 'pubrel', messageId },
  ]);
  delivery.answered({ cmd: 'pubcomp', messageId });
  expect(await sent).toEqual({ reasonCode: 0x10 });
});

test('QoS 2 that is answered with PUBACK, as RabbitMQ does -> done, and said to be weaker', async () => {
  const { packets, delivery, publish } = outlet(4);
  const sent = publish(2);
  delivery.flush();
  delivery.answered({ cmd: 'puback', messageId: packets[0]?.messageId });
  expect(await sent).toEqual({ reasonCode: 0, weaker: true });
});

test('an answer to nothing -> passed over; one that does not fit -> an error', () => {
  const { packets, delivery, publish } = outlet();
  for (const cmd of ['puback', 'pubrec', 'pubcomp', 'suback']) delivery.answered({ cmd, messageId: 0x8001 });
  publish(1).catch(() => {});
  delivery.flush();
  const messageId = packets[0]?.messageId;
  expect(() => delivery.answered({ cmd: 'suback', messageId })).not.toThrow();
  expect(() => delivery.answered({ cmd: 'pubrec', messageId })).toThrow('pubrec for a message of QoS 1');
  expect(() => delivery.answered({ cmd: 'pubcomp', messageId })).toThrow('pubcomp for a message of QoS 1');
});

test('QoS 0, the stream is full -> resolves when it has drained', async () => {
  const { state, publish } = outlet();
  state.hold = true;
  let done = 0;
  const sent = [publish(0, 100_000), publish(0)].map((one) => one.then(() => (done += 1)));
  await settled();
  sent.push(publish(0).then(() => (done += 1)));
  await settled();
  expect(done).toBe(0);
  state.hold = false;
  state.done();
  await Promise.all(sent);
  expect(done).toBe(3);
});

test('lost -> everything under way rejects, what was not written never is', async () => {
  const { packets, state, delivery, publish } = outlet();
  state.hold = true;
  const sent = [publish(0, 100_000), publish(1), publish(2)];
  await settled();
  sent.push(publish(0), publish(1));
  const outcomes = Promise.allSettled(sent);
  delivery.lost();
  expect((await outcomes).map(({ status }) => status)).toEqual(Array(5).fill('rejected'));
  state.hold = false;
  state.done();
  await settled();
  expect(packets).toHaveLength(3);
});
