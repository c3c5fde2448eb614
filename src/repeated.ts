// Owns how what was typed on a command line, in a variable or as a key is repeated in an error: never where it may hold
// a credential. Must not know what it was typed for.

/** A path or a key as it is; a stand-in where it looks like a URL, or like anything else that holds a credential. */
export function repeated(text: string): string {
  if (looksLikeUrl(text)) return '(not repeated: it looks like a URL)';
  return HOLDING.test(text) ? '(not repeated: it may hold a secret)' : text;
}

/** Percent-escapes of `:`, `@` and `/`, a config itself in place of its path, `token@host`, `password=…`. */
const HOLDING = /%(?:3a|40|2f)|[{}"\n\r]|^[^/\\]+@[^/\\]+$|(?:pass\w*|pwd|token|secret|key)\s*[:=]/i;

/** The name of a variable where it looks like one, as most are written: a password may have been put in its place. */
export function variable(name: string): string {
  return /^[A-Z_][A-Z0-9_]*$/.test(name) ? `the environment variable ${name}` : 'the environment variable it names';
}

export function looksLikeUrl(text: string): boolean {
  // `C:\` is no user name.
  return /:\/\/|:.*@|[?&].*=/s.test(text.replace(/^[a-z]:\\/i, ''));
}

/** The name of an option without its value, where it looks like one. */
export function optionIn(argument: string): string | undefined {
  return /^(--[a-z][a-z-]{0,20}|-[a-z])(?==|$)/.exec(argument)?.[0];
}
