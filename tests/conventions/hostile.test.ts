// Whatever a broker sends as discovery, birth or state: nothing is thrown, nothing is polluted, little time is spent.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createIdentity } from '../../src/conventions/identity.ts';
import { claimsIn, roleOf } from '../../src/conventions/index.ts';
import { reportOn } from '../../src/tools/device-report.ts';
import { DeviceWatch } from '../../src/tools/device-watch.ts';
import { captures, messageOf, T0, watched } from '../support/device.ts';
import { room } from '../support/room.ts';

const id = createIdentity('pump-7');
const describing = [
  'homeassistant/sensor/pump-7/config',
  'homeassistant/device/pump-7/config',
  'zigbee2mqtt/bridge/devices',
  'tasmota/discovery/pump-7/config',
  'stat/pump-7/STATUS3',
  'homie/5/pump-7/$description',
  'homie/pump-7/$name',
  'esphome/discover/pump-7',
  'shellies/announce',
  'pump-7/events/rpc',
  'spBv1.0/g/DBIRTH/e/pump-7',
];
/** The keys that conventions read, so that random values get where they hurt. */
const keys = fc.constantFrom(
  ...[
    '~',
    'dev',
    'device',
    'ids',
    'identifiers',
    'cns',
    'connections',
    'name',
    'stat_t',
    'state_topic',
    'cmd_t',
    'avty',
  ],
  ...['availability', 'avty_t', 'val_tpl', 'cmps', 'components', 'exp_aft', 't', 'ft', 'tp', 'fn', 'mac', 'nodes'],
  ...[
    'properties',
    'friendly_name',
    'ieee_address',
    'src',
    'id',
    'seq',
    'metrics',
    'TelePeriod',
    '__proto__',
    'constructor',
  ],
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom('pump-7', '~', '~/a', 'a/~', 'pump-7/state', '#', '+/x', '', '\ud800', 'a'.repeat(5_000)),
    fc.jsonValue({ maxDepth: 2 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(keys, tie('value')), { maxLength: 6 }).map((pairs) => {
      const text = pairs.map(([key, one]) => `${JSON.stringify(key)}:${JSON.stringify(one) ?? 'null'}`).join(',');
      const parsed: unknown = JSON.parse(`{${text}}`);
      return parsed;
    }),
  ),
}));

test('descriptions of any shape -> claims that are bounded, of topics that could exist; no throw', () => {
  fc.assert(
    fc.property(fc.constantFrom(...describing), value, (topic, payload) => {
      for (const one of claimsIn(topic, payload, id)) {
        expect(one.topics.size).toBeLessThanOrEqual(200);
        for (const name of [...one.topics.keys(), ...one.prefixes]) expect(name).toMatch(/^[^+#\0]{1,1024}$/);
        for (const { seconds } of one.expected) expect(seconds).toBeGreaterThan(0);
      }
    }),
    { numRuns: 3_000 },
  );
  expect(Object.prototype).not.toHaveProperty('dev');
  expect(Object.keys(Object.prototype)).toEqual([]);
});

test('messages of any shape on any topic -> a report within its bounds; no throw', () => {
  const levels = fc.constantFrom(
    'pump-7',
    'set',
    'state',
    'availability',
    'tele',
    'cmnd',
    'LWT',
    'STATE',
    'spBv1.0',
    'DDATA',
    '$state',
    '',
  );
  const topics = fc.oneof(
    fc.constantFrom(...describing),
    fc.array(levels, { minLength: 1, maxLength: 6 }).map((all) => all.join('/') || '/'),
  );
  const said = fc.record({
    t: fc.integer({ min: 0, max: 29 }),
    topic: topics,
    payload: fc.oneof(value, fc.string()),
    retain: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(said, { maxLength: 30 }), (messages) => {
      const { view, findings, similar } = watched(messages, 'pump-7');
      expect(JSON.stringify(reportOn('pump-7', view, findings, similar)).length).toBeLessThan(20_000);
    }),
    { numRuns: 500 },
  );
});

test('binary rubbish and cut payloads -> no throw', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...describing),
      fc.uint8Array({ maxLength: 200 }),
      fc.nat(300),
      (topic, bytes, more) => {
        const watch = new DeviceWatch(id, room());
        watch.take({
          ...messageOf({ topic, payload: '' }),
          payload: Buffer.from(bytes),
          size: bytes.length + (more % 3),
        });
        watch.timeline();
      },
    ),
    { numRuns: 1_000 },
  );
});

