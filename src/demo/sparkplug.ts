// Owns a Sparkplug B edge node with one device: births, data by alias, the sequence number (Sparkplug 3.0, 6.4).
// Must not know brokers or timers.
import type { Behaviour, Said } from './behaviours.ts';
import { bytesField, float64Field, textField, varintField } from './protobuf.ts';
import { type Random, wander } from './random.ts';

/** Sparkplug data types. */
const INT64 = 4;
const DOUBLE = 10;
const BOOLEAN = 11;
/** Births come again after so many beats; a host that joins late asks for them, a spectator cannot. */
const BIRTH_EVERY = 30;

const SEQUENCE = 256;

type Metric = { name?: string; alias?: number; type: number; value: number | boolean };

/** `now`: ms since the epoch. */
export function sparkplugNode(random: Random, now: () => number = Date.now): Behaviour {
  const pressure = wander(random, { min: 96, max: 104, step: 0.6, digits: 2 });
  const temperature = wander(random, { min: 61, max: 67, step: 0.3, digits: 1 });
  let strokes = 0;
  let seq = 0;
  const next = () => {
    const own = seq;
    seq = (seq + 1) % SEQUENCE;
    return own;
  };
  const metrics = (named: boolean): Metric[] =>
    [
      { name: 'Pressure/bar', alias: 1, type: DOUBLE, value: pressure() },
      { name: 'Temperature/C', alias: 2, type: DOUBLE, value: temperature() },
      { name: 'Strokes', alias: 3, type: INT64, value: strokes },
      { name: 'Running', alias: 4, type: BOOLEAN, value: true },
    ].map(({ name, ...rest }) => (named ? { name, ...rest } : rest));
  const births = (): Said => {
    seq = 0;
    const node: Metric[] = [
      { name: 'bdSeq', type: INT64, value: 0 },
      { name: 'Node Control/Rebirth', type: BOOLEAN, value: false },
    ];
    return {
      'NBIRTH/edge1': payload(now(), next(), node),
      'DBIRTH/edge1/press4': payload(now(), next(), metrics(true)),
    };
  };
  return {
    start: births,
    beat(n) {
      strokes += 1;
      if (n % BIRTH_EVERY === 0) return births();
      return { 'DDATA/edge1/press4': payload(now(), next(), metrics(false)) };
    },
    obey: (text) => (text.includes('Rebirth') ? births() : {}),
  };
}

/** org.eclipse.tahu.protobuf.Payload: timestamp 1, metrics 2, seq 3. */
function payload(timestamp: number, seq: number, metrics: readonly Metric[]): Uint8Array {
  return Buffer.concat([
    varintField(1, timestamp),
    ...metrics.map((metric) => bytesField(2, metricOf(metric, timestamp))),
    varintField(3, seq),
  ]);
}

/** Metric: name 1, alias 2, timestamp 3, datatype 4, long_value 11, double_value 13, boolean_value 14. */
function metricOf({ name, alias, type, value }: Metric, timestamp: number): Uint8Array {
  return Buffer.concat([
    ...(name === undefined ? [] : [textField(1, name)]),
    ...(alias === undefined ? [] : [varintField(2, alias)]),
    varintField(3, timestamp),
    varintField(4, type),
    typeof value === 'boolean'
      ? varintField(14, Number(value))
      : type === DOUBLE
        ? float64Field(13, value)
        : varintField(11, value),
  ]);
}
