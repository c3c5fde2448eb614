// Owns what both official clients do with an installed program: connect, list, a session on a broker, close.
import { Client as ModernClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernTransport } from '@modelcontextprotocol/client/stdio';
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as V1Transport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { expect } from 'vitest';
import { dig } from '../support/streams.ts';

export type Command = { command: string; args: string[]; env: Record<string, string>; cwd?: string };

type Host = {
  listTools(): Promise<{ tools: { name: string }[] }>;
  callTool(name: string, args: Record<string, unknown>): Promise<unknown>;
  close(): Promise<void>;
};

const me = { name: 'tests', version: '1' };

async function v1(command: Command): Promise<Host> {
  const client = new V1Client(me);
  await client.connect(new V1Transport(command));
  return {
    listTools: () => client.listTools(),
    callTool: (name, args) => client.callTool({ name, arguments: args }),
    close: () => client.close(),
  };
}

async function v2(command: Command): Promise<Host> {
  const client = new ModernClient(me, { versionNegotiation: { mode: 'auto' } });
  await client.connect(new ModernTransport(command));
  return {
    listTools: () => client.listTools(),
    callTool: (name, args) => client.callTool({ name, arguments: args }),
    close: () => client.close(),
  };
}

export const clients = { 'sdk v1': v1, 'client v2': v2 };

/** A whole session through one client. Returns the names of the tools. */
export async function drive(name: keyof typeof clients, command: Command, broker: string): Promise<string[]> {
  const host = await clients[name](command);
  try {
    const { tools } = await host.listTools();
    const opened = await host.callTool('establish_connection', { connection_string: broker });
    const session_id = dig(opened, 'structuredContent', 'session_id');
    expect(session_id, JSON.stringify(opened)).toEqual(expect.any(String));
    const topic = `installed/${process.pid}/${Date.now()}`;
    const published = tools.some((tool) => tool.name === 'publish_message')
      ? await host.callTool('publish_message', { session_id, topic, payload: { on: true }, qos: 1 })
      : await host.callTool('list_topics', { session_id, pattern: topic, duration_seconds: 0 });
    expect(dig(published, 'structuredContent', 'status')).toMatch(/^(published|success)$/);
    const closed = await host.callTool('close_connection', { session_id });
    expect(dig(closed, 'structuredContent')).toMatchObject({ status: 'closed' });
    return tools.map((tool) => tool.name);
  } finally {
    await host.close();
  }
}
