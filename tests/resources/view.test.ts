// The App as hosts find it: declared, linked from the tools that have pictures, listed and read, in both eras.
import { describe, expect, test } from 'vitest';
import { html } from '../../src/generated/view.ts';
import { isObject } from '../../src/rpc/message.ts';
import { startServer } from '../mcp/server.ts';
import { judged } from '../support/schema-check.ts';
import { dig, envelope, initializeParams } from '../support/streams.ts';

const uri = 'ui://mqtt/view';
const eras = [
  ['legacy', {}],
  ['modern', { _meta: envelope() }],
] as const;

test('the extension is declared in both eras', async () => {
  const server = judged(startServer());
  const ui = { 'io.modelcontextprotocol/ui': {} };
  const discovered = await server.call(1, 'server/discover', { _meta: envelope() });
  expect(dig(discovered, 'result', 'capabilities', 'extensions')).toMatchObject(ui);
  const initialized = await server.call(2, 'initialize', initializeParams('2025-11-25'));
  expect(dig(initialized, 'result', 'capabilities', 'extensions')).toEqual(ui);
});

describe.each(eras)('%s', (_era, more) => {
  test('the five tools with pictures link to it, by the key of today and that of before; no other does', async () => {
    const server = judged(startServer());
    const tools = dig(await server.call(1, 'tools/list', more), 'result', 'tools');
    const linked = (Array.isArray(tools) ? tools : []).filter((tool) => isObject(tool) && '_meta' in tool);
    expect(linked.map(({ name }) => name)).toEqual([
      'debug_device',
      'list_topics',
      'monitor_performance',
      'subscribe_and_collect',
      'watch_changes',
    ]);
    for (const { _meta } of linked) expect(_meta).toEqual({ ui: { resourceUri: uri }, 'ui/resourceUri': uri });
  });

  test('it is listed, and read as one document that may reach nothing', async () => {
    const server = judged(startServer());
    const listed = dig(await server.call(1, 'resources/list', more), 'result', 'resources');
    expect(listed).toContainEqual(expect.objectContaining({ uri, mimeType: 'text/html;profile=mcp-app' }));
    const { result } = await server.call(2, 'resources/read', { uri, ...more });
    const csp = { connectDomains: [], resourceDomains: [], frameDomains: [], baseUriDomains: [] };
    expect(dig(result, 'contents')).toEqual([
      { uri, mimeType: 'text/html;profile=mcp-app', text: html, _meta: { ui: { csp, prefersBorder: true } } },
    ]);
  });
});
