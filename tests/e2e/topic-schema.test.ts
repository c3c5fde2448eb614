// get_topic_schema on the built program and a real broker: as a host and as a script call it.
import { beforeAll, expect, inject, test } from 'vitest';
import { prefix } from '../support/fake-caller.ts';
import { type Fields, Script } from '../support/fake-host.ts';
import { judged } from '../support/schema-check.ts';
import { dig } from '../support/streams.ts';

let url = '';
beforeAll(() => {
  url = inject('mqttUrl');
});

async function plant(script: Script, at: string, more: [string, unknown][] = []): Promise<void> {
  const publish = (topic: string, payload: unknown, retain = true) =>
    script.result('publish_message', { session_id: 'lab', topic: `${at}/${topic}`, payload, retain, qos: 1 });
  for (const line of [1, 2, 3]) {
    await publish(`line${line}/temp`, 20 + line / 2);
    await publish(`line${line}/state`, {
      state: line === 2 ? 'RUN' : 'STOP',
      speed_rpm: 900,
      ts: 1_767_312_000 + line,
    });
  }
  await publish('0e37df36-f698-11e6-8dd4-cb9ced3df976/image', 'plain text');
  for (const [topic, payload] of more) await publish(topic, payload);
}

test('what a plant says -> templates, and a schema that every message satisfies; then what has drifted', async () => {
  const at = prefix();
  const script = new Script();
  judged(script.daemon);
  await script.connect('lab', url);
  await plant(script, at);
  const args = { session_id: 'lab', topic_pattern: `${at}/#`, duration_seconds: 1 };
  const both: Fields[] = [
    await script.result('get_topic_schema', args),
    Object(
      dig(
        await script.daemon.call('t', 'tools/call', { name: 'get_topic_schema', arguments: args }),
        'result',
        'structuredContent',
      ),
    ),
  ];
  for (const result of both) {
    expect(result).toMatchObject({ status: 'success', received_count: 7, sample_count: 7, template_count: 3 });
    const found = Array.isArray(result.topic_schemas) ? result.topic_schemas : [];
    const own = (template: unknown) => String(template).slice(String(template).indexOf('/', 5) + 1);
    expect(found.map((one) => [own(dig(one, 'template')), dig(one, 'topic_count')])).toEqual([
      ['line{n}/state', 3],
      ['line{n}/temp', 3],
      ['{uuid}/image', 1],
    ]);
    expect(dig(found, 0, 'schema', 'properties')).toEqual({
      state: { type: 'string' },
      speed_rpm: { type: 'integer', minimum: 900, maximum: 900, 'x-unit': 'rpm' },
      ts: { type: 'integer', format: 'epoch-seconds' },
    });
  }

  await plant(script, at, [
    ['line4/temp', 'hot'],
    ['line4/state', { state: 'RUN', speed_rpm: 900.5 }],
  ]);
  const later = await script.result('get_topic_schema', { ...args, baseline: both[0] });
  expect(later.baseline).toMatchObject({ checked_count: 9, violation_count: 2, unmatched_count: 0 });
  const drifted = dig(later.baseline, 'drift');
  expect(Array.isArray(drifted) ? drifted.map((one) => [dig(one, 'path'), dig(one, 'keyword')]) : []).toEqual([
    ['', 'type'],
    ['/ts', 'required'],
  ]);
  await script.end();
});

test('live messages within the window are counted; nothing under the filter -> no_data with its meaning', async () => {
  const at = prefix();
  const script = new Script();
  judged(script.daemon);
  await script.connect('lab', url);
  const args = { session_id: 'lab', topic_pattern: `${at}/#`, duration_seconds: 3 };
  const running = script.send('get_topic_schema', args);
  await script.subscribed('lab', `${at}/#`);
  for (let n = 0; n < 40; n += 1)
    await script.result('publish_message', { session_id: 'lab', topic: `${at}/a`, payload: { n }, qos: 0 });
  expect(await script.resultOf(running)).toMatchObject({ received_count: 40, sample_count: 40, topic_count: 1 });
  const silent = await script.result('get_topic_schema', { ...args, duration_seconds: 1 });
  expect(silent).toMatchObject({ status: 'no_data', topic_schemas: [], absence: { verdict: expect.any(String) } });
  await script.end();
});

test('the demo, then with two faults -> what drifted, and nothing else; before that, nothing', async () => {
  const script = new Script({ args: ['--demo'] });
  await script.result('establish_connection', { profile: 'demo', name: 'lab' });
  const args = { session_id: 'lab', topic_pattern: '#', duration_seconds: 4, max_messages: 500, full: true };
  const healthy = await script.result('get_topic_schema', args);
  const later = await script.result('get_topic_schema', { ...args, baseline: healthy });
  expect(later.baseline).toMatchObject({ violation_count: 0 });
  const faults = { unit_changed: true, drifted_field: true };
  await script.result('publish_message', { session_id: 'lab', topic: 'demo/faults/set', payload: faults });
  const { baseline } = await script.result('get_topic_schema', { ...args, baseline: healthy });
  const drifted = dig(baseline, 'drift');
  const fields = Array.isArray(drifted)
    ? drifted.map((one) => [dig(one, 'topic'), dig(one, 'path'), dig(one, 'keyword')])
    : [];
  // What was not seen before may come: a door that opens.
  expect(fields.filter(([, , keyword]) => keyword !== 'new_value').toSorted()).toEqual([
    ['home/cellar/meter/energy', '/power', 'new_field'],
    ['home/cellar/meter/energy', '/power_w', 'required'],
    ['zigbee2mqtt/kitchen_climate', '/temperature', 'maximum'],
  ]);
  await script.end();
});

test('a baseline that is no schema -> the error names the place, both ways', async () => {
  const script = new Script();
  await script.connect('lab', url);
  const args = {
    session_id: 'lab',
    topic_pattern: 'a/#',
    baseline: { type: 'object', properties: { a: { type: 'nummer' } } },
  };
  const error = await script.errorBothWays('get_topic_schema', args);
  expect(error).toMatchObject({ code: 'invalid_arguments', problems: [{ path: '/baseline/properties/a/type' }] });
  await script.end();
});
