// Owns the App as a resource: its address, its type, what a host may let it do. Must not know what it shows.
// Source: MCP Apps (SEP-1865, 2026-01-26), UI Resource Format.

export const viewUri = 'ui://mqtt/view';
const mimeType = 'text/html;profile=mcp-app';

/** It needs nothing from anywhere, and says so instead of leaving it to the host's default. */
const ui = {
  csp: { connectDomains: [], resourceDomains: [], frameDomains: [], baseUriDomains: [] },
  prefersBorder: true,
};

export const viewResource = {
  uri: viewUri,
  name: 'view',
  title: 'MQTT view',
  description: 'An MCP App that hosts show beside results: topics, messages, charts, changes, findings, performance.',
  mimeType,
};

/** A hundred kilobytes that only a host with a screen asks for: loaded when it does. */
export async function readView(): Promise<object[]> {
  const { html } = await import('../generated/view.ts');
  return [{ uri: viewUri, mimeType, text: html, _meta: { ui } }];
}
