// Owns the messages of Sparkplug B as data: sparkplug_b.proto of Eclipse Tahu, which Sparkplug 3.0 (chapter 6.4) prints.

type Scalar = 'uint32' | 'uint64' | 'float' | 'double' | 'bool' | 'string' | 'bytes';
export type Message =
  | 'Payload'
  | 'Metric'
  | 'MetaData'
  | 'PropertySet'
  | 'PropertyValue'
  | 'PropertySetList'
  | 'DataSet'
  | 'Row'
  | 'Cell'
  | 'Template'
  | 'Parameter';

/** `name`: where it lands; the fields of one `oneof` all land in `value`. */
export type Field = { name: string; kind: Scalar | Message; repeated?: true };

const one = (name: string, kind: Scalar | Message): Field => ({ name, kind });
const many = (name: string, kind: Scalar | Message): Field => ({ name, kind, repeated: true });

/** The values of a oneof, in the order in which every message has them; the integers tell their width. */
function values(from: number, ...more: (Scalar | Message)[]): [number, Field][] {
  const kinds = ['uint32', 'uint64', 'float', 'double', 'bool', 'string', ...more] as const;
  return kinds.map((kind, i) => [from + i, one('value', kind)]);
}

/** By field number. What is not here is not Sparkplug: its extension ranges are used by nobody. */
export const FIELDS: Record<Message, ReadonlyMap<number, Field>> = {
  Payload: new Map([
    [1, one('timestamp', 'uint64')],
    [2, many('metrics', 'Metric')],
    [3, one('seq', 'uint64')],
    [4, one('uuid', 'string')],
    [5, one('body', 'bytes')],
  ]),
  Metric: new Map([
    [1, one('name', 'string')],
    [2, one('alias', 'uint64')],
    [3, one('timestamp', 'uint64')],
    [4, one('datatype', 'uint32')],
    [5, one('is_historical', 'bool')],
    [6, one('is_transient', 'bool')],
    [7, one('is_null', 'bool')],
    [8, one('metadata', 'MetaData')],
    [9, one('properties', 'PropertySet')],
    ...values(10, 'bytes', 'DataSet', 'Template'),
  ]),
  MetaData: new Map([
    [1, one('is_multi_part', 'bool')],
    [2, one('content_type', 'string')],
    [3, one('size', 'uint64')],
    [4, one('seq', 'uint64')],
    [5, one('file_name', 'string')],
    [6, one('file_type', 'string')],
    [7, one('md5', 'string')],
    [8, one('description', 'string')],
  ]),
  PropertySet: new Map([
    [1, many('keys', 'string')],
    [2, many('values', 'PropertyValue')],
  ]),
  PropertyValue: new Map([
    [1, one('datatype', 'uint32')],
    [2, one('is_null', 'bool')],
    ...values(3, 'PropertySet', 'PropertySetList'),
  ]),
  PropertySetList: new Map([[1, many('sets', 'PropertySet')]]),
  DataSet: new Map([
    [1, one('num_of_columns', 'uint64')],
    [2, many('columns', 'string')],
    [3, many('types', 'uint32')],
    [4, many('rows', 'Row')],
  ]),
  Row: new Map([[1, many('elements', 'Cell')]]),
  Cell: new Map(values(1)),
  Template: new Map([
    [1, one('version', 'string')],
    [2, many('metrics', 'Metric')],
    [3, many('parameters', 'Parameter')],
    [4, one('template_ref', 'string')],
    [5, one('is_definition', 'bool')],
  ]),
  Parameter: new Map([[1, one('name', 'string')], [2, one('datatype', 'uint32')], ...values(3)]),
};

/** By number; 0 is Unknown. */
export const DATATYPES: readonly string[] = [
  ...['Unknown', 'Int8', 'Int16', 'Int32', 'Int64', 'UInt8', 'UInt16', 'UInt32', 'UInt64', 'Float', 'Double'],
  ...['Boolean', 'String', 'DateTime', 'Text', 'UUID', 'DataSet', 'Bytes', 'File', 'Template', 'PropertySet'],
  ...['PropertySetList', 'Int8Array', 'Int16Array', 'Int32Array', 'Int64Array', 'UInt8Array', 'UInt16Array'],
  ...['UInt32Array', 'UInt64Array', 'FloatArray', 'DoubleArray', 'BooleanArray', 'StringArray', 'DateTimeArray'],
];
