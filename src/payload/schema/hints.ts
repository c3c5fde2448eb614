// Owns what a name says about the number under it: its unit where the name spells it, else its quantity.
// A hint is a remark, never a constraint. Must not know values.

export type Hint = { 'x-unit'?: string; 'x-quantity'?: string };

/** Last word of a name: the unit is spelled out. */
const UNITS = table({
  '°C': 'c degc celsius',
  '°F': 'f degf fahrenheit',
  K: 'kelvin',
  '%': 'pct percent percentage soc soh prozent',
  V: 'v volt volts',
  mV: 'mv millivolt millivolts',
  A: 'amp amps ampere amperes',
  mA: 'ma milliamp milliamps',
  W: 'w watt watts',
  kW: 'kw kilowatt kilowatts',
  Wh: 'wh',
  kWh: 'kwh',
  VA: 'va',
  var: 'var',
  Hz: 'hz',
  lx: 'lx lux',
  Pa: 'pa',
  hPa: 'hpa',
  kPa: 'kpa',
  bar: 'bar',
  mbar: 'mbar',
  psi: 'psi',
  dBm: 'dbm rssi',
  dB: 'db snr',
  ppm: 'ppm',
  ppb: 'ppb',
  'µg/m³': 'ugm3 pm25 pm10',
  rpm: 'rpm',
  'km/h': 'kmh kph',
  'm/s': 'mps',
  m: 'meters metres',
  km: 'km',
  cm: 'cm',
  mm: 'mm',
  kg: 'kg',
  g: 'gram grams',
  l: 'liter liters litre litres',
  'l/min': 'lpm',
  s: 's sec secs second seconds uptime',
  ms: 'ms millis milliseconds',
  min: 'minutes',
  h: 'hours',
  bytes: 'bytes',
  '°': 'deg degrees lat latitude lon lng longitude heading bearing',
});
const QUANTITIES = table({
  temperature: 'temperature temp temperatur temperatura température dewpoint',
  humidity: 'humidity hum feuchte luftfeuchte humidité humedad moisture',
  pressure: 'pressure druck luftdruck',
  voltage: 'voltage spannung',
  current: 'current strom',
  power: 'power leistung',
  energy: 'energy energie',
  battery: 'battery batterie akku',
  illuminance: 'illuminance brightness',
  'carbon dioxide': 'co2',
  speed: 'speed geschwindigkeit',
  frequency: 'frequency',
  distance: 'distance',
  level: 'level',
});
/** One letter is a unit only behind another word: `temp_c`, not `c`. */
const SHORT = new Set(['c', 'f', 'v', 'w', 's', 'g', 'm', 'var', 'bar', 'ma']);
const TIME = /^(?:ts|t|time|timestamp|epoch|date|datetime|seen|at|updated|created|modified|zeit)$/;
const GROWING =
  /^(?:total|count|counter|uptime|seq|sequence|energy|odometer|zaehler|zähler|messages|bytes|today|import|export)$/;

export function hintOf(name: string): Hint {
  const words = wordsOf(name);
  const last = words.at(-1) ?? '';
  const unit = words.length > 1 || !SHORT.has(last) ? UNITS.get(last) : undefined;
  if (unit !== undefined) return { 'x-unit': unit };
  const quantity = words.map((word) => QUANTITIES.get(word)).find((one) => one !== undefined);
  return quantity === undefined ? {} : { 'x-quantity': quantity };
}

/** The name is that of a point in time. */
export function namesTime(name: string): boolean {
  return wordsOf(name).some((word) => TIME.test(word));
}

/** The name is that of a value that only grows: what was seen of it is no bound. */
export function namesGrowing(name: string): boolean {
  return wordsOf(name).some((word) => GROWING.test(word));
}

function wordsOf(name: string): string[] {
  const spaced = name.slice(0, 128).replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2');
  return spaced
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');
}

function table(rows: Record<string, string>): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(rows).flatMap(([value, names]) => names.split(' ').map((name) => [name, value] as const)),
  );
}
