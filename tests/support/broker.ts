// Owns the brokers of the tests. The one all tests share is `inject('mqttUrl')`; startMosquitto() is for a test that
// has to kill, restart or configure its own.
import { once } from 'node:events';
import { createServer } from 'node:net';
import type {} from 'vitest';
import { canInstall } from './apt.ts';
import type { MosquittoOptions } from './broker-config.ts';
import { containerEngine, runContainer } from './broker-container.ts';
import { findMosquitto, installMosquitto, runLocal } from './broker-local.ts';

export type { MosquittoOptions } from './broker-config.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The broker that all tests share: `mqtt://host:port`, anonymous. Use a topic prefix of your own. */
    mqttUrl: string;
  }
}

export type Broker = {
  /** `mqtt://127.0.0.1:port`, or `mqtts://localhost:port` with tls. */
  url: string;
  port: number;
  /** Of the process now running; for signals use kill(), which also reaches a container. */
  readonly pid: number;
  /** What it logged so far. */
  log(): string;
  /** Ends it and removes its files. Safe to call twice. */
  stop(): Promise<void>;
  /** Sends a signal (SIGKILL); after SIGKILL and SIGTERM resolves when it is gone. SIGSTOP and SIGCONT freeze and thaw. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** The same broker on the same port again, whether it still runs or not. */
  restart(): Promise<void>;
};

/** Which way brokers are started: `MQTT_TEST_BROKER`, or undefined for the first way that works. */
export function forcedWay(): 'container' | 'local' | undefined {
  const way = process.env.MQTT_TEST_BROKER;
  if (way === undefined || way === '') return undefined;
  if (way === 'container' || way === 'local') return way;
  throw new Error(`MQTT_TEST_BROKER is ${JSON.stringify(way)}: it may be container or local`);
}

export const howToGetOne =
  'no broker for the tests: start Docker, or install mosquitto (apt install mosquitto, brew install mosquitto), or set MQTT_TEST_URL=mqtt://host:1883';

/** An own mosquitto, up when this resolves. A local one where there is one, since faults are best made on loopback. */
export async function startMosquitto(options: MosquittoOptions = {}): Promise<Broker> {
  const way = forcedWay();
  const port = options.port ?? (await freePort());
  const program = way === 'container' ? undefined : findMosquitto();
  if (program !== undefined) return runLocal(program, port, options);
  if (way !== 'local') {
    const engine = await containerEngine();
    if ('image' in engine) return runContainer(engine.image, port, options);
    if (way === 'container') throw new Error(`MQTT_TEST_BROKER=container: ${engine.missing}`);
  }
  return runLocal(await localMosquitto(), port, options);
}

/** The path of a local mosquitto, installed where that is possible. */
export async function localMosquitto(): Promise<string> {
  const program = findMosquitto();
  if (program !== undefined) return program;
  if (!canInstall()) throw new Error(howToGetOne);
  return installMosquitto((line) => process.stderr.write(`[broker] ${line}\n`));
}

/** A port of 127.0.0.1 that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a TCP server without a port');
  return address.port;
}
