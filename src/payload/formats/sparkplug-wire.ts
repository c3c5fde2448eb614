// Owns the reading of Sparkplug's protobuf by its table of fields, strict and bounded. @bufbuild/protobuf/wire, whose only
// import this is, reads the varints. Must not know what a value means.
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { FIELDS, type Field, type Message } from './sparkplug-fields.ts';

/** Templates within templates, property sets within property sets. Stops a stack overflow. */
const MAX_DEPTH = 16;
/** Messages and values of one payload. Stops a megabyte of empty metrics, two bytes each. */
const MAX_ITEMS = 100_000;

/** A message as it is: its fields by name, a value with the kind of the field that held it. */
export type Read = { [name: string]: unknown; value?: unknown; kind?: Field['kind'] };

/** Throws where the bytes are not this message from the first to the last. */
export function readMessage(bytes: Uint8Array, message: Message): Read {
  return read(bytes, message, 0, { left: MAX_ITEMS });
}

function read(bytes: Uint8Array, message: Message, depth: number, items: { left: number }): Read {
  if (depth > MAX_DEPTH) throw new Error('too deep');
  const reader = new BinaryReader(bytes);
  const into: Read = {};
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    const field = FIELDS[message].get(number);
    if (field === undefined) throw new Error('no such field');
    if (--items.left < 0) throw new Error('too many');
    if (wireType === WireType.LengthDelimited && field.kind === 'uint32' && field.repeated) {
      for (const value of packed(reader.bytes(), items)) put(into, field, value);
      continue;
    }
    if (wireType !== wireTypeOf(field.kind)) throw new Error('another wire type');
    put(into, field, readValue(reader, field.kind, depth, items));
    if (reader.pos > reader.len) throw new Error('cut off');
  }
  return into;
}

function put(into: Read, { name, kind, repeated }: Field, value: unknown): void {
  if (name === 'value') into.kind = kind;
  if (!repeated) {
    into[name] = value; // of equal fields the last counts, as protobuf has it
    return;
  }
  const list = into[name];
  if (Array.isArray(list)) list.push(value);
  else into[name] = [value];
}

function wireTypeOf(kind: Field['kind']): WireType {
  switch (kind) {
    case 'uint32':
    case 'uint64':
    case 'bool':
      return WireType.Varint;
    case 'float':
      return WireType.Bit32;
    case 'double':
      return WireType.Bit64;
    default:
      return WireType.LengthDelimited;
  }
}

function readValue(reader: BinaryReader, kind: Field['kind'], depth: number, items: { left: number }): unknown {
  switch (kind) {
    case 'uint32':
      return reader.uint32();
    case 'uint64':
      return BigInt(reader.uint64());
    case 'bool':
      return reader.bool();
    case 'float':
      return reader.float();
    case 'double':
      return reader.double();
    case 'string':
      return reader.string(true);
    case 'bytes':
      return reader.bytes();
    default:
      return read(reader.bytes(), kind, depth + 1, items);
  }
}

/** A repeated number may be written in one piece. */
function packed(bytes: Uint8Array, items: { left: number }): number[] {
  const reader = new BinaryReader(bytes);
  const values: number[] = [];
  while (reader.pos < reader.len) {
    if (--items.left < 0) throw new Error('too many');
    values.push(reader.uint32());
  }
  return values;
}
