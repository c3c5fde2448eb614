// The scanner's rules one by one; tests/mqtt/scanner-fuzz.test.ts compares it with mqtt-packet.
import { generate, type Packet } from 'mqtt-packet';
import { describe, expect, test } from 'vitest';
import { PacketTooLarge } from '../../src/mqtt/scan-header.ts';
import { type PublishView, readProperties } from '../../src/mqtt/scan-publish.ts';
import { Scanner } from '../../src/mqtt/scanner.ts';

const MIB = 1024 * 1024;

type Options = { version?: 4 | 5; maxPayloadBytes?: number; onTake?: (publish: PublishView, scanner: Scanner) => void };

/** Above what any other test passes on. */
const MAX_PASSED = 64 * MIB;

function start({ version = 5, maxPayloadBytes = MIB, onTake }: Options = {}) {
  const taken: { topic: string; payload: string; size: number; retain: boolean; ids: PublishView['ids'] }[] = [];
  const passed: Buffer[] = [];
  const answers: boolean[] = [];
  const scanner: Scanner = new Scanner({
    version,
    maxPayloadBytes,
    maxPassedBytes: MAX_PASSED,
    take: (view) => {
      const { bytes, topicStart, topicEnd, payloadStart, payloadEnd, size, retain, ids } = view;
      const topic = bytes.toString('utf8', topicStart, topicEnd);
      taken.push({ topic, payload: bytes.toString('latin1', payloadStart, payloadEnd), size, retain, ids });
      onTake?.(view, scanner);
    },
    pass: (bytes, hasAnswers) => {
      passed.push(Buffer.from(bytes));
      answers.push(hasAnswers);
    },
  });
  const feed = (...chunks: Uint8Array[]) => {
    for (const chunk of chunks) {
      const bytes = Buffer.from(chunk);
      for (let at = 0; at < bytes.length; ) at = scanner.scan(bytes, at, 128, 0);
    }
  };
  return { scanner, taken, feed, answers, passedOn: () => Buffer.concat(passed) };
}

function publish(changes: Partial<Extract<Packet, { cmd: 'publish' }>> = {}, protocolVersion: 4 | 5 = 5): Buffer {
  const plain = { cmd: 'publish', topic: 'a/b', payload: 'x', qos: 0, dup: false, retain: false } as const;
  return generate({ ...plain, ...changes }, { protocolVersion });
}

/** The fixed header and the head of a PUBLISH with this remaining length. */
function opening(remaining: number, topic = 'a/b', properties: number[] = [0]): Buffer {
  const length = [];
  for (let left = remaining; length.length === 0 || left > 0; left >>>= 7) {
    length.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
  }
  return Buffer.from([0x30, ...length, topic.length >> 8, topic.length & 255, ...Buffer.from(topic), ...properties]);
}

