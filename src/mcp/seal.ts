// Owns tokens that travel through a client and come back: unreadable, unforgeable, bound to a purpose, and expiring.
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

export type Sealer = {
  /** A token for `value` that opens for the same `purpose` only, and for `ttlMs` at most. */
  seal(value: unknown, purpose: string): string;
  /** The value, undefined where the token is forged, expired, or meant for something else. */
  open(token: string, purpose: string): { value: unknown } | undefined;
};

const ALGORITHM = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;
/** Longest token looked at, characters; stops a client from having megabytes decrypted. */
const MAX_TOKEN = 1024 * 1024;

/** The key lives and dies with the process. */
export function createSealer(ttlMs: number): Sealer {
  const key = randomBytes(32);
  return {
    seal: (value, purpose) => {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(ALGORITHM, key, iv).setAAD(digest(purpose));
      const plain = JSON.stringify({ value, until: Date.now() + ttlMs });
      const box = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), box]).toString('base64url');
    },
    open: (token, purpose) => {
      if (token.length > MAX_TOKEN) return undefined;
      const bytes = Buffer.from(token, 'base64url');
      // Decoding forgives characters that mean nothing; a token that was changed at all is not ours.
      if (bytes.toString('base64url') !== token) return undefined;
      if (bytes.length < IV_BYTES + TAG_BYTES) return undefined;
      try {
        const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, IV_BYTES)).setAAD(digest(purpose));
        decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
        const box = bytes.subarray(IV_BYTES + TAG_BYTES);
        const plain = Buffer.concat([decipher.update(box), decipher.final()]).toString('utf8');
        const { value, until }: { value?: unknown; until: number } = JSON.parse(plain);
        return until > Date.now() ? { value } : undefined;
      } catch {
        return undefined;
      }
    },
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
