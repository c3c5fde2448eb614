import { expect, test } from 'vitest';
import { envelope } from '../support/streams.ts';
import { objections } from './official.ts';

/** How many objections there are to `result` as the answer to a request. */
async function judged(method: string, result: unknown, params?: object): Promise<number> {
  const request = { jsonrpc: '2.0', id: 1, method, params };
  return (await objections([JSON.stringify(request)], [JSON.stringify({ jsonrpc: '2.0', id: 1, result })])).length;
}

const _meta = { 'io.modelcontextprotocol/serverInfo': { name: 'n', version: '1' } };
const modern = { _meta: envelope() };

test('the judge knows good from bad: legacy', async () => {
  expect(await judged('ping', {})).toBe(0);
  expect(await judged('ping', { resultType: 'complete' })).toBe(1);
  expect(await judged('tools/list', { tools: [] })).toBe(0);
  expect(await judged('tools/list', { tools: [], ttlMs: 0 })).toBe(1);
  expect(await judged('tools/list', { tools: [{ name: 'x' }] })).toBe(1);
  expect(await judged('tools/call', { content: [{ type: 'text' }] })).toBe(1);
  expect(await judged('initialize', { protocolVersion: '2025-11-25' })).toBe(1);
});

test('the judge knows good from bad: modern', async () => {
  const cache = { ttlMs: 0, cacheScope: 'private' };
  const list = { resultType: 'complete', tools: [], ...cache, _meta };
  expect(await judged('tools/list', list, modern)).toBe(0);
  expect(await judged('tools/list', { ...list, resultType: undefined }, modern)).toBe(1);
  expect(await judged('tools/list', { ...list, ttlMs: undefined, cacheScope: undefined }, modern)).toBe(1);
  expect(await judged('tools/list', { ...list, ttlMs: -1 }, modern)).toBe(1);
  expect(await judged('tools/list', { ...list, _meta: {} }, modern)).toBe(1);
  const call = { resultType: 'complete', content: [], _meta };
  expect(await judged('tools/call', call, modern)).toBe(0);
  expect(await judged('tools/call', { ...call, content: undefined }, modern)).toBe(1);
  expect(await judged('tools/call', { ...call, ...cache }, modern)).toBe(1);
  expect(await judged('server/discover', { resultType: 'complete', ...cache, _meta }, modern)).toBe(1);
});

test('the judge knows good from bad: the rest', async () => {
  const line = (message: object) => JSON.stringify({ jsonrpc: '2.0', ...message });
  expect(await objections([], [line({ id: 1, result: {} })])).toHaveLength(1);
  expect(await objections([], [line({ id: null, error: { code: -32700, message: 'x' } })])).toHaveLength(1);
  expect(await objections([], [line({ error: { code: -32700, message: 'x' } })])).toHaveLength(0);
  expect(await objections([], [line({ error: { code: '1', message: 'x' } })])).toHaveLength(1);
  const progress = (params: object) => line({ method: 'notifications/progress', params });
  expect(await objections([], [progress({ progressToken: 0, progress: 1 })])).toHaveLength(0);
  expect(await objections([], [progress({ progress: 1 })])).toHaveLength(1);
  const ping = line({ id: 1, method: 'ping' });
  expect(await objections([ping], [line({ id: 1, result: {} }), line({ id: 1, result: {} })])).toHaveLength(1);
});
