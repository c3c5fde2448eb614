// Owns the protocol core over in-memory streams with a catalog of a test's own: no product, no broker.
import { PassThrough } from 'node:stream';
import { onTestFinished } from 'vitest';
import type { CallContext, Catalog, ToolOutcome, ToolSource } from '../../src/mcp/catalog.ts';
import { serveMcp } from '../../src/mcp/connection.ts';
import { judged } from '../support/schema-check.ts';
import { Wire } from '../support/streams.ts';

export type Tool = (args: unknown, context: CallContext) => Promise<ToolOutcome> | ToolOutcome;
export type OwnServer = Wire & { bugs: unknown[] };

/** Serves tools by name, and whatever else of a catalog; ended with the test, every line judged. */
export function serveOwn(tools: Record<string, Tool>, more: Partial<ToolSource> = {}, rest: Partial<Catalog> = {}) {
  const source: ToolSource = {
    list: () => Object.keys(tools).map((name) => ({ name, inputSchema: { type: 'object' } })),
    has: (name) => Object.hasOwn(tools, name),
    run: async (name, args, context) => tools[name]?.(args, context) ?? { value: {} },
    ...more,
  };
  const [input, output] = [new PassThrough(), new PassThrough()];
  const bugs: unknown[] = [];
  const peer = serveMcp({
    input,
    output,
    catalog: { tools: source, ...rest },
    server: { name: 'own', title: 'Own', version: '1' },
    instructions: 'None.',
    drainMs: 200,
    report: (_event, error) => void bugs.push(error),
  });
  void peer.closed.then(() => output.end());
  onTestFinished(async () => {
    input.destroy();
    peer.shutdown();
    await peer.closed;
  });
  const wire: OwnServer = Object.assign(new Wire(input, output), { bugs });
  return judged(wire);
}
