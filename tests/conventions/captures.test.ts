// Captures of each convention, written for this project: whose topics are found, under which names, and that devices
// which are well get no warnings.
import { describe, expect, test } from 'vitest';
import { ownSeries } from '../../src/findings/entries.ts';
import { witnesses } from '../../src/findings/presence.ts';
import { reportOn } from '../../src/tools/device-report.ts';
import { captures, codesOf, watched } from '../support/device.ts';

const cases = captures.flatMap(({ name, messages, devices }) =>
  devices.flatMap((device) => device.ids.map((id) => ({ name, id, device, messages }))),
);

describe.each(cases)('$name: $id', ({ id, device, messages }) => {
  const { view, findings, similar } = watched(messages, id);

  test('its topics are found, and nobody else’s', () => {
    expect(ownSeries(view).map(({ topic }) => topic)).toEqual(device.topics.toSorted());
  });

  test('what it is told to be fits, and only what is wrong is found', () => {
    const report = reportOn(id, view, findings, similar);
    expect(codesOf(findings)).toEqual(device.codes);
    expect(report.connection_status).toBe(device.status);
    expect(report.availability.state).toBe(device.availability[1]);
    const own = witnesses(view).find(({ of }) => of === 'device');
    expect(own?.by ?? null).toBe(device.availability[0]);
  });

  test('a report is under 3,000 tokens, its first field the answer', () => {
    const report = reportOn(id, view, findings, similar);
    expect(Object.keys(report)[0]).toBe('summary');
    expect(JSON.stringify(report).length).toBeLessThan(9_000);
  });
});

test('every convention has a capture', () => {
  const names = ['esphome', 'generic', 'homeassistant', 'homie', 'shelly', 'sparkplug', 'tasmota', 'zigbee2mqtt'];
  expect(captures.map(({ name }) => name).toSorted()).toEqual(names);
});
