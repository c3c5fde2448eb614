// The demo's faults on the built program, each with the tool that a person would ask: what it finds, and what it finds
// where all is well. What debug_device finds of each device is in tests/findings/demo-faults.test.ts, over many seeds.
import { describe, expect, test } from 'vitest';
import { type Fields, Script } from '../support/fake-host.ts';
import { dig } from '../support/streams.ts';

const FAULTS = 'demo/faults/set';
const LAMP = 'home/livingroom/lamp';

async function demo(): Promise<Script> {
  const script = new Script({ args: ['--demo'] });
  await script.result('establish_connection', { profile: 'demo', name: 'demo' });
  return script;
}

function turn(script: Script, faults: Record<string, boolean>): Promise<Fields> {
  return script.result('publish_message', { session_id: 'demo', topic: FAULTS, payload: faults, qos: 1 });
}

const codes = (result: Fields): unknown[] => Object(result.findings).map((finding: unknown) => dig(finding, 'code'));

describe('a command that is accepted and never obeyed', () => {
  test('send_and_verify -> no reaction, though the broker took it; verified once the fault is off', async () => {
    const script = await demo();
    const order = {
      session_id: 'demo',
      topic: `${LAMP}/set`,
      payload: { state: 'ON' },
      timeout_seconds: 1,
      expect: { topic_pattern: `${LAMP}/state`, path: '$.state', equals: 'ON' },
    };
    await turn(script, { command_ignored: true });
    const ignored = await script.result('send_and_verify', order);
    expect(ignored).toMatchObject({
      status: 'no_reaction',
      acknowledged: true,
      summary: expect.stringMatching(/^Accepted by the broker.*no reaction in 1(\.\d)? s/),
    });
    await turn(script, { command_ignored: false });
    expect(await script.result('send_and_verify', order)).toMatchObject({ status: 'verified' });
    await script.end();
  });
});

describe('an access rule that drops in silence', () => {
  test('nothing comes; test_connection shows it with a probe; then absence names it', async () => {
    const script = await demo();
    await turn(script, { silent_acl: true });
    const oven = { session_id: 'demo', topic_pattern: 'plant/line2/oven/+', duration_seconds: 10, retained: 'exclude' };
    const silent = await script.result('subscribe_and_collect', oven);
    expect(silent).toMatchObject({
      message_count: 0,
      absence: { ruled_out: expect.arrayContaining(['The broker refused the subscription.']) },
    });
    expect(dig(silent, 'absence', 'grade')).not.toBe('certain');
    const checked = await script.result('test_connection', {
      session_id: 'demo',
      probe_topic: 'plant/line2/oven/probe',
      timeout_seconds: 1,
    });
    expect(checked.overall_health).not.toBe('healthy');
    expect(JSON.stringify(checked)).toMatch(/drop in silence/);
    const known = await script.result('subscribe_and_collect', oven);
    // The demo's broker speaks MQTT 3.1.1, whose PUBACK does not tell a refused write.
    expect(known).toMatchObject({ absence: { grade: 'likely', verdict: expect.stringContaining('drop in silence') } });
    await script.end();
  });
});

describe('a Sparkplug sequence gap, a dead device and a healthy fleet', () => {
  test('debug_device -> each its finding; the healthy ones nothing', async () => {
    const script = await demo();
    const device = (device_id: string) =>
      script.result('debug_device', { session_id: 'demo', device_id, duration_seconds: 12 });
    const healthy = await Promise.all([device('press4'), device('kitchen_climate'), device('office_plug')]);
    expect(healthy.map(codes)).toEqual([[], [], []]);
    await turn(script, { sparkplug_gap: true, dead_device: true });
    const [gap, dead] = await Promise.all([device('press4'), device('attic')]);
    expect(codes(gap)).toContain('sequence_gap');
    expect(dead).toMatchObject({ connection_status: 'offline' });
    expect(codes(dead)).toContain('retained_ghost');
    await script.end();
  });
});

describe('faults that were there before anybody looked', () => {
  test('debug_device -> each is named, by description, stored message or the values themselves', async () => {
    const script = await demo();
    const faulty = await script.result('send_and_verify', {
      session_id: 'demo',
      topic: FAULTS,
      payload: { stuck_value: true, unit_changed: true, drifted_field: true, counter_restarted: true },
      timeout_seconds: 10,
      expect: { topic_pattern: 'home/cellar/meter/energy', path: '$.power', matches: 'W$' },
    });
    expect(faulty).toMatchObject({ status: 'verified' });
    const device = async (device_id: string) => {
      const found = await script.result('debug_device', { session_id: 'demo', device_id, duration_seconds: 14 });
      expect(found.summary).not.toContain('Nothing unusual');
      return codes(found);
    };
    const ids = ['plant/line1/pressure', 'kitchen_climate', 'home/cellar/meter', 'office_plug'];
    const [stuck, unit, drift, restart] = await Promise.all(ids.map(device));
    expect(stuck).toEqual(['stuck_value']);
    expect(unit).toEqual(['unit_changed']);
    expect(drift).toEqual(['field_disappeared', 'field_type_changed']);
    expect(restart).toContain('restarted');
    await script.end();
  });
});
