// Owns what an inferred schema demands of messages that come later: what was merely observed gets a margin.
import { isList, isRecord } from '../types.ts';

/** Fewer samples do not tell that a number is always whole, or a string always one of these; the margin doubles. */
export const ENOUGH = 20;
/** Of the largest number seen; a range of few samples is narrower than the truth. */
const MARGIN = 0.25;

/**
 * Bounds move out by the range that was observed, or by a quarter of the largest number where that is more; twice as
 * far where few were seen. Few whole numbers may be any numbers. A field that is not known is a problem of `additionalProperties`, which the reader of the
 * problems takes as news. Types, required, enums and formats stay.
 */
export function relaxed(schema: unknown, samples = samplesOf(schema)): unknown {
  if (isList(schema)) return schema.map((one) => relaxed(one, samplesOf(one, samples)));
  if (!isRecord(schema)) return schema;
  const own = samplesOf(schema, samples);
  const inner = Object.entries(schema).map(([keyword, value]) => [keyword, part(keyword, value, own)] as const);
  const wider: Record<string, unknown> = { ...Object.fromEntries(inner), ...bounds(schema, own) };
  if (schema.type === 'integer' && own < ENOUGH) wider.type = 'number';
  if (isList(schema.type) && own < ENOUGH) wider.type = schema.type.map((one) => (one === 'integer' ? 'number' : one));
  const whole = schema.additionalProperties === undefined && schema['x-more-fields'] === undefined;
  if (isRecord(schema.properties) && whole) wider.additionalProperties = false;
  return wider;
}

function part(keyword: string, value: unknown, samples: number): unknown {
  if (keyword === 'properties' && isRecord(value))
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, relaxed(one, samples)]));
  return ['items', 'additionalProperties', 'anyOf', 'prefixItems'].includes(keyword) ? relaxed(value, samples) : value;
}

function bounds(
  { minimum, maximum }: Record<string, unknown>,
  samples: number,
): { minimum?: number; maximum?: number } {
  const low = typeof minimum === 'number' ? minimum : undefined;
  const high = typeof maximum === 'number' ? maximum : undefined;
  const largest = Math.max(Math.abs(low ?? 0), Math.abs(high ?? 0));
  const range = low !== undefined && high !== undefined ? high - low : 0;
  const margin = Math.max(range, largest * MARGIN) * (samples < ENOUGH ? 2 : 1) || 1;
  return {
    // A counter has no maximum, and starts again at nothing.
    ...(low === undefined ? {} : { minimum: high === undefined ? Math.min(0, low) : low - margin }),
    ...(high === undefined ? {} : { maximum: high + margin }),
  };
}

/** How many samples a schema rests on. */
export function samplesOf(schema: unknown, otherwise = 0): number {
  const observed = isRecord(schema) ? schema['x-observed'] : undefined;
  return isRecord(observed) && typeof observed.samples === 'number' ? observed.samples : otherwise;
}
