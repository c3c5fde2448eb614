import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ToolError } from '../../src/errors.ts';
import { matches } from '../../src/mqtt/topic.ts';
import type { ListenOptions, Sink } from '../../src/mqtt/types.ts';
import { captures, messageOf, type Said } from '../support/device.ts';
import { FakeSession } from '../support/fake-pool.ts';
import { bench, type Fields, failing, LAB, toolError } from './bench.ts';

const NOW = Date.UTC(2026, 0, 2, 3);

beforeEach(() => {
  // A verdict turns the event loop of its own: not that of the clock.
  vi.useFakeTimers({
    now: NOW,
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
  });
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

/** A broker with a store: who subscribes gets what is stored under his filter. Filters in `refused` are. */
class StoringSession extends FakeSession {
  readonly stored: Said[] = [];
  refused: (filter: string) => boolean = () => false;

  override async listen(filter: string, options: ListenOptions, sink: Sink) {
    if (this.refused(filter)) throw new ToolError('subscribe_denied', 'It was refused.', 'Ask for less.');
    // Like a broker, and unlike the plain fake: nobody gets what his filter does not match.
    const own: Sink = (message) => {
      if (matches(filter, message.topic)) sink(message);
    };
    const subscription = await super.listen(filter, options, own);
    for (const one of this.stored.filter(({ topic }) => matches(filter, topic)))
      own({ ...messageOf(one), at: Date.now() });
    this.endRetained({ complete: true, evidence: 'ordered' });
    return subscription;
  }
}

/** A call under way on a broker that stores `stored`: `over(ms)` lets time pass and gives the result. */
async function debugging(device_id: string, stored: Said[], args: Fields = {}, session = new StoringSession()) {
  session.stored.push(...stored.map((one) => ({ ...one, retain: true })));
  const own = bench('allow', session);
  const running = own.call('debug_device', { session_id: LAB, device_id, ...args });
  running.catch(() => {});
  await vi.advanceTimersByTimeAsync(0);
  const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
  const over = async (ms: number) => {
    await pass(ms);
    return running;
  };
  return { ...own, session, pass, over, running };
}

const list = (value: unknown): Fields[] => (Array.isArray(value) ? value : []);
const topicsOf = (result: Fields) =>
  list(result.device_topics)
    .map(({ topic }) => topic)
    .toSorted();

describe('debug_device', () => {
  test('a capture played live -> the answer first, all fields, the subscriptions closed, nothing published', async () => {
    const { messages } = captures.find(({ name }) => name === 'tasmota') ?? expect.fail();
    const { session, pass, over } = await debugging(
      'Kitchen Plug',
      messages.filter(({ retain }) => retain),
    );
    let now = 0;
    for (const { t = 0, topic, payload } of messages.filter(({ retain }) => !retain)) {
      await pass(Math.round(t * 1000) - now);
      now = Math.round(t * 1000);
      session.speak(topic, typeof payload === 'string' ? payload : JSON.stringify(payload));
    }
    const result = await over(30_000 - now);
    expect(Object.keys(result).slice(0, 2)).toEqual(['status', 'summary']);
    expect(result).toMatchObject({
      status: 'success',
      connection_status: 'active',
      last_message_time: new Date(NOW + 22_050).toISOString(),
      last_contact: { known_by: 'live_message', topic: 'tele/kitchen_plug/SENSOR' },
      message_frequency_per_minute: 16,
      findings: [],
      availability: {
        state: 'online',
        sources: [{ topic: 'tele/kitchen_plug/LWT', defined_by: 'tasmota', stored: true }],
      },
      window_seconds: 30,
      notes: [],
    });
    expect(result.summary).toMatch(
      /^"Kitchen Plug" is active: last live message 7\.95 s before the end, 16 a minute\. Nothing unusual/,
    );
    expect(list(result.device_topics).find(({ topic }) => topic === 'tele/kitchen_plug/STATE')).toMatchObject({
      expected_seconds: 10,
      expected_by: 'TelePeriod',
    });
    expect(result).not.toHaveProperty('absence');
    expect(JSON.stringify(result).length).toBeLessThan(9_500);
    expect(session.listened.every(({ closed }) => closed)).toBe(true);
    expect(session.published).toEqual([]);
  });

  test('a topic that only a description names -> its stored message is fetched, its live ones are heard', async () => {
    const { messages } = captures.find(({ name }) => name === 'homeassistant') ?? expect.fail();
    const { session, over } = await debugging('Cistern', messages.filter(({ retain }) => retain).toReversed());
    session.speak('water/node-4/data', '{"level":70.9}');
    session.speak('water/node-5/data', '{"level":12.9}');
    const result = await over(30_000);
    expect(result).toMatchObject({ connection_status: 'active', availability: { state: 'online' } });
    expect(topicsOf(result)).toEqual([
      'homeassistant/device/cistern01/config',
      'water/node-4/data',
      'water/node-4/pump',
      'water/node-4/up',
    ]);
    expect(session.listened.map(({ filter, options }) => [filter, options.retained])).toEqual(
      expect.arrayContaining([
        ['#', 'include'],
        ['water/node-4/pump', 'only'],
      ]),
    );
  });

  test('only stored messages, however fresh -> never active; absence says what remains', async () => {
    const { over } = await debugging('boiler', [{ topic: 'home/boiler/temperature', payload: '61' }]);
    const result = await over(30_000);
    expect(result).toMatchObject({
      status: 'success',
      connection_status: 'unknown',
      last_message_time: null,
      last_contact: { known_by: 'unknown' },
      message_frequency_per_minute: 0,
      findings: [],
      absence: { grade: 'unknown', verdict: 'The device is known but said nothing within 30 s.' },
    });
    expect(result.summary).toBe(
      '"boiler" is known, but whether it lives cannot be told: nothing live came, and when it last spoke is not known. What was heard does not say why: see absence.',
    );
  });

  test('only remarks -> the first line names them, not that nothing was found', async () => {
    const { session, pass, over } = await debugging('press', []);
    for (let n = 0; n < 10; n++) {
      session.speak('plant/press/pressure', '{"value":4.02,"unit":"bar"}');
      await pass(1_000);
    }
    const result = await over(20_000);
    expect(result.findings).toMatchObject([{ code: 'silent' }, { code: 'stuck_value', severity: 'info' }]);
    const steady = await debugging('press', []);
    for (let n = 0; n < 30; n++) {
      steady.session.speak('plant/press/pressure', '{"value":4.02,"unit":"bar"}');
      await steady.pass(1_000);
    }
    const other = await steady.running;
    expect(other.findings).toMatchObject([{ code: 'stuck_value', severity: 'info' }]);
    expect(other.summary).toContain('Nothing is surely wrong, but worth a look: "pressure" is 4.02 in all 30 live');
  });

  test('a time in a stored payload -> the last contact, and known by that', async () => {
    const seen = new Date(NOW - 3_600_000).toISOString();
    const { over } = await debugging('attic', [
      { topic: 'zigbee2mqtt/attic', payload: { battery: 80, last_seen: seen } },
      { topic: 'zigbee2mqtt/attic/availability', payload: 'online' },
    ]);
    expect(await over(30_000)).toMatchObject({
      connection_status: 'silent',
      last_message_time: seen,
      last_contact: { known_by: 'payload_timestamp', topic: 'zigbee2mqtt/attic', field: 'last_seen' },
    });
  });

  test('a bridge that is down -> offline, its finding first, and the reason for the absence', async () => {
    const { over } = await debugging('attic', [
      { topic: 'zigbee2mqtt/bridge/state', payload: { state: 'offline' } },
      {
        topic: 'zigbee2mqtt/bridge/devices',
        payload: [{ friendly_name: 'attic', ieee_address: '0x1', interview_completed: true }],
      },
      { topic: 'zigbee2mqtt/attic', payload: { battery: 80 } },
    ]);
    const result = await over(30_000);
    expect(result).toMatchObject({
      connection_status: 'offline',
      findings: [{ code: 'bridge_offline', severity: 'error' }],
    });
    expect(result.summary).toMatch(/^"attic" is offline: .*The bridge is offline/);
    expect(result.absence).toMatchObject({ grade: 'likely', verdict: expect.stringMatching(/^The bridge is offline/) });
  });

  test('nothing names it -> not_found; names that are nearly the same are told', async () => {
    const { session, over } = await debugging('livingrom', [{ topic: 'home/livingroom/lamp/state', payload: 'ON' }]);
    session.speak('home/livingroom/co2', '612');
    const result = await over(30_000);
    expect(result).toMatchObject({
      status: 'not_found',
      connection_status: 'not_found',
      device_topics: [],
      absence: {
        grade: 'likely',
        evidence: ['2 topics of others were looked at.', 'The connection was up for all of the 30 s.'],
      },
    });
    expect(JSON.stringify(result.absence)).toContain('\\"livingroom\\" exists');
  });

  test('not_found -> said of what this user sees only: rules of access may withhold the rest', async () => {
    const result = await (await debugging('pump-9', [{ topic: 'plant/fan', payload: '1' }])).over(30_000);
    expect(String(result.summary)).toContain('no topic and no description that this user sees names it');
  });

  test('a broker that is silent altogether -> absence as of a collection', async () => {
    const { over } = await debugging('x1', []);
    expect(await over(30_000)).toMatchObject({ absence: { verdict: 'No message came under the filter within 30 s.' } });
  });

  test('a name within another -> similar, where the device itself is there; taken, where it is not', async () => {
    const stored = [{ topic: 'plant/pump_2/state', payload: 'ON' }];
    const both = await debugging('pump', [...stored, { topic: 'plant/pump/state', payload: 'ON' }]);
    const result = await both.over(30_000);
    expect([topicsOf(result), result.similar]).toEqual([['plant/pump/state'], ['plant/pump_2/state']]);
    const alone = await debugging('pump', stored);
    expect(topicsOf(await alone.over(30_000))).toEqual(['plant/pump_2/state']);
  });

  test('pump12 beside pump-12 -> the one that was asked for; the other one is similar', async () => {
    const stored = ['pump12', 'pump-12', 'pump-1-2'].map((name) => ({ topic: `plant/${name}/state`, payload: 'ON' }));
    const { over } = await debugging('pump12', stored);
    const result = await over(30_000);
    expect([topicsOf(result), result.similar]).toEqual([['plant/pump12/state'], ['plant/pump-12/state']]);
  });

  test('an id without letters -> whole levels only; two places are told, what only contains it is similar', async () => {
    const stored = ['plant/12/state', 'plant/line-12/state', 'fw/1.2/state', 'log/2024-12-01/state', 'a/x12/state'];
    const messages = stored.map((topic) => ({ topic, payload: 'ON' }));
    const { over } = await debugging('12', messages);
    const result = await over(30_000);
    expect(topicsOf(result)).toEqual(['plant/12/state']);
    expect(result.similar).toEqual(['log/2024-12-01/state', 'plant/line-12/state']);
    const twice = await debugging('12', [...messages, { topic: 'lab/12/state', payload: 'ON' }]);
    expect((await twice.over(30_000)).notes).toContainEqual(
      expect.stringMatching(/^The id is a level of its own in 2 places.* such as "plant\/12"/),
    );
    const nowhere = await debugging('12', messages.slice(1));
    expect(await nowhere.over(30_000)).toMatchObject({
      status: 'not_found',
      device_topics: [],
      similar: ['log/2024-12-01/state', 'plant/line-12/state'],
    });
  });

  test('# is refused -> the places of conventions are heard, each message once; a note says so', async () => {
    const session = new StoringSession();
    session.refused = (filter) => filter === '#';
    const stored = [{ topic: 'zigbee2mqtt/lamp', payload: { state: 'ON' } }];
    const { over } = await debugging('lamp', stored, {}, session);
    session.speak('zigbee2mqtt/lamp', '{"state":"OFF"}');
    session.speak('zigbee2mqtt/lamp/availability', 'online');
    const result = await over(30_000);
    expect(result).toMatchObject({ connection_status: 'active', message_frequency_per_minute: 4 });
    expect(list(result.device_topics).find(({ topic }) => topic === 'zigbee2mqtt/lamp')).toMatchObject({
      live_messages: 1,
    });
    expect(result.notes).toEqual([expect.stringMatching(/^The broker refused # : only \d+ filters/)]);
  });

  test('everything is refused -> subscribe_denied; another failure -> that', async () => {
    const session = new StoringSession();
    session.refused = () => true;
    const own = bench('allow', session);
    expect((await failing(own.run('debug_device', { session_id: LAB, device_id: 'a' }))).code).toBe('subscribe_denied');
    session.refused = () => false;
    session.refusal = toolError('not_connected');
    expect((await failing(own.run('debug_device', { session_id: LAB, device_id: 'a' }))).code).toBe('not_connected');
  });

  test('the connection is lost -> what came until then, and no word on silence', async () => {
    const { session, pass, over } = await debugging('boiler', []);
    for (let n = 0; n < 8; n++) {
      session.speak('home/boiler/temperature', `${61 + (n % 3)}`);
      await pass(1_000);
    }
    session.lose('the broker closed the connection');
    const result = await over(0);
    expect(result).toMatchObject({ connection_status: 'active', findings: [], window_seconds: 8 });
    expect(result.notes).toContain('The connection was lost meanwhile: silence and gaps were not judged.');
    expect(result.summary).toMatch(
      /The connection to the broker was lost after 8 s, and the window with it\. Nothing unusual was found in what was heard\.$/,
    );
  });

  test('the connection is lost for a while -> the first line says how long; not_found is not said of the whole broker', async () => {
    const { session, pass, over } = await debugging('boiler', []);
    session.speak('home/other/temperature', '61');
    await pass(5_000);
    session.gaps.push({ from: Date.now(), to: Date.now() + 4_000 });
    const result = await over(25_000);
    expect(result).toMatchObject({ status: 'not_found', absence: { grade: 'unknown' } });
    expect(result.summary).toBe(
      '"boiler" was not found: no topic and no description in what was heard names it. The connection to the broker was lost for 4 of 30 s.',
    );
  });

  test('cancelled -> over at once, the subscriptions closed', async () => {
    const session = new StoringSession();
    const own = bench('allow', session);
    const running = failing(own.run('debug_device', { session_id: LAB, device_id: 'a' }));
    await vi.advanceTimersByTimeAsync(3_000);
    own.abort('nobody waits any more');
    expect((await running).code).toBe('cancelled');
    expect(session.listened.every(({ closed }) => closed)).toBe(true);
  });

  test('a device of 60 topics with long payloads, names and many findings -> still under 3,000 tokens', async () => {
    const { session, over } = await debugging('big-1', [{ topic: 'plant/big-1/availability', payload: 'offline' }]);
    for (let n = 0; n < 60; n++) {
      for (let m = 0; m < 8; m++) {
        const text = `E${m} failure of unit ${n} ${'x'.repeat(400)}`;
        session.speak(`plant/big-1/${'level/'.repeat(20)}${n}`, JSON.stringify({ error: text, battery: 3, rssi: -95 }));
      }
    }
    const result = await over(30_000);
    expect(JSON.stringify(result).length).toBeLessThan(9_500);
    expect(result).toMatchObject({ device_topic_count: 61 });
    expect(list(result.findings).map(({ code }) => code)).toEqual(
      expect.arrayContaining(['error_reported', 'low_battery', 'weak_signal']),
    );
  });

  test.each([10, 600])('duration_seconds %i -> listens so long', async (duration_seconds) => {
    const { over } = await debugging('a', [], { duration_seconds });
    expect(await over(duration_seconds * 1_000)).toMatchObject({ window_seconds: duration_seconds });
  });
});
