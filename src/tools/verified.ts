// Owns the answer of send_and_verify: what was sent, what was there before, what came back, and what that means.
import type { SendAndVerifyArgs, SendAndVerifyResult } from '../generated/types.ts';
import { quoteText } from '../mqtt/topic.ts';
import type { Message, PublishAck, PublishRequest } from '../mqtt/types.ts';
import { fitMessages, renderMessage } from '../payload/render.ts';
import type { WireMessage } from '../payload/types.ts';
import type { Ears } from './ears.ts';
import { FELL_BEHIND, notesOnFit } from './notes.ts';
import type { Reaction, Reactions, Watched } from './reactions.ts';
import { seconds } from './times.ts';

/** Shown of what was there before and of what came back, and bytes of each in the result (both copies). */
const MAX_PRIOR = 5;
const MAX_REACTIONS = 15;
const BUDGET_BYTES = 12 * 1024;
const MAX_QUOTED = 120;
/** MQTT 5: the broker took it, and nobody is subscribed. */
const NO_SUBSCRIBERS = 0x10;

const ALREADY =
  ' It was so before sending already, which is no proof that the command was obeyed: expect changes, or send another value.';

/** `at`: ms since the epoch. */
export type Sent = PublishAck & { at: number; request: PublishRequest; publishMs: number };
export type Prior = { prior: Message[]; complete: boolean };
export type End = { stopped: 'met' | 'duration' | 'lost'; watched: Watched; ears: Ears; tookMs: number };

export function verified(
  args: SendAndVerifyArgs,
  sent: Sent,
  { prior, complete }: Prior,
  reactions: Reactions,
  end: End,
): SendAndVerifyResult {
  const { request, at } = sent;
  const shown = chosen(reactions);
  const fitted = fitMessages(
    shown.map(({ message }) => renderMessage(message, at)),
    BUDGET_BYTES,
  );
  const before = fitMessages(
    telling(prior, reactions).map((message) => renderMessage(message, at)),
    BUDGET_BYTES,
  );
  const status = statusOf(reactions);
  return {
    status,
    summary: summaryOf(args, sent, reactions, end),
    expected: end.watched.expectation.words,
    topic: request.topic,
    payload_size_bytes: request.payload.length,
    qos: request.qos,
    retain: request.retain,
    acknowledged: sent.acknowledged,
    reason_code: sent.reasonCode,
    reason: sent.reason,
    publish_ms: tenth(sent.publishMs),
    ...(reactions.met ? { latency_ms: tenth(reactions.met.latencyMs), diff: reactions.met.changes } : {}),
    ...(reactions.already ? { already: true as const } : {}),
    ...stayedOf(args, reactions, end),
    ...(request.properties?.response_topic === undefined
      ? {}
      : { correlation_data: request.properties.correlation_data ?? '', foreign_reply_count: reactions.foreign }),
    prior: before.messages.map(priorOf),
    prior_count: prior.length,
    reactions: fitted.messages.map((message, i) => reactionOf(message, shown[i], reactions.met)),
    reaction_count: reactions.count,
    ...(status === 'no_reaction' ? { absence: absenceOf(sent, end, prior.length, reactions) } : {}),
    waited_seconds: seconds(end.tookMs),
    notes: [...notesOn(reactions, end, complete), ...notesOnFit(fitted)],
  };
}

type Status = Exclude<SendAndVerifyResult['status'], 'confirmation_required'>;

function statusOf({ met, count, echoes }: Reactions): Status {
  if (met) return 'verified';
  return count > echoes ? 'not_verified' : 'no_reaction';
}

