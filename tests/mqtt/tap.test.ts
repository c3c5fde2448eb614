// The stream between socket and mqtt.js, over a socket that a test plays.
import { Duplex, type Readable } from 'node:stream';
import { generate, type Packet, parser, writeToStream } from 'mqtt-packet';
import { describe, expect, test } from 'vitest';
import { type Tap, type TapOptions, tap } from '../../src/mqtt/tap.ts';

/** Behaves as a net.Socket does. */
class FakeSocket extends Duplex {
  readonly written: Buffer[] = [];
  /** Until it is called, nothing is written. */
  flush: (() => void) | undefined;
  holdsWrites = false;

  constructor() {
    super({ allowHalfOpen: false });
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.written.push(chunk);
    if (this.holdsWrites) this.flush = done;
    else done();
  }
}

type Options = Partial<TapOptions> & { onTake?: (payload: string, stream: Tap) => void };

/** A tap and what comes out of it: payloads of taken messages and names of other packets, in order. */
function start({ onTake, ...options }: Options = {}) {
  const socket = new FakeSocket();
  const events: string[] = [];
  const stream: Tap = tap(socket, {
    version: 4,
    take: ({ bytes, payloadStart, payloadEnd }) => {
      const payload = bytes.toString('latin1', payloadStart, payloadEnd);
      events.push(payload);
      onTake?.(payload, stream);
    },
    ...options,
  });
  const decoder = parser({ protocolVersion: 4 });
  decoder.on('packet', ({ cmd, messageId }) => events.push(messageId === undefined ? cmd : `${cmd} ${messageId}`));
  const read = (from: Readable) => from.on('data', (chunk) => decoder.parse(chunk));
  for (const event of ['end', 'finish', 'close']) stream.on(event, () => events.push(`<${event}>`));
  stream.on('error', (error) => events.push(`<error ${error.message}>`));
  const seen = (event: string) => expect.poll(() => events, { interval: 1 }).toContain(event);
  return { socket, stream, events, read, seen };
}

function frame(payload: string, qos: 0 | 1 | 2 = 0, messageId = 1): Buffer {
  return generate({ cmd: 'publish', topic: 'a/b', payload, qos, dup: false, retain: false, messageId });
}

const encode = (...packets: Packet[]) => Buffer.concat(packets.map((packet) => generate(packet)));
const numbers = (count: number) => Array.from({ length: count }, (_, n) => `${n}`);

