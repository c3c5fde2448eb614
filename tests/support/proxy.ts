// Owns a bad network: a TCP proxy on 127.0.0.1 whose behaviour a test changes while connections are open.
import { once } from 'node:events';
import { createServer, connect as dial, type Socket } from 'node:net';

export type ProxyMode = {
  /**
   * pass: both ways. blackhole: accepts, takes every byte and forwards none, also on connections already open; only
   * what one side sends, where `deaf_to` names it.
   * reset: RST to open connections and to every new one. refuse: nobody listens; open connections stay.
   */
  kind?: 'pass' | 'blackhole' | 'reset' | 'refuse';
  deaf_to?: 'broker' | 'client';
  /** Delay in each direction. */
  latency_ms?: number;
  /** In each direction. */
  bytes_per_second?: number;
  /** Ends a connection once this many more bytes of one direction got through: in the middle of a packet. */
  cut?: { after: number; of: 'broker' | 'client' };
};

export type Proxy = {
  port: number;
  /** `mqtt://127.0.0.1:port`. */
  url: string;
  setMode(mode: ProxyMode): Promise<void>;
  /** RST to every open connection; new ones are welcome. */
  dropAll(): void;
  /** Clients connected now, and since the start. */
  connections(): { open: number; total: number };
  stop(): Promise<void>;
};

const bufferLimit = 256 * 1024; // beyond it the sender is paused, as a full socket would

/** A proxy to `targetPort` of 127.0.0.1, on a free port that it keeps in every mode. */
export async function startProxy(targetPort: number, first: ProxyMode = {}): Promise<Proxy> {
  let mode: ProxyMode = first.kind === 'refuse' ? {} : first;
  let budget = mode.cut?.after ?? 0;
  let total = 0;
  let port = 0;
  const open = new Set<Socket>(); // both ends
  const clients = new Set<Socket>();
  const swallows = (side: 'broker' | 'client'): boolean =>
    mode.kind === 'blackhole' && (mode.deaf_to === undefined || mode.deaf_to === side);
  const dropAll = (): void => {
    for (const socket of open) socket.resetAndDestroy();
  };
  const listen = async (): Promise<void> => {
    await once(server.listen(port, '127.0.0.1'), 'listening');
    const address = server.address();
    if (address !== null && typeof address === 'object') port = address.port;
  };
  /** One direction of one connection: chunks wait their turn, so that order survives latency. */
  const forward = (from: Socket, to: Socket, side: 'broker' | 'client'): void => {
    let tail = Promise.resolve();
    let queued = 0;
    let free = 0; // when the line has sent what is before this chunk
    const send = async (chunk: Buffer, due: number): Promise<void> => {
      const wait = due - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      queued -= chunk.length;
      if (queued < bufferLimit) from.resume();
      if (swallows(side) || to.destroyed) return;
      const cutHere = mode.cut?.of === side;
      const part = cutHere ? chunk.subarray(0, budget) : chunk;
      if (cutHere) budget -= part.length;
      if (!to.write(part)) await Promise.race([once(to, 'drain'), once(to, 'close')]).catch(() => {});
      if (cutHere && budget === 0) {
        from.destroy();
        to.end();
      }
    };
    from.on('data', (chunk: Buffer) => {
      const now = performance.now();
      const rate = mode.bytes_per_second ?? Number.POSITIVE_INFINITY;
      const step = Math.min(chunk.length, Math.max(1, Math.ceil(rate / 50)));
      for (let at = 0; at < chunk.length; at += step) {
        const part = chunk.subarray(at, at + step);
        free = Math.max(free, now) + (part.length / rate) * 1000;
        const due = free + (mode.latency_ms ?? 0);
        queued += part.length;
        tail = tail.then(() => send(part, due));
      }
      if (queued >= bufferLimit) from.pause();
    });
    // A FIN travels behind the data; a reset does not wait.
    from.on('end', () => void tail.then(() => swallows(side) || to.end()));
    from.on('error', () => to.resetAndDestroy());
    from.on('close', () => {
      open.delete(from);
      if (!from.readableEnded && !swallows(side)) void tail.then(() => to.end());
    });
  };
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    total += 1;
    open.add(client);
    clients.add(client);
    client.on('close', () => clients.delete(client));
    if (mode.kind === 'reset') {
      client.on('error', () => {}).on('close', () => open.delete(client));
      client.resetAndDestroy();
      return;
    }
    const broker = dial({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    open.add(broker);
    forward(client, broker, 'client');
    forward(broker, client, 'broker');
  });
  await listen();
  const setMode = async (next: ProxyMode): Promise<void> => {
    mode = next;
    budget = next.cut?.after ?? 0;
    if (next.kind === 'reset') dropAll();
    if (next.kind === 'refuse' && server.listening) server.close(); // stops listening at once, open connections stay
    if (next.kind !== 'refuse' && !server.listening) await listen();
  };
  if (first.kind === 'refuse') await setMode(first);
  return {
    port,
    url: `mqtt://127.0.0.1:${port}`,
    setMode,
    dropAll,
    connections: () => ({ open: clients.size, total }),
    async stop() {
      dropAll();
      if (server.listening) server.close();
    },
  };
}
