// Payloads that are no text, through the built program on a real broker: what reads them is loaded by then.
import { gzipSync } from 'node:zlib';
import { encode } from 'cborg';
import { expect, inject, test } from 'vitest';
import { startDaemon } from '../support/daemon.ts';
import { dig } from '../support/streams.ts';

test('published as bytes -> collected as CBOR, gzip and Sparkplug, raw beside them', async () => {
  const daemon = startDaemon({ args: ['--drain', '20'] });
  const prefix = `e2e-payloads/${process.pid}`;
  const cbor = Buffer.from(encode({ level: 'crit' }));
  const birth = Buffer.from('08c0843d120b0a05416c61726d200b70011800', 'hex');
  const publish = (id: number, topic: string, bytes: Buffer) => {
    const payload = bytes.toString('hex');
    return daemon.call(id, 'publish_message', { session_id: 'lab', topic, payload, payload_encoding: 'hex', qos: 1 });
  };
  void daemon.call(1, 'establish_connection', { connection_string: inject('mqttUrl'), name: 'lab' });
  const plain = { session_id: 'lab', duration_seconds: 10, raw: true, retained: 'exclude' };
  const own = daemon.call(2, 'subscribe_and_collect', { ...plain, topic_pattern: `${prefix}/#`, max_messages: 2 });
  const node = `spBv1.0/${process.pid}/NDATA/edge`;
  const spark = daemon.call(3, 'subscribe_and_collect', { ...plain, topic_pattern: node, max_messages: 1 });
  await publish(4, `${prefix}/cbor`, cbor);
  await publish(5, `${prefix}/gzip`, gzipSync('{"t":21.5}'));
  await publish(6, node, birth);
  expect(dig(await own, 'result', 'messages')).toMatchObject([
    { payload: { level: 'crit' }, payload_format: 'cbor', raw: { hex_head: cbor.toString('hex') } },
    { payload: { t: 21.5 }, payload_format: 'gzip+json' },
  ]);
  expect(dig(await spark, 'result', 'messages', 0)).toMatchObject({
    payload: { timestamp: 1_000_000, seq: 0, metrics: [{ name: 'Alarm', datatype: 'Boolean', value: true }] },
    payload_format: 'sparkplug_b',
  });
});
