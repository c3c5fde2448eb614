// Owns a program that is nothing but what the official conformance suite asks for, on the same protocol core as the
// product and on its catalog interfaces alone. Test only; scripts/conformance.mjs bundles it.
import type { Catalog } from '../../src/mcp/catalog.ts';
import { serveMcp } from '../../src/mcp/connection.ts';
import { completions, prompts } from './fixture-prompts.ts';
import { resources } from './fixture-resources.ts';
import { tools } from './fixture-tools.ts';

const catalog: Catalog = { tools, resources, prompts, completions };

const peer = serveMcp({
  input: process.stdin,
  output: process.stdout,
  catalog,
  server: { name: 'conformance-fixture', title: 'Conformance fixture', version: '1.0.0' },
  instructions: 'Serves what the conformance suite asks for.',
  drainMs: 200,
  report: (event, error) => console.error(`${event}:`, error),
});
process.on('SIGTERM', () => peer.shutdown());
await peer.closed;
process.stdin.destroy();
