// Owns a look at the first two bytes: may there be more in a payload than the text of its bytes? Must not decode.

/**
 * Whether decodePayload may find words that do not stand in the bytes as they are: compressed ones, or names and texts
 * behind the lengths of a binary format. Every such payload begins with a byte that begins no ASCII text: a control
 * character, a byte beyond ASCII, or zlib's `x` with what no word goes on with.
 */
export function mayBePacked(bytes: Uint8Array): boolean {
  const first = bytes[0] ?? 0x20;
  if (first >= 0x80) return true;
  if (first < 0x20) return first !== 0x09 && first !== 0x0a && first !== 0x0d;
  const second = bytes[1] ?? 0x20;
  // "80.5" would pass the check: what goes on with a digit is text, whichever digit it is.
  if (second >= 0x30 && second <= 0x39) return false;
  // zlib with a window below 32 KiB begins with 08, 18 … 68: a check of two bytes makes it one (RFC 1950, 2.2).
  return (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0;
}
