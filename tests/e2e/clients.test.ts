// The built program behind the official clients, over real pipes, on a real broker: what hosts of today and of the
// stateless revision do with it. All eras at once: most of the time is one collection of ten seconds.
import { Client as ModernClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernTransport } from '@modelcontextprotocol/client/stdio';
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as V1Transport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Broker, startMosquitto } from '../support/broker.ts';
import { builtProgram } from '../support/daemon.ts';
import { dig } from '../support/streams.ts';

type CallOptions = { onprogress?: (step: { progress: number }) => void; signal?: AbortSignal };
type Host = {
  connect(): Promise<unknown>;
  /** Name and version of the server, and the protocol version that was agreed on, as far as the client tells. */
  facts(): { server: unknown; version?: string | undefined };
  listTools(): Promise<{ tools: { name: string }[] }>;
  callTool(name: string, args: object, options?: CallOptions): Promise<unknown>;
  /** Something that must be answered at any time. */
  ping(): Promise<unknown>;
  close(): Promise<void>;
  stderr: () => string[];
};

/** Has the child tell its exit code on stderr: the transports keep it to themselves. */
const tellExit = 'data:text/javascript,process.on("exit",(code)=>process._rawDebug("exit "+code))';

function command() {
  return { command: process.execPath, args: ['--import', tellExit, builtProgram()], stderr: 'pipe' as const };
}

function collectLines(
  stream: { on(event: 'data', listener: (chunk: Buffer) => void): unknown } | null,
): () => string[] {
  let text = '';
  stream?.on('data', (chunk) => {
    text += chunk.toString();
  });
  return () => text.split('\n').filter(Boolean);
}

const me = { name: 'tests', version: '1' };

function v1(): Host {
  const transport = new V1Transport(command());
  const client = new V1Client(me);
  const stderr = collectLines(transport.stderr);
  return {
    connect: () => client.connect(transport),
    facts: () => ({ server: client.getServerVersion() }),
    listTools: () => client.listTools(),
    callTool: (name, args, options) => client.callTool({ name, arguments: { ...args } }, undefined, options),
    ping: () => client.ping(),
    close: () => client.close(),
    stderr,
  };
}

/** Not the stock class: `auto` then probes on the very stream that it goes on with. */
class InPlaceTransport extends ModernTransport {}

type Mode = 'legacy' | 'auto' | 'auto in place' | 'pinned';

function v2(mode: Mode): Host {
  const transport = mode === 'auto in place' ? new InPlaceTransport(command()) : new ModernTransport(command());
  const negotiation = mode === 'pinned' ? { mode: { pin: '2026-07-28' } } : { mode: 'auto' as const };
  const client = new ModernClient(me, mode === 'legacy' ? {} : { versionNegotiation: negotiation });
  const stderr = collectLines(transport.stderr);
  return {
    connect: () => client.connect(transport),
    facts: () => ({ server: client.getServerVersion(), version: client.getNegotiatedProtocolVersion() }),
    listTools: () => client.listTools(),
    callTool: (name, args, options) => client.callTool({ name, arguments: { ...args } }, options),
    ping: () => (mode === 'legacy' ? client.ping() : client.listTools(undefined, { cacheMode: 'refresh' })),
    close: () => client.close(),
    stderr,
  };
}

const hosts: [string, () => Host, string | undefined][] = [
  ['sdk v1', v1, undefined],
  ['client v2, legacy', () => v2('legacy'), '2025-11-25'],
  ['client v2, auto', () => v2('auto'), '2026-07-28'],
  ['client v2, auto in place', () => v2('auto in place'), '2026-07-28'],
  ['client v2, pinned', () => v2('pinned'), '2026-07-28'],
];

// Of its own: on the shared one somebody may listen to everything, and then it never says that nobody does.
let broker: Broker;
beforeAll(async () => {
  broker = await startMosquitto();
});
afterAll(() => broker.stop());