function summaryOf(args: SendAndVerifyArgs, sent: Sent, reactions: Reactions, end: End): string {
  const { met, count, echoes, last } = reactions;
  const { words } = end.watched.expectation;
  const accepted = acceptance(sent);
  const away = outageOf(sent, end);
  const ignored = foreignWords(reactions.foreign);
  if (met) {
    const where = quoteText(met.message.topic, MAX_QUOTED);
    const stayed = args.settle_seconds === 0 ? '' : stayedWords(args.settle_seconds, reactions, end);
    const echo = met.echo ? ' It is the broker handing back what was sent: no device has shown that it obeyed.' : '';
    return `Verified: ${words} on ${where}, ${tenth(met.latencyMs)} ms after sending${stayed}.${reactions.already ? ALREADY : ''}${echo}`;
  }
  const waited = waitedWords(end);
  if (end.stopped === 'lost')
    return `${accepted}; then the connection was lost, ${waited} after sending, before anything was verified.${ignored}`;
  if (count === echoes) return `${accepted}, no reaction in ${waited}${away}${echoWords(echoes)}.${ignored}`;
  const came = `${counted(count - echoes, 'message')} came in ${waited}${away}`;
  if (last === 'unknown')
    return `${accepted}; ${came}, but whether it ${words} cannot be told: what was there before is not known.${ignored}`;
  const none = count - echoes === 1 ? 'which is not' : 'none of which is';
  return `${accepted}; ${came}, ${none} what was expected (${words}).${ignored}`;
}

/** Of a connection that was lost meanwhile nobody knows what it would have told. */
function stayedOf({ settle_seconds }: SendAndVerifyArgs, { met, stays }: Reactions, { stopped }: End) {
  const { stayed } = stays;
  const told = met && settle_seconds > 0 && !(stayed && stopped === 'lost');
  return told && stayed !== undefined ? { stayed } : {};
}

function stayedWords(settle: number, { met, stays }: Reactions, { stopped }: End): string {
  const { turned } = stays;
  if (turned !== undefined)
    return turned === met?.message.topic
      ? ', but did not stay so'
      : `, but did not stay so on ${quoteText(turned, MAX_QUOTED)}`;
  if (stopped === 'lost') return '; then the connection was lost, and whether it stayed so cannot be told';
  return stays.stayed ? `, and stayed so for ${settle} s` : '; whether it stayed so cannot be told';
}

function echoWords(echoes: number): string {
  return echoes === 0 ? '' : '; the broker handed back what was sent';
}

/** As it was, not as it was asked for. */
function waitedWords({ tookMs }: End): string {
  return `${tenth(tookMs / 1000)} s`;
}

/** How much of the wait nobody could have been heard; '' where the connection held. */
function outageOf({ at }: Sent, { ears, tookMs }: End): string {
  const until = at + tookMs;
  const lost = ears.gaps.map(({ from, to }) => Math.min(to ?? until, until) - Math.max(from, at));
  const ms = lost.reduce((sum, one) => sum + Math.max(0, one), 0);
  return ms === 0 ? '' : `, but the connection was down for ${Math.max(0.1, tenth(ms / 1000))} s of that`;
}

function foreignWords(foreign: number): string {
  if (foreign === 0) return '';
  return ` ${counted(foreign, 'answer')} to other requests came: not counted.`;
}

function acceptance({ acknowledged, request, reasonCode }: Sent): string {
  if (reasonCode === NO_SUBSCRIBERS) return 'Accepted by the broker, which says that nobody is subscribed to the topic';
  return acknowledged ? 'Accepted by the broker' : `Sent at QoS ${request.qos}, which no broker acknowledges`;
}

/** The first ones, the one that decided, the last: at most MAX_REACTIONS, in order. */
function chosen({ kept, met }: Reactions): Reaction[] {
  if (kept.length <= MAX_REACTIONS) return kept;
  const decisive = met === undefined ? -1 : kept.indexOf(met);
  const tail = kept.length - 4;
  return kept.filter((_, i) => i < MAX_REACTIONS - 5 || i === decisive || i >= tail);
}

/** What was there on the topics that answered, else whatever was there. */
function telling(prior: Message[], { kept }: Reactions): Message[] {
  const spoke = new Set(kept.map(({ message }) => message.topic));
  const relevant = prior.filter(({ topic }) => spoke.has(topic));
  return (relevant.length > 0 ? relevant : prior).slice(0, MAX_PRIOR);
}

function priorOf({ offset_ms: _, qos: __, dup: ___, ...rest }: WireMessage) {
  return rest;
}

