// A broker that sends anything, to a live session: it goes on or is down, and listeners get only what is a message.
import fc from 'fast-check';
import { generate, type Packet } from 'mqtt-packet';
import { describe, expect, test } from 'vitest';
import type { Message } from '../../src/mqtt/types.ts';
import { startFakeBroker } from '../support/fake-broker.ts';
import { listen, open } from '../support/fake-caller.ts';
import { cases, fuzzAsync, patience } from './cases.ts';

const PACKETS_EACH = 10;
const PACKETS = cases(500, 2);

const messageId = fc.integer({ min: 0, max: 0xffff });
const topic = fc.constantFrom('a', 'a/b', '$SYS/x', 'ü/😀', '\u0000', '#', '', 't'.repeat(65_535));
const packet: fc.Arbitrary<Packet> = fc.oneof(
  fc.record({
    cmd: fc.constant('publish' as const),
    topic,
    payload: fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
    qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
    dup: fc.boolean(),
    retain: fc.boolean(),
    messageId: fc.integer({ min: 1, max: 0xffff }),
  }),
  fc.record({
    cmd: fc.constantFrom('puback' as const, 'pubrec' as const, 'pubcomp' as const, 'pubrel' as const),
    messageId,
  }),
  fc.record({
    cmd: fc.constant('suback' as const),
    messageId,
    granted: fc.array(fc.constantFrom(0, 1, 2, 0x80, 0x55)),
  }),
  fc.constant<Packet>({ cmd: 'pingresp' }),
  fc.constant<Packet>({ cmd: 'pingreq' }),
  fc.constant<Packet>({ cmd: 'connack', sessionPresent: false, returnCode: 0, reasonCode: 0 }),
);
const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 2 });
const sent = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.tuple(packet, fc.constant<[number, number][]>([])) },
    { weight: 3, arbitrary: fc.tuple(packet, damage) },
    { weight: 1, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 40 }) },
  ),
  { minLength: PACKETS_EACH, maxLength: PACKETS_EACH },
);

describe.each([4, 5] as const)('MQTT version %i', (protocolVersion) => {
  test(`${PACKETS} packets of any kind -> goes on or is down, no more`, patience(PACKETS, 50), async () => {
    const broker = await startFakeBroker();
    await fuzzAsync(
      'broker-packets',
      PACKETS,
      sent,
      async (pieces) => {
        const session = await open(broker.url, { protocolVersion });
        const ear = await listen(session, '#', { retained: 'exclude' });
        const { socket } = broker.clients.at(-1) ?? expect.fail('nobody came');
        for (const piece of pieces) if (!socket.destroyed) socket.write(bytesOf(piece, protocolVersion));
        socket.end();
        await expect.poll(() => session.state().isConnected, { interval: 1, timeout: 10_000 }).toBe(false);
        ear.messages.forEach(wellFormed);
        ear.close();
        await session.end('the case is over');
      },
      PACKETS_EACH,
    );
  });
});

function bytesOf(piece: Uint8Array | [Packet, [number, number][]], protocolVersion: 4 | 5): Buffer {
  if (piece instanceof Uint8Array) return Buffer.from(piece);
  const [one, changes] = piece;
  try {
    const bytes = generate(one, { protocolVersion });
    for (const [at, value] of changes) bytes[at % bytes.length] = value;
    return bytes;
  } catch {
    return Buffer.from([0x30, 2, 0, 0]); // what the packet library will not write: an empty topic
  }
}

function wellFormed({ topic: name, payload, qos, size }: Message): void {
  expect([0, 1, 2]).toContain(qos);
  expect(typeof name === 'string' && Buffer.isBuffer(payload) && size === payload.length).toBe(true);
}