describe('what is taken', () => {
  test('a QoS 0 PUBLISH, retained or not -> taken with its parts', () => {
    const { feed, taken, passedOn } = start();
    feed(publish({ retain: true, payload: 'one' }), publish({ payload: '' }));
    expect(taken).toEqual([
      { topic: 'a/b', payload: 'one', size: 3, retain: true, ids: undefined },
      { topic: 'a/b', payload: '', size: 0, retain: false, ids: undefined },
    ]);
    expect(passedOn()).toHaveLength(0);
  });

  test('subscription identifiers: one -> a number, several -> an array', () => {
    const { feed, taken } = start();
    feed(
      publish({ properties: { subscriptionIdentifier: 300 } }),
      publish({ properties: { subscriptionIdentifier: [1, 2, 1] } }),
    );
    expect(taken.map(({ ids }) => ids)).toEqual([300, [1, 2, 1]]);
  });

  test('properties -> decoded on demand, as copies, a user property may have any name', () => {
    const found: unknown[] = [];
    const { feed } = start({
      onTake: ({ bytes, propertiesStart, propertiesEnd }) => {
        found.push(readProperties(bytes, propertiesStart, propertiesEnd));
        bytes.fill(0);
      },
    });
    const user = [
      0x26,
      0,
      9,
      ...Buffer.from('__proto__'),
      0,
      1,
      0x31,
      0x26,
      0,
      1,
      0x6b,
      0,
      0,
      0x26,
      0,
      1,
      0x6b,
      0,
      1,
      0x32,
    ];
    const others = [
      0x01, 1, 0x02, 0, 0, 1, 0, 0x03, 0, 1, 0x74, 0x08, 0, 1, 0x72, 0x09, 0, 2, 0xff, 0x00, 0x0b, 0x80, 0x01,
    ];
    const properties = [...others, ...user];
    feed(opening(6 + properties.length, 'a/b', [properties.length, ...properties]));
    expect(found).toEqual([
      {
        payloadFormatIndicator: true,
        messageExpiryInterval: 256,
        contentType: 't',
        responseTopic: 'r',
        correlationData: Buffer.from([0xff, 0x00]),
        userProperties: Object.assign(Object.create(null), { ['__proto__']: '1', k: ['', '2'] }),
      },
    ]);
  });

  test('the time is that of the scan in which the last byte came', () => {
    const times: number[] = [];
    const { scanner } = start({ onTake: ({ at }) => times.push(at) });
    const bytes = Buffer.concat([publish(), publish()]);
    scanner.scan(bytes.subarray(0, bytes.length - 1), 0, 128, 10);
    scanner.scan(bytes.subarray(bytes.length - 1), 0, 128, 20);
    expect(times).toEqual([10, 20]);
  });

  test('frames are counted -> it stops after as many as it may, and says where', () => {
    const { scanner, taken } = start();
    const one = publish();
    const bytes = Buffer.concat([one, one, one]);
    expect(scanner.scan(bytes, 0, 2, 0)).toBe(2 * one.length);
    expect(taken).toHaveLength(2);
  });

  test('stopped by the one who takes -> nothing more is taken or passed on', () => {
    const { feed, taken, passedOn } = start({ onTake: (_publish, scanner) => scanner.stop() });
    feed(
      Buffer.concat([publish(), publish(), generate({ cmd: 'pingresp' })]),
      publish(),
      generate({ cmd: 'pingresp' }),
    );
    expect(taken).toHaveLength(1);
    expect(passedOn()).toHaveLength(0);
  });
});

