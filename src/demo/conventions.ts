// Owns the devices that speak as real ones do: Zigbee2MQTT with Home Assistant discovery, Tasmota, Sparkplug B.
// Must not know brokers or timers.

import { type Behaviour, type Said, switching } from './behaviours.ts';
import { command, type Device, live, placed, retained } from './leaves.ts';
import { between, type Random, wander } from './random.ts';
import { sparkplugNode } from './sparkplug.ts';

const CLIMATE = { ieee: '0x00158d0001a2b3c4', name: 'kitchen_climate' };
const PLUG = { ieee: '0x00158d0004f5e6d7', name: 'hall_plug' };
const TASMOTA = { mac: 'C45BBE8F1A2D', name: 'office_plug' };

export const conventionDevices: readonly Device[] = [
  {
    base: 'zigbee2mqtt/bridge',
    model: 'Zigbee2MQTT',
    convention: true,
    leaves: [
      retained('state', '{"state":"online"}', 'the bridge itself'),
      retained('devices', zigbeeDevices(), 'every device with its address and name'),
    ],
    behaviour: () => ({ start: () => ({ state: { state: 'online' }, devices: zigbeeDevices() }), beat: () => ({}) }),
  },
  {
    base: `zigbee2mqtt/${CLIMATE.name}`,
    model: 'WSDCGQ11LM',
    convention: true,
    leaves: [
      placed(
        `zigbee2mqtt/${CLIMATE.name}`,
        live('values', '{"temperature":21.3,"humidity":47,"battery":96,"linkquality":120}', 'all values'),
      ),
      retained('availability', '{"state":"online"}', 'as the bridge sees it'),
      placed(
        `homeassistant/sensor/${CLIMATE.ieee}/temperature/config`,
        retained('temperature', discovery('temperature', '°C'), 'discovery, abbreviated'),
      ),
      placed(
        `homeassistant/sensor/${CLIMATE.ieee}/humidity/config`,
        retained('humidity', discovery('humidity', '%'), 'discovery, abbreviated'),
      ),
    ],
    behaviour: zigbeeClimate,
  },
  {
    base: `zigbee2mqtt/${PLUG.name}`,
    model: 'TS011F',
    convention: true,
    leaves: [
      placed(`zigbee2mqtt/${PLUG.name}`, live('values', '{"state":"OFF","power":0,"linkquality":87}', 'all values')),
      retained('availability', '{"state":"online"}', 'as the bridge sees it'),
      command('set', '{"state":"ON"}', 'ON, OFF, TOGGLE or an object'),
    ],
    behaviour: zigbeePlug,
  },
  {
    base: `tele/${TASMOTA.name}`,
    model: 'Tasmota plug',
    convention: true,
    leaves: [
      retained('LWT', 'Online', 'its last will'),
      live(
        'STATE',
        '{"Uptime":"0T01:02:03","UptimeSec":3723,"POWER":"OFF","Wifi":{"RSSI":78,"Signal":-61}}',
        'every beat',
      ),
      live('SENSOR', '{"ENERGY":{"Total":1.234,"Power":11,"Voltage":231}}', 'every beat'),
      placed(`cmnd/${TASMOTA.name}/POWER`, command('POWER', 'TOGGLE', 'ON, OFF or TOGGLE')),
      placed(`stat/${TASMOTA.name}/RESULT`, live('RESULT', '{"POWER":"ON"}', 'the answer to a command')),
      placed(`tasmota/discovery/${TASMOTA.mac}/config`, retained('config', tasmotaConfig(), 'its own discovery')),
    ],
    behaviour: tasmotaPlug,
  },
  {
    base: 'spBv1.0/plant',
    model: 'Sparkplug B edge node',
    convention: true,
    leaves: [
      live('NBIRTH/edge1', '', 'birth of the node: protobuf, every 30th beat and when asked for'),
      live('DBIRTH/edge1/press4', '', 'birth of its device: names, aliases, types'),
      live('DDATA/edge1/press4', '', 'values by alias'),
      command('NCMD/edge1', 'Node Control/Rebirth', 'anything that names Rebirth brings the births again'),
    ],
    behaviour: sparkplugNode,
  },
];

