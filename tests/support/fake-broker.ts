// Owns a scripted MQTT broker: it grants and acknowledges everything, except where a test's script says otherwise.
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { generate, type Packet, parser } from 'mqtt-packet';
import { expect, onTestFinished } from 'vitest';

export type FakeClient = {
  socket: Socket;
  /** Of its CONNECT. */
  version: 4 | 5;
  send(packet: Packet): void;
};

/** True where it has dealt with the packet: the ordinary answer is left out. */
export type Script = (packet: Packet, client: FakeClient) => boolean;

export type FakeBroker = {
  url: string;
  port: number;
  /** Everything it was sent, in order. */
  packets: Packet[];
  clients: FakeClient[];
  /** Resolves when `count` packets of a kind are in. */
  received(cmd: Packet['cmd'], count?: number): Promise<void>;
};

/** Listens on a free port of 127.0.0.1 until the test is over. */
export async function startFakeBroker(script: Script = () => false): Promise<FakeBroker> {
  const packets: Packet[] = [];
  const clients: FakeClient[] = [];
  const server = createServer({ noDelay: true }, (socket) => {
    const client: FakeClient = {
      socket,
      version: 4,
      send: (packet) => {
        socket.write(generate(packet, { protocolVersion: client.version }));
      },
    };
    clients.push(client);
    const decoder = parser();
    decoder.on('packet', (packet) => {
      packets.push(packet);
      if (packet.cmd === 'connect') client.version = packet.protocolVersion === 5 ? 5 : 4;
      if (script(packet, client) === true) return;
      const answer = answerTo(packet);
      if (answer) client.send(answer);
      if (packet.cmd === 'disconnect') socket.end();
    });
    decoder.on('error', () => socket.destroy());
    socket.on('data', (chunk) => decoder.parse(chunk));
    socket.on('error', () => {});
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.close();
    for (const { socket } of clients) socket.destroy();
  });
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const count = (cmd: Packet['cmd']) => packets.filter((packet) => packet.cmd === cmd).length;
  const received = async (cmd: Packet['cmd'], wanted = 1) =>
    expect.poll(() => count(cmd), { timeout: 10_000, interval: 5 }).toBeGreaterThanOrEqual(wanted);
  return { url: `mqtt://127.0.0.1:${port}`, port, packets, clients, received };
}

function answerTo(packet: Packet): Packet | undefined {
  const { messageId = 0 } = packet;
  switch (packet.cmd) {
    case 'connect':
      return { cmd: 'connack', sessionPresent: false, returnCode: 0, reasonCode: 0 };
    case 'pingreq':
      return { cmd: 'pingresp' };
    case 'subscribe':
      return { cmd: 'suback', messageId, granted: packet.subscriptions.map(({ qos }) => qos) };
    case 'unsubscribe':
      return { cmd: 'unsuback', messageId, granted: packet.unsubscriptions.map(() => 0) };
    case 'publish':
      if (packet.qos === 0) return undefined;
      return { cmd: packet.qos === 1 ? 'puback' : 'pubrec', messageId, reasonCode: 0 };
    case 'pubrel':
      return { cmd: 'pubcomp', messageId, reasonCode: 0 };
    default:
      return undefined;
  }
}

/** A port of 127.0.0.1 that accepts and never answers, until the test is over. */
export async function startMute(): Promise<{ port: number; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => {}).resume());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = server.address();
  return { port: address !== null && typeof address === 'object' ? address.port : 0, sockets };
}