describe('what is passed on', () => {
  test.each<[string, Buffer]>([
    ['QoS 1', publish({ qos: 1, messageId: 1 })],
    ['QoS 2', publish({ qos: 2, messageId: 1 })],
    ['a topic alias with a topic', publish({ properties: { topicAlias: 1 } })],
    ['a topic alias alone', publish({ topic: '', properties: { topicAlias: 1 } })],
    ['DUP at QoS 0 [MQTT-3.3.1-2]', Buffer.from([0x38, ...publish().subarray(1)])],
    ['no topic', publish({ topic: '' })],
    ['a topic longer than the frame', Buffer.from([0x30, 6, 0, 9, 0x61, 0x2f, 0x62, 0])],
    ['half a topic length', Buffer.from([0x30, 1, 0])],
    ['no room for the property length', Buffer.from([0x30, 3, 0, 1, 0x61])],
    ['a property length of five bytes', Buffer.from([0x30, 8, 0, 1, 0x61, 0x80, 0x80, 0x80, 0x80, 0])],
    ['properties longer than the frame', Buffer.from([0x30, 6, 0, 1, 0x61, 9, 0x01, 0])],
    ['a property that no PUBLISH has', Buffer.from([0x30, 6, 0, 1, 0x61, 2, 0x24, 0])],
    ['a property cut off', Buffer.from([0x30, 6, 0, 1, 0x61, 2, 0x02, 0])],
    ['a property twice', Buffer.from([0x30, 8, 0, 1, 0x61, 4, 0x01, 0, 0x01, 0])],
    ['subscription identifier 0', Buffer.from([0x30, 6, 0, 1, 0x61, 2, 0x0b, 0])],
    ['an identifier without an end', Buffer.from([0x30, 10, 0, 1, 0x61, 6, 0x0b, 0xff, 0xff, 0xff, 0xff, 0])],
    ['CONNACK', generate({ cmd: 'connack', reasonCode: 0, sessionPresent: false }, { protocolVersion: 5 })],
    ['PINGRESP', generate({ cmd: 'pingresp' })],
  ])('%s -> untouched, and the frames around it are taken', (_what, frame) => {
    for (const chunks of [[Buffer.concat([publish(), frame, publish()])], [publish(), ...single(frame), publish()]]) {
      const { feed, taken, passedOn, scanner } = start();
      feed(...chunks);
      expect(passedOn()).toEqual(frame);
      expect(taken).toHaveLength(2);
      expect(scanner.aside).toBe(false);
    }
  });

  test.each<[string, number[]]>([
    ['a remaining length of five bytes', [0x30, 0x80, 0x80, 0x80, 0x80, 0x00]],
    ['a remaining length without an end', [0x90, 0xff, 0xff, 0xff, 0xff, 0xff]],
    ['QoS 3', [0x36, 0x04, 0, 1, 0x61, 0]],
    ['a packet type that does not exist', [0x00, 0x00]],
    ['flags that SUBACK does not have', [0x91, 0x03, 0, 1, 0]],
    ['flags that PUBREL needs', [0x60, 0x02, 0, 1]],
  ])('%s -> it and all that follows', (_what, fault) => {
    const rest = Buffer.concat([Buffer.from(fault), publish(), publish()]);
    for (const chunks of [[Buffer.concat([publish(), rest])], [publish(), ...single(rest)]]) {
      const { feed, taken, passedOn, scanner } = start();
      feed(...chunks);
      expect(passedOn()).toEqual(rest);
      expect(taken).toHaveLength(1);
      expect(scanner.aside).toBe(true);
    }
  });

  test('properties that go on into the next frame -> the frame is passed on, the next is taken', () => {
    const { feed, taken, passedOn } = start();
    const broken = Buffer.from([0x30, 7, 0, 1, 0x61, 9, 0x26, 0, 4]);
    feed(Buffer.concat([broken, publish({ topic: '\u0000' })]));
    expect(passedOn()).toEqual(broken);
    expect(taken).toMatchObject([{ topic: '\u0000' }]);
  });

  test('whether somebody may wait for what was passed on: not for a PUBLISH and its acknowledgements', () => {
    const { feed, answers } = start({ version: 4 });
    const acknowledged = publish({ qos: 1, messageId: 1 }, 4);
    const pubrel = generate({ cmd: 'pubrel', messageId: 1 });
    const suback = generate({ cmd: 'suback', messageId: 1, granted: [0] });
    feed(acknowledged, Buffer.concat([pubrel, acknowledged]), Buffer.concat([acknowledged, suback, pubrel]), pubrel);
    expect(answers.splice(0)).toEqual([false, false, true, false]);
    feed(...single(suback), acknowledged);
    expect(answers.splice(0)).toEqual([
      ...single(suback)
        .slice(1)
        .map(() => true),
      false,
    ]);
    feed(Buffer.concat([suback, suback.subarray(0, 3)]), suback.subarray(3), pubrel);
    expect(answers).toEqual([true, true, false]);
  });

  test('in MQTT 3.1.1 nothing is read as properties', () => {
    const { feed, taken } = start({ version: 4 });
    feed(publish({ payload: '\u0002\u0023\u0001' }, 4));
    expect(taken).toMatchObject([{ payload: '\u0002\u0023\u0001' }]);
  });

  test('bytes passed on and messages taken keep their order: it stops after what it passed on', () => {
    const order: string[] = [];
    const scanner = new Scanner({
      version: 5,
      maxPayloadBytes: MIB,
      take: ({ bytes, payloadStart }) => order.push(String.fromCharCode(bytes[payloadStart] ?? 0)),
      pass: (bytes) => order.push(`${bytes.length} bytes`),
    });
    const ping = generate({ cmd: 'pingresp' });
    const bytes = Buffer.concat([publish({ payload: '1' }), ping, ping, publish({ payload: '2' }), ping]);
    const stops: number[] = [];
    for (let at = 0; at < bytes.length; ) {
      at = scanner.scan(bytes, at, 128, 0);
      stops.push(at);
    }
    expect(order).toEqual(['1', '4 bytes', '2', '2 bytes']);
    expect(stops).toHaveLength(2);
  });
});

