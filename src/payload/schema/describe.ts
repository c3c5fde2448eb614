// Owns the description of topics: groups, the samples each is judged by, and their schemas, as long as a reader wants
// them. Pure. Must not know who listened.
import { affordable } from '../affordable.ts';
import { shapeOf } from '../shape.ts';
import type { PayloadType } from '../types.ts';
import { headWithin } from '../wire-cost.ts';
import { chooseFairly } from './choose.ts';
import { confidenceOf } from './confidence.ts';
import type { Sample } from './gather.ts';
import { type Group, groupTopics } from './groups.ts';
import { inferSchema, type Schema } from './infer.ts';
import { type Outline, outlineOf } from './outline.ts';
import { push } from './push.ts';
import { thin } from './thin.ts';

export type TopicSchema = {
  template: string;
  filter: string;
  topics: string[];
  topic_count: number;
  message_count: number;
  sample_count: number;
  payload_types: Record<string, number>;
  schema: Schema;
  confidence: number;
  examples: unknown[];
};

export type Description = {
  topic_schemas: TopicSchema[];
  sample_count: number;
  template_count: number;
  /** Templates that are not in `topic_schemas`: no room. */
  more_templates: string[];
  /** Templates of which no message was sampled. */
  unsampled: number;
  shortened: boolean;
};

/** Payloads as decoded. */
export type Held = Sample & { payload_type: PayloadType };
export type Wanted = { maxSamples: number; full: boolean; briefBytes: number };

/** Detail that is given up step by step until the whole is short enough. */
type Detail = {
  topics: number;
  examples: number;
  bytes: number;
  depth: number;
  fields: number;
  name: number;
  dialect: boolean;
  enumBytes: number;
};
const FULL: Detail = {
  topics: 1_000,
  examples: 3,
  bytes: 2_000,
  depth: 32,
  fields: 1_000,
  name: 4_096,
  dialect: true,
  enumBytes: 10_000,
};
const BRIEF: readonly Detail[] = [
  { topics: 5, examples: 2, bytes: 240, depth: 6, fields: 40, name: 300, dialect: true, enumBytes: 300 },
  { topics: 3, examples: 1, bytes: 200, depth: 5, fields: 24, name: 200, dialect: false, enumBytes: 200 },
  { topics: 2, examples: 1, bytes: 120, depth: 4, fields: 16, name: 160, dialect: false, enumBytes: 100 },
  { topics: 1, examples: 1, bytes: 80, depth: 2, fields: 10, name: 120, dialect: false, enumBytes: 60 },
];
/** Both copies of a result are 4 MiB at most. */
const FULL_COST = 3 * 1024 * 1024;
const MORE_BYTES = 700;

/** `counts`: messages of each topic that came; `held`: those of them that were kept and decoded. */
export function describe(counts: ReadonlyMap<string, number>, held: readonly Held[], wanted: Wanted): Description {
  const byTopic = grouped(held);
  const outlines = new Map<string, Outline>([...byTopic].map(([topic, own]) => [topic, outlineOf(own)]));
  const all = groupTopics(counts.keys(), outlines).map((group) => ({ group, count: total(group, counts) }));
  all.sort((a, b) => b.count - a.count);
  const chosen = chooseFairly(
    all.map(({ group }) => group.topics.flatMap((topic) => byTopic.get(topic) ?? [])),
    wanted.maxSamples,
  );
  const subjects = all.flatMap(({ group, count }, i) => {
    const samples = chosen[i] ?? [];
    return samples.length === 0 ? [] : [{ group, count, samples }];
  });
  const fitted = wanted.full ? fitFull(subjects) : fitBrief(subjects, wanted.briefBytes);
  return {
    ...fitted,
    sample_count: chosen.reduce((sum, { length }) => sum + length, 0),
    template_count: all.length,
    more_templates: namesOf(subjects.slice(fitted.topic_schemas.length)),
    unsampled: all.length - subjects.length,
  };
}

