// Owns the embedded broker: aedes on 127.0.0.1, and the fleet that speaks through it.
// The only import of aedes; loaded by a dynamic import and only for the demo. Must not know MCP or the daemon.
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { Aedes } from 'aedes';
import { createFleet, type Fleet, type Publication } from './fleet.ts';

export type DemoOptions = {
  /** 0 (default): any free port. */
  port?: number;
  /** Fixes every value that the devices publish; default 1. */
  seed?: number;
  /** Each device speaks once in this time, one after the other; milliseconds, default 1000. */
  intervalMs?: number;
};

export type DemoBroker = {
  /** mqtt://127.0.0.1:PORT, without a credential. */
  url: string;
  port: number;
  /** Ends devices, clients and listener; may be called again. */
  close(): Promise<void>;
};

/** Never another interface: the demo has no password. */
const HOST = '127.0.0.1';

/** A client that stopped reading holds up everybody's messages until it is dropped; aedes waits 60 s by default. */
const DRAIN_TIMEOUT_MS = 5000;

/** Starts broker and devices; the retained topics are all there when it resolves. Rejects where the port is taken. */
export async function startDemo(options: DemoOptions = {}): Promise<DemoBroker> {
  const { port = 0, seed = 1, intervalMs = 1000 } = options;
  const broker = await Aedes.createBroker({ drainTimeout: DRAIN_TIMEOUT_MS });
  // aedes' typings leave 'error' out; unheard it would end the process.
  broker.addListener('error', ignore);
  const fleet = createFleet(seed, intervalMs);
  // An access rule that says nothing: the subscription is granted, the messages stay away.
  broker.authorizeForward = (_client, packet) => (fleet.hides(packet.topic) ? null : packet);
  const listener = createListener(broker);
  try {
    for (const publication of fleet.start()) await publish(broker, publication);
    listener.server.listen(port, HOST);
    await once(listener.server, 'listening');
  } catch (error) {
    await closeBroker(broker);
    throw error;
  }
  // A failed accept (no file descriptors left) is an 'error' event: the demo lives on with the clients that it has.
  listener.server.on('error', ignore);
  const stopDevices = runDevices(broker, fleet, intervalMs);
  const close = async (): Promise<void> => {
    stopDevices();
    await Promise.all([closeBroker(broker), listener.close()]);
  };
  let closing: Promise<void> | undefined;
  const bound = portOf(listener.server);
  return {
    url: `mqtt://${HOST}:${bound}`,
    port: bound,
    close() {
      closing ??= close();
      return closing;
    },
  };
}

function createListener(broker: Aedes): { server: Server; close(): Promise<void> } {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    broker.handle(socket);
  });
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      // aedes closes who has sent CONNECT; this ends the others too.
      for (const socket of sockets) socket.destroy();
    });
  return { server, close };
}

/** Beats in turn, spread evenly over the interval, and obeys. Returns what stops it. */
function runDevices(broker: Aedes, fleet: Fleet, intervalMs: number): () => void {
  const speech = inTurn(broker);
  for (const topic of fleet.commandTopics) {
    // The command counts as delivered once its answer is on its way: a flood of commands is slowed, not queued.
    const obey = (packet: { topic: string; payload: string | Uint8Array }, done: () => void): void =>
      speech.say(fleet.obey(packet.topic, Buffer.from(packet.payload)), done);
    broker.subscribe(topic, obey, ignore);
  }
  const beats = setInterval(() => speech.say(fleet.beat(), ignore), intervalMs / fleet.size);
  beats.unref();
  return () => {
    clearInterval(beats);
    speech.stop();
  };
}

/**
 * Hands over one publication per turn of the event loop, in order. aedes numbers publications as they come but stores
 * a retained one before it forwards it; another one of the same turn overtakes it, and each client's duplicate check
 * (a number at or below the last one seen) then drops the retained one in silence.
 */
function inTurn(broker: Aedes): { say(publications: Publication[], done: () => void): void; stop(): void } {
  const waiting: { publications: Publication[]; done: () => void }[] = [];
  let turn: NodeJS.Immediate | undefined;
  const take = (): void => {
    const publication = waiting[0]?.publications.shift();
    if (publication !== undefined) void publish(broker, publication);
    if (waiting[0]?.publications.length === 0) waiting.shift()?.done();
    turn = waiting.length > 0 ? setImmediate(take) : undefined;
  };
  return {
    say(publications, done) {
      waiting.push({ publications, done });
      turn ??= setImmediate(take);
    },
    stop() {
      clearImmediate(turn);
      for (const { done } of waiting.splice(0)) done();
    },
  };
}

/** Resolves when it is stored and forwarded; what a closing broker refuses is nobody's loss. */
function publish(broker: Aedes, { topic, payload, retain }: Publication): Promise<void> {
  return new Promise((resolve) => {
    broker.publish({ cmd: 'publish', topic, payload: Buffer.from(payload), retain, qos: 0, dup: false }, () =>
      resolve(),
    );
  });
}

function closeBroker(broker: Aedes): Promise<void> {
  return new Promise((resolve) => broker.close(() => resolve()));
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the demo broker has no TCP port');
  return address.port;
}

function ignore(): void {}
