// A server that breaks the protocol: the session falls and comes back, or the call fails; the program goes on.
import { expect, test } from 'vitest';
import { startFakeBroker } from '../support/fake-broker.ts';
import { becomes, collecting, programBeside, told } from '../support/faults.ts';

const up = { is_connected: true, connection_error: null };
const publish = (topic: string, more: number[] = []) => {
  const name = Buffer.from(topic, 'latin1');
  const body = Buffer.concat([Buffer.from([name.length >> 8, name.length & 255]), name, Buffer.from([0, ...more])]);
  return Buffer.concat([Buffer.from([0x30, body.length]), body]);
};

/** What MQTT 5 forbids a server to send to an open session. */
const malformed: Record<string, Buffer> = {
  'packet type 0': Buffer.from([0x00, 0x00]),
  'a length of five bytes': Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0x01]),
  'a length of 256 MB': Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f, 0x00, 0x01, 0x61, 0x00]),
  'PUBLISH at QoS 3': Buffer.from([0x36, 0x06, 0x00, 0x01, 0x61, 0x00, 0x01, 0x00]),
  'PUBLISH with a topic longer than the packet': Buffer.from([0x30, 0x04, 0x00, 0xff, 0x61, 0x00]),
  'PUBLISH at QoS 1 with a topic longer than the packet': Buffer.from([0x32, 0x04, 0x00, 0xff, 0x61, 0x00]),
  'PUBLISH with properties longer than the packet': Buffer.from([0x30, 0x05, 0x00, 0x01, 0x61, 0x7f, 0x00]),
  'PUBLISH with an unknown property': Buffer.from([0x30, 0x06, 0x00, 0x01, 0x61, 0x02, 0x7f, 0x00]),
  'random bytes': Buffer.alloc(64, 0xff),
  HTTP: Buffer.from('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'),
};

/** Well-formed, and nothing asked for it. */
const misplaced: Record<string, Buffer> = {
  'a CONNECT': Buffer.from([0x10, 0x0d, 0x00, 0x04, 0x4d, 0x51, 0x54, 0x54, 0x05, 0x02, 0x00, 0x3c, 0x00, 0x00, 0x00]),
  'a second CONNACK': Buffer.from([0x20, 0x03, 0x00, 0x00, 0x00]),
  'PUBACK that nobody waits for': Buffer.from([0x40, 0x02, 0x90, 0x01]),
  'PUBREC that nobody waits for': Buffer.from([0x50, 0x02, 0x90, 0x01]),
  'PUBREL that nobody waits for': Buffer.from([0x62, 0x02, 0x90, 0x01]),
  'PUBCOMP that nobody waits for': Buffer.from([0x70, 0x02, 0x90, 0x01]),
  'SUBACK that nobody waits for': Buffer.from([0x90, 0x04, 0x90, 0x01, 0x00, 0x00]),
  'UNSUBACK that nobody waits for': Buffer.from([0xb0, 0x04, 0x90, 0x01, 0x00, 0x00]),
  'PINGRESP that nobody waits for': Buffer.from([0xd0, 0x00]),
  'an unknown topic alias': Buffer.from([0x30, 0x06, 0x00, 0x00, 0x03, 0x23, 0x00, 0x09]),
  'a topic with a wildcard': publish('a/#', [0x78]),
  'a topic that is no UTF-8': publish('a\xff', [0x78]),
  'an empty topic': publish('', [0x78]),
};

