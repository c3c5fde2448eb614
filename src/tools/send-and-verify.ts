// Owns send_and_verify: listen first, look at what is there, publish, and wait for what is expected.
import { ToolError } from '../errors.ts';
import type { SendAndVerifyArgs, SendAndVerifyResult } from '../generated/types.ts';
import { compileFilter, parseFilter } from '../mqtt/topic.ts';
import type { Message, PublishRequest, Session } from '../mqtt/types.ts';
import { compileExpectation } from '../payload/expectation.ts';
import { Before } from './before.ts';
import { type Ears, listenAll } from './ears.ts';
import { endedEarly } from './notes.ts';
import { bytesOf } from './outgoing.ts';
import { consented } from './publish-consent.ts';
import { Reactions, type Watched } from './reactions.ts';
import type { Context, Handler } from './tool.ts';
import { counted, type Sent, verified } from './verified.ts';
import { waitFor } from './waiting.ts';

/** Longest wait for the stored messages of what is watched, ms. */
const PRIOR_TIMEOUT_MS = 3_000;

export const sendAndVerify: Handler<'send_and_verify'> = async (args, context) => {
  const { topic, qos, retain } = args;
  const { signal } = context;
  const given: PublishRequest = { topic, payload: bytesOf(args), qos, retain, properties: args.properties, signal };
  const properties = propertiesOf(args);
  const watched = await watchedBy(args, { ...given, properties });
  const session = await context.pool.get(args.session_id, signal);
  const release = session.hold();
  try {
    session.checkPublish(given);
    // A person agrees to what was given: correlation data of our own is drawn anew each time.
    const asked = await consented(args.confirmation_token, given, session, context);
    if (asked && 'input' in asked) return asked;
    if (asked) return { ...asked, status: 'confirmation_required', summary: asked.next_step ?? 'Nothing was sent.' };
    return await send(args, { ...given, properties }, watched, { session, release }, context);
  } finally {
    release();
  }
};

async function send(
  args: SendAndVerifyArgs,
  request: PublishRequest,
  watched: Watched,
  { session, release }: { session: Session; release: () => void },
  context: Context,
): Promise<SendAndVerifyResult> {
  const before = new Before(context.room);
  const reactions = new Reactions(before, watched, context.room);
  let sentAt: number | undefined;
  const take = (message: Message) => {
    if (sentAt === undefined || message.retain) reactions.takePrior(message);
    else reactions.take(message, performance.now() - sentAt);
  };
  const options = { qos: 1, retained: 'include', signal: context.signal } as const;
  const ears = await listenAll(session, filtersOf(args), options, take);
  try {
    await settled(ears, context);
    const prior = before.messages();
    const known = { prior, complete: before.complete };
    sentAt = performance.now();
    const at = Date.now();
    const acked = await session.publish(request);
    const publishMs = performance.now() - sentAt;
    // It is sent: who closes the session need not wait for what follows.
    release();
    const stopped = await waited(args, reactions, ears, context);
    const sent: Sent = { at, request, ...acked, publishMs };
    const tookMs = performance.now() - sentAt;
    const result = verified(args, sent, known, reactions, { stopped, watched, ears, tookMs });
    if (stopped !== 'lost') return result;
    return { ...result, notes: [...(result.notes ?? []), endedEarly(await ears.lost)] };
  } finally {
    ears.close();
  }
}

/** Until what is stored is here, so that it is not taken for a reaction. */
async function settled(ears: Ears, context: Context): Promise<void> {
  const out = ears.retainedEnd.then(() => 'out' as const);
  const lost = ears.lost.then((why): never => {
    throw new ToolError('not_connected', `Nothing was sent: ${why}.`, 'Call again once it is connected.', {
      retryable: true,
    });
  });
  await waitFor({ ms: PRIOR_TIMEOUT_MS, until: [out, lost], message: () => 'looking at what is there now' }, context);
}

/** Until it is met and has stayed so long enough, or the time is up. */
async function waited(
  { timeout_seconds, settle_seconds }: SendAndVerifyArgs,
  reactions: Reactions,
  ears: Ears,
  context: Context,
): Promise<'met' | 'duration' | 'lost'> {
  const lost = ears.lost.then(() => 'lost' as const);
  const met = reactions.verified.then(() => 'met' as const);
  const ms = timeout_seconds * 1000;
  const message = () => `sent; ${counted(reactions.count, 'message')} came back so far`;
  const stopped = await waitFor({ ms, totalMs: ms, until: [met, lost], message }, context);
  if (stopped !== 'met' || settle_seconds === 0) return stopped;
  const stays = { ms: settle_seconds * 1000, until: [lost], message: () => 'met; watching whether it stays so' };
  return (await waitFor(stays, context)) === 'lost' ? 'lost' : 'met';
}

function filtersOf({ expect, watch, properties }: SendAndVerifyArgs): string[] {
  return [expect?.topic_pattern, properties?.response_topic, ...watch].filter((filter) => filter !== undefined);
}

/** A request that names where the answer goes gets something to tell the answer by. */
function propertiesOf({ properties }: SendAndVerifyArgs): PublishRequest['properties'] {
  if (properties?.response_topic === undefined || properties.correlation_data !== undefined) return properties;
  return { ...properties, correlation_data: crypto.randomUUID() };
}

/** Throws invalid_arguments. */
async function watchedBy({ expect }: SendAndVerifyArgs, request: PublishRequest): Promise<Watched> {
  const { topic, payload, properties } = request;
  const response = properties?.response_topic;
  const pattern = expect?.topic_pattern ?? response;
  if (pattern === undefined) throw nothingExpected();
  const expectation = await compileExpectation(expect ?? {});
  const matches = compileFilter(parseFilter(pattern).filter);
  const correlation = Buffer.from(properties?.correlation_data ?? '').toString('base64');
  const concerns = (message: Message) => matches(message.topic);
  // A state topic carries no correlation data, so its absence tells something on the response topic only.
  const isForeign = (message: Message) => {
    const theirs = message.properties?.correlation_data;
    if (response === undefined || theirs === correlation) return false;
    return message.topic === response || (theirs !== undefined && concerns(message));
  };
  return {
    expectation,
    concerns,
    isAnswer: ({ properties: theirs }) => response !== undefined && theirs?.correlation_data === correlation,
    isForeign,
    isEcho: (message) => message.topic === topic && message.size === payload.length && message.payload.equals(payload),
    echoCounts: pattern === topic,
  };
}

function nothingExpected(): ToolError {
  const expected = 'expect.topic_pattern: where the reaction shows; or properties.response_topic for request/response';
  const hint = "Name the device's state topic, or use publish_message where no reaction is expected.";
  return new ToolError('invalid_arguments', `What should come back is missing: expected ${expected}.`, hint, {
    problems: [
      {
        path: '/expect/topic_pattern',
        expected: 'this argument is required, unless properties.response_topic is given',
      },
    ],
  });
}
