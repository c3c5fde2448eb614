// Owns the sealing of secrets in memory; the only import of tweetnacl.
// Must not know what the secrets are for.

import { inspect } from 'node:util';
import nacl from 'tweetnacl';

const SHOWN = '[sealed]';
const brand: unique symbol = Symbol('sealed');

/** A secret that only the vault which sealed it can open. Printed, logged or serialised it is '[sealed]'. */
export type Sealed = {
  readonly [brand]: true;
  readonly toJSON: () => string;
  readonly toString: () => string;
  readonly [inspect.custom]: () => string;
};

export type Vault = {
  /** Encrypts a secret (UTF-8) under a fresh nonce. The string itself stays with the caller, who should drop it. */
  seal(secret: string): Sealed;
  /**
   * Lends the bytes of the secret to `use` and zeroes them when it returns or throws. `use` must be synchronous and
   * must not keep the buffer. Throws Error where `sealed` is not of this vault or was tampered with.
   */
  open<T>(sealed: Sealed, use: (secret: Buffer) => T): T;
};

/**
 * A vault with a random 256-bit key of its own, which nothing can read out. NaCl secretbox (XSalsa20-Poly1305).
 * It keeps secrets out of logs, inspection and results; it cannot hide them from who reads this process' memory.
 */
export function createVault(): Vault {
  const key = nacl.randomBytes(nacl.secretbox.keyLength);
  const boxes = new WeakMap<Sealed, { nonce: Uint8Array; box: Uint8Array }>();

  function seal(secret: string): Sealed {
    const plain = new TextEncoder().encode(secret);
    const nonce = nacl.randomBytes(nacl.secretbox.nonceLength);
    const box = nacl.secretbox(plain, nonce, key);
    plain.fill(0);
    const sealed: Sealed = Object.freeze({ [brand]: true, toJSON: shown, toString: shown, [inspect.custom]: shown });
    boxes.set(sealed, { nonce, box });
    return sealed;
  }

  function open<T>(sealed: Sealed, use: (secret: Buffer) => T): T {
    const entry = boxes.get(sealed);
    if (entry === undefined) throw new Error('vault: not sealed by this vault');
    const plain = nacl.secretbox.open(entry.box, entry.nonce, key);
    if (plain === null) throw new Error('vault: the box was tampered with');
    try {
      return use(Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength));
    } finally {
      plain.fill(0);
    }
  }

  return Object.freeze({ seal, open });
}

function shown(): string {
  return SHOWN;
}
