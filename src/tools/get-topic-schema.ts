// Owns get_topic_schema: what the topics under a filter say, as templates with a schema each; and what differs from a
// baseline.
import type { GetTopicSchemaArgs, GetTopicSchemaResult } from '../generated/types.ts';
import { parseFilter, quoteText } from '../mqtt/topic.ts';
import type { Subscription } from '../mqtt/types.ts';
import type { describe as Describe, Description } from '../payload/schema/describe.ts';
import type { Drift, DriftLog } from '../payload/schema/drift.ts';
import { nothingCollected } from './absence.ts';
import { type Look, lookAround } from './look-around.ts';
import { endedEarly, FELL_BEHIND, LOST } from './notes.ts';
import { leavesUnread, UNREAD } from './settling.ts';
import { seconds } from './times.ts';
import type { Handler } from './tool.ts';
import { TopicSamples } from './topic-samples.ts';
import { upBetween } from './up-time.ts';
import { waitFor } from './waiting.ts';

/** What the schemas may take of a short answer, bytes: with the rest under 3,000 tokens. */
const BRIEF_BYTES = 8_000;
const BRIEF_BESIDE_DRIFT_BYTES = 5_000;
const BRIEF_DRIFT_BYTES = 2_400;
const FULL_DRIFT_BYTES = 64 * 1024;

/** Fields that the summary names, and characters of each path. */
const MAX_NAMED = 3;
const MAX_PATH_CHARS = 80;

export const getTopicSchema: Handler<'get_topic_schema'> = async (args, context) => {
  const { signal } = context;
  // Loaded only where they are wanted: no other tool needs them.
  const inferring = import('../payload/schema/describe.ts');
  const drift =
    args.baseline === undefined ? undefined : await (await import('./topic-baseline.ts')).driftFrom(args.baseline);
  const session = await context.pool.get(args.session_id, signal);
  const samples = new TopicSamples(drift, context.room);
  const listening = { qos: 0, retained: 'include', signal } as const;
  const subscription = await session.listen(args.topic_pattern, listening, (message) => samples.take(message));
  const began = Date.now();
  try {
    const ms = args.duration_seconds * 1000;
    const message = () => `${samples.received} messages of ${samples.topics} topics so far`;
    const stopped = await waitFor({ ms, totalMs: ms, until: [subscription.lost], message }, context);
    const tookMs = Date.now() - began;
    const reading = { readers: [subscription], count: () => samples.received };
    const unread = stopped === 'duration' && (await leavesUnread(reading, context));
    subscription.close();
    const lost = stopped === 'duration' ? undefined : stopped;
    const look = samples.received === 0 && lost === undefined ? await lookAround(session, context) : undefined;
    const ending = { subscription, began, tookMs, lost, look };
    const result = resultOf(args, samples, drift, ending, (await inferring).describe);
    if (unread) result.notes.push(UNREAD);
    return result;
  } finally {
    subscription.close();
  }
};

type Ending = {
  subscription: Subscription;
  began: number;
  tookMs: number;
  lost: string | undefined;
  look: Look | undefined;
};

function resultOf(
  args: GetTopicSchemaArgs,
  samples: TopicSamples,
  drift: DriftLog | undefined,
  ending: Ending,
  describe: typeof Describe,
): GetTopicSchemaResult {
  const { subscription, tookMs, lost } = ending;
  const briefBytes = drift ? BRIEF_BESIDE_DRIFT_BYTES : BRIEF_BYTES;
  const wanted = { maxSamples: args.max_messages, full: args.full, briefBytes };
  const found = describe(samples.counts(), samples.held(), wanted);
  const nothing = samples.received === 0;
  const interrupted = lost !== undefined || subscription.gaps.length > 0;
  const compared = drift?.result(args.full ? FULL_DRIFT_BYTES : BRIEF_DRIFT_BYTES);
  return {
    status: nothing ? 'no_data' : 'success',
    summary: `${nothing ? `No message came within ${seconds(tookMs)} s.` : summaryOf(found, samples, compared)}${interrupted ? LOST : ''}`,
    sample_count: found.sample_count,
    received_count: samples.received,
    topic_count: samples.topics,
    template_count: found.template_count,
    ...(compared ? { baseline: compared } : {}),
    topic_schemas: found.topic_schemas,
    ...(found.more_templates.length > 0 ? { more_templates: found.more_templates } : {}),
    stopped_by: lost === undefined ? 'duration' : 'disconnected',
    collection_duration_seconds: seconds(tookMs),
    notes: [
      ...notesOn(args, subscription, lost),
      ...notesOnFound(found, args),
      ...samples.notes(),
      ...(drift?.notes() ?? []),
    ],
    ...(nothing ? { absence: absenceOf(args, ending) } : {}),
  };
}

