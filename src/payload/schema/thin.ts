// Owns how a schema is made shorter for a reader who pays by the word: what is left still fits every message.
import { isList, isRecord } from '../types.ts';
import type { Schema } from './infer.ts';

/**
 * Deeper parts keep their type only; of more fields the first are named, the required ones before the others; an enum
 * of more bytes is left out.
 */
export type Limits = { depth: number; fields: number; enumBytes: number };

export function thin(schema: Schema, limits: Limits): Schema {
  return thinAt(schema, limits.depth, limits);
}

function thinAt(schema: Schema, depth: number, limits: Limits): Schema {
  const { properties, additionalProperties, items, anyOf, prefixItems, required, enum: allowed, ...rest } = schema;
  const structured = isRecord(properties) || items !== undefined || additionalProperties !== undefined;
  if (depth <= 0 && (structured || anyOf !== undefined || prefixItems !== undefined)) return onlyType(schema);
  const inner = (one: unknown) => (isRecord(one) ? thinAt(one, depth - 1, limits) : one);
  const fields = isRecord(properties) ? fewFields(properties, required, limits.fields) : undefined;
  const whole = fields === undefined || fields.omitted === 0;
  return {
    ...rest,
    ...(allowed === undefined || bytesOf(allowed) > limits.enumBytes ? {} : { enum: allowed }),
    ...(fields ? { properties: mapped(fields.named, inner) } : {}),
    ...(fields && !whole ? { 'x-more-fields': fields.omitted } : {}),
    ...(isList(required)
      ? { required: whole ? required : required.filter((key) => Object.hasOwn(fields.named, String(key))) }
      : {}),
    // What is no longer named would be held against this.
    ...(additionalProperties === undefined || !whole ? {} : { additionalProperties: inner(additionalProperties) }),
    ...(items === undefined ? {} : { items: inner(items) }),
    ...(isList(prefixItems) ? { prefixItems: prefixItems.map(inner) } : {}),
    // The alternatives are at the same place.
    ...(isList(anyOf) ? { anyOf: anyOf.map((one) => (isRecord(one) ? thinAt(one, depth, limits) : one)) } : {}),
  };
}

function onlyType({ type, anyOf, $schema, 'x-observed': observed, 'x-count': count }: Schema): Schema {
  const types = isList(anyOf) ? anyOf.flatMap((one) => (isRecord(one) ? one.type : [])) : undefined;
  const known = types?.every((one) => typeof one === 'string') ? [...new Set(types)] : type;
  return {
    ...($schema === undefined ? {} : { $schema }),
    ...(known === undefined ? {} : { type: known }),
    ...(count === undefined ? {} : { 'x-count': count }),
    ...(observed === undefined ? {} : { 'x-observed': observed }),
  };
}

function fewFields(properties: Record<string, unknown>, required: unknown, most: number) {
  const entries = Object.entries(properties);
  if (entries.length <= most) return { named: properties, omitted: 0 };
  const needed = new Set(isList(required) ? required : []);
  const chosen = new Set(
    [...entries.filter(([key]) => needed.has(key)), ...entries].slice(0, most).map(([key]) => key),
  );
  const named = Object.fromEntries(entries.filter(([key]) => chosen.has(key)));
  return { named, omitted: entries.length - Object.keys(named).length };
}

function mapped(record: Record<string, unknown>, inner: (one: unknown) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, inner(value)]));
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
