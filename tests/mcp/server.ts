// Owns a whole server in memory, for the tests of what it says.
import { PassThrough } from 'node:stream';
import { expect, onTestFinished } from 'vitest';
import type { Log } from '../../src/log.ts';
import { createServer, noProfiles, type ServerOptions } from '../../src/server.ts';
import { Wire } from '../support/streams.ts';
import { objections } from './official.ts';

export type LogEntry = { level: string; msg: string; fields: object };
export type TestServer = Wire & { closed: Promise<void>; shutdown(): void; logged: LogEntry[] };

/** A whole server over in-memory streams, ended with the test, which fails where the SDKs object to a line of it. */
export function startServer(options: Partial<ServerOptions> = {}): TestServer {
  const server = serverInMemory(options);
  onTestFinished(async () => {
    server.end();
    server.shutdown();
    await server.closed;
    expect(await objections(server.sent, server.received)).toEqual([]);
  });
  return server;
}

/** One that the caller ends. */
export function serverInMemory(options: Partial<ServerOptions> = {}): TestServer {
  const input = new PassThrough();
  const output = new PassThrough();
  const logged: LogEntry[] = [];
  const server = createServer({
    input,
    output,
    log: logInto(logged),
    profiles: noProfiles,
    readOnly: false,
    danger: 'ask',
    drainMs: 1_000,
    meter: process,
    ...options,
  });
  const closed = server.closed.then(() => void output.end());
  const wire = new Wire(input, output);
  return Object.assign(wire, { closed, shutdown: () => server.shutdown(), logged });
}

function logInto(entries: LogEntry[]): Log {
  const entry =
    (level: string) =>
    (msg: string, fields: object = {}) =>
      void entries.push({ level, msg, fields });
  return { debug: entry('debug'), info: entry('info'), warn: entry('warn'), error: entry('error') };
}
