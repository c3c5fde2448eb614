// Owns the taking out of tokens and keys from what is about to leave, by its place in a result: what holds words of a
// broker, what names them, what is ours. Must not know why. A secret that looks like none stays.
import { quoteText } from './mqtt/topic.ts';
import { isRecord } from './payload/types.ts';
import { isSecret, isSecretPath, isSecretTopic } from './secret-names.ts';
import { createValues, GONE, NAMING, type Values } from './secret-values.ts';

/** Fields of ours, never of a payload, whose value a caller has to send back. */
const TO_SEND_BACK = new Set(['confirmation_token', 'next_cursor', 'whole_cursor', 'session_id']);
/** Fields of ours that hold what a broker sent. */
const VALUES = new Set(
  'payload value last_value before after from to expected got examples user_properties'.split(' '),
);
/** Numbers by the schema of the result: left out where they would tell a secret. */
const NUMBERS = new Set(['minimum', 'maximum']);
/** Fields of ours that name the topics of what stands beside and below them. */
const TOPICS = ['topic', 'topic_pattern', 'template', 'filter', 'topics'];
const PATHS = ['path', 'field'];
/** What we say in words, which may repeat a value. */
const PROSE = new Set(['summary', 'message', 'note', 'notes', 'next', 'verdict', 'evidence', 'reasons', 'possible']);
/** Values that are looked for in it, and the shortest: shorter ones are parts of words. */
const MAX_TAKEN = 200;
const SHORTEST_TAKEN = 4;
/** Keywords of a schema that would tell a secret; without them it says less, and nothing false. */
const TELLING = new Set(
  'examples enum const default pattern minimum maximum exclusiveMinimum exclusiveMaximum multipleOf'.split(' '),
);

/** What stands beside a name in lists of settings. */
const PAIRED = /^(?:v|val|values?|data|content|text|default)$/i;

/** A copy without them, and how many went; the same object where none did. */
export function secretsOut(value: object): { value: object; count: number } {
  const values = createValues();
  const taken = new Set<string>();
  const copy = resultOut(value, { values, taken, secret: false });
  if (values.count() === 0) return { value, count: 0 };
  const said = taken.size > 0 ? withoutTaken(copy, anyOf(taken)) : copy;
  return { value: isRecord(said) ? said : {}, count: values.count() };
}

/** `secret`: its topic or path names one. */
type Place = { values: Values; taken: Set<string>; secret: boolean };

function resultOut(one: unknown, { values, taken, secret }: Place): unknown {
  if (typeof one === 'string') return values.textOut(one);
  if (Array.isArray(one)) return one.map((element) => resultOut(element, { values, taken, secret }));
  if (!isRecord(one)) return one;
  const hides = PATHS.some((key) => isName(one[key], isSecretPath)) || topicHides(one, secret);
  const place = { values, taken, secret: hides };
  const before = values.count();
  const entries = Object.entries(one).flatMap(([key, field]): [string, unknown][] => {
    if (TO_SEND_BACK.has(key)) return [[key, field]];
    if (key === 'raw' && isRecord(field)) return [];
    if (NUMBERS.has(key) && hides) return leftOut(values);
    return [[values.textOut(key), fieldOut(key, field, place, 'topic' in one)]];
  });
  const out = Object.fromEntries(entries);
  return isRecord(one.raw) ? { ...out, raw: rawOut(one.raw, values, hides || values.count() > before) } : out;
}

function fieldOut(key: string, field: unknown, place: Place, besideTopic: boolean): unknown {
  const { values, taken, secret } = place;
  if (key === 'schema' && isRecord(field)) return schemaOut(field, values, secret);
  if (key === 'properties') return values.valueOut(field, false);
  if (VALUES.has(key) || (key === 'message' && besideTopic && !isMessage(field))) {
    if (secret) note(field, taken);
    return values.valueOut(field, secret);
  }
  // Counts by topic stay.
  if (isSecret(key) && typeof field !== 'number') return values.valueOut(field, true);
  return resultOut(field, place);
}

function leftOut({ gone }: Values): [] {
  gone();
  return [];
}

/** The resource of a topic has its message so. */
function isMessage(field: unknown): boolean {
  return isRecord(field) && 'size_bytes' in field && 'payload_type' in field;
}

