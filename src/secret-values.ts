// Owns the taking out of secrets from what others wrote: a payload, user properties, a text. Whatever its fields are
// called, none is spared for its name. Must not know where in a result it stands.
import { closedJson } from './payload/closed-json.ts';
import { decodeText } from './payload/text.ts';
import { isPlural, isSecret } from './secret-names.ts';
import { patternsOut } from './secret-patterns.ts';

export const GONE = '[redacted]';

/** Where such a name stands beside its value: `{name: "password", value}`. */
export const NAMING = new Set(['path', 'field', 'key', 'name']);
/** Bytes are shown so where they are no text, or were asked for raw. */
const BASE64 = /^[\w+/-]{16,}={0,2}$/;
const HEX = /^(?:[0-9a-f]{2}){12,}$/i;
/** Texts within texts, one inside the other; each is shorter, so this only bounds the stack. */
const MAX_NESTED = 16;

export type Values = {
  /** How many went. */
  count(): number;
  gone(): string;
  /** All of it where it is `secret`, else what in it is one. */
  valueOut(value: unknown, secret: boolean): unknown;
  textOut(text: string): string;
  /** Whether text that these are the bytes of holds one. */
  holds(text: string): boolean;
};

export function createValues(): Values {
  let count = 0;
  let nested = 0;
  const gone = (): string => {
    count += 1;
    return GONE;
  };

  function valueOut(one: unknown, secret: boolean): unknown {
    if (typeof one === 'string') return secret && one !== '' ? gone() : textOut(one);
    if (typeof one === 'number') return secret ? gone() : one;
    if (typeof one !== 'object' || one === null) return one;
    if (Array.isArray(one)) return listOut(one, secret);
    const entries = Object.entries(one);
    const named = entries.some(isNaming);
    return Object.fromEntries(
      entries.map(([key, field]) => {
        const goes = secret || (named && !isNaming([key, field])) || (isSecret(key) && !isCount(key, field));
        return [textOut(key), valueOut(field, goes)];
      }),
    );
  }

  /** `["password", "x"]` is a pair, as headers are. */
  function listOut(list: readonly unknown[], secret: boolean): unknown[] {
    const [name] = list;
    const pair = list.length === 2 && typeof name === 'string' && isSecret(name);
    return list.map((element, at) => valueOut(element, secret || (pair && at === 1)));
  }

  function textOut(text: string): string {
    if (nested === MAX_NESTED) return patternsOut(text, gone);
    nested += 1;
    try {
      return jsonOut(text) ?? bytesOut(text) ?? patternsOut(text, gone);
    } finally {
      nested -= 1;
    }
  }

  /** Undefined where it is no JSON, or holds nothing to take out. */
  function jsonOut(text: string): string | undefined {
    if (!/^\s{0,100}[{["]/.test(text)) return undefined;
    const whole = decodeText(text);
    const before = count;
    if (whole.payload_type === 'json') {
      const out = JSON.stringify(valueOut(whole.payload, false));
      return count > before ? out : text;
    }
    for (const closed of closedJson(text)) {
      const { payload, payload_type } = decodeText(closed);
      if (payload_type !== 'json') continue;
      const out = JSON.stringify(valueOut(payload, false));
      return count > before ? `${out}…` : undefined;
    }
    return undefined;
  }

  function bytesOut(text: string): string | undefined {
    const encoding = HEX.test(text) ? 'hex' : BASE64.test(text) ? 'base64' : undefined;
    return encoding !== undefined && holds(Buffer.from(text, encoding).toString('utf8')) ? gone() : undefined;
  }

  function holds(text: string): boolean {
    const before = count;
    textOut(text);
    const some = count > before;
    count = before;
    return some;
  }

  return { count: () => count, gone, valueOut, textOut, holds };
}

function isNaming([key, field]: [string, unknown]): boolean {
  return NAMING.has(key) && typeof field === 'string' && isSecret(field);
}

function isCount(key: string, field: unknown): boolean {
  return typeof field === 'number' && isPlural(key);
}
