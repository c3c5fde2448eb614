// Large listings on the built program and a mosquitto whose queues are as they come: what is claimed is true.
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { generate } from 'mqtt-packet';
import { expect, onTestFinished, test } from 'vitest';
import { isObject } from '../../src/rpc/message.ts';
import { type Broker, startMosquitto } from '../support/broker.ts';
import { type Fields, Script } from '../support/fake-host.ts';

const lab = { session_id: 'lab', duration_seconds: 0 };

/** Topics of a tree with names of all its levels. */
const topicOf = (n: number) => `site/${n % 100}/line/${n % 7}/sensor-${n}`;

async function start(count: number, payload: string): Promise<{ broker: Broker; script: Script }> {
  const broker = await startMosquitto();
  onTestFinished(broker.stop);
  await retain(broker.port, count, payload);
  const script = new Script();
  await script.connect('lab', broker.url);
  return { broker, script };
}

/** Written as frames: a client would take long. Resolves when the broker has them. */
async function retain(port: number, count: number, payload: string): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  const message = (n: number) =>
    generate({ cmd: 'publish', qos: 0, dup: false, retain: true, topic: topicOf(n), payload });
  socket.write(generate({ cmd: 'connect', clientId: 'retainer', protocolVersion: 4, clean: true, keepalive: 0 }));
  await once(socket, 'data');
  socket.write(Buffer.concat(Array.from({ length: count }, (_, n) => message(n))));
  socket.write(generate({ cmd: 'pingreq' }));
  await once(socket, 'data');
  socket.destroy();
}

function treeOf({ tree }: Fields): [string, number][] {
  if (!isObject(tree)) expect.fail('no tree');
  return Object.entries(tree).map(([name, count]) => [name, Number(count)]);
}

test('100,000 retained, duration 0 -> all counted, complete, and the tree leads on with counts that are right', async () => {
  const { script } = await start(100_000, '{"value":21.5}');
  // The broker counts what it holds once a second; until it has, nothing proves that these are all.
  let result = await script.result('list_topics', lab);
  let listings = 1;
  for (; listings < 6 && result.retained_complete !== true; listings++) {
    result = await script.result('list_topics', lab);
  }
  expect(result).toMatchObject({ total_topics: 100_000, truncated: true, topic_count: 1_000 });
  expect(result).toMatchObject({ retained_complete: true, retained_evidence: 'ordered' });
  const entries = treeOf(result);
  expect(entries.reduce((sum, [, count]) => sum + count, 0)).toBe(100_000);
  const first = entries.find(([name]) => name.endsWith('/#'));
  const below = await script.result('list_topics', { ...lab, pattern: first?.[0] });
  expect(below.total_topics).toBe(first?.[1]);
  const narrow = await script.result('list_topics', { ...lab, pattern: 'site/7/#' });
  expect(narrow).toMatchObject({ total_topics: 1_000, retained_complete: true });
  expect((await script.session('lab')).messages_received).toBe(listings * 100_000 + Number(first?.[1]) + 1_000);
  await script.end();
}, 60_000);

test.each([
  ['half a second', 5_000, 10_000, 500],
  ['long enough for its queue, but few', 850, 10_000, 500],
])(
  'the daemon does not read for %s, %i topics of %i bytes -> all of them, or not called complete',
  async (_, count, size, ms) => {
    const { broker, script } = await start(count, 'x'.repeat(size));
    for (let round = 0; round < 2; round += 1) {
      const id = script.send('list_topics', { ...lab, pattern: 'site/#' });
      await sleep(3 + round * 3);
      script.daemon.kill('SIGSTOP');
      await sleep(ms);
      script.daemon.kill('SIGCONT');
      const result = await script.resultOf(id);
      if (result.retained_complete) expect(result.total_topics).toBe(count);
      else expect(result.narrower_filters).not.toHaveLength(0);
    }
    if (count < 900) expect(broker.log()).not.toContain('being dropped');
    await script.end();
  },
  90_000,
);
