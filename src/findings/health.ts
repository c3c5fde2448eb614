// Owns the rules on what a device tells of its own health: low_battery, weak_signal. The latest value counts, live or stored.
import { isRecord } from '../payload/types.ts';
import { evidence, median } from './entries.ts';
import { called, type FieldSeries, fieldSeries, named, nameOf } from './fields.ts';
import type { Finding, Rule, View } from './types.ts';

const BATTERY = /^(?:battery|bat|batt|battery_?(?:level|percent|percentage|pct|state|soc|remaining)|batterypercent)$/i;
const BATTERY_LOW = /^(?:battery_?low|low_?battery|lowbat|low_bat|batt_?low)$/i;
/** Percent. */
const LOW_BATTERY = 15;
const EMPTY_BATTERY = 5;

/** low_battery: a battery's percentage is 15 or less (a fraction below 1: 0.15 or less), or a flag says so. */
export const lowBattery: Rule = (view) =>
  fields(view).flatMap((one): Finding[] => {
    const last = one.values.at(-1);
    const percent = last === undefined ? undefined : percentOf(one, last.value);
    if (last === undefined || percent === undefined || percent > LOW_BATTERY) return [];
    const stored = last.entry.retain ? ' (stored)' : '';
    return [
      {
        code: 'low_battery',
        severity: percent <= EMPTY_BATTERY ? 'error' : 'warning',
        message: `The battery is low: ${named(called(one))} is ${String(last.value)}${stored}.`,
        evidence: [evidence(last.entry, last.value)],
        next: 'Change or charge the battery; what else is found may come from it.',
        rank: -percent,
      },
    ];
  });

/** A number may also be volts (3.7, 12.6) or a fraction (1 is full): percent is whole, or has been higher. */
function percentOf(one: FieldSeries, value: unknown): number | undefined {
  const name = nameOf(one);
  if (BATTERY_LOW.test(name))
    return value === true || value === 1 || /^(?:true|on|low)$/i.test(String(value)) ? LOW_BATTERY : undefined;
  if (!BATTERY.test(name)) return undefined;
  if (typeof value === 'string') return /^low$/i.test(value) ? LOW_BATTERY : undefined;
  if (typeof value !== 'number' || value < 0 || value > 100) return undefined;
  const higher = one.values.some((other) => typeof other.value === 'number' && other.value > LOW_BATTERY);
  if (!higher && value >= 1 && (value === 1 || !Number.isInteger(value))) return undefined;
  return value > 0 && value < 1 ? value * 100 : value;
}

const RSSI = /^(?:rssi|wifi_?(?:rssi|signal)|wifi_signal_dbm)$/i;
/** Of Wi-Fi only beside its name: -95 dBm is good for LTE. */
const SIGNAL = /^(?:signal|signal_?(?:strength|dbm))$/i;
const CELLULAR = /lte|gsm|umts|cell|modem|nbiot|rsrp|rsrq|sinr/i;
const QUALITY = /^(?:linkquality|link_?quality|lqi)$/i;
/** dBm, of Wi-Fi, Bluetooth and the like, and of LoRa, which hears far below the noise. */
const WEAK_DBM = -85;
const WEAK_LORA_DBM = -118;
/** Zigbee2MQTT's linkquality, 0 to 255. */
const WEAK_QUALITY = 20;
/** Values that the median is taken of. */
const LATEST = 5;

/** weak_signal: the median of the last five is -85 dBm or less (LoRa: -118), or a link quality of 20 or less of 255. */
export const weakSignal: Rule = (view) =>
  fields(view).flatMap((one): Finding[] => {
    const name = nameOf(one);
    const last = one.values.at(-1);
    const strength = isWifi(one, name, last?.entry.payload);
    if (!strength && !QUALITY.test(name)) return [];
    const numbers = one.values.slice(-LATEST).flatMap(({ value }) => (typeof value === 'number' ? [value] : []));
    if (last === undefined || numbers.length === 0) return [];
    const value = median(numbers);
    const weakest = lora(one, last.entry.payload) ? WEAK_LORA_DBM : WEAK_DBM;
    const weak =
      (strength && value < 0 && value <= weakest) || (QUALITY.test(name) && value >= 0 && value <= WEAK_QUALITY);
    if (!weak) return [];
    return [
      {
        code: 'weak_signal',
        severity: 'warning',
        message: `The radio signal is weak: ${named(called(one))} is ${value}${QUALITY.test(name) ? ' of 255' : ' dBm'}.`,
        evidence: [evidence(last.entry, last.value)],
        next: 'Bring the device nearer to its access point or router, or put a repeater between them.',
      },
    ];
  });

function isWifi({ topic, path }: FieldSeries, name: string, payload: unknown): boolean {
  const place = `${topic}/${path}`;
  if (CELLULAR.test(place) || (isRecord(payload) && Object.keys(payload).some((key) => CELLULAR.test(key))))
    return false;
  return RSSI.test(name) || (SIGNAL.test(name) && /wi-?fi|wlan/i.test(place));
}

function lora({ topic, path }: FieldSeries, payload: unknown): boolean {
  return (
    /lora|rx_?(?:info|metadata)|chirpstack|ttn/i.test(`${topic}/${path}`) ||
    (isRecord(payload) && Object.keys(payload).some((key) => /snr|spreading/i.test(key)))
  );
}

function fields(view: View): FieldSeries[] {
  const carriers = view.series.filter(
    ({ role }) => role.role === 'state' || role.role === 'event' || role.role === 'log',
  );
  return carriers.flatMap((series) => fieldSeries(series, true));
}
