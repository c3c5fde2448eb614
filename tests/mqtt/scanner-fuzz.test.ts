// The scanner against mqtt-packet as the oracle: whatever a broker sends, however it is cut, both see the same.
import fc from 'fast-check';
import { generate, type IPublishPacket, type Packet, parser } from 'mqtt-packet';
import { describe, expect, test } from 'vitest';
import { type PublishView, readProperties } from '../../src/mqtt/scan-publish.ts';
import { Scanner } from '../../src/mqtt/scanner.ts';
import { cases, tally } from '../fuzz/cases.ts';

type Version = 4 | 5;

function drawn(short: number, share: number): { numRuns: number } {
  const numRuns = cases(short, share);
  tally('scanner', numRuns);
  return { numRuns };
}

const MAX_PAYLOAD = 1024 * 1024;

describe.each([4, 5] as const)('MQTT version %i', { timeout: 600_000 }, (version) => {
  test('any packets, cut anywhere -> the same packets in the same order', () => {
    fc.assert(
      fc.property(fc.array(packets(version), { maxLength: 12 }), cuts(), budget, (sent, at, frames) => {
        const bytes = encode(sent, version);
        const seen = scanned(cut(bytes, at), version, frames);
        expect(seen.events.map(({ packet }) => packet)).toEqual(oracle(bytes, version));
        // Nothing that could have been taken went the slow way.
        const slow = seen.events.filter(({ packet, taken }) => !taken && isPlain(packet));
        expect(slow).toEqual([]);
        expect(seen.aside).toBe(false);
      }),
      drawn(400, 6),
    );
  });

  test('every cut into two, and one byte at a time -> the same packets in the same order', () => {
    fc.assert(
      fc.property(fc.array(packets(version), { minLength: 1, maxLength: 3 }), (sent) => {
        const bytes = encode(sent, version);
        if (bytes.length > 1500) return;
        const wanted = oracle(bytes, version);
        for (let at = 0; at <= bytes.length; at += 1) {
          const { events } = scanned([bytes.subarray(0, at), bytes.subarray(at)], version);
          expect(events.map(({ packet }) => packet)).toEqual(wanted);
        }
        const single = scanned(cut(bytes, { every: 1 }), version);
        expect(single.events.map(({ packet }) => packet)).toEqual(wanted);
      }),
      { numRuns: 15 },
    );
  });

  test('damaged packets -> all before the damage is seen, and the damage by the oracle', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(packets(version), { minLength: 1, maxLength: 8 }), damage, cuts(), (sent, where, at) => {
        const bytes = encode(sent, version);
        for (const [place, value] of where) bytes[place % bytes.length] = value;
        agree(bytes, version, at);
      }),
      drawn(1500, 12),
    );
  });

  test('a wrong remaining length or topic length -> all before it is seen, and it by the oracle', () => {
    const wrong = fc.constantFrom([0x80, 0x80, 0x80, 0x80], [0xff, 0xff, 0xff, 0xff, 0x7f], [0], [1], [2], [0x80, 0]);
    const broken = fc.tuple(fc.constantFrom(0x30, 0x31, 0x32, 0x36, 0x38, 0x3e, 0x20, 0xd0), wrong);
    const tail = fc.uint8Array({ maxLength: 40 });
    fc.assert(
      fc.property(
        fc.array(packets(version), { maxLength: 4 }),
        broken,
        tail,
        cuts(),
        (sent, [first, length], rest, at) => {
          agree(Buffer.concat([encode(sent, version), Buffer.from([first, ...length, ...rest])]), version, at);
        },
      ),
      drawn(1500, 12),
    );
  });

  test('noise -> never throws, and agrees with the oracle as far as that gets', () => {
    const biased = fc.oneof(fc.nat(255), fc.constantFrom(0x30, 0x31, 0, 1, 2, 3, 0x0b, 0x23, 0x26, 0x80));
    fc.assert(
      fc.property(fc.array(biased, { maxLength: 300 }), cuts(), (noise, at) => agree(Buffer.from(noise), version, at)),
      drawn(3000, 24),
    );
  });
});

