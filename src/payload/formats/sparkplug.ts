// Owns Sparkplug B: which topics carry it, and the JSON form of its payload.
import { isList, isRecord } from '../types.ts';
import { base64, jsonSafe, safeInteger, shortFloat } from './json-safe.ts';
import { arrayOf, MAX_ELEMENTS, type Room } from './sparkplug-array.ts';
import { DATATYPES } from './sparkplug-fields.ts';
import { type Read, readMessage } from './sparkplug-wire.ts';

/** Messages of an edge node have four levels, those of a device five. STATE is JSON, and read as such. */
const TOPIC = /^spBv1\.0\/[^/]+\/(?:N(?:BIRTH|DEATH|DATA|CMD)\/[^/]+|D(?:BIRTH|DEATH|DATA|CMD)\/[^/]+\/[^/]+)$/;

/**
 * `{timestamp, seq, metrics: [{name, alias, timestamp, datatype, value, …}]}`, names as in sparkplug_b.proto. undefined:
 * the topic is none of Sparkplug's, or the bytes are not exactly its Payload: every field known, of its wire type, and
 * nothing left over; one of timestamp, metrics and seq at least. Their tags are control characters, so that no text
 * that a person would call one agrees.
 *
 * Datatypes are words. Int8 to Int64 get their sign; a 64-bit integer beyond a double is a string; timestamps and DateTime
 * are milliseconds since the epoch; Bytes and File are base64; a DataSet is `{columns, types, rows}`; a Template
 * `{version, template_ref, is_definition, metrics, parameters}`; a null has `value: null` and `is_null: true`.
 */
export function decodeSparkplug(bytes: Buffer, topic: string): unknown {
  if (bytes.length === 0 || !TOPIC.test(topic)) return undefined;
  try {
    const payload = readMessage(bytes, 'Payload');
    const room: Room = { left: MAX_ELEMENTS };
    const { timestamp, seq, metrics, uuid, body } = payload;
    if (timestamp === undefined && seq === undefined && metrics === undefined) return undefined;
    return clean({
      timestamp: plain(timestamp),
      seq: plain(seq),
      metrics: listOf(metrics).map((metric) => metricOf(metric, room)),
      uuid,
      body: body instanceof Uint8Array ? base64(body) : undefined,
    });
  } catch {
    return undefined;
  }
}

function metricOf(metric: Read, room: Room): object {
  const { name, alias, timestamp, is_null, is_historical, is_transient, metadata, properties } = metric;
  return clean({
    name,
    alias: plain(alias),
    timestamp: plain(timestamp),
    datatype: datatypeOf(metric),
    value: meaningOf(metric, room),
    is_null: is_null === true ? true : undefined,
    is_historical: is_historical === true ? true : undefined,
    is_transient: is_transient === true ? true : undefined,
    metadata: metadata === undefined ? undefined : jsonSafe(metadata),
    properties: isRecord(properties) ? propertiesOf(properties, room) : undefined,
  });
}

/** The word, or the number where there is none for it. */
function datatypeOf({ datatype }: Read): unknown {
  return typeof datatype === 'number' ? (DATATYPES[datatype] ?? datatype) : undefined;
}

function meaningOf(holder: Read, room: Room): unknown {
  const { value, kind, is_null } = holder;
  if (is_null === true || value === undefined) return is_null === true ? null : undefined;
  const datatype = datatypeOf(holder);
  if (typeof value === 'number') return kind === 'float' ? floatOf(value) : numberOf(value, datatype);
  if (typeof value === 'bigint') return safeInteger(datatype === 'Int64' ? BigInt.asIntN(64, value) : value);
  if (value instanceof Uint8Array) return arrayOf(value, datatype, room) ?? base64(value);
  if (!isRecord(value)) return value;
  return recordOf(value, kind, room);
}

function floatOf(value: number): unknown {
  return Number.isFinite(value) ? shortFloat(value) : String(value);
}

/** int_value has 32 bits without a sign; some writers extend it, some do not. */
function numberOf(value: number, datatype: unknown): unknown {
  if (datatype === 'Int8') return (value << 24) >> 24;
  if (datatype === 'Int16') return (value << 16) >> 16;
  if (datatype === 'Int32') return value | 0;
  return jsonSafe(value);
}

function recordOf(value: Read, kind: Read['kind'], room: Room): unknown {
  switch (kind) {
    case 'DataSet':
      return dataSetOf(value, room);
    case 'Template':
      return templateOf(value, room);
    case 'PropertySet':
      return propertiesOf(value, room);
    default:
      return listOf(value.sets).map((set) => propertiesOf(set, room));
  }
}

function dataSetOf({ columns, types, rows }: Read, room: Room): object {
  const words = (isList(types) ? types : []).map((type) => DATATYPES[Number(type)] ?? type);
  const cells = listOf(rows).map(({ elements }) =>
    listOf(elements).map(
      (cell, i) => meaningOf({ ...cell, datatype: isList(types) ? types[i] : undefined }, room) ?? null,
    ),
  );
  return { columns: columns ?? [], types: words, rows: cells };
}

function templateOf({ version, template_ref, is_definition, metrics, parameters }: Read, room: Room): object {
  const named = listOf(parameters).map((one) =>
    clean({ name: one.name, datatype: datatypeOf(one), value: meaningOf(one, room) }),
  );
  return clean({
    version,
    template_ref,
    is_definition,
    metrics: listOf(metrics).map((metric) => metricOf(metric, room)),
    parameters: named.length > 0 ? named : undefined,
  });
}

/** Keys and values are two lists; what has no partner is left out. */
function propertiesOf({ keys, values }: Read, room: Room): object {
  const found = listOf(values);
  const names = isList(keys) ? keys.slice(0, found.length) : [];
  return Object.fromEntries(names.map((key, i) => [String(key), meaningOf(found[i] ?? {}, room) ?? null]));
}

function plain(value: unknown): unknown {
  return value === undefined ? undefined : jsonSafe(value);
}

function listOf(value: unknown): Read[] {
  return isList(value) ? value.filter(isRecord) : [];
}

/** Without the fields that are not there. */
function clean(record: Record<string, unknown>): object {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}
