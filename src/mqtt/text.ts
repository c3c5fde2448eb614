// Owns which text may go into an MQTT packet. Must not know what it stands for there.

/** The length before a string has two bytes. */
const MAX_TEXT_BYTES = 65_535;

/** Nothing in it that could be wrong: almost all text. */
const PLAIN = /^[\x20-\x7e]*$/;

export type TextTrouble = { rule: string; hint: string };

/**
 * What keeps a string from being sent; undefined where nothing does. Control characters and noncharacters are valid,
 * but a broker may close the connection over them, and mosquitto does. Source: MQTT 5.0, 1.5.4.
 */
export function troubleIn(text: string): TextTrouble | undefined {
  if (text.length * 3 > MAX_TEXT_BYTES && Buffer.byteLength(text) > MAX_TEXT_BYTES) {
    return { rule: 'it must not be longer than 65535 bytes of UTF-8 [MQTT-4.7.3-3]', hint: 'Use a shorter one.' };
  }
  if (PLAIN.test(text)) return undefined;
  if (text.includes('\0')) {
    const rule = 'it must not contain the null character U+0000 [MQTT-1.5.4-2]';
    return { rule, hint: 'Remove the null character.' };
  }
  if (/\p{Cs}/u.test(text)) {
    const rule = 'it must be well-formed Unicode, without half a surrogate pair [MQTT-1.5.4-1]';
    return { rule, hint: 'Remove or complete the broken character.' };
  }
  const [odd] = /[\p{Cc}\p{Noncharacter_Code_Point}]/u.exec(text) ?? [];
  if (odd === undefined) return undefined;
  const code = (odd.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  const kind = /\p{Cc}/u.test(odd) ? 'control character' : 'noncharacter';
  const rule = `it should not contain the ${kind} U+${code}: brokers close the connection over it (MQTT 5.0, 1.5.4)`;
  return { rule, hint: `Remove the ${kind}.` };
}
