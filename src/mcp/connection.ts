// Owns one connection: a peer of rpc/ that speaks MCP in both eras for a program's catalog. Must not know the program.
import type { Readable, Writable } from 'node:stream';
import { type Handlers, Peer } from '../rpc/peer.ts';
import type { Catalog } from './catalog.ts';
import type { Core } from './core.ts';
import { notified, serve } from './methods.ts';
import type { Implementation } from './protocol.ts';
import type { Sealer } from './seal.ts';
import { createSubscriptions } from './subscriptions.ts';
import { createTasks } from './tasks.ts';

/** How long a client may take to come back with the answers to a question, ms. */
const REQUEST_STATE_TTL_MS = 600_000;

export type ConnectionOptions = {
  input: Readable;
  output: Writable;
  catalog: Catalog;
  server: Implementation;
  /** What hosts show to the model once. */
  instructions: string;
  /** How long calls in flight get once the input has ended, ms. */
  drainMs: number;
  report: Handlers['report'];
};

/** Starts serving; `closed` of the peer resolves at the end. */
export function serveMcp({ input, output, catalog, server, instructions, drainMs, report }: ConnectionOptions): Peer {
  const notify: Peer['notify'] = (method, params) => peer.notify(method, params);
  const subscriptions = createSubscriptions(catalog, notify, () => core.session !== undefined);
  const tasks = createTasks(subscriptions.taskChanged, (error) => report('bug', error));
  let sealing: Promise<Sealer> | undefined;
  const sealer = () => (sealing ??= loadSealer());
  const core: Core = { catalog, server, instructions, sealer, subscriptions, tasks, notify, session: undefined };
  const handlers: Handlers = {
    request: (call) => serve(call, core),
    notification: (method, params) => notified(method, params, (id) => peer.cancel(id)),
    acceptsBatch: () => core.session?.version === '2025-03-26',
    ending: () => {
      subscriptions.close();
      tasks.close();
    },
    report,
  };
  const peer = new Peer({ input, output, handlers, drainMs });
  peer.start();
  return peer;
}

async function loadSealer(): Promise<Sealer> {
  return (await import('./seal.ts')).createSealer(REQUEST_STATE_TTL_MS);
}
