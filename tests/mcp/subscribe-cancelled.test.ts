import { expect, test } from 'vitest';
import { initializeParams } from '../support/streams.ts';
import { serveOwn } from './own-catalog.ts';

test('resources/subscribe cancelled while it still starts -> nothing is followed any more', async () => {
  let begin = () => {};
  let asked = () => {};
  const reached = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const stopped: string[] = [];
  const follow = async (uri: string) => {
    asked();
    await new Promise<void>((resolve) => {
      begin = resolve;
    });
    return () => void stopped.push(uri);
  };
  const resources = { list: () => [], templates: () => [], read: async () => [], follow };
  const server = serveOwn({}, {}, { resources });
  await server.call(0, 'initialize', initializeParams());
  server.request(1, 'resources/subscribe', { uri: 'own://slow' });
  await reached;
  server.notify('notifications/cancelled', { requestId: 1 });
  await server.call(2, 'ping');
  begin();
  await expect.poll(() => stopped).toEqual(['own://slow']);
});
