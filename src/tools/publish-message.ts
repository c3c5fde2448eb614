// Owns publish_message: payload to bytes, then one PUBLISH.
import { ToolError } from '../errors.ts';
import type { PublishMessageArgs, PublishMessageResult } from '../generated/types.ts';
import { quoteTopic } from '../mqtt/topic.ts';
import type { PublishRequest, Session } from '../mqtt/types.ts';
import { decodePayload } from '../payload/decode.ts';
import { askPerson, isAnswered } from './consent.ts';
import { dangerOf } from './danger.ts';
import { iso } from './times.ts';
import type { Context, Handler, Question } from './tool.ts';

/** Largest payload published, bytes. */
const MAX_PAYLOAD_BYTES = 1024 * 1024;
/** Bytes of a payload shown to the person who is asked. */
const MAX_SHOWN = 300;

export const publishMessage: Handler<'publish_message'> = async (args, context) => {
  const { topic, qos, retain, properties } = args;
  const { signal } = context;
  const payload = bytesOf(args);
  if (payload.length > MAX_PAYLOAD_BYTES) {
    const message = `The payload has ${payload.length} bytes; at most ${MAX_PAYLOAD_BYTES} are published.`;
    throw new ToolError('payload_too_large', message, 'Send a smaller payload, or split it.');
  }
  const session = await context.pool.get(args.session_id, signal);
  const request = { topic, payload, qos, retain, properties, signal };
  session.checkPublish(request);
  const hold = await consented(args, request, session, context);
  if (hold) return hold;
  const began = performance.now();
  const { acknowledged, reasonCode, reason } = await session.publish(request);
  return {
    status: 'published',
    topic,
    payload_size_bytes: payload.length,
    qos,
    retain,
    acknowledged,
    reason_code: reasonCode,
    reason,
    publish_ms: Math.round((performance.now() - began) * 10) / 10,
  };
};

/** Undefined: go on. Else the question to a person, or a preview with the token that lets the same write through. */
async function consented(
  { confirmation_token: token, qos, retain }: PublishMessageArgs,
  request: PublishRequest,
  session: Session,
  context: Context,
): Promise<PublishMessageResult | Question | undefined> {
  if (context.danger === 'allow') return undefined;
  const write = fingerprint(session, request);
  if (token !== undefined) {
    if (context.consent.redeem(token, write)) return undefined;
    throw badToken();
  }
  // Asked and answered: what is stored may have changed since, the person's word has not.
  if (isAnswered(context, write)) return askPerson(context, write, '');
  const { reasons, stored } = await dangerOf(session, request, request.signal);
  if (reasons.length === 0) return undefined;
  if (context.danger === 'deny') {
    throw new ToolError(
      'policy_denied',
      `Not sent: ${reasons.join(' ')}`,
      'Whoever runs this server turned such writes off.',
    );
  }
  const { topic, payload } = request;
  if (context.supports('elicitation')) {
    const shown = JSON.stringify(payload.subarray(0, MAX_SHOWN).toString('utf8'));
    return askPerson(
      context,
      write,
      `Publish to ${quoteTopic(topic)}${retain ? ', retained' : ''}: ${shown}? ${reasons.join(' ')}`,
    );
  }
  const { token: confirmation_token, expiresAt } = context.consent.issue(write);
  const replaces = stored ? { size_bytes: stored.size, ...decodePayload(stored.payload, stored.size) } : undefined;
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

function bytesOf({ payload, payload_encoding: encoding }: PublishMessageArgs): Buffer {
  if (typeof payload === 'string') return encoding === 'utf8' ? Buffer.from(payload) : decoded(payload, encoding);
  if (encoding !== 'utf8') throw bad('/payload', `a string where payload_encoding is ${encoding}`);
  try {
    return Buffer.from(JSON.stringify(payload));
  } catch {
    throw bad('/payload', 'JSON that is nested less deeply');
  }
}

function decoded(text: string, encoding: 'base64' | 'hex'): Buffer {
  const bytes = Buffer.from(text, encoding);
  // Node skips what it cannot read; sending half a payload to a device is not for us to do.
  const plain = (value: string) =>
    value.replace(/\s/g, '').replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '');
  const same =
    encoding === 'hex' ? bytes.toString('hex') === text.toLowerCase() : plain(bytes.toString('base64')) === plain(text);
  if (!same) throw bad('/payload', encoding === 'hex' ? 'hex: an even number of digits 0-9 and a-f' : 'base64');
  return bytes;
}

function bad(path: string, expected: string): ToolError {
  const hint = 'Correct it and call again.';
  return new ToolError('invalid_arguments', `The payload does not fit: expected ${expected}.`, hint, {
    problems: [{ path, expected }],
  });
}
