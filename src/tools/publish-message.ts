// Owns publish_message: payload to bytes, then one PUBLISH.
import { ToolError } from '../errors.ts';
import type { PublishMessageArgs, PublishMessageResult } from '../generated/types.ts';
import type { PublishRequest, Session } from '../mqtt/types.ts';
import { consented } from './publish-consent.ts';
import type { Handler } from './tool.ts';

/** Largest payload published, bytes. */
const MAX_PAYLOAD_BYTES = 1024 * 1024;

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
  const release = session.hold();
  try {
    session.checkPublish(request);
    const asked = await consented(args.confirmation_token, request, session, context);
    return asked ?? (await publish(session, request));
  } finally {
    release();
  }
};

async function publish(session: Session, request: PublishRequest): Promise<PublishMessageResult> {
  const { topic, payload, qos, retain } = request;
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