function zigbeeDevices(): string {
  const definition = (model: string, vendor: string) => ({ model, vendor });
  return JSON.stringify([
    { ieee_address: '0x00124b0000000001', type: 'Coordinator', friendly_name: 'Coordinator' },
    {
      ieee_address: CLIMATE.ieee,
      type: 'EndDevice',
      friendly_name: CLIMATE.name,
      definition: definition('WSDCGQ11LM', 'Aqara'),
    },
    { ieee_address: PLUG.ieee, type: 'Router', friendly_name: PLUG.name, definition: definition('TS011F', 'TuYa') },
  ]);
}

/** Home Assistant's abbreviations: `~` the base topic, stat_t state_topic, avty_t availability_topic. */
function discovery(field: string, unit: string): string {
  return JSON.stringify({
    '~': `zigbee2mqtt/${CLIMATE.name}`,
    name: field,
    uniq_id: `${CLIMATE.ieee}_${field}`,
    stat_t: '~',
    val_tpl: `{{ value_json.${field} }}`,
    unit_of_meas: unit,
    avty_t: '~/availability',
    avty_tpl: '{{ value_json.state }}',
    exp_aft: 60,
    dev: { ids: [CLIMATE.ieee], name: CLIMATE.name, mf: 'Aqara', mdl: 'WSDCGQ11LM' },
  });
}

function tasmotaConfig(): string {
  const { mac, name } = TASMOTA;
  const words = { ofln: 'Offline', onln: 'Online', state: ['OFF', 'ON', 'TOGGLE', 'HOLD'] };
  return JSON.stringify({
    ip: '192.0.2.17',
    dn: name,
    fn: [name],
    hn: name,
    mac,
    md: 'Gosund SP1',
    t: name,
    ft: '%prefix%/%topic%/',
    tp: ['cmnd', 'stat', 'tele'],
    ...words,
  });
}

function zigbeeClimate(random: Random): Behaviour {
  const temperature = wander(random, { min: 18, max: 24, step: 0.2, digits: 1 });
  const humidity = wander(random, { min: 35, max: 60, step: 0.8, digits: 0 });
  const linkquality = wander(random, { min: 80, max: 160, step: 6, digits: 0 });
  const battery = between(random, 60, 100);
  return {
    start: () => ({
      availability: { state: 'online' },
      temperature: discovery('temperature', '°C'),
      humidity: discovery('humidity', '%'),
    }),
    beat: () => ({
      values: { temperature: temperature(), humidity: humidity(), battery, linkquality: linkquality() },
    }),
  };
}

function zigbeePlug(random: Random): Behaviour {
  const state = { on: false, level: 0 };
  const load = wander(random, { min: 38, max: 64, step: 2, digits: 1 });
  const linkquality = wander(random, { min: 60, max: 120, step: 5, digits: 0 });
  const said = (): Said => ({
    values: { state: state.on ? 'ON' : 'OFF', power: state.on ? load() : 0, linkquality: linkquality() },
  });
  return {
    start: () => ({ availability: { state: 'online' } }),
    beat: (n) => (n % 5 === 0 ? said() : {}),
    obey: switching(state, { level: 'level', max: 0 }, said),
  };
}

function tasmotaPlug(random: Random): Behaviour {
  const state = { on: false, level: 0 };
  const load = wander(random, { min: 9, max: 14, step: 1, digits: 0 });
  const rssi = wander(random, { min: 70, max: 90, step: 2, digits: 0 });
  const bootedBefore = between(random, 3_600, 86_400);
  let wattSeconds = between(random, 1, 40) * 3.6e5;
  const power = () => (state.on ? 'ON' : 'OFF');
  return {
    start: () => ({ LWT: 'Online', config: tasmotaConfig() }),
    beat(n) {
      const watts = state.on ? load() : 0;
      wattSeconds += watts;
      const UptimeSec = bootedBefore + n;
      const signal = rssi();
      return {
        STATE: {
          Uptime: uptime(UptimeSec),
          UptimeSec,
          POWER: power(),
          Wifi: { RSSI: signal, Signal: Math.round(signal / 2) - 100 },
        },
        SENSOR: { ENERGY: { Total: Math.round(wattSeconds / 3.6e3) / 1000, Power: watts, Voltage: 231 } },
      };
    },
    obey: switching(state, { level: 'level', max: 0 }, () => ({ RESULT: { POWER: power() } })),
  };
}

/** As Tasmota writes it: days, T, hours, minutes, seconds. */
function uptime(seconds: number): string {
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  return `${Math.floor(seconds / 86_400)}T${two((seconds % 86_400) / 3_600)}:${two((seconds % 3_600) / 60)}:${two(seconds % 60)}`;
}