describe('large messages', () => {
  const payload = Buffer.alloc(3 * MIB, 'p');
  const frame = publish({ payload });

  test.each([1000, 65_536, frame.length])(
    'in chunks of %i -> the first bytes are kept, the size is that of all',
    (size) => {
      const { feed, taken, passedOn } = start({ maxPayloadBytes: MIB });
      const bytes = Buffer.concat([publish(), frame, frame, publish({ payload: 'after' })]);
      for (let at = 0; at < bytes.length; at += size) feed(bytes.subarray(at, at + size));
      expect(taken.map((one) => [one.size, one.payload.length])).toEqual([
        [1, 1],
        [3 * MIB, MIB],
        [3 * MIB, MIB],
        [5, 5],
      ]);
      expect(taken[1]?.payload).toBe('p'.repeat(MIB));
      expect(passedOn()).toHaveLength(0);
    },
  );

  test('a large message that is none of ours -> passed on as it comes', () => {
    const { feed, passedOn } = start();
    const aliased = publish({ payload, properties: { topicAlias: 7 } });
    feed(aliased.subarray(0, 100));
    expect(passedOn()).toHaveLength(100);
    feed(aliased.subarray(100, 70_000), aliased.subarray(70_000), publish());
    expect(passedOn().equals(aliased)).toBe(true);
  });

  test('properties that are too long to keep -> passed on, whole or in pieces', () => {
    const userProperties = { key: Array.from({ length: 3 }, () => 'v'.repeat(60_000)) };
    const bytes = publish({ properties: { userProperties } });
    for (const size of [bytes.length, 10_000]) {
      const { feed, taken, passedOn } = start();
      for (let at = 0; at < bytes.length; at += size) feed(bytes.subarray(at, at + size));
      feed(publish());
      expect(passedOn().equals(bytes)).toBe(true);
      expect(taken).toHaveLength(1);
    }
  });

  test('properties of which only the length is here -> nothing is kept if it is too long', () => {
    const { feed, taken, passedOn } = start();
    const announced = [0xff, 0xff, 0xff, 0x0f];
    const begun = Buffer.concat([opening(40_000_000, 'a/b', announced), Buffer.alloc(1000)]);
    feed(begun);
    expect(passedOn().equals(begun)).toBe(true);
    expect(taken).toEqual([]);
  });

  test('a frame that is too large to be passed on -> throws before any of it is kept', () => {
    const tooLong = Buffer.from([0x81, 0x80, 0x80, 0x20]);
    const head = Buffer.from([0, 1, 0x61, 0, 1, 0]);
    for (const size of [1, 100]) {
      const { feed, passedOn } = start();
      const bytes = Buffer.concat([Buffer.from([0x32]), tooLong, head]);
      const pieces = () => {
        for (let at = 0; at < bytes.length; at += size) feed(bytes.subarray(at, at + size));
      };
      expect(pieces).toThrow(PacketTooLarge);
      expect(passedOn()).toHaveLength(0);
    }
  });

  test('256 MB are announced and sent -> no more than the kept bytes are held', () => {
    const { scanner, feed, taken } = start();
    const size = 268_435_455 - 6;
    const chunk = Buffer.alloc(65_536);
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    feed(opening(size + 6));
    for (let left = size; left > 0; left -= chunk.length) {
      scanner.scan(left < chunk.length ? chunk.subarray(0, left) : chunk, 0, 128, 0);
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    expect(taken.map((one) => [one.size, one.payload.length])).toEqual([[size, MIB]]);
    // The buffer that doubles until all that is kept fits in, and the halves it outgrew.
    expect(most).toBeLessThan(5 * MIB);
  });
});

function single(bytes: Buffer): Buffer[] {
  return Array.from(bytes, (byte) => Buffer.from([byte]));
}
