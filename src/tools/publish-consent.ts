// Owns the way of a dangerous write to a person's decision: asked through the client, or by preview and token.
import { ToolError } from '../errors.ts';
import type { PublishMessageResult } from '../generated/types.ts';
import { quoteText } from '../mqtt/topic.ts';
import type { PublishRequest, Session } from '../mqtt/types.ts';
import { decodePayload } from '../payload/decode.ts';
import { agreed, question } from './consent.ts';
import { type Danger, dangerOf, mayBeDangerous } from './danger.ts';
import { iso } from './times.ts';
import type { Context, Question } from './tool.ts';

/** Bytes of a payload, and characters of a topic, shown to the person who is asked. */
const MAX_SHOWN = 300;

/** Undefined: go on. Else the question to a person, or a preview with the token that lets the same write through. */
export async function consented(
  token: string | undefined,
  request: PublishRequest,
  session: Session,
  context: Context,
): Promise<PublishMessageResult | Question | undefined> {
  if (context.danger === 'allow') return undefined;
  if (token === undefined && !mayBeDangerous(request, context.dangerTopics)) return undefined;
  session.checkPublish(request);
  const write = fingerprint(session, request);
  if (token !== undefined) {
    if (context.consent.redeem(token, write)) return confirm(request);
    throw badToken();
  }
  // Asked and answered: what is stored may have changed since, the person's word has not.
  if (agreedTo(request, write, session, context)) return confirm(request);
  const { reasons, stored } = await dangerOf(session, request, context.dangerTopics, request.signal);
  if (reasons.length === 0) return undefined;
  if (context.danger === 'deny') {
    session.denied(request);
    throw new ToolError(
      'policy_denied',
      `Not sent: ${reasons.join(' ')}`,
      'Whoever runs this server turned such writes off.',
    );
  }
  const { topic, payload, qos, retain } = request;
  if (context.supports('elicitation')) {
    return question(context.consent, write, messageFor(session, request, { reasons, stored }));
  }
  const { token: confirmation_token, expiresAt } = context.consent.issue(write);
  const replaces = stored
    ? { size_bytes: stored.size, ...decodePayload(stored.payload, stored.size, topic) }
    : undefined;
  return {
    status: 'confirmation_required',
    topic,
    payload_size_bytes: payload.length,
    qos,
    retain,
    preview: { reasons, ...(replaces ? { replaces } : {}) },
    confirmation_token,
    confirmation_expires_at: iso(expiresAt),
    next_step:
      'Nothing was sent. Show this to the person in charge; if they agree, call again with the same arguments and confirmation_token.',
  };
}

/** From here on it counts as confirmed. */
function confirm(request: PublishRequest): undefined {
  request.confirmed = true;
}

/** A no is put on record. */
function agreedTo(request: PublishRequest, write: string, session: Session, context: Context): boolean {
  try {
    return agreed(context, write);
  } catch (error) {
    session.denied(request);
    throw error;
  }
}

/** What the person reads: everything that decides, nothing that hides or reorders itself. */
function messageFor({ facts }: Session, request: PublishRequest, { reasons, stored }: Danger): string {
  const { topic, payload, retain, properties } = request;
  const where = `on ${quoteText(facts.name, MAX_SHOWN)} (${facts.broker}:${facts.port})`;
  const what = `${quoteText(topic, MAX_SHOWN)}${retain ? ', to be stored' : ''}: ${shown(payload, payload.length)}`;
  const answers = properties?.response_topic;
  const asks = answers === undefined ? '' : `; answers are to go to ${quoteText(answers, MAX_SHOWN)}`;
  const extra = properties === undefined ? '' : ` It carries MQTT 5 properties${asks}.`;
  const now = stored ? ` Stored there now: ${shown(stored.payload, stored.size)}.` : '';
  return `Publish ${where} to ${what}? ${reasons.join(' ')}${now}${extra}`;
}

function shown(payload: Buffer, size: number): string {
  if (size === 0) return 'an empty payload';
  const cut = size > MAX_SHOWN ? ` (the first ${MAX_SHOWN} of ${size} bytes)` : '';
  return `${quoteText(payload.subarray(0, MAX_SHOWN).toString('utf8'), MAX_SHOWN)}${cut}`;
}

/** Everything about a write, byte for byte. */
function fingerprint({ facts }: Session, { topic, payload, qos, retain, properties }: PublishRequest): string {
  return JSON.stringify([facts.id, topic, payload.toString('base64'), qos, retain, properties ?? null]);
}

function badToken(): ToolError {
  const problems = [
    { path: '/confirmation_token', expected: 'a token issued for exactly this write, unused, within two minutes' },
  ];
  const hint = 'Call without it to get a new preview and token.';
  return new ToolError('invalid_arguments', 'The confirmation token is not good for this write.', hint, { problems });
}