/** By its own topics, or by those above it. */
function topicHides(one: Record<string, unknown>, above: boolean): boolean {
  const own = TOPICS.flatMap((key) => one[key] ?? []).filter((name) => typeof name === 'string');
  return own.length === 0 ? above : own.some(isSecretTopic);
}

function isName(name: unknown, is: (name: string) => boolean): boolean {
  return typeof name === 'string' && is(name);
}

/** The bytes of what was decoded beside them: they show nothing that went from there, in no other spelling either. */
function rawOut(raw: Record<string, unknown>, { gone, holds }: Values, hide: boolean): object {
  const bytes = (text: unknown, encoding: 'base64' | 'hex') =>
    typeof text === 'string' && holds(Buffer.from(text, encoding).toString('utf8'));
  if (!hide && !bytes(raw.base64, 'base64') && !bytes(raw.hex_head, 'hex')) return raw;
  return { ...raw, base64: gone(), hex_head: GONE };
}

/** A schema of payloads: names of fields with a schema each. */
function schemaOut(schema: unknown, values: Values, secret: boolean): unknown {
  if (Array.isArray(schema)) return schema.map((one) => schemaOut(one, values, secret));
  if (!isRecord(schema)) return typeof schema === 'string' ? values.textOut(schema) : schema;
  const entries = Object.entries(schema).flatMap(([key, field]): [string, unknown][] => {
    if (key === 'properties' && isRecord(field)) return [[key, fieldsOut(field, values, secret)]];
    if (!TELLING.has(key)) return [[key, schemaOut(field, values, secret)]];
    if (secret) return leftOut(values);
    return [[key, values.valueOut(field, false)]];
  });
  return Object.fromEntries(entries);
}

function fieldsOut(fields: Record<string, unknown>, values: Values, secret: boolean): object {
  const naming = Object.keys(fields).filter((name) => NAMING.has(name));
  const names = naming.flatMap((name) => valuesIn(fields[name]));
  const named = names.some((one) => isName(one, isSecret));
  // Which names came is not told: one of them may have been a secret's.
  const untold = names.length < naming.length;
  return Object.fromEntries(
    Object.entries(fields).map(([name, of]) => {
      const paired = !NAMING.has(name) && (named || (untold && PAIRED.test(name)));
      return [values.textOut(name), schemaOut(of, values, secret || paired || isSecret(name))];
    }),
  );
}

function valuesIn(schema: unknown): unknown[] {
  return isRecord(schema) ? [schema.const ?? [], schema.enum ?? [], schema.examples ?? []].flat() : [];
}

/** What a topic or path named as a secret. */
function note(field: unknown, taken: Set<string>): void {
  if (taken.size === MAX_TAKEN) return;
  const text = typeof field === 'number' ? String(field) : field;
  if (typeof text === 'string' && text.length >= SHORTEST_TAKEN) taken.add(text);
}

/** Our own words repeat some values: there they go, too. */
function withoutTaken(one: unknown, taken: RegExp, inProse = false): unknown {
  if (typeof one === 'string') return inProse ? one.replace(taken, GONE) : one;
  if (Array.isArray(one)) return one.map((element) => withoutTaken(element, taken, inProse));
  if (!isRecord(one)) return one;
  const entries = Object.entries(one);
  return Object.fromEntries(
    entries.map(([key, field]) => [key, VALUES.has(key) ? field : withoutTaken(field, taken, PROSE.has(key))]),
  );
}

/** In one go, the longest first: what stands for one must not be searched for another. */
function anyOf(taken: Set<string>): RegExp {
  const words = [...taken].sort((a, b) => b.length - a.length);
  return new RegExp(words.map((word) => word.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|'), 'g');
}

/** What is quoted in a question: names behind `on` and `to`, else values. */
const QUOTED = /"(?:[^"\\]|\\.)*"/g;

/** The question without them: a value beside the name of a secret, and what of the others is one. */
export function questionOut(question: string): string {
  const { textOut } = createValues();
  let hides = false;
  return question.replace(QUOTED, (quoted, at: number) => {
    const text: unknown = parsed(quoted);
    if (typeof text !== 'string') return quoted;
    const before = question.slice(Math.max(0, at - 4), at);
    const isTopic = before.endsWith(' to ');
    hides ||= isTopic && isSecretTopic(text);
    if (hides && !isTopic && !before.endsWith(' on ')) return JSON.stringify(GONE);
    const out = textOut(text);
    return out === text ? quoted : quoteText(out, out.length);
  });
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