type Seen = { packet: object; taken: boolean };

/** All that is seen before the first fault, and the fault at the same place. */
function agree(bytes: Buffer, version: Version, at: Cut): void {
  const wanted = inFrames(bytes, version).packets;
  const { events, log } = scanned(cut(bytes, at), version);
  const seen = events.map(({ packet }) => packet);
  expect(seen.slice(0, wanted.length).map(core)).toEqual(wanted.map(core));
  // The first fault ends the oracle's list: nothing is taken there that it would not have let by.
  if (seen.length > wanted.length) expect(wanted.length).toBeLessThan(frames(bytes).length);
  account(bytes, log);
}

/** Every byte, in order, was passed on, or belongs to a frame that was taken, or to one that is not all here yet. */
function account(bytes: Buffer, log: (Buffer | 'taken')[]): void {
  let at = 0;
  for (const entry of log) {
    const next = entry === 'taken' ? (frames(bytes.subarray(at))[0] ?? Buffer.alloc(0)) : entry;
    if (entry === 'taken') expect([0x30, 0x31]).toContain(bytes[at]);
    else if (!bytes.subarray(at, at + next.length).equals(next)) throw new Error('something else was passed on');
    at += next.length;
  }
  const left = bytes.subarray(at);
  expect(frames(left)).toEqual([]);
}

/** Damaged user properties may have empty values, of which mqtt-packet forgets some. */
function core(packet: object): object {
  return { ...packet, properties: undefined };
}

/** Runs a scanner as a tap does: on through each chunk, stopping after what is passed on. */
function scanned(chunks: Buffer[], version: Version, frameBudget = 128) {
  const events: Seen[] = [];
  const log: (Buffer | 'taken')[] = [];
  let run: Buffer[] = [];
  let passed = 0;
  const flush = () => {
    const bytes = Buffer.concat(run);
    run = [];
    for (const packet of inFrames(bytes, version).packets) events.push({ packet, taken: false });
  };
  const scanner = new Scanner({
    version,
    maxPayloadBytes: MAX_PAYLOAD,
    pass: (bytes) => {
      if (bytes.length === 0) throw new Error('nothing was passed on');
      passed += bytes.length;
      run.push(Buffer.from(bytes));
      log.push(Buffer.from(bytes));
    },
    take: (view) => {
      flush();
      log.push('taken');
      events.push({ packet: asPacket(view), taken: true });
      // What is kept by reference must not be relied on.
      if (view.bytes.length === 4096) view.bytes.subarray(view.payloadStart, view.payloadEnd).fill(0);
    },
  });
  for (const chunk of chunks) {
    const mine = Buffer.from(chunk);
    for (let at = 0; at < mine.length; ) {
      const before = passed;
      const next = scanner.scan(mine, at, frameBudget, 1);
      if (next === at && passed === before) throw new Error('it got nowhere');
      at = next;
    }
  }
  flush();
  return { events, log, aside: scanner.aside };
}

function asPacket(view: PublishView): object {
  const { bytes, ids } = view;
  const properties = readProperties(bytes, view.propertiesStart, view.propertiesEnd);
  if (view.size !== view.payloadEnd - view.payloadStart) throw new Error('the payload is cut off');
  return publishOf({
    qos: 0,
    dup: false,
    retain: view.retain,
    topic: bytes.toString('utf8', view.topicStart, view.topicEnd),
    payload: Buffer.from(bytes.subarray(view.payloadStart, view.payloadEnd)),
    properties: {
      ...properties,
      ...(ids === undefined ? {} : { subscriptionIdentifier: typeof ids === 'number' ? ids : [...ids] }),
    },
  });
}

type Publish = Pick<IPublishPacket, 'qos' | 'dup' | 'retain' | 'topic' | 'payload' | 'properties'>;

