// A broker whose disk is full: no file of it may grow beyond 8 KiB, as on a disk with no more room, without root.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { freePort, localMosquitto } from '../support/broker.ts';
import { runLocal } from '../support/broker-local.ts';
import { programBeside, told } from '../support/faults.ts';

/** A mosquitto that saves after every change and cannot: its writes fail with EFBIG, as with ENOSPC. */
async function fullBroker() {
  const dir = mkdtempSync(join(tmpdir(), 'bitsperity-mqtt-mcp-full-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const program = join(dir, 'mosquitto');
  // A block is 512 bytes for every sh that follows POSIX. An ignored signal stays ignored over exec.
  writeFileSync(program, `#!/bin/sh\ntrap '' XFSZ\nulimit -f 16\nexec ${await localMosquitto()} "$@"\n`);
  chmodSync(program, 0o755);
  const broker = await runLocal(program, await freePort(), { persistence: true });
  onTestFinished(broker.stop);
  return broker;
}

test('full disk of the broker -> it serves on and acknowledges; its log tells, the session does not notice', async () => {
  const broker = await fullBroker();
  const { script, well } = await programBeside();
  await script.connect('faulty', broker.url);
  for (const n of [1, 2, 3, 4, 5, 6, 7, 8]) {
    const message = { session_id: 'faulty', topic: `d/${n}`, payload: 'x'.repeat(4_000), qos: 1, retain: true };
    expect(await script.result('publish_message', message)).toMatchObject({ acknowledged: true });
  }
  await expect.poll(broker.log, { timeout: 10_000 }).toMatch(/Error.*(saving|writing|write|database|File too large)/i);
  const args = { session_id: 'faulty', topic_pattern: 'd/#', duration_seconds: 10, max_messages: 8, retained: 'only' };
  expect(told(await script.result('subscribe_and_collect', args))).toHaveLength(8);
  expect(await script.session('faulty')).toMatchObject({ is_connected: true, reconnects: 0 });
  await script.goesOn('faulty');
  await well('faulty');
});
