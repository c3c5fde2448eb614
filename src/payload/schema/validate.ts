// Owns the validation of values against a JSON Schema given at run time: refuses at once what it could not judge, and
// stops where judging takes too long. Must not know messages.
import { isList, isRecord } from '../types.ts';
import { type Check, KEYWORDS, type Problem, SILENT, token } from './keywords.ts';

/** Bounds of a schema: a giant one would cost more than the messages. */
export const MAX_SCHEMA_BYTES = 256 * 1024;
export const MAX_SCHEMA_DEPTH = 64;
const MAX_SCHEMA_NODES = 20_000;
/** Steps that one value may cost; `$ref` to oneself, or to two of a kind each, would never end. */
const MAX_STEPS = 200_000;
/** `$ref` within `$ref`: below the stack's end. */
const MAX_DEPTH = 200;

export type Validator = {
  /** What is wrong with a value; 'unknown': judging it took too many steps. */
  problems(value: unknown): Problem[] | 'unknown';
};

/** Matches a pattern anywhere in a text, in linear time. */
export type Pattern = { matches(text: string): boolean };

/** Why a schema is refused. */
export class BadSchema extends Error {
  readonly path: string;

  constructor(path: string, expected: string) {
    super(expected);
    this.path = path;
  }
}

class OutOfSteps extends Error {}

/** Throws BadSchema. `compile` throws where a pattern is none. */
export function compileSchema(schema: unknown, compile: (pattern: string) => Pattern): Validator {
  const patterns = new Map<string, Pattern>();
  const walk = { nodes: 0, references: new Map<string, string>(), patterns, compile };
  examine(schema, '', 0, walk);
  const targets = new Map<string, unknown>();
  // What a reference points to may hold further ones: they come up in this very loop.
  for (const [to, at] of walk.references) {
    const one = target(schema, to, at);
    targets.set(to, one);
    examine(one, to, 0, walk);
  }
  return { problems: (value) => judge(schema, value, patterns, targets) };
}

function judge(
  schema: unknown,
  value: unknown,
  patterns: ReadonlyMap<string, Pattern>,
  targets: ReadonlyMap<string, unknown>,
): Problem[] | 'unknown' {
  let steps = MAX_STEPS;
  let depth = 0;
  const pay = (more: number) => {
    steps -= more;
    if (steps < 0 || depth > MAX_DEPTH) throw new OutOfSteps();
  };
  const tools: Check = {
    pay,
    matches: (pattern, text) => {
      pay(1 + text.length);
      return patterns.get(pattern)?.matches(text) ?? true;
    },
    resolve: (reference) => targets.get(reference) ?? true,
    check: (one, part, path) => {
      depth += 1;
      pay(1);
      const found = checked(one, part, path, tools);
      depth -= 1;
      return found;
    },
  };
  try {
    return tools.check(schema, value, '');
  } catch (error) {
    if (error instanceof OutOfSteps) return 'unknown';
    throw error;
  }
}

function checked(schema: unknown, value: unknown, path: string, tools: Check): Problem[] {
  if (schema === false) return [{ path, keyword: 'false', expected: 'nothing', value }];
  if (!isRecord(schema)) return [];
  return Object.keys(schema).flatMap((keyword) => {
    const check = KEYWORDS.get(keyword);
    if (!check) return [];
    tools.pay(1);
    return check(schema[keyword], value, path, tools, schema);
  });
}

type Walk = {
  nodes: number;
  references: Map<string, string>;
  patterns: Map<string, Pattern>;
  compile: (pattern: string) => Pattern;
};

/** Keywords that hold one schema, a list of them, or a map of them. */
const ONE = new Set('additionalProperties propertyNames items contains not if then else'.split(' '));
const MANY = new Set('prefixItems allOf anyOf oneOf'.split(' '));
const NAMED = new Set('properties patternProperties $defs definitions'.split(' '));
/** Those that count characters, elements or fields. */
const COUNTING = /^(?:min|max)(?:Length|Items|Properties|Contains)$/;
const NUMERIC = /^(?:exclusive)?(?:min|max)|^multipleOf$/i;

