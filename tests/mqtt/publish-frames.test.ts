// The frames we write against mqtt-packet as the oracle: it reads in them what it would have written itself.
import fc from 'fast-check';
import { generate, type Packet, parser } from 'mqtt-packet';
import { describe, expect, test } from 'vitest';
import { type Outgoing, PublishFrames } from '../../src/mqtt/publish-frames.ts';
import type { PublishProperties } from '../../src/mqtt/types.ts';

type Version = 4 | 5;
type Sent = { message: Outgoing; id: number };

const text = (maxLength: number) => fc.string({ unit: 'grapheme', maxLength });
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

const properties: fc.Arbitrary<PublishProperties> = fc
  .record({
    content_type: optional(text(20)),
    response_topic: optional(text(20)),
    correlation_data: optional(text(200)),
    message_expiry_seconds: optional(fc.nat(0xffffffff)),
    user_properties: optional(fc.dictionary(text(8), text(8), { minKeys: 1, maxKeys: 4 })),
  })
  .map((all) => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)));

/** Around the sizes where a length takes another byte, a payload is no longer copied and a chunk is full. */
const size = fc.oneof(
  { arbitrary: fc.nat(300), weight: 20 },
  { arbitrary: fc.integer({ min: 16_000, max: 16_500 }), weight: 10 },
  { arbitrary: fc.integer({ min: 65_000, max: 66_000 }), weight: 5 },
  { arbitrary: fc.constantFrom(2_097_100, 2_097_152), weight: 1 },
);

const messages = (version: Version): fc.Arbitrary<Sent> =>
  fc.record({
    message: fc.record({
      topic: fc.oneof({ arbitrary: text(30), weight: 9 }, fc.constant('ü'.repeat(30_000))).map((topic) => `t${topic}`),
      payload: size.map((bytes) => Buffer.alloc(bytes, 'payload ')),
      qos: fc.constantFrom(0, 1, 2),
      retain: fc.boolean(),
      properties: version === 5 ? optional(properties) : fc.constant(undefined),
    }),
    id: fc.integer({ min: 1, max: 65_535 }),
  });

function written(all: Sent[], version: Version): Buffer {
  const frames = new PublishFrames(version);
  for (const { message, id } of all) frames.publish(message, id);
  return Buffer.concat(frames.take());
}

/** As mqtt-packet writes it, from the fields as mqtt.js names them. */
function oracle({ message: { properties: given = {}, ...rest }, id }: Sent, version: Version): Buffer {
  const { content_type, response_topic, correlation_data, message_expiry_seconds, user_properties } = given;
  const named = Object.entries({
    contentType: content_type,
    responseTopic: response_topic,
    correlationData: correlation_data === undefined ? undefined : Buffer.from(correlation_data),
    messageExpiryInterval: message_expiry_seconds,
    userProperties: user_properties,
  }).filter(([, value]) => value !== undefined);
  const packet: Packet = { cmd: 'publish', dup: false, messageId: id, ...rest, properties: Object.fromEntries(named) };
  return generate(packet, { protocolVersion: version });
}

/** Payloads as text: megabytes of bytes are compared one by one otherwise. */
function read(bytes: Buffer, version: Version): object[] {
  const packets: object[] = [];
  const decoder = parser({ protocolVersion: version });
  decoder.on('packet', (packet) =>
    packets.push(packet.cmd === 'publish' ? { ...packet, payload: packet.payload.toString('latin1') } : packet),
  );
  decoder.on('error', (error) => {
    throw error;
  });
  decoder.parse(bytes);
  return packets;
}

describe.each([4, 5] as const)('MQTT version %i', (version) => {
  test('any messages -> mqtt-packet reads what it would have written itself', () => {
    fc.assert(
      fc.property(fc.array(messages(version), { maxLength: 6 }), (all) => {
        const expected = all.map((one) => oracle(one, version));
        expect(read(written(all, version), version)).toEqual(read(Buffer.concat(expected), version));
      }),
      { numRuns: 100 },
    );
  });

  test('without properties -> the very same bytes', () => {
    fc.assert(
      fc.property(messages(version), ({ message: { properties: _none, ...message }, id }) => {
        expect(written([{ message, id }], version).equals(oracle({ message, id }, version))).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  // In MQTT 5 the short form stands for success (section 3.6.2.1).
  test('PUBREL -> mqtt-packet reads it', () => {
    const frames = new PublishFrames(version);
    frames.pubrel(0xabcd);
    expect(read(Buffer.concat(frames.take()), version)).toMatchObject([{ cmd: 'pubrel', messageId: 0xabcd }]);
  });
});

test('user_properties without any -> a frame that can be read, which mqtt-packet fails at', () => {
  const message = {
    topic: 'a',
    payload: Buffer.from('1'),
    qos: 0,
    retain: false,
    properties: { user_properties: {} },
  } as const;
  expect(read(written([{ message, id: 0 }], 5), 5)).toMatchObject([{ topic: 'a', payload: '1' }]);
});

test('taken -> gone; what comes after is not mixed with it', () => {
  const frames = new PublishFrames(5);
  const one = { topic: 'a', payload: Buffer.from('1'), qos: 0, retain: false } as const;
  expect(frames.empty).toBe(true);
  frames.publish(one, 0);
  expect(frames.empty).toBe(false);
  const first = Buffer.concat(frames.take());
  expect(frames.empty).toBe(true);
  expect(frames.take()).toEqual([]);
  frames.publish({ ...one, payload: Buffer.from('2') }, 0);
  expect(read(Buffer.concat([first, ...frames.take()]), 5)).toMatchObject([{ payload: '1' }, { payload: '2' }]);
});

test('a large payload -> not copied', () => {
  const payload = Buffer.alloc(1024 * 1024);
  const frames = new PublishFrames(5);
  frames.publish({ topic: 'a', payload, qos: 0, retain: false }, 0);
  expect(frames.take().at(-1)).toBe(payload);
});
