// Owns the taking out of tokens and keys from what is about to leave: by the name of a field, and by what a token looks
// like in a text. Must not know why. A secret that looks like neither stays.

const GONE = '[redacted]';

/** The last word of a name decides: `wifi_password`, `apiKey`; not `password_changed`. */
const NAME =
  /(?:^|[._\-/\s'"\]$[])(?:pass(?:word|wd|phrase)?|passwort|pwd|psk|secret|credentials?|authorization|bearer|(?:access|auth|refresh|id|session|api)[_-]?token|token|(?:api|access|private|secret|encryption|shared)[_-]?(?:access[_-]?)?key)['"\]]*$/i;
const CAMEL = /([a-z0-9])([A-Z])/g;
/** Fields of our own whose value a caller has to send back. */
const OURS = new Set(['confirmation_token', 'next_cursor', 'session_id']);
/** Where such a name stands beside its value: `{path: "$.password", from, to}`. */
const NAMING = ['path', 'field', 'key', 'name'];
const STRUCTURE = new Set([...NAMING, 'topic', 'type', 'format', 'description', 'kind']);

/**
 * A broker chooses the texts, so each costs its length: what may repeat without end begins where nothing before it can
 * be a part of it, or is taken as soon as it begins.
 */
const TEXTS = [
  /-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:[^-]|-(?!----)){0,20000}(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?/g,
  /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g, // AWS
  /\b(?:gh[pousr]_\w{20,255}|github_pat_\w{20,255}|xox[abprs]-[\w-]{10,255}|sk-[\w-]{20,255}|AIza[\w-]{35})/g,
];
/** `Bearer x`, `password=x`, `"api_key": "x"`: only what follows goes. */
const BESIDE = [
  /(\b(?:bearer|basic)\s{1,4})([\w.~+/=-]{8,})/gi,
  /((?:pass(?:word|wd|phrase)?|passwort|pwd|psk|secret|token|api[_-]?key|(?:access|private|secret)[_-]?key)\\?["']?\s{0,4}[:=]\s{0,4}\\?["']?)([^\s"'\\,;&}\]]{1,16384})/gi,
  /(?<=[a-z0-9+.-])(:\/\/[^\s/:@]*:)([^\s/]+)(?=@)/gi,
];
/** Every run of what a JWT may hold: a search for its beginning alone would read a run again at each `eyJ` in it. */
const RUN = /[\w.-]{12,}/g;

/** `eyJ…` as a word of eight characters before a dot, and all that follows in its run. */
function jwtIn(run: string): number {
  let dot = -1;
  for (let at = run.indexOf('eyJ'); at !== -1; at = run.indexOf('eyJ', at + 3)) {
    if (dot < at) dot = run.indexOf('.', at);
    if (dot === -1) return -1;
    const begins = at === 0 || !/[a-z0-9]/i.test(run.charAt(at - 1));
    if (begins && dot - at >= 8 && run.length - dot > 2) return at;
  }
  return -1;
}

function jwtsOut(text: string, gone: () => string): string {
  if (!text.includes('eyJ')) return text;
  return text.replace(RUN, (run) => {
    const at = jwtIn(run);
    return at === -1 ? run : run.slice(0, at) + gone();
  });
}

/** Bytes are shown so where they are no text, or were asked for raw. */
const BASE64 = /^[A-Za-z0-9+/]{16,}={0,2}$/;
const HEX = /^(?:[0-9a-f]{2}){12,}$/i;

/** A copy without them, and how many went; the same object where none did. */
export function secretsOut(value: object): { value: object; count: number } {
  let count = 0;
  const gone = (): string => {
    count += 1;
    return GONE;
  };

  function textOut(text: string): string {
    let rest = text;
    for (const token of TEXTS) rest = rest.replace(token, gone);
    rest = jwtsOut(rest, gone);
    for (const one of BESIDE) {
      rest = rest.replace(one, (all, before: string, after: string) =>
        after.startsWith(GONE) || after.startsWith('[redacted') ? all : before + gone(),
      );
    }
    if (rest === text && holdsInBytes(text)) return gone();
    return rest;
  }

  function out(one: unknown, secret: boolean): unknown {
    if (typeof one === 'string') return secret && one !== '' ? gone() : textOut(one);
    if (typeof one === 'number') return secret ? gone() : one;
    if (typeof one !== 'object' || one === null) return one;
    if (Array.isArray(one)) return one.map((element) => out(element, secret));
    return fieldsOut(one, secret);
  }

  function fieldsOut(one: object, secret: boolean): object {
    const entries = Object.entries(one);
    const named = secret || entries.some(([key, of]) => NAMING.includes(key) && typeof of === 'string' && isSecret(of));
    return Object.fromEntries(
      entries.map(([key, field]) => {
        if (OURS.has(key)) return [key, field];
        const goes = named ? !STRUCTURE.has(key) && !isTold(field) : isSecret(key);
        return [textOut(key), out(field, goes)];
      }),
    );
  }

  const copy = fieldsOut(value, false);
  return { value: count === 0 ? value : copy, count };
}

/** Times and counts of ours beside a name; a secret is hardly one of these. */
function isTold(field: unknown): boolean {
  return typeof field === 'boolean' || (typeof field === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(field));
}

function isSecret(name: string): boolean {
  return name.length < 1024 && NAME.test(name.replace(CAMEL, '$1_$2'));
}

function holdsInBytes(text: string): boolean {
  const encoding = HEX.test(text) ? 'hex' : BASE64.test(text) ? 'base64' : undefined;
  if (encoding === undefined) return false;
  const plain = Buffer.from(text, encoding).toString('latin1');
  return [...TEXTS, ...BESIDE].some((one) => plain.search(one) !== -1) || jwtsOut(plain, () => '') !== plain;
}