describe('inbound', () => {
  test('messages and packets -> in the order of the wire, in whatever chunks', async () => {
    const { socket, stream, events, read, seen } = start();
    read(stream);
    const suback = encode({ cmd: 'suback', messageId: 7, granted: [0] });
    const bytes = Buffer.concat([suback, frame('1'), frame('', 1, 8), frame('2'), suback, frame('3'), frame('4')]);
    for (const byte of bytes) socket.push(Buffer.from([byte]));
    await seen('4');
    socket.push(bytes);
    const once = ['suback 7', '1', 'publish 8', '2', 'suback 7', '3', '4'];
    await expect.poll(() => events).toEqual([...once, ...once]);
    expect(stream.state).toEqual({ backlog: 0, fellBehind: 0, aside: false });
  });

  test('what was passed on is not read yet -> nothing behind it is taken', async () => {
    const { socket, stream, events, read } = start();
    read(stream);
    stream.pause();
    socket.push(Buffer.concat([frame('1'), frame('', 1, 8), frame('2')]));
    await turns(20);
    expect(events).toEqual(['1']);
    stream.resume();
    await expect.poll(() => events).toEqual(['1', 'publish 8', '2']);
  });

  test('its reader waits until it can write -> nothing more is taken before that', async () => {
    const { socket, stream, events, read } = start();
    read(stream);
    socket.holdsWrites = true;
    while (stream.write(Buffer.alloc(1024)));
    socket.push(frame('1'));
    await turns(20);
    expect(events).toEqual([]);
    socket.holdsWrites = false;
    socket.flush?.();
    await expect.poll(() => events).toEqual(['1']);
  });

  test('more than the backlog may hold -> the socket waits, that is counted, nothing is lost', async () => {
    const { socket, stream, events, read } = start({ maxBacklogBytes: 100_000 });
    const payloads = numbers(20_000);
    for (const payload of payloads) socket.push(frame(payload));
    await turns(20);
    expect(stream.state.fellBehind).toBe(1);
    expect(stream.state.backlog).toBeLessThan(101_000);
    expect(socket.isPaused()).toBe(true);
    read(stream);
    await expect.poll(() => events.length).toBe(payloads.length);
    expect(events).toEqual(payloads);
    expect(stream.state.fellBehind).toBeGreaterThan(1);
    expect(stream.state.backlog).toBe(0);
  });

  test('settled -> once all that was read at the call is taken; destroyed -> at once', async () => {
    const { socket, stream, events, read } = start();
    for (const payload of numbers(2_000)) socket.push(frame(payload));
    await turns(20);
    const settled = stream.settled();
    read(stream);
    await settled;
    expect(events.length).toBe(2_000);
    const other = start();
    other.socket.push(frame('1'));
    await turns(20);
    const gone = other.stream.settled();
    other.stream.destroy();
    await gone;
    expect(other.events).toEqual([]);
  });

  test('five floods at once -> together 16 MiB are held and no more; as one goes, the others go on, and nothing is lost', async () => {
    const MIB = 1024 * 1024;
    const floods = Array.from({ length: 5 }, () => start());
    const payload = 'x'.repeat(MIB / 16);
    for (let n = 0; n < 12 * 16; n += 1) {
      for (const { socket } of floods) socket.push(frame(payload));
      await turns(1);
    }
    const held = () => floods.reduce((sum, { stream }) => sum + stream.state.backlog, 0);
    expect(held()).toBeGreaterThan(15 * MIB);
    expect(held()).toBeLessThan(17.5 * MIB);
    expect(floods.filter(({ socket }) => socket.isPaused()).length).toBeGreaterThan(0);
    floods.shift()?.stream.destroy();
    for (const { stream, read } of floods) read(stream);
    for (const { events } of floods) {
      await expect.poll(() => events.filter((one) => one === payload).length).toBe(12 * 16);
    }
    expect(held()).toBe(0);
    const { socket, stream } = start();
    for (let n = 0; n < 40 && !socket.isPaused(); n += 1) {
      socket.push(Buffer.alloc(MIB));
      await turns(1);
    }
    expect(stream.state.backlog).toBeGreaterThan(15 * MIB);
    stream.destroy();
  });

  test('much work in the backlog -> the rest of the program gets its turn every few milliseconds', async () => {
    const { socket, stream, events, read } = start({ onTake: () => spin(0.1) });
    const payloads = numbers(5000);
    // What goes to mqtt.js in between does not make a slice longer.
    const frames = payloads.map((payload, n) => frame(payload, n > 2500 && n % 2 === 1 ? 1 : 0));
    socket.push(Buffer.concat(frames));
    let before = 0;
    let most = 0;
    const look = () => {
      most = Math.max(most, events.length - before);
      before = events.length;
      next = setImmediate(look);
    };
    let next = setImmediate(look);
    read(stream);
    await expect.poll(() => events.length, { timeout: 20_000 }).toBe(payloads.length);
    clearImmediate(next);
    most = Math.max(most, events.length - before);
    // 5 ms, and 6.4 ms until it looks at the clock again.
    expect(most).toBeLessThan(130);
  });

  test('QoS 1 every now and then -> does not cost a turn of the event loop each', async () => {
    const { socket, stream, events, read } = start();
    read(stream);
    await turns(1);
    socket.push(Buffer.concat(numbers(300).map((payload, n) => frame(payload, n % 2 === 1 ? 1 : 0, n))));
    let needed = 0;
    for (; events.length < 300; needed += 1) await turns(1);
    expect(needed).toBeLessThan(100);
  });

  test('broken framing -> all of it reaches the reader, and the state says so', async () => {
    const { socket, stream } = start();
    const chunks: Buffer[] = [];
    stream.on('data', (chunk) => chunks.push(chunk));
    const rest = Buffer.concat([Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0xff]), frame('2')]);
    socket.push(Buffer.concat([frame('1'), rest]));
    socket.push(frame('3'));
    await expect.poll(() => Buffer.concat(chunks)).toEqual(Buffer.concat([rest, frame('3')]));
    expect(stream.state.aside).toBe(true);
  });
});

