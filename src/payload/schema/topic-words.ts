// Owns what the words of a topic say: a quantity or a part of a convention stays as it is, a kind of device stays
// apart from other kinds, what is left may be a name. Must not know payloads.
import { isMeant } from './level-parts.ts';

/** Quantities, directions, commands and parts of conventions: a level with one of these is never a mere name. */
const FIXED = words(`
  temperature temp temperatur temperatura température humidity hum humidite humidité humedad feuchte
  feuchtigkeit luftfeuchte luftfeuchtigkeit umidità vochtigheid pressure druck luftdruck pression presión presion druk
  co co2 tvoc voc pm pm1 pm2_5 pm25 pm10 nox no2 so2 o3 ch4 nh3 iaq aqi illuminance lux light level brightness
  helligkeit luminosité moisture soil dewpoint taupunkt rain regen wind gust uv solar irradiance snow noise
  voltage volt volts spannung tension voltaje current strom courant corriente power leistung puissance potencia energy
  energie énergie energía energia kwh wh frequency frequenz freq reactive apparent factor pf cosphi phase phases
  consumption verbrauch production erzeugung yield import export tariff total day today yesterday month year
  battery batterie akku charge soc soh rssi snr lqi linkquality signal speed geschwindigkeit rpm torque drehmoment
  position lat lon lng latitude longitude altitude heading location gps odometer distance level fuel füllstand
  fuellstand weight mass gewicht length width height angle acceleration accel vibration flow durchfluss volume count
  counter zähler zaehler rate ratio percent percentage setpoint sollwert istwert target ziel min max avg mean rms peak
  inlet outlet supply return vorlauf ruecklauf rücklauf indoor outdoor inside outside innen aussen außen ambient
  state status stat tele cmnd cmd command set get config configuration settings event events action up down join ack
  txack log logs logging error errors alarm alarms warning warnings fault faults info debug diagnostics diag health
  availability available lwt online offline connected will birth death heartbeat ping uptime version firmware ota
  telemetry data raw value values reading readings measurement measurements measure metrics attributes attribute sensor
  sensors request response result results reply rpc shadow update accepted rejected delta documents jobs notify
  discovery homeassistant zigbee2mqtt tasmota shellies shelly esphome homie owntracks application gateway gateways
  spbv1.0 nbirth ndeath ndata ncmd dbirth ddeath ddata dcmd $aws things thing $sys broker bridge devices device
  groups group nodes node machines machine lines line cells cell sites site areas area zones zone rooms room vehicles
  vehicle trackers tracker users user meters meter lamps lights switches covers climates climate clients client messages
  bytes publish subscriptions retained load store heap sent received open closed contact occupancy presence motion tamper
  smoke leak water gas heat hot cold warm kalt on off mode fan hvac schedule program time date timestamp uid name id
  type unit model mac ip ssid wifi image snapshot camera audio play pause stop next previous mute track announce
  settings_changed relay relays input inputs output outputs emeter adc analog digital longpush roller cover color
  colour rgb white ct effect transition orders order refunds refund invoices invoice job tasks task queue users
  payments payment $state $name $homie $nodes $properties $fw $implementation $stats $type $unit $datatype $settable
  $format $localip $mac $interval $version scene scenes automation automations script scripts button number select text
  binary_sensor lock valve alarm_control_panel device_automation tag siren humidifier water_heater
`);

/** Kinds of devices and machine parts: names may vary beside them, they may not. */
const KINDS = words(`
  lamp bulb plug socket outlet switch dimmer thermostat trv radiator heizung heater boiler chiller pump pumpe valve
  ventil motor engine compressor kompressor fan lüfter ventilator blower conveyor belt robot press presse mixer oven
  ofen furnace tank silo reactor filter turbine generator inverter wechselrichter battery wallbox charger door tür tuer
  window fenster gate garage blind shutter rollladen curtain remote sensor detector camera doorbell speaker tv display
  cpu gpu disk memory ram fridge freezer washer dryer dishwasher coffee vacuum mower sprinkler irrigation router
  repeater gateway hub controller plc hmi drive axis spindle tool gripper arm feeder hopper cabin cab room truck car
  bus van train drone ship forklift agv meter
`);

