// Owns a publisher at QoS 0 that writes frames encoded beforehand over one socket, at a rate, whatever the broker does.
import { once } from 'node:events';
import { connect } from 'node:net';
import { generate } from 'mqtt-packet';
import { onTestFinished } from 'vitest';

/** How often it writes what is due, ms. */
const TICK_MS = 4;

export type Flood = {
  /** Whether it is still being written. */
  readonly running: boolean;
  /** Resolves once the broker has read all of it. */
  readonly over: Promise<void>;
};

/** Publishes the messages, `rate` a second, in their order. */
export async function startFlood(port: number, messages: readonly [string, string][], rate: number): Promise<Flood> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  socket.write(
    generate({
      cmd: 'connect',
      clientId: `flood-${port}-${Date.now()}`,
      protocolVersion: 4,
      keepalive: 0,
      clean: true,
    }),
  );
  await once(socket, 'data'); // CONNACK
  const frames = messages.map(([topic, payload]) =>
    generate({ cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false }),
  );
  const state = { running: true, over: Promise.resolve() };
  const write = async () => {
    const began = performance.now();
    for (let sent = 0; sent < frames.length; ) {
      const due = Math.min(frames.length, Math.ceil(((performance.now() - began) * rate) / 1000));
      if (due > sent) socket.write(Buffer.concat(frames.slice(sent, due)));
      sent = due;
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
    state.running = false;
    socket.write(generate({ cmd: 'pingreq' }));
    await once(socket, 'data'); // PINGRESP: it has read what came before
  };
  state.over = write();
  return state;
}
