// Owns how far two names are apart, for who has mistyped one. Must not know what the texts name.

/** Letters put in, left out or changed (Levenshtein). Quadratic: bound the lengths before. */
export function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

const DIGITS = /\d+/g;
const HEX_ID = /^(0x)?(?=.*\d)[\da-f]{6,}$/i;

/** Whether two names differ in digits alone, as those of one family do: sensor1 and sensor2. */
export function areNumbered(a: string, b: string): boolean {
  return a !== b && a.replaceAll(DIGITS, '0') === b.replaceAll(DIGITS, '0');
}

/** Whether both are addresses, of which each is near to many. */
export function areAddresses(a: string, b: string): boolean {
  return HEX_ID.test(a) && HEX_ID.test(b);
}