function summaryOf(
  { topic_schemas, template_count, sample_count }: Description,
  { received, topics }: TopicSamples,
  compared?: Drift,
): string {
  const least = topic_schemas.reduce((low, { confidence }) => Math.min(low, confidence), 1);
  const came = `${many(received, 'message')} of ${many(topics, 'topic')}, ${many(template_count, 'template')}`;
  const what = `${came}; the schemas rest on ${many(sample_count, 'message')}`;
  const sure = topic_schemas.length === 0 ? '' : `, the least sure has confidence ${least}`;
  return `${what}${sure}.${compared === undefined ? '' : ` ${comparisonOf(compared)}`}`;
}

/** Never that nothing violated what nothing was compared with. */
function comparisonOf({ checked_count, violation_count, unmatched_count, unchecked_count, drift }: Drift): string {
  const others = [
    ...(unmatched_count > 0 ? [`for ${many(unmatched_count, 'message')} the baseline has no schema`] : []),
    ...(unchecked_count > 0 ? [`${many(unchecked_count, 'message')} could not be compared`] : []),
  ].join(', ');
  if (checked_count === 0) return `Nothing was compared with the baseline${others === '' ? '' : `: ${others}`}.`;
  const rest = others === '' ? '' : `; ${others}`;
  const fields = fieldsIn(drift);
  if (violation_count === 0) {
    const news = fields === '' ? '' : `, but it does not know ${fields}`;
    return `None of ${checked_count} compared violated the baseline${news}${rest}.`;
  }
  const wrong = fieldsIn(drift.filter(({ keyword }) => !isNews(keyword)));
  return `${violation_count} of ${checked_count} compared violated the baseline: ${wrong}${rest}.`;
}

/** What an inferred schema has not seen yet is no violation. */
function isNews(keyword: string): boolean {
  return keyword === 'new_value' || keyword === 'new_field';
}

/** The fields that drifted most, each with what it drifted from and how often. */
function fieldsIn(drift: Drift['drift']): string {
  const named = drift.slice(0, MAX_NAMED).map(({ path, keyword, count }) => {
    const field = path === '' ? 'the payload itself' : quoteText(path, MAX_PATH_CHARS);
    return `${field} (${keyword}, ${count} times)`;
  });
  const more = drift.length - named.length;
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function many(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function absenceOf(
  { topic_pattern: pattern, duration_seconds }: GetTopicSchemaArgs,
  { subscription, began, tookMs, lost, look }: Ending,
) {
  const interrupted = subscription.gaps.length > 0 || lost !== undefined;
  const { grantedQos } = subscription;
  const listened = { pattern, seconds: duration_seconds, grantedQos, retained: 'include' as const, interrupted };
  const upSeconds = upBetween(began, began + tookMs, subscription.gaps);
  return nothingCollected({ ...listened, upSeconds, look });
}

function notesOn(
  { topic_pattern }: GetTopicSchemaArgs,
  { gaps, fellBehind }: Subscription,
  lost: string | undefined,
): string[] {
  const notes: string[] = [];
  if (fellBehind) notes.push(FELL_BEHIND);
  if (lost !== undefined) notes.push(endedEarly(lost));
  else if (gaps.length > 0) notes.push('The connection was down meanwhile; what was published then is missing.');
  if (parseFilter(topic_pattern).share !== undefined)
    notes.push('A shared subscription gets no retained messages, and only its share of the live ones.');
  return notes;
}

function notesOnFound(
  { topic_schemas, template_count, unsampled, shortened }: Description,
  { full }: GetTopicSchemaArgs,
): string[] {
  const notes: string[] = [];
  const omitted = template_count - unsampled - topic_schemas.length;
  const more = full ? 'narrow the filter' : 'full: true gives all, or narrow the filter';
  if (omitted > 0) notes.push(`${omitted} templates are not described, for room: ${more}.`);
  if (shortened) notes.push('Schemas, topics and examples were shortened: full: true gives them whole.');
  if (unsampled > 0) notes.push(`${unsampled} templates have no sample: raise max_messages or narrow the filter.`);
  return notes;
}
