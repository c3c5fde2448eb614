// Owns what the name of a secret looks like: of a field, in a path, as a topic. Must not know values.

const WORDS =
  'pass(?:words?|wds?|phrases?)?|passwort|passwörter|pwds?|psks?|secrets?|credentials?|authorization|bearer|(?:access|auth|refresh|id|session|api)[_-]?tokens?|tokens?|(?:api|access|private|secret|encryption|shared)[_-]?(?:access[_-]?)?keys?';
/** The last word of a name decides: `wifi_password`, `apiKeys`, `password2`; not `password_changed`. */
const NAME = new RegExp(`(?:^|[._\\-/\\s'"\\]$[])(?:${WORDS})(?:_?\\d{1,3})?['"\\]]*$`, 'i');
const CAMEL = /([a-z0-9])([A-Z])/g;
/** Characters that nobody sees would make another word of it. */
const UNSEEN = /[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g;
const LONGEST = 1024;

export function isSecret(name: string): boolean {
  return name.length < LONGEST && NAME.test(name.replace(UNSEEN, '').replace(CAMEL, '$1_$2'));
}

/** More than one: a number under it counts them. */
export function isPlural(name: string): boolean {
  return /s['"\]]*$/i.test(name) && !/(?:pass|credentials)$/i.test(name);
}

/** `wifi/password`, and where it is written to. */
export function isSecretTopic(topic: string): boolean {
  return isSecret(topic.replace(/\/(?:set|get|value)$/i, ''));
}

/** What lies below a secret is a part of it: `$.tokens[0]`, `/auth/password/value`. */
export function isSecretPath(path: string): boolean {
  return path.length < LONGEST && path.split(/[./[\]'"]+/).some(isSecret);
}