describe('sizes', () => {
  test('a cyclic or endless ~, 100,000 components, 100,000 devices, 60 levels deep -> bounded', () => {
    const deep = `${'{"dev":'.repeat(60)}1${'}'.repeat(60)}`;
    const cmps = Object.fromEntries(
      Array.from({ length: 100_000 }, (_, n) => [`c${n}`, { p: 'sensor', stat_t: `~/${n}` }]),
    );
    const doc = { '~': '~/~/~', dev: { ids: ['pump-7'] }, stat_t: '~', cmd_t: '~~', cmps };
    const [found] = claimsIn('homeassistant/device/x/config', doc, id);
    expect(found?.topics.size).toBe(200);
    const devices = Array.from({ length: 100_000 }, (_, n) => ({
      friendly_name: `pump-7/${n}`,
      ieee_address: `0x${n}`,
    }));
    const [list] = claimsIn('zigbee2mqtt/bridge/devices', devices, id);
    expect(list?.others.length).toBeLessThanOrEqual(200);
    expect(claimsIn('homeassistant/sensor/pump-7/config', JSON.parse(deep), id)).toHaveLength(1);
  });

  test('an id that stands in 100,000 topics -> 1,000 are followed, and a note says so', () => {
    const watch = new DeviceWatch(createIdentity('a'), room());
    for (let n = 0; n < 100_000; n++) watch.take(messageOf({ topic: `a/${n}`, payload: '1' }));
    expect(watch.timeline().series).toHaveLength(1_000);
    expect(watch.notes().join()).toMatch(/more than 1000 topics/);
  });

  test('a busy topic -> the latest 400 are looked at, all are counted', () => {
    const watch = new DeviceWatch(id, room());
    for (let n = 0; n < 5_000; n++) watch.take(messageOf({ t: n / 1000, topic: 'x/pump-7', payload: `${n}` }));
    const [series] = watch.timeline().series;
    expect(series).toMatchObject({ live: 5_000, dropped: 4_600 });
    expect(series?.entries.at(-1)?.payload).toBe(4_999);
  });

  test('busy topics, many of them -> 6,000 messages are looked at, with what was stored of each', () => {
    const watch = new DeviceWatch(id, room());
    for (let n = 0; n < 500; n++) watch.take(messageOf({ topic: `x/pump-7/${n}`, payload: 'stored', retain: true }));
    for (let n = 0; n < 50_000; n++)
      watch.take(messageOf({ t: n / 2000, topic: `x/pump-7/${n % 500}`, payload: `${n}` }));
    const { series } = watch.timeline();
    expect(series.reduce((sum, { entries }) => sum + entries.length, 0)).toBe(6_000);
    for (const { entries, live } of series) expect([entries[0]?.retain, live]).toEqual([true, 100]);
  });

  test('payloads of 1 MiB -> memory stays bounded, the latest of each topic stay', () => {
    const watch = new DeviceWatch(id, room());
    const message = messageOf({ topic: '', payload: 'x'.repeat(1024 * 1024) });
    for (let n = 0; n < 2_000; n++) watch.take({ ...message, topic: `x/pump-7/${n % 4}` });
    const kept = watch.timeline().series.flatMap(({ entries }) => entries);
    expect(kept.length * 64 * 1024).toBeLessThanOrEqual(9 * 1024 * 1024);
    expect(kept.length).toBeGreaterThan(50);
  });

  test('1,000 topics with a large payload each -> only beginnings, once the room is used up', () => {
    const watch = new DeviceWatch(id, room());
    const message = messageOf({ topic: '', payload: 'x'.repeat(64 * 1024) });
    for (let n = 0; n < 1_000; n++) watch.take({ ...message, topic: `x/pump-7/${n}` });
    const kept = watch.timeline().series.flatMap(({ entries }) => entries);
    const bytes = kept.reduce((sum, { payload }) => sum + String(payload).length, 0);
    expect([kept.length, bytes < 9 * 1024 * 1024]).toEqual([1_000, true]);
  });

  test('ids that are patterns, blanks or very long -> no throw, no match by accident', () => {
    for (const one of [
      '(.*)+$',
      '[',
      '\\',
      '   ',
      '/',
      '//',
      '*',
      'ä'.repeat(256),
      '$SYS',
      '__proto__',
      '\u0000',
      '😀',
      '-',
      '_',
    ]) {
      const odd = createIdentity(one);
      for (const topic of ['a/b', 'x/pump-7/state', '/', 'constructor', 'a'.repeat(60_000)]) {
        expect(odd.inTopic(topic), `${one} in ${topic.slice(0, 20)}`).toBeUndefined();
      }
    }
  });
});

test.each(['İstanbul', 'cafe\u0301', '\u{2f801}', 'pump (north) -- 7', 'a*.)(a'])(
  'the id %s -> found by itself',
  (one) => {
    expect(createIdentity(one).inName(one)).toBe('exact');
    expect(createIdentity(one).inTopic(`home/${one}/state`)).toBe('exact');
  },
);

test('a topic has a role whatever it is', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (topic) => roleOf(topic, []).role !== undefined));
});

test('captures in any order of arrival -> no throw, and no status but by what was said', () => {
  for (const { messages, devices } of captures) {
    const shuffled = messages.toReversed();
    for (const { ids } of devices) {
      const { view } = watched(shuffled, ids[0] ?? '');
      expect(view.began).toBe(T0);
    }
  }
});