function examine(schema: unknown, path: string, depth: number, walk: Walk): void {
  if (typeof schema === 'boolean') return;
  if (!isRecord(schema)) throw new BadSchema(path, 'a JSON Schema: an object, true or false');
  walk.nodes += 1;
  if (walk.nodes > MAX_SCHEMA_NODES) throw new BadSchema('', `at most ${MAX_SCHEMA_NODES} subschemas`);
  if (depth > MAX_SCHEMA_DEPTH) throw new BadSchema('', `at most ${MAX_SCHEMA_DEPTH} levels`);
  for (const [keyword, value] of Object.entries(schema)) {
    const at = `${path}/${keyword.slice(0, 64)}`;
    examineKeyword(keyword, value, at, walk);
    if (ONE.has(keyword)) examine(value, at, depth + 1, walk);
    else if (MANY.has(keyword))
      for (const [i, one] of listAt(value, at).entries()) examine(one, `${at}/${i}`, depth + 1, walk);
    else if (NAMED.has(keyword)) {
      for (const [name, one] of Object.entries(recordAt(value, at)))
        examine(one, `${at}/${token(name.slice(0, 64))}`, depth + 1, walk);
    }
  }
}

const TYPES = new Set('null boolean integer number string array object'.split(' '));

function examineKeyword(keyword: string, value: unknown, at: string, walk: Walk): void {
  if (!KEYWORDS.has(keyword)) {
    if (SILENT.has(keyword) || keyword.startsWith('x-')) return;
    // An unknown word is a remark; a known one that asserts must not be passed over in silence.
    if (/^(?:unevaluated|\$dynamic|\$recursive|dependent|dependencies$|additionalItems$)/.test(keyword))
      throw new BadSchema(at, 'a schema without this keyword, which is not supported');
  } else if (keyword === '$ref') {
    walk.references.set(String(value), at);
  } else if (keyword === 'type') {
    const types: readonly unknown[] = isList(value) ? value : [value];
    if (types.length === 0 || !types.every((one) => TYPES.has(String(one))))
      throw new BadSchema(at, 'a type of JSON Schema, or a list of them');
  } else if (keyword === 'enum' || keyword === 'required') {
    listAt(value, at);
  } else if (keyword === 'pattern') {
    learn(String(value), at, walk);
  } else if (keyword === 'patternProperties') {
    for (const pattern of Object.keys(recordAt(value, at))) learn(pattern, at, walk);
  } else if (NUMERIC.test(keyword)) {
    if (typeof value !== 'number') throw new BadSchema(at, 'a number');
    if (keyword === 'multipleOf' && value <= 0) throw new BadSchema(at, 'a number above 0');
    if (COUNTING.test(keyword) && (value < 0 || !Number.isInteger(value)))
      throw new BadSchema(at, 'a whole number from 0 on');
  }
}

function learn(pattern: string, at: string, { patterns, compile }: Walk): void {
  try {
    if (!patterns.has(pattern)) patterns.set(pattern, compile(pattern));
  } catch {
    throw new BadSchema(at, 'a regular expression in RE2 syntax, without look-around and back-references');
  }
}

/** What a `$ref` within the same schema points to. */
function target(root: unknown, reference: string, at: string): unknown {
  if (!/^#(?:\/|$)/.test(reference)) {
    throw new BadSchema(at, 'a $ref within this schema (#/$defs/name): nothing is fetched');
  }
  let here = root;
  for (const step of decoded(reference, at).split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    const inner: Record<string, unknown> = isRecord(here)
      ? here
      : isList(here)
        ? Object.fromEntries(Object.entries(here))
        : {};
    if (!Object.hasOwn(inner, name)) throw new BadSchema(at, 'a $ref to something that exists in this schema');
    here = inner[name];
  }
  return here;
}

function decoded(reference: string, at: string): string {
  try {
    return decodeURIComponent(reference.slice(1));
  } catch {
    throw new BadSchema(at, 'a $ref that is a URI fragment');
  }
}

function listAt(value: unknown, at: string): readonly unknown[] {
  if (!isList(value)) throw new BadSchema(at, 'a list');
  return value;
}

function recordAt(value: unknown, at: string): Record<string, unknown> {
  if (!isRecord(value)) throw new BadSchema(at, 'an object of schemas');
  return value;
}
