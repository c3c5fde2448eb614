// Owns short names for long contents. Not cryptographic: an attacker can make two contents look alike to the digest,
// and gains one message left out for it.

/** 53 bits of a text or of bytes (cyrb53, bryc, public domain), as a number. */
export function fingerprint(content: string | Uint8Array): number {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < content.length; i++) {
    const code = typeof content === 'string' ? content.charCodeAt(i) : (content[i] ?? 0);
    a = Math.imul(a ^ code, 2654435761);
    b = Math.imul(b ^ code, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return 4294967296 * (2097151 & b) + (a >>> 0);
}
