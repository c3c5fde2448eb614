// Several availability topics: which of them decides, as Home Assistant has it by availability_mode.
import { expect, test } from 'vitest';
import { reportOn } from '../../src/tools/device-report.ts';
import { codesOf, every, type Said, watched } from '../support/device.ts';

const stored = (topic: string, payload: unknown): Said => ({ topic, payload, retain: true });
const [one, two] = ['gw/1/av', 'gw/2/av'];
const config = (more: object) =>
  stored('homeassistant/sensor/anyd/config', { uniq_id: 'anyd', stat_t: 'q/st', dev: { ids: ['anyd'] }, ...more });
const speaking = every(2, 14, 'q/st', (n) => `${20 + ((n * 7) % 5)}`, 3);

function told(more: object, said: readonly Said[]) {
  const { view, findings, similar } = watched([config(more), ...said], 'anyd');
  const { availability, connection_status } = reportOn('anyd', view, findings, similar);
  return [availability.state, connection_status, ...codesOf(findings).filter((code) => code !== 'retained_ghost')];
}

const list = { availability: [{ topic: one }, { topic: two }] };
const short = { avty: [{ t: one }, { t: two }] };
const [gone, there] = [stored(one, 'offline'), stored(two, 'online')];

test.each([
  ['any, one is there', { ...list, availability_mode: 'any' }, [gone, there, ...speaking], ['online', 'active']],
  ['any, abbreviated', { ...short, avty_mode: 'any' }, [there, gone, ...speaking], ['online', 'active']],
  [
    'any, with a base',
    { '~': 'gw', avty: [{ t: '~/1/av' }, { t: '~/2/av' }], avty_mode: 'any' },
    [gone, there, ...speaking],
    ['online', 'active'],
  ],
  [
    'any, all are gone',
    { ...list, availability_mode: 'any' },
    [gone, stored(two, 'offline')],
    ['offline', 'offline', 'device_offline', 'device_offline'],
  ],
  ['all, one is gone', { ...list, availability_mode: 'all' }, [gone, there], ['offline', 'offline', 'device_offline']],
  [
    'all, one is gone, and yet it speaks',
    { ...short, avty_mode: 'all' },
    [gone, there, ...speaking],
    ['offline', 'active', 'availability_contradicted'],
  ],
  [
    'latest unless said, there after gone',
    list,
    [gone, { t: 1, topic: two, payload: 'online' }, ...speaking],
    ['online', 'active'],
  ],
  [
    'latest unless said, gone after there',
    list,
    [there, { t: 5, topic: one, payload: 'offline' }],
    ['offline', 'offline', 'device_offline'],
  ],
  ['latest, both stored', { ...list, availability_mode: 'latest' }, [there, gone, ...speaking], ['online', 'active']],
  ['one topic', { avty_t: one }, [gone], ['offline', 'offline', 'device_offline']],
])('%s -> told by its mode', (_, more, said, expected) => {
  expect(told(more, said)).toEqual(expected);
});

test('any, one gateway comes and goes -> the device does not flap', () => {
  const turns = ['online', 'offline', 'online', 'offline', 'online'].map((payload, n) => ({
    t: 3 + n,
    topic: one,
    payload,
  }));
  const all = (mode: string) => told({ ...list, availability_mode: mode }, [there, stored(one, 'online'), ...turns]);
  expect(all('any')).not.toContain('flapping');
  expect(all('all')).toContain('flapping');
});