/** Each on a session of its own, which collects; gives those packets that ended its connection. */
async function fallsBy(packets: Record<string, Buffer>): Promise<string[]> {
  const broker = await startFakeBroker();
  const { script, well } = await programBeside();
  const good = () =>
    broker.clients.at(-1)?.send({ cmd: 'publish', topic: 'a', payload: 'good', qos: 0, retain: false, dup: false });
  const fell: string[] = [];
  for (const [name, bytes] of Object.entries(packets)) {
    const connected = broker.packets.length;
    await script.connect('faulty', broker.url, { keepalive_seconds: 1 });
    const id = await collecting(script, 'faulty', 'a', { max_messages: 1, retained: 'exclude' });
    await expect.poll(() => broker.packets.slice(connected).some(({ cmd }) => cmd === 'subscribe')).toBe(true);
    await script.result('ping'); // its SUBACK is read by now
    const before = broker.packets.length;
    broker.clients.at(-1)?.socket.write(bytes);
    good(); // swallowed where the connection ends by what is before it
    const over = async () => {
      const { messages_received: received, reconnects } = await script.session('faulty');
      return received !== 0 || reconnects === 1;
    };
    await expect.poll(over, { timeout: 10_000, interval: 20 }).toBe(true);
    if ((await script.session('faulty')).reconnects === 1) {
      fell.push(name);
      const again = () => broker.packets.slice(before).some(({ cmd }) => cmd === 'subscribe');
      await expect.poll(again, { timeout: 5_000 }).toBe(true);
      good();
    }
    const result = await script.resultOf(id);
    expect(result, name).toMatchObject({ original_message_count: 1, stopped_by: 'max_messages' });
    expect(told(result)).toEqual(['good']);
    expect(await script.session('faulty')).toMatchObject(up);
    await script.result('close_connection', { session_id: 'faulty' });
  }
  await well();
  return fell;
}

test('hostile server: malformed packets on an open session -> down, back, no other call disturbed', async () => {
  expect(await fallsBy(malformed)).toEqual(Object.keys(malformed));
});

test('hostile server: packets that nobody asked for -> ignored, but for two that end the connection', async () => {
  expect(await fallsBy(misplaced)).toEqual(['a second CONNACK', 'an unknown topic alias']);
});

test('hostile server: anything instead of CONNACK -> an error with a hint, nothing left of it', async () => {
  const packets = Object.entries({ ...malformed, ...misplaced }).filter(([name]) => name !== 'a second CONNACK');
  const broker = await startFakeBroker((packet, { socket }) => {
    if (packet.cmd !== 'connect') return false;
    socket.write(packets[Number(packet.clientId)]?.[1] ?? '');
    return true;
  });
  const { script, well } = await programBeside();
  const attempt = async (client_id: string) => {
    const args = { connection_string: broker.url, client_id, protocol_version: 5, timeout_seconds: 1 };
    const { code } = await script.error('establish_connection', args);
    expect(['protocol_error', 'connection_timeout', 'connection_refused'], packets[Number(client_id)]?.[0]).toContain(
      code,
    );
  };
  const slots = 4; // five sessions, and one is beside
  for (let at = 0; at < packets.length; at += slots) {
    await Promise.all(packets.slice(at, at + slots).map((_, n) => attempt(`${at + n}`)));
  }
  await well();
});

for (const version of [4, 5]) {
  test(`hostile server: a packet of 256 MB at QoS 1, version ${version} -> cut off, its bytes never kept`, async () => {
    const broker = await startFakeBroker();
    const { script, well, peak } = await programBeside();
    await script.connect('faulty', broker.url, { protocol_version: version });
    const socket = broker.clients[0]?.socket;
    socket?.write(Buffer.from([0x32, 0xff, 0xff, 0xff, 0x7f, 0x00, 0x01, 0x61, 0x00, 0x01, 0x00]));
    const chunk = Buffer.alloc(1024 * 1024);
    const pour = () => {
      while (socket?.writable && (socket.bytesWritten ?? 0) < 200e6 && socket.write(chunk));
    };
    socket?.on('drain', pour);
    pour();
    await becomes(script, 'faulty', {
      is_connected: false,
      connection_error: 'the broker sent a packet of more than 16 MiB',
    });
    await becomes(script, 'faulty', { ...up, reconnects: 1 });
    expect(peak()).toBeLessThan(64 * 1024);
    await well('faulty');
  });
}
