// Owns how what was typed on a command line, in a variable or as a key is repeated in an error: never where it may hold
// a credential. Must not know what it was typed for.

const URL_LIKE = '(not repeated: it looks like a URL)';

/** A path or a key as it is; a stand-in where it looks like a URL or like user:password@host. */
export function repeated(text: string): string {
  return looksLikeUrl(text) ? URL_LIKE : text;
}

export function looksLikeUrl(text: string): boolean {
  // `C:\` is no user name.
  return /:\/\/|:.*@|[?&].*=/s.test(text.replace(/^[a-z]:\\/i, ''));
}

/** The name of an option without its value, where it looks like one. */
export function optionIn(argument: string): string | undefined {
  return /^(--[a-z][a-z-]{0,20}|-[a-z])(?==|$)/.exec(argument)?.[0];
}
