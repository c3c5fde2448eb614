// Owns the search for a secret in what a program said, in whatever way it may be written there.
import { randomBytes } from 'node:crypto';

/** Letters and digits, so that it looks the same in a URL, in JSON and in a shell. */
export const marker = (): string => `Mk${randomBytes(9).toString('hex')}`;

/** Every way a marker may be written: plain, percent-encoded, hex, base64 at each of the three alignments, in JSON. */
export function disguises(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const hex = bytes.toString('hex');
  const percent = hex.replace(/../g, '%$&');
  const base64 = [0, 1, 2].flatMap((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    // Without the characters that share bits with what stands before and after.
    const inner = text.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6));
    return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')];
  });
  return [secret, hex, hex.toUpperCase(), percent, percent.toUpperCase(), ...base64, ...quoted(secret)];
}

/** What of the secrets is in a text, in whatever disguise. */
export const leaks = (text: string, secrets: string[]): string[] =>
  secrets.flatMap(disguises).filter((disguise) => text.includes(disguise) || text.includes(reversed(disguise)));

const reversed = (text: string): string => [...text].reverse().join('');

/** As it stands in a string of JSON, once or twice, and in a URL: the same as plain for a marker. */
function quoted(secret: string): string[] {
  const once = JSON.stringify(secret).slice(1, -1);
  return [once, JSON.stringify(once).slice(1, -1), encodeURIComponent(secret), encodeURI(secret)];
}
