// Owns the order in which the digest reads: by time, then by arrival where that is known, then by content.

import type { DigestItem } from './item.ts';

/** Indices in time order. Linear where the items are in it already, and where few share a millisecond. */
export function inTimeOrder(items: readonly DigestItem[]): Int32Array {
  const order = Int32Array.from(items, (_, index) => index);
  const byIndex = (a: number, b: number): number => compareAt(items, a, b);
  if (!isNonDecreasing(items)) return order.sort(byIndex);
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && items[end]?.at === items[start]?.at) end++;
    if (end - start > 1) order.subarray(start, end).sort(byIndex);
    start = end;
  }
  return order;
}

function isNonDecreasing(items: readonly DigestItem[]): boolean {
  let previous = Number.NEGATIVE_INFINITY;
  for (const { at } of items) {
    if (!(at >= previous)) return false;
    previous = at;
  }
  return true;
}

function compareAt(items: readonly DigestItem[], i: number, j: number): number {
  const a = items[i];
  const b = items[j];
  if (a === undefined || b === undefined) return 0;
  return a.at - b.at || (a.seq ?? 0) - (b.seq ?? 0) || compareContent(a, b) || i - j;
}

function compareContent(a: DigestItem, b: DigestItem): number {
  return (
    compare(a.topic, b.topic) ||
    compare(a.severity ?? '', b.severity ?? '') ||
    compare(a.shape, b.shape) ||
    compare(contentOf(a), contentOf(b))
  );
}

function contentOf({ key, value, levels }: DigestItem): string {
  return key === undefined ? JSON.stringify([typeof value, value, levels]) : String(key) + String(value ?? '');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
