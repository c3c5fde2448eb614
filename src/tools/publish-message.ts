// Owns publish_message: one PUBLISH.
import type { PublishMessageResult } from '../generated/types.ts';
import type { PublishRequest, Session } from '../mqtt/types.ts';
import { bytesOf } from './outgoing.ts';
import { consented } from './publish-consent.ts';
import type { Handler } from './tool.ts';

export const publishMessage: Handler<'publish_message'> = async (args, context) => {
  const { topic, qos, retain, properties } = args;
  const payload = bytesOf(args);
  const session = context.pool.connected(args.session_id) ?? (await context.pool.get(args.session_id, context.signal));
  const request: PublishRequest = {
    topic,
    payload,
    qos,
    retain,
    properties,
    get signal() {
      return context.signal;
    },
    get aborted() {
      return context.aborted;
    },
  };
  const release = session.hold();
  try {
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