function publishOf({ qos, dup, retain, topic, payload, properties = {} }: Publish, messageId?: number): object {
  const { correlationData, userProperties } = properties;
  const shown = {
    ...properties,
    ...(correlationData ? { correlationData: correlationData.toString('hex') } : {}),
    ...(userProperties ? { userProperties: { ...userProperties } } : {}),
  };
  const hex = Buffer.from(payload).toString('hex');
  return { cmd: 'publish', qos, dup, retain, topic, payload: hex, properties: shown, messageId };
}

function plain(packet: Packet): object {
  return packet.cmd === 'publish' ? publishOf(packet, packet.messageId) : { ...packet };
}

/** What mqtt-packet makes of all bytes in one piece. */
function oracle(bytes: Buffer, version: Version): object[] {
  const seen: object[] = [];
  const decoder = parser({ protocolVersion: version });
  decoder.on('packet', (packet) => seen.push(plain(packet)));
  decoder.on('error', (error) => {
    throw error;
  });
  decoder.parse(bytes);
  return seen;
}

/** Each frame by itself, up to the first that mqtt-packet refuses: a damaged one must not be read into the next. */
function inFrames(bytes: Buffer, version: Version): { packets: object[]; rest: number } {
  const packets: object[] = [];
  let failed = false;
  for (const frame of frames(bytes)) {
    const decoder = parser({ protocolVersion: version });
    decoder.on('packet', (packet) => {
      if (!failed) packets.push(plain(packet));
    });
    decoder.on('error', () => {
      failed = true;
    });
    try {
      decoder.parse(frame);
    } catch {
      failed = true; // bl refuses to read behind its end
    }
    if (failed) break;
  }
  const whole = frames(bytes).reduce((sum, { length }) => sum + length, 0);
  return { packets, rest: bytes.length - whole };
}

/** Whole frames by their remaining length; a broken one takes all that is left. */
function frames(bytes: Buffer): Buffer[] {
  const found: Buffer[] = [];
  let at = 0;
  while (at < bytes.length) {
    let length = 0;
    let digits = 0;
    let byte = 0x80;
    while (byte > 0x7f && digits < 4) {
      const next = bytes[at + 1 + digits];
      if (next === undefined) return found;
      byte = next;
      length += (byte & 0x7f) * 128 ** digits;
      digits += 1;
    }
    const end = byte > 0x7f ? bytes.length : at + 1 + digits + length;
    if (end > bytes.length) return found;
    found.push(bytes.subarray(at, end));
    at = end;
  }
  return found;
}

/** What a scanner is there to take. */
function isPlain(packet: object): boolean {
  if (!('cmd' in packet && packet.cmd === 'publish')) return false;
  if (!('qos' in packet && 'dup' in packet && 'topic' in packet && 'properties' in packet)) return false;
  const { properties } = packet;
  const hasAlias = typeof properties === 'object' && properties !== null && 'topicAlias' in properties;
  return packet.qos === 0 && packet.dup === false && packet.topic !== '' && !hasAlias;
}

type Cut = { every: number } | { at: number[] };

function cuts(): fc.Arbitrary<Cut> {
  return fc.oneof(
    fc.record({ every: fc.integer({ min: 1, max: 7 }) }),
    fc.record({ every: fc.constant(1 << 30) }),
    fc.record({ at: fc.array(fc.nat(), { maxLength: 10 }) }),
  );
}

const budget = fc.constantFrom(1, 2, 3, 128);

function cut(bytes: Buffer, by: Cut): Buffer[] {
  const places = 'at' in by ? by.at.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b) : [];
  // Many tiny chunks of a large frame take long, and show nothing more.
  const every = 'every' in by ? Math.max(by.every, bytes.length >> 11) : 0;
  if (every > 0) for (let at = every; at < bytes.length; at += every) places.push(at);
  return [0, ...places].map((from, n) => bytes.subarray(from, places[n] ?? bytes.length));
}

