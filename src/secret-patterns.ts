// Owns what a secret looks like in a text, by itself or behind its name. Must not know what a text stands for.
// A broker chooses the texts, so each costs its length (tests/security/linear.test.ts).

/**
 * What may repeat without end begins where nothing before it can be a part of it, or is taken as soon as it begins:
 * otherwise a text that begins it again and again is read again from each of its places.
 */
const TEXTS = [
  /-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:[^-]|-(?!----)){0,20000}(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?/g,
  /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g, // AWS
  /\b(?:gh[pousr]_\w{20,255}|github_pat_\w{20,255}|xox[abprs]-[\w-]{10,255}|sk-[\w-]{20,255}|AIza[\w-]{35})/g,
];
const NAMES =
  '(?:(?:pass(?:words?|wds?|phrases?)|(?<![a-z])pass|passwort|pwds?|psks?|secrets?|authorization|tokens?|api[_-]?keys?|(?:access|private|secret|encryption|shared)[_-]?keys?)(?:_?\\d{1,3})?)';
/** `password: x y`, `token=x`, `"api_key": "x"`, quotes escaped or not: to the closing quote, a separator or the end of the line. */
const NAMED = new RegExp(
  `(${NAMES}\\\\{0,8}["'\\]]{0,2}\\s{0,8}[:=]\\s{0,8})(?:(")((?:[^"\\\\]|\\\\[\\s\\S])+)|(')((?:[^'\\\\]|\\\\[\\s\\S])+)|(\\\\{1,8}["'])((?:[^\\\\"']|\\\\(?!\\\\{0,8}["']))+)|()([^\\s"'\\\\,;&}\\])][^\\r\\n"'\\\\,;&}\\]]*))`,
  'gi',
);
const BESIDE = [/(\b(?:bearer|basic)\s{1,4})([\w.~+/=-]{8,})/gi, /(?<=[a-z0-9+.-])(:\/\/[^\s/:@]*:)([^\s/]+)(?=@)/gi];
/** Every run of what a JWT may hold: a search for its beginning alone would read a run again at each `eyJ` in it. */
const RUN = /[\w.-]{12,}/g;
/** What none of all this fits into. */
const HARMLESS = /^[\w.$-]{0,11}$/;

/** Each secret in it replaced by what `gone` gives. */
export function patternsOut(text: string, gone: () => string): string {
  if (HARMLESS.test(text)) return text;
  let rest = text.replace(NAMED, (all: string, before: string, ...groups: unknown[]) => {
    const [quote, value] = found(groups);
    return isGone(value) ? all : before + quote + gone();
  });
  for (const one of BESIDE) {
    rest = rest.replace(one, (all, before: string, after: string) => (isGone(after) ? all : before + gone()));
  }
  for (const token of TEXTS) rest = rest.replace(token, gone);
  return jwtsOut(rest, gone);
}

/** The quote and the value of the alternative that fits. */
function found(groups: unknown[]): [string, string] {
  for (let at = 0; at < 8; at += 2) {
    const [quote, value] = [groups[at], groups[at + 1]];
    if (typeof quote === 'string' && typeof value === 'string') return [quote, value];
  }
  return ['', ''];
}

/** Gone through already. */
function isGone(value: string): boolean {
  return value === '[redacted' || value === '[redacted]';
}

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