describe.concurrent('the official clients', () => {
  test.each(hosts)('%s: the tools, progress, cancel, close', async (name, make, version) => {
    const host = make();
    const prefix = `e2e/${name.replace(/[ ,]+/g, '-')}`;
    const ok = async (tool: string, args: object, options?: CallOptions): Promise<unknown> => {
      const result = await host.callTool(tool, args, options);
      expect(dig(result, 'isError'), JSON.stringify(result)).toBeFalsy();
      return dig(result, 'structuredContent');
    };
    const subscribed = async () =>
      dig(await ok('list_active_connections', {}), 'active_connections', 0, 'subscribed_topics');
    try {
      await host.connect();
      expect(host.facts()).toMatchObject({ server: { name: 'bitsperity-mqtt-mcp' }, ...(version ? { version } : {}) });
      const { tools } = await host.listTools();
      expect(tools.map((tool) => tool.name)).toEqual([...tools.map((tool) => tool.name)].sort());
      expect(tools.length).toBeGreaterThanOrEqual(6);

      const session_id = dig(await ok('establish_connection', { connection_string: broker.url }), 'session_id');
      const retained = { session_id, topic: `${prefix}/a`, payload: { on: true }, retain: true, qos: 1 };
      expect(await ok('publish_message', retained)).toMatchObject({ status: 'published', acknowledged: true });
      const listed = await ok('list_topics', { session_id, pattern: `${prefix}/#`, duration_seconds: 0 });
      expect(listed).toMatchObject({ topics: [{ topic: `${prefix}/a`, retained: true }], total_topics: 1 });

      await collectAndCancel(host, ok, subscribed, { session_id, prefix });

      expect(await ok('close_connection', { session_id })).toMatchObject({ status: 'closed', session_id });
      const failed = await host.callTool('list_topics', { session_id });
      expect(failed).toMatchObject({
        isError: true,
        content: [{ text: expect.stringContaining('session_not_found') }],
      });
      await expect(host.callTool('no_such_tool', {})).rejects.toMatchObject({ code: -32602 });
    } finally {
      const from = performance.now();
      await host.close();
      expect(performance.now() - from).toBeLessThan(2_000);
    }
    await vi.waitFor(() => expect(host.stderr()).toEqual(['exit 0']));
  });

  test('auto with the stock transport: close while a session is open and a call in flight -> within 2 s, exit 0', async () => {
    const host = v2('auto');
    await host.connect();
    const { structuredContent } = Object(
      await host.callTool('establish_connection', { connection_string: broker.url }),
    );
    const { session_id } = structuredContent;
    const args = { session_id, topic_pattern: 'e2e/close/#', duration_seconds: 300 };
    const call = host.callTool('subscribe_and_collect', args).catch(String);
    await host.ping();
    const from = performance.now();
    await host.close();
    expect(performance.now() - from).toBeLessThan(2_000);
    // Either the daemon's last word or the client's own.
    expect(JSON.stringify(await call)).toMatch(/cancelled|closed/i);
    await vi.waitFor(() => expect(host.stderr()).toEqual(['exit 0']));
  });
});

type Ok = (tool: string, args: object, options?: CallOptions) => Promise<unknown>;
type At = { session_id: unknown; prefix: string };

/** One collection that runs its ten seconds while others publish, ping and are cancelled. */
async function collectAndCancel(host: Host, ok: Ok, subscribed: () => Promise<unknown>, { session_id, prefix }: At) {
  const steps: number[] = [];
  const collecting = ok(
    'subscribe_and_collect',
    { session_id, topic_pattern: `${prefix}/live/+`, duration_seconds: 10 },
    { onprogress: ({ progress }) => steps.push(progress) },
  );
  const controller = new AbortController();
  const late: unknown[] = [];
  const cancelled = host.callTool(
    'subscribe_and_collect',
    { session_id, topic_pattern: `${prefix}/cancelled/#`, duration_seconds: 300 },
    { signal: controller.signal, onprogress: (step) => controller.signal.aborted && late.push(step) },
  );
  const reason = cancelled.catch((error: unknown) => error);
  const both = [`${prefix}/cancelled/#`, `${prefix}/live/+`];
  await vi.waitFor(async () => expect([Object(await subscribed())].flat().sort()).toEqual(both), { timeout: 5_000 });

  const published = await ok('publish_message', { session_id, topic: `${prefix}/live/x`, payload: '21.5', qos: 1 });
  expect(published).toMatchObject({ reason_code: 0 });
  // While the collection, which lasts much longer, goes on.
  const first = await Promise.race([host.ping().then(() => 'ping'), reason.then(() => 'collection')]);
  expect(first).toBe('ping');

  controller.abort('enough');
  expect(await reason).toBeInstanceOf(Error);
  await vi.waitFor(async () => expect(await subscribed()).toEqual([`${prefix}/live/+`]), { timeout: 5_000 });
  // MQTT 5.0 section 3.4.2.1: the broker itself says that nobody is subscribed.
  const nobody = { session_id, topic: `${prefix}/cancelled/x`, payload: 'x', qos: 1 };
  expect(await ok('publish_message', nobody)).toMatchObject({ reason_code: 0x10 });

  expect(await collecting).toMatchObject({ status: 'success', stopped_by: 'duration', original_message_count: 1 });
  expect(steps.length).toBeGreaterThanOrEqual(8);
  expect(steps).toEqual([...new Set(steps)].sort((a, b) => a - b));
  expect(late).toEqual([]);
  expect(await subscribed()).toEqual([]);
}
