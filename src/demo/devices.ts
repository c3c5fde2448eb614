// Owns the table of the simulated devices: every topic of the demo stands here, and only what stands here is published.
// Must not know brokers or timers.
import * as act from './behaviours.ts';
import { conventionDevices } from './conventions.ts';
import { faults } from './faults.ts';
import { command, type Device, type Flow, leavesOf, live, placed, retained, topicOf } from './leaves.ts';
import { CONTROL, ERROR, STATE } from './switches.ts';

const allOff = Object.fromEntries(faults.map(({ name }) => [name, false]));

/** A documented topic with its full name. */
export type DemoTopic = { topic: string; flow: Flow; example: string; about: string };

export const devices: readonly Device[] = [
  {
    base: 'greenhouse/north/climate',
    model: 'TH-2',
    leaves: [
      live('temperature', '{"value":21.4,"unit":"°C"}', 'air temperature'),
      live('humidity', '{"value":64,"unit":"%"}', 'relative humidity'),
    ],
    behaviour: act.sensor({
      temperature: { min: 16, max: 31, step: 0.3, digits: 1, unit: '°C' },
      humidity: { min: 45, max: 88, step: 1, digits: 0, unit: '%' },
    }),
  },
  {
    base: 'greenhouse/bed3/soil',
    model: 'SM-1',
    leaves: [live('moisture', '{"value":38.2,"unit":"%"}', 'soil moisture')],
    behaviour: act.sensor({ moisture: { min: 22, max: 55, step: 0.4, digits: 1, unit: '%' } }),
  },
  {
    base: 'home/livingroom/climate',
    model: 'ZB-TH',
    leaves: [live('reading', '{"temperature":21.3,"humidity":47,"battery":96}', 'one object with everything')],
    behaviour: act.roomClimate,
  },
  {
    base: 'home/livingroom/lamp',
    model: 'BULB-9W',
    leaves: [
      retained('state', '{"state":"OFF","brightness":80}', 'as it is, said after every command'),
      command('set', '{"state":"ON","brightness":40}', 'ON, OFF, TOGGLE or an object; brightness 0 to 100'),
    ],
    behaviour: act.lamp,
  },
  {
    base: 'home/livingroom/co2',
    model: 'AQ-3',
    leaves: [live('ppm', '612', 'carbon dioxide, a bare number')],
    behaviour: act.co2,
  },
  {
    base: 'home/hall/door',
    model: 'DC-1',
    leaves: [retained('contact', 'closed', 'open or closed, said on change')],
    behaviour: act.door,
  },
  {
    base: 'home/cellar/meter',
    model: 'EM-340',
    leaves: [
      live('energy', '{"total_kwh":1284.512,"power_w":432}', 'a counter that only grows, and the power'),
      placed(
        'homeassistant/sensor/cellar_meter/power/config',
        retained('power_config', meterConfig(), 'discovery of the power'),
      ),
    ],
    behaviour: (random) => ({ ...act.meter(random), start: () => ({ power_config: meterConfig() }) }),
  },
  {
    base: 'home/gateway',
    model: 'GW-1',
    leaves: [live('log', '{"level":"info","message":"forwarded 118 frames"}', 'info, warning and error lines')],
    behaviour: act.gateway,
  },
  {
    base: 'plant/line1/pump',
    model: 'P-80',
    leaves: [
      retained('state', '{"running":true,"speed_rpm":1450}', 'as it is, said after every command'),
      command('set', '{"running":false}', 'start, stop, toggle or an object; speed_rpm 0 to 3000'),
      live('flow', '{"value":120.8,"unit":"l/min"}', '0 while it stands'),
    ],
    behaviour: act.pump,
  },
  {
    base: 'plant/line1/pressure',
    model: 'PT-10',
    leaves: [live('value', '{"value":4.02,"unit":"bar"}', 'line pressure')],
    behaviour: act.sensor({ value: { min: 3.4, max: 4.8, step: 0.05, digits: 2, unit: 'bar' } }),
  },
  {
    base: 'plant/line1/motor',
    model: 'VIB-3',
    leaves: [live('vibration', '{"rms_mm_s":{"x":1.2,"y":0.9,"z":2.1},"bearing_c":52.4}', 'a nested object')],
    behaviour: act.motor,
  },
  {
    base: 'plant/line2/oven',
    model: 'OV-2',
    leaves: [
      live('temperature', '{"value":181.5,"unit":"°C"}', 'oven temperature'),
      live('alarm', 'ALARM over-temperature 226.3 °C, limit 210 °C', 'plain text, every twentieth beat'),
    ],
    behaviour: act.oven,
  },
  ...conventionDevices,
];

/** Every topic of the demo, in the table's order: for docs and tests. */
export const demoTopics: readonly DemoTopic[] = [
  ...devices.flatMap((device) =>
    leavesOf(device).map((leaf) => {
      const { flow, example, about } = leaf;
      return { topic: topicOf(device, leaf), flow, example, about };
    }),
  ),
  { topic: CONTROL, flow: 'command', example: '{"stuck_value":true}', about: 'turns faults on and off' },
  {
    topic: ERROR,
    flow: 'live',
    example: JSON.stringify({ error: '1 of 1 names are no fault', names: Object.keys(allOff) }),
    about: 'what was not understood',
  },
  { topic: STATE, flow: 'retained', example: JSON.stringify(allOff), about: 'every fault and whether it is on' },
];

function meterConfig(): string {
  return JSON.stringify({
    name: 'Cellar power',
    unique_id: 'cellar_meter_power',
    state_topic: 'home/cellar/meter/energy',
    value_template: '{{ value_json.power_w }}',
    unit_of_measurement: 'W',
    device_class: 'power',
    device: { identifiers: ['cellar_meter'], name: 'Cellar meter', model: 'EM-340' },
  });
}
