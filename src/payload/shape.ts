// Owns the shape of a payload: its structure without its values, as a short string that equal structures share.

import { fingerprint } from './fingerprint.ts';
import { isList, isRecord, type PayloadType } from './types.ts';

const MAX_DEPTH = 8;
const MAX_KEYS = 128;
const MAX_ELEMENTS = 64;
const MAX_NODES = 1000;
const MAX_KEY_LENGTH = 64;
const MAX_LENGTH = 1024;

/**
 * The shape of a decoded payload. Keys are sorted, an array is the union of its elements' shapes, every number is
 * `number`; what is not JSON is its type. Beyond 8 levels, 128 keys an object, 64 elements an array and 1,000 nodes
 * there is `…`; a shape longer than 1,024 characters ends in a fingerprint of the whole.
 */
export function shapeOf(decoded: unknown, payloadType: PayloadType): string {
  if (payloadType !== 'json') return payloadType;
  const shape = shapeAt(decoded, 0, { nodes: MAX_NODES });
  return shape.length <= MAX_LENGTH ? shape : `${shape.slice(0, MAX_LENGTH)}#${fingerprint(shape).toString(36)}`;
}

type Walk = { nodes: number };

function shapeAt(value: unknown, depth: number, walk: Walk): string {
  if (walk.nodes-- <= 0) return '…';
  if (isList(value)) return depth >= MAX_DEPTH ? '[…]' : shapeOfList(value, depth, walk);
  if (isRecord(value)) return depth >= MAX_DEPTH ? '{…}' : shapeOfRecord(value, depth, walk);
  return value === null ? 'null' : typeof value;
}

function shapeOfList(list: readonly unknown[], depth: number, walk: Walk): string {
  const shapes = new Set<string>();
  for (let i = 0; i < list.length && i < MAX_ELEMENTS; i++) shapes.add(shapeAt(list[i], depth + 1, walk));
  return `[${[...shapes].sort().join('|')}${list.length > MAX_ELEMENTS && shapes.size > 1 ? '|…' : ''}]`;
}

function shapeOfRecord(record: Record<string, unknown>, depth: number, walk: Walk): string {
  const keys: string[] = [];
  let more = '';
  for (const key in record) {
    if (keys.length >= MAX_KEYS) {
      more = ',…';
      break;
    }
    keys.push(key);
  }
  const fields = keys.sort().map((key) => `${shortKey(key)}:${shapeAt(record[key], depth + 1, walk)}`);
  return `{${fields.join(',')}${more}}`;
}

function shortKey(key: string): string {
  if (key.length > MAX_KEY_LENGTH)
    return `${JSON.stringify(key.slice(0, MAX_KEY_LENGTH))}#${fingerprint(key).toString(36)}`;
  return /^[\w$-]+$/.test(key) ? key : JSON.stringify(key);
}

/** The shapes a topic has shown, for a collector that sees one message at a time. */
export type ShapesSeen = { shapes: Set<string>; limit: number; overflowed: boolean };

/** `limit` stops a topic that invents a shape for every message from filling the memory. */
export function trackShapes(limit = 64): ShapesSeen {
  return { shapes: new Set(), limit, overflowed: false };
}

/** true: this shape is new. Past the limit nothing is new any more, and `overflowed` says so. */
export function isNewShape(seen: ShapesSeen, shape: string): boolean {
  if (seen.shapes.has(shape)) return false;
  if (seen.shapes.size >= seen.limit) {
    seen.overflowed = true;
    return false;
  }
  seen.shapes.add(shape);
  return true;
}
