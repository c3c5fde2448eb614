// Owns a second, very different broker: aedes in this process. MQTT 3.1.1 only, and it answers before it delivers.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { Aedes } from 'aedes';
import { onTestFinished } from 'vitest';

/** Listens on a free port of 127.0.0.1 until the test is over. */
export async function startAedes(): Promise<{ url: string; port: number }> {
  const broker = await Aedes.createBroker();
  const server = createServer({ noDelay: true }, broker.handle);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(async () => {
    server.close();
    await new Promise<void>((resolve) => broker.close(resolve));
  });
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  return { url: `mqtt://127.0.0.1:${port}`, port };
}
