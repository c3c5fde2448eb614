// Owns the baseline of a comparison: one JSON Schema for all messages, or one for each template; its own limits, and
// which of them judges a topic. Must not know messages.
import { isList, isRecord } from '../types.ts';
import { ENOUGH, relaxed, samplesOf } from './relaxed.ts';
import {
  BadSchema,
  compileSchema,
  MAX_SCHEMA_BYTES,
  MAX_SCHEMA_DEPTH,
  type Pattern,
  type Validator,
} from './validate.ts';

/** Templates of one baseline. */
const MAX_TEMPLATES = 1_000;
/** Topics whose schema is remembered; stops a broker of endless topics from filling memory. */
const MAX_REMEMBERED = 100_000;

export type Judge = {
  /** The template whose schema it is; undefined: one schema for all. */
  template: string | undefined;
  validator: Validator;
  /** Problems of these keywords are news and no violations: the schema was inferred, and has not seen everything. */
  news: readonly string[];
};

export type Baseline = {
  /** undefined: no schema is for that topic. */
  judgeOf(topic: string): Judge | undefined;
};

/**
 * `given`: a JSON Schema; a map template -> schema; or a whole earlier result with its `topic_schemas`. An inferred
 * schema (`x-observed`) is judged with a margin: see relaxed.ts. Throws BadSchema.
 */
export function readBaseline(given: unknown, compile: (pattern: string) => Pattern): Baseline {
  const entries = entriesOf(given);
  if (entries.length > MAX_TEMPLATES) throw new BadSchema('', `at most ${MAX_TEMPLATES} templates`);
  const judges = entries.map(([template, schema]) => judge(template, schema, compile)).sort(mostLiteralFirst);
  const remembered = new Map<string, Judge | undefined>();
  return {
    judgeOf: (topic) => {
      if (remembered.has(topic)) return remembered.get(topic);
      const found = judges.find(({ template }) => template === undefined || covers(template, topic));
      if (remembered.size < MAX_REMEMBERED) remembered.set(topic, found);
      return found;
    },
  };
}

/** Whether a topic is one of a template (`plant/line{n}/temp`), which may have wildcards of a filter too. */
export function covers(template: string, topic: string): boolean {
  const wanted = template.split('/');
  const levels = topic.split('/');
  if (wanted.at(-1) === '#') {
    wanted.pop();
    if (levels.length < wanted.length) return false;
  } else if (wanted.length !== levels.length) return false;
  return wanted.every((level, i) => level === '+' || level === levels[i] || coversLevel(level, levels[i] ?? ''));
}

/** Each placeholder stands for one character or more. Linear: literals are looked for from left to right. */
function coversLevel(wanted: string, level: string): boolean {
  const literals = wanted.split(/\{[^{}]{1,64}\}/);
  const first = literals.shift() ?? '';
  const last = literals.pop();
  if (last === undefined || !level.startsWith(first)) return false;
  let at = first.length;
  for (const literal of literals) {
    const found = level.indexOf(literal, at + 1);
    if (found === -1) return false;
    at = found + literal.length;
  }
  return level.length - last.length > at && level.endsWith(last);
}

function judge(template: string | undefined, schema: unknown, compile: (pattern: string) => Pattern): Judge {
  const inferred = isRecord(schema) && (isRecord(schema['x-observed']) || everyIsInferred(schema.anyOf));
  try {
    const validator = compileSchema(inferred ? relaxed(schema) : schema, compile);
    return { template, validator, news: inferred ? newsOf(schema) : [] };
  } catch (error) {
    if (error instanceof BadSchema && template !== undefined)
      throw new BadSchema(
        `/${template.slice(0, 200).replaceAll('~', '~0').replaceAll('/', '~1')}${error.path}`,
        error.message,
      );
    throw error;
  }
}

/** An unknown field, and where few samples were seen also another string than those. */
function newsOf(schema: Record<string, unknown>): string[] {
  const alternatives = isList(schema.anyOf) ? schema.anyOf.map((one) => samplesOf(one)) : [0];
  const samples = samplesOf(schema, Math.min(...alternatives));
  return samples < ENOUGH ? ['additionalProperties', 'enum'] : ['additionalProperties'];
}

function everyIsInferred(schemas: unknown): boolean {
  return isList(schemas) && schemas.length > 0 && schemas.every((one) => isRecord(one) && isRecord(one['x-observed']));
}

function entriesOf(given: unknown): [string | undefined, unknown][] {
  if (!isRecord(given)) throw new BadSchema('', 'an object: a JSON Schema, or one for each template');
  if (isList(given.topic_schemas)) return earlier(given.topic_schemas);
  if (isSchema(given)) return [[undefined, given]];
  const entries = Object.entries(given);
  if (entries.length === 0) throw new BadSchema('', 'a JSON Schema, or one for each template; it is empty');
  return entries.map(([template, schema]) => {
    if (!isRecord(schema) && typeof schema !== 'boolean')
      throw new BadSchema(`/${template.slice(0, 200)}`, 'a JSON Schema');
    return [template, schema];
  });
}

/** Two schemas of one template: payloads of two kinds, either of which will do. */
function earlier(schemas: readonly unknown[]): [string, unknown][] {
  const byTemplate = new Map<string, unknown[]>();
  for (const one of schemas) {
    if (!isRecord(one) || typeof one.template !== 'string' || !isRecord(one.schema))
      throw new BadSchema('/topic_schemas', 'entries with template and schema, as an earlier call returned them');
    byTemplate.set(one.template, [...(byTemplate.get(one.template) ?? []), one.schema]);
  }
  return [...byTemplate].map(([template, own]) => [template, own.length === 1 ? own[0] : { anyOf: own }]);
}

/** A map of templates has objects only; a schema has one of these as no map has it. */
function isSchema(given: Record<string, unknown>): boolean {
  const { type, $schema, $ref, required } = given;
  if (typeof type === 'string' || typeof $schema === 'string' || typeof $ref === 'string') return true;
  if ([type, required, given.enum, given.anyOf, given.allOf, given.oneOf, given.prefixItems].some(isList)) return true;
  return ['properties', 'x-observed', 'const', 'not', 'items'].some((keyword) => Object.hasOwn(given, keyword));
}

/** Bytes and depth, without recursion: to be asked before anything else is done with it. Throws BadSchema. */
export function checkSize(given: unknown): void {
  const open: { value: unknown; depth: number }[] = [{ value: given, depth: 0 }];
  let bytes = 0;
  for (let one = open.pop(); one; one = open.pop()) {
    const { value, depth } = one;
    bytes += typeof value === 'string' ? value.length : 4;
    if (depth > 2 * MAX_SCHEMA_DEPTH) throw new BadSchema('', `at most ${2 * MAX_SCHEMA_DEPTH} levels`);
    if (isList(value)) for (const inner of value) open.push({ value: inner, depth: depth + 1 });
    else if (isRecord(value)) {
      for (const [key, inner] of Object.entries(value)) {
        bytes += key.length;
        open.push({ value: inner, depth: depth + 1 });
      }
    }
    if (bytes > MAX_SCHEMA_BYTES) throw new BadSchema('', `at most ${MAX_SCHEMA_BYTES / 1024} KiB of schema`);
  }
}

function mostLiteralFirst(a: Judge, b: Judge): number {
  return wildness(a) - wildness(b) || ((a.template ?? '') < (b.template ?? '') ? -1 : 1);
}

function wildness({ template = '#' }: Judge): number {
  return (template.match(/\{[^{}]{1,64}\}|\+/g)?.length ?? 0) + (template.endsWith('#') ? 1000 : 0);
}