/** Levels whose next one is a name of one of them. */
const COLLECTIVES = new Map(
  Object.entries({
    devices: 'device',
    device: 'device',
    sensors: 'sensor',
    rooms: 'room',
    room: 'room',
    nodes: 'node',
    machines: 'machine',
    machine: 'machine',
    things: 'thing',
    thing: 'thing',
    sites: 'site',
    site: 'site',
    areas: 'area',
    area: 'area',
    zones: 'zone',
    lines: 'line',
    cells: 'cell',
    vehicles: 'vehicle',
    vehicle: 'vehicle',
    fleet: 'vehicle',
    trackers: 'tracker',
    users: 'user',
    clients: 'client',
    meters: 'meter',
    lamps: 'lamp',
    lights: 'light',
    gateways: 'gateway',
    groups: 'group',
    trucks: 'truck',
    buildings: 'building',
    building: 'building',
    floors: 'floor',
    plants: 'plant',
    räume: 'raum',
    geräte: 'gerät',
    maschinen: 'maschine',
    appareils: 'appareil',
    dispositivos: 'dispositivo',
  }),
);

/** Where a convention says that a level is a name. `*` is any level, `?x` a name that is called x. */
const CONVENTIONS = `
  tele/?device stat/?device cmnd/?device */tele/?device
  zigbee2mqtt/?device shellies/?device homie/?device homie/5/?device */esphome/?device
  homeassistant/*/?object/config homeassistant/*/?node/?object/config
  spBv1.0/?group/*/?node/?device
  application/?application/device/?device gateway/?gateway eu868/gateway/?gateway
  $aws/things/?thing owntracks/?user/?device dt/*/?site/?device v3/*/devices/?device
`
  .trim()
  .split(/\s+/)
  .map((line) => line.split('/'));

/** The parts of a level's wording that tell meaning, as one comparable text; undefined: it is never a name. */
export function meaningOf(level: string): string | undefined {
  const whole = level.toLowerCase();
  if (whole === '' || FIXED.has(whole) || isMeant(whole)) return undefined;
  const tokens = tokensOf(level);
  // `kitchen_lamp_temperature` is a quantity, `kitchen_lamp` is one of the lamps.
  if (tokens.some((token) => FIXED.has(token) && !KINDS.has(token))) return undefined;
  return tokens.filter((token) => KINDS.has(token)).join(' ');
}

/** Whether a level tells a quantity or a part of a convention. */
export function isFixed(level: string): boolean {
  return FIXED.has(level.toLowerCase()) || tokensOf(level).some((token) => FIXED.has(token));
}

export function collective(level: string): string | undefined {
  return COLLECTIVES.get(level.toLowerCase());
}

/** What a convention calls the level at `index`; undefined where none knows it. `levels`: those of one topic. */
export function conventional(levels: readonly string[], index: number): string | undefined {
  for (const convention of CONVENTIONS) {
    const word = convention[index];
    if (word?.startsWith('?') && follows(levels, convention, index)) return word.slice(1);
  }
  return undefined;
}

/** One that ends in `config` knows topics of its length only. */
function follows(levels: readonly string[], convention: readonly string[], upTo: number): boolean {
  for (let i = 0; i < upTo; i++) {
    const word = convention[i] ?? '';
    if (word !== '*' && word !== levels[i] && !word.startsWith('?')) return false;
  }
  return convention.at(-1) !== 'config' || (levels.length === convention.length && levels.at(-1) === 'config');
}

function tokensOf(level: string): string[] {
  return level
    .slice(0, 256)
    .replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .map((token) => token.replace(/\d+$/, ''))
    .filter((token) => token !== '');
}

function words(list: string): ReadonlySet<string> {
  return new Set(list.trim().split(/\s+/));
}
