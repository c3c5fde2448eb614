// Owns the spellings of units: which of them name the same one. Must not know messages.

/** By what it is called here: spellings in lower case, without white space and degree signs. */
const SPELLINGS: Record<string, string> = {
  '°C': 'c celsius degc degreescelsius',
  '°F': 'f fahrenheit degf degreesfahrenheit',
  K: 'k kelvin',
  '%': '% percent pct %rh rh',
  W: 'w watt watts',
  kW: 'kw kilowatt kilowatts',
  Wh: 'wh watthours',
  kWh: 'kwh kilowatthours',
  MWh: 'megawatthours',
  V: 'v volt volts',
  A: 'a amp amps ampere amperes',
  hPa: 'hpa mbar',
  kPa: 'kpa',
  Pa: 'pa pascal',
  bar: 'bar',
  psi: 'psi',
  mm: 'mm',
  cm: 'cm',
  m: 'm meter meters metre metres',
  km: 'km',
  l: 'l liter liters litre litres',
  'm³': 'm³ m3',
  'l/min': 'l/min lpm',
  'm³/h': 'm³/h m3/h',
  'km/h': 'km/h kph',
  'm/s': 'm/s',
  mph: 'mph',
  ppm: 'ppm',
  lx: 'lx lux',
  Hz: 'hz',
};
const BY_SPELLING = new Map(
  Object.entries(SPELLINGS).flatMap(([name, spelled]) => spelled.split(' ').map((one) => [one, name] as const)),
);
/** Those whose capitals matter. */
const CAPITALS = new Map([
  ['mW', 'mW'],
  ['MW', 'MW'],
  ['mV', 'mV'],
  ['mA', 'mA'],
  ['MWh', 'MWh'],
  ['mWh', 'mWh'],
]);

/** What a unit is called here; undefined where it is none that is known. */
export function unitOf(said: unknown): string | undefined {
  if (typeof said !== 'string' || said.length > 24) return undefined;
  const spelled = said.normalize('NFKC').replace(/[\s°º]/g, '');
  return CAPITALS.get(spelled) ?? BY_SPELLING.get(spelled.toLowerCase());
}

/** Whether a text is a number with a known unit behind it, such as `432 W`. */
export function isQuantity(text: string): boolean {
  const [, unit] = text.length > 40 ? [] : (/^\s*[+-]?\d{1,15}(?:[.,]\d{1,9})?\s?(\D{1,12})$/.exec(text) ?? []);
  return unitOf(unit) !== undefined;
}