function encode(sent: Packet[], version: Version): Buffer {
  return Buffer.concat(sent.map((packet) => generate(packet, { protocolVersion: version })));
}

/** Everything a broker may send. */
function packets(version: Version): fc.Arbitrary<Packet> {
  const v5 = version === 5;
  const messageId = fc.integer({ min: 1, max: 0xffff });
  const ack = fc.constantFrom('puback' as const, 'pubrec' as const, 'pubcomp' as const, 'pubrel' as const);
  const granted = fc.array(fc.constantFrom(0, 1, 2, 0x80), { minLength: 1, maxLength: 3 });
  return fc.oneof(
    { weight: 6, arbitrary: publishes(v5) },
    fc.record({
      cmd: fc.constant('connack' as const),
      sessionPresent: fc.boolean(),
      returnCode: fc.constant(0),
      reasonCode: fc.constant(0),
    }),
    fc.record({ cmd: ack, messageId, reasonCode: fc.constant(0) }),
    fc.record({ cmd: fc.constant('suback' as const), messageId, granted }),
    fc.record({
      cmd: fc.constant('unsuback' as const),
      messageId,
      granted: fc.constant<number[]>(v5 ? [0, 0x11] : []),
    }),
    fc.constant<Packet>({ cmd: 'pingresp' }),
    ...(v5 ? [fc.constant<Packet>({ cmd: 'disconnect', reasonCode: 0x8b }), auth] : []),
  );
}

const auth = fc.constant<Packet>({ cmd: 'auth', reasonCode: 0x18, properties: { authenticationMethod: 'm' } });

function publishes(v5: boolean): fc.Arbitrary<Packet> {
  const topic = fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom('a', 'a/b', 'plant/7/state', '$SYS/x', 'ü/😀', '\u0000') },
    fc.string({ minLength: 1, maxLength: 30, unit: 'grapheme' }),
    fc.constantFrom('t'.repeat(127), 't'.repeat(300), 't'.repeat(65_535)),
  );
  const payload = fc.oneof(
    { weight: 6, arbitrary: fc.uint8Array({ maxLength: 40 }) },
    { weight: 2, arbitrary: fc.integer({ min: 100, max: 300 }).map((size) => new Uint8Array(size).fill(0x30)) },
    fc.constantFrom(16_370, 16_384, 70_000).map((size) => new Uint8Array(size).fill(0x31)),
  );
  const base = {
    cmd: fc.constant('publish' as const),
    topic,
    payload: payload.map((bytes) => Buffer.from(bytes)),
    qos: fc.constantFrom(0 as const, 0 as const, 0 as const, 1 as const, 2 as const),
    dup: fc.constantFrom(false, false, false, true),
    retain: fc.boolean(),
    messageId: fc.integer({ min: 1, max: 0xffff }),
  };
  if (!v5) return fc.record(base);
  return fc.record({ ...base, properties: fc.oneof(fc.constant({}), justAnId, properties) });
}

const identifier = fc.oneof(
  fc.constantFrom(1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 268_435_455),
  fc.integer({ min: 1, max: 200 }),
);
const justAnId = identifier.map((subscriptionIdentifier) => ({ subscriptionIdentifier }));

const text = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' });
const properties = fc.record(
  {
    payloadFormatIndicator: fc.boolean(),
    messageExpiryInterval: fc.integer({ min: 1, max: 0xffff_ffff }),
    topicAlias: fc.integer({ min: 1, max: 0xffff }),
    responseTopic: text,
    correlationData: fc.uint8Array({ minLength: 1, maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
    userProperties: fc.dictionary(text, fc.oneof(text, fc.array(text, { minLength: 2, maxLength: 3 })), {
      maxKeys: 3,
      noNullPrototype: true,
    }),
    subscriptionIdentifier: fc.oneof(identifier, fc.array(identifier, { minLength: 2, maxLength: 5 })),
    contentType: text,
  },
  { requiredKeys: [] },
);