describe('outbound', () => {
  test('a packet that is written in pieces -> one write', async () => {
    const { socket, stream } = start();
    writeToStream({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a/#', qos: 0 }] }, stream);
    writeToStream({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['b'] }, stream);
    await turns(1);
    const subscribe = encode({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a/#', qos: 0 }] });
    expect(socket.written).toEqual([
      Buffer.concat([subscribe, encode({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['b'] })]),
    ]);
  });

  test('many small writes, one tick after the other -> few writes to the socket', async () => {
    const { socket, stream } = start();
    let left = 100;
    const acknowledge = () => {
      stream.write('ack');
      left -= 1;
      if (left > 0) process.nextTick(acknowledge);
    };
    acknowledge();
    await turns(5);
    expect(Buffer.concat(socket.written)).toHaveLength(300);
    expect(socket.written.length).toBeLessThan(5);
  });

  test('the socket does not keep up -> neither does the stream, and it goes on when the socket does', async () => {
    const { socket, stream } = start();
    socket.holdsWrites = true;
    let accepted = 1;
    while (stream.write(Buffer.alloc(1024))) accepted += 1;
    expect(accepted).toBeLessThan(100);
    await turns(5);
    expect(stream.writableNeedDrain).toBe(true);
    socket.holdsWrites = false;
    socket.flush?.();
    await expect.poll(() => stream.writableNeedDrain).toBe(false);
    expect(Buffer.concat(socket.written)).toHaveLength(1024 * accepted);
  });

  test('ended -> what was written is out, then the socket ends', async () => {
    const { socket, stream, events, read, seen } = start();
    read(stream);
    stream.write('one');
    stream.end('two');
    await seen('<finish>');
    expect(Buffer.concat(socket.written).toString()).toBe('onetwo');
    expect(socket.writableFinished).toBe(true);
    expect(stream.destroyed).toBe(false);
    socket.push(frame('late'));
    socket.push(null);
    await seen('<close>');
    expect(events).toEqual(['<finish>', 'late', '<end>', '<close>']);
  });
});

describe('the end', () => {
  const farewell = Buffer.concat([...numbers(1000).map((payload) => frame(payload)), encode({ cmd: 'pingresp' })]);

  test('the broker says goodbye and ends -> all of it comes first, then one end and one close', async () => {
    const { socket, stream, events, read, seen } = start();
    read(stream);
    socket.push(farewell);
    socket.push(null);
    await seen('<close>');
    expect(events.slice(0, 1001)).toEqual([...numbers(1000), 'pingresp']);
    expect(events.slice(1001).toSorted()).toEqual(['<close>', '<end>', '<finish>']);
    expect(socket.destroyed).toBe(true);
  });

  test('the broker says goodbye and resets -> all of it comes first, then one error and one close', async () => {
    const { socket, stream, events, read, seen } = start();
    read(stream);
    socket.push(farewell);
    await turns(1);
    stream.write('unsent');
    socket.destroy(new Error('reset'));
    await seen('<close>');
    expect(events).toEqual([...numbers(1000), 'pingresp', '<error reset>', '<close>']);
  });

  test('the broker resets before its last words are read -> they are read, then the error', async () => {
    const { socket, stream, events, read } = start();
    read(stream);
    stream.pause();
    socket.push(Buffer.concat([frame('1'), encode({ cmd: 'pingresp' })]));
    await turns(5);
    socket.destroy(new Error('reset'));
    await turns(5);
    expect(events).toEqual(['1']);
    stream.resume();
    await expect.poll(() => events).toEqual(['1', 'pingresp', '<error reset>', '<close>']);
  });

  test('the reader works in ticks, and the socket is gone before it is read -> all is dealt with before the close', async () => {
    const { socket, stream, events, seen } = start();
    const decoder = parser({ protocolVersion: 4 });
    const packets: string[] = [];
    decoder.on('packet', ({ messageId = 0 }) => packets.push(`packet ${messageId}`));
    const work = () => {
      const packet = packets.shift();
      if (packet === undefined) return;
      events.push(packet);
      process.nextTick(work);
    };
    stream.on('data', (chunk) => {
      decoder.parse(chunk);
      work();
    });
    await turns(1);
    const ids = Array.from({ length: 50 }, (_, n) => n + 1);
    socket.push(Buffer.concat(ids.map((id) => frame('', 1, id))));
    socket.destroy(new Error('reset'));
    await seen('<close>');
    expect(events).toEqual([...ids.map((id) => `packet ${id}`), '<error reset>', '<close>']);
  });

  test('the reader answers after the broker has ended -> no error', async () => {
    const { socket, stream, events, seen } = start();
    stream.on('data', () => {
      events.push('read');
      stream.write('acknowledged');
    });
    socket.push(Buffer.concat([frame('', 1, 1), frame('1')]));
    socket.push(null);
    await seen('<close>');
    expect(events).toEqual(['read', '1', '<end>', '<finish>', '<close>']);
  });

  test('a write fails while the reader waits for it -> what came is still delivered, then the error', async () => {
    const { socket, stream, events, read, seen } = start();
    socket.holdsWrites = true;
    while (stream.write(Buffer.alloc(1024)));
    read(stream);
    socket.push(Buffer.concat([frame('1'), frame('', 1, 8)]));
    await turns(5);
    socket.destroy(new Error('EPIPE'));
    await seen('<close>');
    expect(events).toEqual(['1', 'publish 8', '<error EPIPE>', '<close>']);
  });

  test('it could not be connected -> one error and one close', async () => {
    const { socket, stream, events, read, seen } = start();
    socket.holdsWrites = true;
    read(stream);
    stream.write('CONNECT');
    socket.destroy(new Error('refused'));
    await seen('<close>');
    expect(events).toEqual(['<error refused>', '<close>']);
  });

  test('closed without an end -> closed', async () => {
    const { socket, stream, events, read, seen } = start();
    read(stream);
    socket.push(frame('1'));
    await turns(5);
    socket.destroy();
    await seen('<close>');
    expect(events.filter((event) => event === '<close>')).toHaveLength(1);
    expect(events.some((event) => event.startsWith('<error'))).toBe(false);
    stream.write('to nobody');
  });

  test('destroyed -> so is the socket, and nothing more is taken', async () => {
    const { socket, stream, events, read } = start();
    read(stream);
    socket.push(farewell);
    stream.destroy();
    await turns(5);
    expect(events).toEqual(['<close>']);
    expect(socket.destroyed).toBe(true);
    socket.emit('error', new Error('afterwards'));
    await turns(5);
    expect(events).toEqual(['<close>']);
  });

  test('destroyed by the one who takes -> not even the next one is taken', async () => {
    const { socket, stream, events, read } = start({ onTake: (_payload, one) => one.destroy() });
    read(stream);
    socket.push(farewell);
    await turns(5);
    expect(events).toEqual(['0', '<close>']);
    expect(socket.destroyed).toBe(true);
  });

  test('the one who takes throws -> the stream ends with that error, no message comes twice', async () => {
    const bug = () => {
      throw new Error('bug');
    };
    const { socket, stream, events, read } = start({ onTake: bug });
    read(stream);
    socket.push(farewell);
    await turns(5);
    expect(events).toEqual(['0', '<error bug>', '<close>']);
    expect(socket.destroyed).toBe(true);
  });
});

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

function spin(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}
