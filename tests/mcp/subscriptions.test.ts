// Who is told of changes, with a catalog whose lists do change; what the product follows is in tests/resources.
import { describe, expect, test } from 'vitest';
import type { Catalog, ResourceSource } from '../../src/mcp/catalog.ts';
import { dig, envelope, initializeParams, type Wire } from '../support/streams.ts';
import { serveOwn } from './own-catalog.ts';

/** Lists that a test changes, and resources that it rings for. */
function changing() {
  const rings = { tools: () => {}, prompts: () => {}, resources: () => {} };
  const followed = new Map<string, (over?: 'over') => void>();
  const stopped: string[] = [];
  const follow: ResourceSource['follow'] = async (uri, changed) => {
    if (uri === 'own://broken') throw new Error('secret');
    if (!uri.startsWith('own://')) return undefined;
    followed.set(uri, changed);
    return () => {
      if (followed.delete(uri)) stopped.push(uri);
    };
  };
  const onChanged = (list: keyof typeof rings) => (ring: () => void) => {
    rings[list] = ring;
  };
  const rest: Partial<Catalog> = {
    resources: { list: () => [], templates: () => [], read: async () => [], follow, onChanged: onChanged('resources') },
    prompts: { list: () => [], get: async () => ({}), onChanged: onChanged('prompts') },
  };
  const server = serveOwn({ one: () => ({ value: {} }) }, { onChanged: onChanged('tools') }, rest);
  return { server, rings, followed, stopped };
}

async function listening(wire: Wire, id: string, notifications: object): Promise<unknown> {
  wire.request(id, 'subscriptions/listen', { notifications, _meta: envelope() });
  const ack = await wire.next((one) => dig(one, 'method') === 'notifications/subscriptions/acknowledged');
  expect(dig(ack, 'params', '_meta', 'io.modelcontextprotocol/subscriptionId')).toBe(id);
  return dig(ack, 'params', 'notifications');
}

/** Everything pushed since the last time, once the server has answered something new. */
async function pushed(wire: Wire): Promise<unknown[]> {
  const mark = `mark-${wire.sent.length}`;
  await wire.call(mark, 'ping');
  const lines = wire.received.map((line): unknown => JSON.parse(line));
  return lines.slice(
    lines.findLastIndex((one) => /^mark/.test(String(dig(one, 'id'))) && dig(one, 'id') !== mark) + 1,
    -1,
  );
}

describe('a list that changes', () => {
  test('declared in both eras, for every list that can', async () => {
    const { server } = changing();
    const hello = await server.call(1, 'initialize', initializeParams());
    const found = await server.call(2, 'server/discover', { _meta: envelope() });
    for (const answer of [hello, found]) {
      expect(dig(answer, 'result', 'capabilities')).toMatchObject({
        tools: { listChanged: true },
        prompts: { listChanged: true },
        resources: { listChanged: true, subscribe: true },
      });
    }
  });

  test('legacy: told unasked, once there was a handshake', async () => {
    const { server, rings } = changing();
    rings.tools();
    expect(await pushed(server)).toEqual([]);
    await server.call(1, 'initialize', initializeParams());
    rings.tools();
    rings.prompts();
    rings.resources();
    const told = (await pushed(server)).map((one) => dig(one, 'method')).filter((method) => method !== undefined);
    expect(told).toEqual(['tools', 'prompts', 'resources'].map((list) => `notifications/${list}/list_changed`));
  });

  test('modern: told on the streams that asked for that list, stamped, and nowhere else', async () => {
    const { server, rings } = changing();
    expect(await listening(server, 'a', { toolsListChanged: true, promptsListChanged: false })).toEqual({
      toolsListChanged: true,
    });
    await listening(server, 'b', { toolsListChanged: true, promptsListChanged: true });
    await pushed(server);
    rings.tools();
    rings.prompts();
    rings.resources();
    const told = (await pushed(server)).map((one) => [
      dig(one, 'method'),
      dig(one, 'params', '_meta', 'io.modelcontextprotocol/subscriptionId'),
    ]);
    expect(told).toEqual([
      ['notifications/tools/list_changed', 'a'],
      ['notifications/tools/list_changed', 'b'],
      ['notifications/prompts/list_changed', 'b'],
    ]);
  });

  test('a stream that was cancelled is told nothing more, and is not answered', async () => {
    const { server, rings } = changing();
    await listening(server, 'a', { toolsListChanged: true });
    server.notify('notifications/cancelled', { requestId: 'a' });
    await pushed(server);
    rings.tools();
    expect(await pushed(server)).toEqual([]);
    expect(await server.finish()).toEqual([]);
  });
});

describe('a resource that is followed', () => {
  const uri = 'own://x';
  const follow = (wire: Wire) => wire.call('s', 'resources/subscribe', { uri });

  test('once, however many want it; let go of with the last of them', async () => {
    const { server, followed, stopped } = changing();
    await follow(server);
    await follow(server);
    await listening(server, 'a', { resourceSubscriptions: [uri, uri] });
    await listening(server, 'b', { resourceSubscriptions: [uri] });
    await pushed(server);
    followed.get(uri)?.();
    expect((await pushed(server)).map((one) => dig(one, 'params', 'uri'))).toEqual([uri, uri, uri]);
    await server.call('u', 'resources/unsubscribe', { uri });
    server.notify('notifications/cancelled', { requestId: 'a' });
    await pushed(server);
    expect(stopped).toEqual([]);
    server.notify('notifications/cancelled', { requestId: 'b' });
    await pushed(server);
    expect(stopped).toEqual([uri]);
  });

  test('over by itself -> one last update, then it has to be asked for again', async () => {
    const { server, followed } = changing();
    await follow(server);
    await listening(server, 'a', { resourceSubscriptions: [uri] });
    await pushed(server);
    const over = followed.get(uri);
    over?.('over');
    expect(await pushed(server)).toHaveLength(2);
    expect(followed.has(uri)).toBe(false);
    over?.();
    expect(await pushed(server)).toEqual([]);
    await follow(server);
    await pushed(server);
    followed.get(uri)?.();
    expect(await pushed(server)).toHaveLength(1);
    // What the old stream had is not the new one's.
    server.notify('notifications/cancelled', { requestId: 'a' });
    await pushed(server);
    expect(followed.has(uri)).toBe(true);
  });

  test('a bug while it is looked for -> -32603 for the legacy client, left out for the modern one; nothing leaks', async () => {
    const { server } = changing();
    const params = { uri: 'own://broken' };
    expect(await server.call(1, 'resources/subscribe', params)).toHaveProperty('error.code', -32603);
    expect(await listening(server, 'a', { resourceSubscriptions: ['own://broken', uri] })).toEqual({
      resourceSubscriptions: [uri],
    });
    expect(server.bugs).toHaveLength(1);
    expect(server.received.join()).not.toContain('secret');
  });

  test('a program whose resources cannot be followed -> no such capability, no such methods', async () => {
    const resources: ResourceSource = { list: () => [], templates: () => [], read: async () => [] };
    const server = serveOwn({}, {}, { resources });
    const hello = await server.call(1, 'initialize', initializeParams());
    expect(dig(hello, 'result', 'capabilities', 'resources')).toEqual({});
    for (const method of ['resources/subscribe', 'resources/unsubscribe'])
      expect(await server.call(2, method, { uri })).toHaveProperty('error.code', -32601);
    expect(await listening(server, 'a', { resourceSubscriptions: [uri], toolsListChanged: true })).toEqual({});
  });
});
