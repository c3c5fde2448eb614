import { describe, expect, test } from 'vitest';
import { faults } from './schema-check.ts';
import { envelope } from './streams.ts';

const line = (message: object) => JSON.stringify({ jsonrpc: '2.0', ...message });
const stamp = { _meta: { 'io.modelcontextprotocol/subscriptionId': 'l' } };
const serverInfo = { 'io.modelcontextprotocol/serverInfo': { name: 'n', version: '1' } };

/** How many faults there are in `answers` to one request. */
async function count(request: object, ...answers: object[]): Promise<number> {
  return (await faults({ sent: [line({ id: 1, ...request })], received: answers.map(line) })).length;
}

describe('the judge of whole conversations', () => {
  const list = { method: 'tools/list' };
  const modern = { params: { _meta: envelope() } };

  test('an era that borrows from the other, however deep, is found', async () => {
    expect(await count(list, { id: 1, result: { tools: [] } })).toBe(0);
    const tool = { name: 't', inputSchema: { type: 'object', properties: { ttlMs: {} } } };
    expect(await count(list, { id: 1, result: { tools: [tool] } })).toBe(0);
    expect(await count(list, { id: 1, result: { tools: [{ ...tool, ttlMs: 1 }] } })).toBe(1);
    expect(await count(list, { id: 1, result: { tools: [{ ...tool, _meta: serverInfo }] } })).toBe(1);
    expect(await count(list, { id: 1, error: { code: -32602, message: 'x' } })).toBe(0);
    expect(await count(list, { id: 1, error: { code: -32021, message: 'x' } })).toBe(1);
    const read = { method: 'resources/read', params: { ...modern.params, uri: 'x' } };
    expect(await count(read, { id: 1, error: { code: -32602, message: 'x' } })).toBe(0);
    expect(await count(read, { id: 1, error: { code: -32002, message: 'x' } })).toBe(1);
    const cache = { resultType: 'complete', ttlMs: 0, cacheScope: 'private', _meta: serverInfo };
    expect(await count({ ...list, ...modern }, { id: 1, result: { ...cache, tools: [tool] } })).toBe(0);
    expect(
      await count({ ...list, ...modern }, { id: 1, result: { ...cache, tools: [{ ...tool, execution: {} }] } }),
    ).toBe(1);
  });

  test('progress that does not rise, comes late or belongs to nobody is found', async () => {
    const ask = { method: 'tools/call', params: { name: 'x', _meta: { progressToken: 0 } } };
    const step = (progress: number, progressToken = 0) => ({
      method: 'notifications/progress',
      params: { progress, progressToken },
    });
    const answer = { id: 1, result: { content: [] } };
    expect(await count(ask, step(1), step(2.5), answer)).toBe(0);
    expect(await count(ask, step(1), step(1), answer)).toBe(1);
    expect(await count(ask, step(1), answer, step(2))).toBe(1);
    expect(await count(ask, step(1, 7), answer)).toBe(1);
  });

  test('a listen stream that speaks before its acknowledgement, or after its end, is found', async () => {
    const listen = { id: 'l', method: 'subscriptions/listen', params: { _meta: envelope(), notifications: {} } };
    const ack = { method: 'notifications/subscriptions/acknowledged', params: { ...stamp, notifications: {} } };
    const update = { method: 'notifications/resources/updated', params: { ...stamp, uri: 'x' } };
    const end = { id: 'l', result: { resultType: 'complete', _meta: { ...stamp._meta, ...serverInfo } } };
    expect(await count(listen, ack, update, end)).toBe(0);
    expect(await count(listen, update, ack, end)).toBe(1);
    expect(await count(listen, ack, end, update)).toBe(1);
    expect(await count(listen, ack, { ...update, params: stamp })).toBe(1);
    expect(await count(listen, ack, { method: 'notifications/surprise', params: stamp })).toBe(1);
  });

  test('a result that the tool itself does not describe is found', async () => {
    const structuredContent = { status: 'closed', session_id: 'x', closed_at: 'now' };
    const content = [{ type: 'text', text: JSON.stringify(structuredContent) }];
    const close = { method: 'tools/call', params: { name: 'close_connection', arguments: {} } };
    expect(await count(close, { id: 1, result: { content, structuredContent } })).toBe(0);
    expect(await count(close, { id: 1, result: { content: [{ type: 'text', text: '{}' }], structuredContent } })).toBe(
      1,
    );
    const odd = { ...structuredContent, more: 1 };
    expect(await count({ method: 'close_connection' }, { id: 1, result: structuredContent })).toBe(0);
    expect(await count({ method: 'close_connection' }, { id: 1, result: odd })).toBe(1);
  });

  test('a task that is not flat, or says what does not belong to its status, is found', async () => {
    const listen = { id: 'l', method: 'subscriptions/listen', params: { _meta: envelope(), notifications: {} } };
    const ack = { method: 'notifications/subscriptions/acknowledged', params: { ...stamp, notifications: {} } };
    const task = { taskId: 't', createdAt: 'a', lastUpdatedAt: 'b', ttlMs: 1, status: 'working' };
    const told = (params: object) => ({ method: 'notifications/tasks', params: { ...stamp, ...params } });
    expect(await count(listen, ack, told(task))).toBe(0);
    expect(await count(listen, ack, told({ task }))).toBeGreaterThan(0);
    expect(await count(listen, ack, told({ ...task, result: {} }))).toBe(1);
    expect(await count(listen, ack, told({ ...task, status: 'completed' }))).toBe(1);
  });
});