type Subject = { group: Group; count: number; samples: Sample[] };
type Fitted = { topic_schemas: TopicSchema[]; shortened: boolean };

function fitFull(subjects: readonly Subject[]): Fitted {
  const topic_schemas = affordable(
    subjects.map((subject) => schemaOf(subject, FULL)),
    FULL_COST,
  );
  return { topic_schemas, shortened: false };
}

/** The largest groups are the first; the last detail that is still too long loses the smallest ones. */
function fitBrief(subjects: readonly Subject[], bytes: number): Fitted {
  for (const detail of BRIEF) {
    const last = detail === BRIEF.at(-1);
    const topic_schemas: TopicSchema[] = [];
    let left = bytes;
    for (const subject of subjects) {
      const one = schemaOf(subject, detail);
      left -= Buffer.byteLength(JSON.stringify(one)) + 1;
      if (left < 0 && topic_schemas.length > 0) break;
      topic_schemas.push(one);
    }
    if (last || topic_schemas.length === subjects.length) return { topic_schemas, shortened: detail !== BRIEF[0] };
  }
  return { topic_schemas: [], shortened: false };
}

function schemaOf({ group, count, samples }: Subject, detail: Detail): TopicSchema {
  const types = new Map<string, number>();
  for (const { payload_type } of samples) types.set(payload_type, (types.get(payload_type) ?? 0) + 1);
  const named = group.levels.filter(({ varies }) => !varies).at(-1)?.text ?? '';
  return {
    template: cut(group.template, detail.name),
    filter: cut(group.filter, detail.name),
    topics: group.topics.slice(0, detail.topics).map((topic) => cut(topic, detail.name)),
    topic_count: group.topics.length,
    message_count: count,
    sample_count: samples.length,
    payload_types: Object.fromEntries([...types].sort(([a], [b]) => (a < b ? -1 : 1))),
    schema: shortened(inferSchema(samples, named), detail),
    confidence: confidenceOf(samples.map(({ payload, payload_type }) => shapeOf(payload, kindOf(payload_type)))),
    examples: examplesOf(samples, detail),
  };
}

/** That it is draft 2020-12 is said once more by outputSchema. */
function shortened(schema: Schema, detail: Detail): Schema {
  const { $schema, ...rest } = thin(schema, detail);
  return detail.dialect ? { $schema, ...rest } : rest;
}

function kindOf(payload_type: string): PayloadType {
  const known = ['number', 'boolean', 'text', 'empty', 'binary'] as const;
  return known.find((one) => one === payload_type) ?? 'json';
}

/** Different ones, the first of each. */
function examplesOf(samples: readonly Sample[], { examples, bytes }: Detail): unknown[] {
  const shown = new Map<string, unknown>();
  for (const sample of samples) {
    if (shown.size >= examples) break;
    const payload = sample.shown === undefined ? sample.payload : sample.shown();
    const json = JSON.stringify(payload) ?? 'null';
    const short =
      json.length <= bytes ? payload : `${headWithin(typeof payload === 'string' ? payload : json, 2 * bytes)}…`;
    shown.set(JSON.stringify(short), short);
  }
  return [...shown.values()];
}

function namesOf(subjects: readonly Subject[]): string[] {
  const names = [...new Set(subjects.map(({ group }) => cut(group.template, 120)))];
  let left = MORE_BYTES;
  const end = names.findIndex((name) => {
    left -= Buffer.byteLength(name) + 3;
    return left < 0;
  });
  return end === -1 ? names : names.slice(0, end);
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${headWithin(text.slice(0, most), 6 * most)}…`;
}

function total({ topics }: Group, counts: ReadonlyMap<string, number>): number {
  return topics.reduce((sum, topic) => sum + (counts.get(topic) ?? 0), 0);
}

function grouped(held: readonly Held[]): Map<string, Held[]> {
  const map = new Map<string, Held[]>();
  for (const one of held) push(map, one.topic, one);
  return map;
}
