// A certificate that expires while it is in use: the open session goes on, the next connection is refused in words.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startMosquitto } from '../support/broker.ts';
import { certificate } from '../support/broker-cert.ts';
import { becomes, programBeside } from '../support/faults.ts';
import { startProxy } from '../support/proxy.ts';

/** Long enough to start everything before it is over. */
const LIFE_MS = 6_000;

test('certificate expires mid-life -> the session goes on; once cut, tls_failure in words; back with a new certificate', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'bitsperity-mqtt-mcp-expiring-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const ca = certificate('Plant CA', { ca: true });
  const to = new Date(Date.now() + LIFE_MS);
  const broker = await startMosquitto({ tls: certificate('localhost', { to }, ca) });
  onTestFinished(broker.stop);
  const proxy = await startProxy(broker.port);
  onTestFinished(proxy.stop);
  writeFileSync(join(dir, 'ca.pem'), ca.cert);
  const url = `mqtts://localhost:${proxy.port}`;
  writeFileSync(join(dir, 'config.json'), JSON.stringify({ profiles: { plant: { url, ca_file: 'ca.pem' } } }));
  const { script, well } = await programBeside({ args: ['--config', join(dir, 'config.json')] });

  await script.result('establish_connection', { profile: 'plant', name: 'faulty' });
  await expect
    .poll(() => Date.now(), { timeout: LIFE_MS + 2_000, interval: 100 })
    .toBeGreaterThan(to.getTime() + 1_000);
  await script.goesOn('faulty');
  expect(await script.session('faulty')).toMatchObject({ reconnects: 0 });

  proxy.dropAll();
  await becomes(script, 'faulty', {
    is_connected: false,
    connection_error: expect.stringMatching(/shows a certificate that has expired/),
  });
  expect(await script.error('establish_connection', { profile: 'plant', name: 'again' })).toMatchObject({
    code: 'tls_failure',
    hint: expect.stringMatching(/needs a new one/),
  });

  await broker.stop();
  const renewed = await startMosquitto({ port: broker.port, tls: certificate('localhost', {}, ca) });
  onTestFinished(renewed.stop);
  await becomes(script, 'faulty', { is_connected: true, connection_error: null, reconnects: 1 });
  await script.goesOn('faulty');
  await well('faulty');
});