function reactionOf(message: WireMessage, reaction: Reaction | undefined, met: Reaction | undefined) {
  const { dup: _, offset_ms: __, ...rest } = message;
  const verdict = reaction?.verdict;
  return {
    latency_ms: tenth(reaction?.latencyMs ?? 0),
    ...rest,
    ...(reaction === undefined || reaction.changes.length === 0 ? {} : { changes: reaction.changes.slice(0, 10) }),
    ...(verdict === 'met' || verdict === 'not_met' || verdict === 'unknown' ? { verdict } : {}),
    ...(reaction?.echo ? { echo: true as const } : {}),
    ...(reaction !== undefined && reaction === met ? { decisive: true as const } : {}),
  };
}

/** Nothing came back, or only what was sent: what that can mean. */
function absenceOf(sent: Sent, end: End, prior: number, { foreign, echoes }: Reactions) {
  const { acknowledged, reasonCode, request } = sent;
  const { ears, stopped } = end;
  const nobody = reasonCode === NO_SUBSCRIBERS;
  const away = outageOf(sent, end);
  const up = away === '' && stopped !== 'lost';
  const granted = Object.entries(ears.grantedQos).map(
    ([filter, qos]) => `${quoteText(filter, MAX_QUOTED)} at QoS ${qos}`,
  );
  const ruled_out = ['The broker refused what was subscribed to.'];
  if (acknowledged || echoes > 0) ruled_out.push('The broker did not get it.');
  if (echoes > 0) ruled_out.push('The session may not publish to the topic, or not read it.');
  if (up) ruled_out.push('The connection was down.');
  const possible = nobody
    ? ['The topic is not the one the device listens on.', 'The device is offline.']
    : [
        'The device is offline, or slower than the timeout.',
        'The device listens on another topic, or wants another payload.',
        'The reaction shows on another topic: watch a wider filter.',
        `The access rules of the broker ${echoes > 0 ? 'keep the message from the device' : 'drop the message'}, or drop the reaction, without saying so.`,
      ];
  const evidence = [`SUBACK granted ${granted.slice(0, 6).join(', ')}.`];
  if (acknowledged) evidence.push(`The broker acknowledged it with reason code ${reasonCode}.`);
  if (echoes > 0) evidence.push('The broker handed back what was sent: it was delivered, and its topic can be read.');
  if (prior > 0) evidence.push('What is stored under the filters came, so they can be read.');
  if (foreign > 0) {
    evidence.push(
      `${counted(foreign, 'message')} came with other correlation data, or on the response topic with none.`,
    );
    possible.push('Who answers does not send the correlation data back.');
  }
  if (!up && !nobody) possible.unshift('The reaction came while the connection was down.');
  if (nobody) evidence.push(`Reason code 16: nobody is subscribed to ${quoteText(request.topic, MAX_QUOTED)}.`);
  const verdict = nobody
    ? 'Nobody was listening: the broker had no subscriber for the topic.'
    : `${echoes > 0 ? 'Nothing but what was sent' : 'Nothing'} came back within ${waitedWords(end)}${stopped === 'lost' ? ', when the connection was lost' : away}.`;
  const grade = nobody ? ('certain' as const) : up ? ('likely' as const) : ('unknown' as const);
  return { grade, verdict, ruled_out, possible, evidence };
}

function notesOn(reactions: Reactions, { ears, stopped }: End, complete: boolean): string[] {
  const notes: string[] = [];
  if (ears.fellBehind) notes.push(FELL_BEHIND);
  if (!complete) notes.push('There were more topics than could be remembered: what some held before is not known.');
  if (ears.gaps.length > 0 || stopped === 'lost')
    notes.push('The connection was lost meanwhile; reactions may be missing.');
  const hidden = reactions.count - Math.min(reactions.kept.length, MAX_REACTIONS);
  if (hidden > 0)
    notes.push(`${hidden} of ${counted(reactions.count, 'message')} ${hidden === 1 ? 'is' : 'are'} not shown.`);
  return notes;
}

export function counted(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`;
}

function tenth(ms: number): number {
  return Math.round(ms * 10) / 10;
}
