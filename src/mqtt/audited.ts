// Owns a write between its two lines in the audit trail: what was decided, on the disk before it is sent, and what became
// of it. Must not know how it is sent, nor where the trail is kept.
import type { Audit, Tell, Written } from '../audit.ts';
import { ToolError } from '../errors.ts';
import { addressOf } from './connection-string.ts';
import { within } from './race.ts';
import type { PublishAck, PublishRequest, SessionFacts } from './types.ts';

/** How long the disk may take for a line, ms. */
const PATIENCE_MS = 20_000;

/** Throws policy_denied where it cannot be put on record, and then sends nothing; and what `send` throws. */
export async function audited(
  audit: Audit,
  facts: SessionFacts,
  request: PublishRequest,
  send: () => Promise<PublishAck>,
): Promise<PublishAck> {
  const tell = await allowed(audit, facts, request);
  try {
    const ack = await send();
    await told(tell(ack.acknowledged ? 'acknowledged' : 'sent'));
    return ack;
  } catch (error) {
    const code = error instanceof ToolError ? error.data.code : 'cancelled';
    await told(tell(code === 'publish_denied' ? 'refused' : 'failed', code));
    throw error;
  }
}

/** What the trail says of a write; its hash stands for the payload. */
export function recordOf({ id, name, broker, port }: SessionFacts, request: PublishRequest): Written {
  const { topic, payload, qos, retain } = request;
  return { session: id, name, broker: addressOf({ host: broker, port }), topic, payload, qos, retain };
}

async function allowed(audit: Audit, facts: SessionFacts, request: PublishRequest): Promise<Tell> {
  const line = audit.allow(recordOf(facts, request), request.confirmed ? 'confirmed' : 'allowed');
  try {
    return await within(line, PATIENCE_MS, request.signal, late);
  } catch (error) {
    // Should it be written after all: nothing was sent.
    line.then((tell) => tell('failed', 'cancelled')).catch(() => {});
    throw error;
  }
}

/** What was sent is sent: where only its second line fails, its first one is there, and the next write is refused. */
function told(line: Promise<void>): Promise<void> {
  return within(line, PATIENCE_MS, new AbortController().signal, late).catch(() => {});
}

function late(): ToolError {
  const message = 'Not sent: every write is put on record here, and the record was not written in time.';
  const hint = 'Whoever runs this server must look at its audit_file and the disk it is on.';
  return new ToolError('policy_denied', message, hint, { retryable: true });
}
