// Owns the official clients over the pipes of the built program, with every line kept and judged.
import { type JSONRPCMessage, Client as ModernClient, ReadBuffer } from '@modelcontextprotocol/client';
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import * as v1 from '@modelcontextprotocol/sdk/types.js';
import { expect, onTestFinished } from 'vitest';
import { type Daemon, type DaemonOptions, startDaemon } from '../support/daemon.ts';
import { judged } from '../support/schema-check.ts';
import { dig } from '../support/streams.ts';

/** What a person answers to a form. */
export type Answer = { action: 'accept' | 'decline' | 'cancel'; content?: Record<string, boolean> };
type Asked = { message: string; requestedSchema: unknown };
export type CallOptions = { onprogress?: (step: unknown) => void; signal?: AbortSignal };

/** A host, whatever its SDK and its era. */
export type Host = {
  daemon: Daemon;
  era: 'legacy' | 'modern';
  /** Every form that the person was shown. */
  asked: Asked[];
  updated: string[];
  /** The structuredContent of a call that went well. */
  call(name: string, args?: object, options?: CallOptions): Promise<unknown>;
  /** The whole result of any call. */
  callRaw(name: string, args?: object, options?: CallOptions): Promise<unknown>;
  listResources(): Promise<unknown>;
  listResourceTemplates(): Promise<unknown>;
  read(uri: string): Promise<unknown>;
  /** Returns how to let go. */
  follow(uri: string): Promise<() => Promise<unknown>>;
  listPrompts(): Promise<unknown>;
  getPrompt(name: string, args: Record<string, string>): Promise<unknown>;
  complete(ref: Ref, name: string, value: string, context?: Record<string, string>): Promise<unknown>;
};

type Ref = { type: 'ref/prompt'; name: string } | { type: 'ref/resource'; uri: string };

/** The pipes of a daemon as a transport of the SDKs: v2 probes in place on one that is not its own. */
class Pipes {
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: ((message: JSONRPCMessage) => void) | undefined;
  readonly #daemon: Daemon;
  readonly #buffer = new ReadBuffer();

  constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  async start(): Promise<void> {
    this.#daemon.child.stdout.on('data', (text: string) => {
      this.#buffer.append(Buffer.from(text));
      for (let one = this.#buffer.readMessage(); one; one = this.#buffer.readMessage()) this.onmessage?.(one);
    });
    this.#daemon.child.once('close', () => this.onclose?.());
  }

  async send(message: unknown): Promise<void> {
    this.#daemon.send(message);
  }

  async close(): Promise<void> {
    this.#daemon.end();
  }
}

export type HostOptions = { answer?: Answer; daemon?: DaemonOptions };
const me = { name: 'tests', version: '1' };

/** Capabilities of a host that can put forms to a person, or of one that cannot. */
const elicitation = (answer: Answer | undefined) => (answer ? { capabilities: { elicitation: { form: {} } } } : {});

export async function sdkV1({ answer, daemon: options }: HostOptions = {}): Promise<Host> {
  const daemon = judged(startDaemon(options));
  const client = new V1Client(me, elicitation(answer));
  const { asked, updated } = { asked: [] as Asked[], updated: [] as string[] };
  if (answer) {
    client.setRequestHandler(v1.ElicitRequestSchema, ({ params }) => {
      asked.push({ message: params.message, requestedSchema: dig(params, 'requestedSchema') });
      return answer;
    });
  }
  client.setNotificationHandler(v1.ResourceUpdatedNotificationSchema, ({ params }) => void updated.push(params.uri));
  await client.connect(new Pipes(daemon));
  onTestFinished(() => client.close());
  const callRaw: Host['callRaw'] = (name, args = {}, opts = {}) =>
    client.callTool({ name, arguments: { ...args } }, undefined, opts);
  return {
    daemon,
    era: 'legacy',
    asked,
    updated,
    callRaw,
    call: structured(callRaw),
    listResources: () => client.listResources(),
    listResourceTemplates: () => client.listResourceTemplates(),
    read: async (uri) => content(await client.readResource({ uri })),
    follow: async (uri) => {
      await client.subscribeResource({ uri });
      return () => client.unsubscribeResource({ uri });
    },
    listPrompts: () => client.listPrompts(),
    getPrompt: (name, args) => client.getPrompt({ name, arguments: args }),
    complete: (ref, name, value, context) =>
      client.complete({ ref, argument: { name, value }, ...(context ? { context: { arguments: context } } : {}) }),
  };
}

export type Mode = 'legacy' | 'auto' | 'pinned';

export async function clientV2(mode: Mode, { answer, daemon: options }: HostOptions = {}): Promise<Host> {
  const daemon = judged(startDaemon(options));
  const negotiation = { auto: { mode: 'auto' }, pinned: { mode: { pin: '2026-07-28' } }, legacy: {} } as const;
  const client = new ModernClient(me, { ...elicitation(answer), versionNegotiation: negotiation[mode] });
  const { asked, updated } = { asked: [] as Asked[], updated: [] as string[] };
  if (answer) {
    client.setRequestHandler('elicitation/create', async ({ params }) => {
      asked.push({ message: params.message, requestedSchema: dig(params, 'requestedSchema') });
      return answer;
    });
  }
  client.setNotificationHandler('notifications/resources/updated', ({ params }) => void updated.push(params.uri));
  await client.connect(new Pipes(daemon));
  onTestFinished(() => client.close());
  expect(client.getNegotiatedProtocolVersion()).toBe(mode === 'legacy' ? '2025-11-25' : '2026-07-28');
  const callRaw: Host['callRaw'] = (name, args = {}, opts = {}) =>
    client.callTool({ name, arguments: { ...args } }, opts);
  return {
    daemon,
    era: mode === 'legacy' ? 'legacy' : 'modern',
    asked,
    updated,
    callRaw,
    call: structured(callRaw),
    listResources: () => client.listResources(),
    listResourceTemplates: () => client.listResourceTemplates(),
    read: async (uri) => content(await client.readResource({ uri })),
    follow: async (uri) => {
      if (mode === 'legacy') {
        await client.subscribeResource({ uri });
        return () => client.unsubscribeResource({ uri });
      }
      const stream = await client.listen({ resourceSubscriptions: [uri] });
      expect(stream.honoredFilter).toEqual({ resourceSubscriptions: [uri] });
      return () => stream.close();
    },
    listPrompts: () => client.listPrompts(),
    getPrompt: (name, args) => client.getPrompt({ name, arguments: args }),
    complete: (ref, name, value, context) =>
      client.complete({ ref, argument: { name, value }, ...(context ? { context: { arguments: context } } : {}) }),
  };
}

/** Every official client there is, as a table for test.each. */
export const hosts: [string, (options?: HostOptions) => Promise<Host>][] = [
  ['sdk v1', sdkV1],
  ['client v2, legacy', (options) => clientV2('legacy', options)],
  ['client v2, auto in place', (options) => clientV2('auto', options)],
  ['client v2, pinned', (options) => clientV2('pinned', options)],
];

function structured(callRaw: Host['callRaw']): Host['call'] {
  return async (name, args, options) => {
    const result = await callRaw(name, args, options);
    expect(dig(result, 'isError'), JSON.stringify(result)).toBeFalsy();
    return dig(result, 'structuredContent');
  };
}

/** The value that a resource holds as JSON. */
function content(result: unknown): unknown {
  expect(dig(result, 'contents', 0, 'mimeType')).toBe('application/json');
  return JSON.parse(String(dig(result, 'contents', 0, 'text')));
}
