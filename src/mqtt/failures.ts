// Owns what goes wrong on a session that was connected once, in words. Must not repeat text of the broker.
import { ToolError } from '../errors.ts';
import { connectError } from './connect-error.ts';
import { addressOf } from './connection-string.ts';
import { reasonText } from './reason-codes.ts';
import { PacketTooLarge } from './scan-header.ts';
import { parseFilter, quoteTopic } from './topic.ts';
import type { SessionFacts } from './types.ts';
import { TooMuchUnreleased } from './unreleased.ts';

const RECONNECTING = 'It reconnects by itself: wait a few seconds and call again, or look at list_active_connections.';

const ENDED = 'It does not reconnect: end it with close_connection, and connect anew with establish_connection.';

/** The broker's refusal in SUBACK. */
export function subscribeRefused(code: number, filter: string, { protocolVersion, broker }: SessionFacts): ToolError {
  const reason = reasonText(code, 'suback', protocolVersion);
  return new ToolError(
    'subscribe_denied',
    `${broker} refused the subscription to ${quoteTopic(filter)}: ${reason}.`,
    "Try a narrower filter, or another user: the broker's access rules decide what this one may read.",
    { reason_code: code, reason },
  );
}

/** What the broker announced in CONNACK that it cannot do; asking all the same would end the connection. */
export function checkSubscribable(filter: string, { limits, broker }: SessionFacts): void {
  const { wildcard_subscription_available: wildcards = true, shared_subscription_available: shared = true } = limits;
  const { share, filter: plain } = parseFilter(filter);
  const refuse = (what: string, hint: string) => new ToolError('subscribe_denied', `${broker} has no ${what}.`, hint);
  if (share !== undefined && !shared) throw refuse('shared subscriptions [MQTT-3.2.2-21]', 'Subscribe without $share.');
  if (/[+#]/.test(plain) && !wildcards) throw refuse('wildcard subscriptions', 'Subscribe to full topic names.');
}

/** Without identifiers a copy for a share group and one for another filter look the same: both would get both. */
export function notToldApart(filter: string, other: string, { protocolVersion, name }: SessionFacts): ToolError {
  const why = protocolVersion === 4 ? 'MQTT 3.1.1 does not tell' : 'This broker does not tell';
  return new ToolError(
    'subscribe_denied',
    `${why} copies for ${quoteTopic(filter)} from those for ${quoteTopic(other)}, which session ${JSON.stringify(name)} listens to now.`,
    'Use a session of its own for the shared subscription, or one with protocol_version 5, or wait until the other is over.',
    { retryable: true },
  );
}

export function subscribeFailure(
  code: 'timeout' | 'protocol_error',
  filter: string,
  { broker }: SessionFacts,
): ToolError {
  const what = code === 'timeout' ? 'did not answer' : 'answered in a way that makes no sense to';
  const message = `${broker} ${what} the subscription to ${quoteTopic(filter)}.`;
  return new ToolError(code, message, 'Call again; if it persists, close the session and connect anew.', {
    retryable: true,
  });
}

/** `final`: it will not come back by itself. */
export function notConnected({ name, broker, port }: SessionFacts, why: string | null, final: boolean): ToolError {
  const message = `Session ${JSON.stringify(name)} is not connected to ${addressOf({ host: broker, port })}${why ? `: ${why}` : ''}.`;
  const hint = final ? ENDED : RECONNECTING;
  return new ToolError('not_connected', message.replace(/\.\.$/, '.'), hint, { retryable: !final });
}

/** A broker that takes no bytes: a queue for it would only grow. `queued`: this message waits in it already. */
export function notReading({ broker }: SessionFacts, queued: boolean): ToolError {
  const message = `${broker} is not reading: ${queued ? 'the message still waits' : 'earlier messages still wait'} to be sent.`;
  const hint = queued
    ? 'It may yet arrive: check before you send it again.'
    : 'Nothing of this one was sent: call again later.';
  return new ToolError('timeout', message, hint, { retryable: true });
}

/** A publish that was not acknowledged: refused, timed out, cut off, or not even sent. */
export function publishFailure(error: unknown, facts: SessionFacts, timeoutMs: number): ToolError {
  const { broker, protocolVersion } = facts;
  const code = numericCode(error);
  if (code !== undefined) {
    const reason = reasonText(code, 'puback', protocolVersion);
    const hint = "The broker's access rules or limits refused it; another topic or user may be allowed.";
    return new ToolError('publish_denied', `${broker} refused the message: ${reason}.`, hint, {
      reason_code: code,
      reason,
    });
  }
  const unsure = 'It may have arrived or not: check before you send it again.';
  if (error === 'timeout') {
    const message = `${broker} did not acknowledge the message within ${timeoutMs / 1000} s.`;
    return new ToolError('timeout', message, unsure, { retryable: true });
  }
  if (error === 'unsent') {
    const message = `${broker} has not acknowledged earlier messages for ${timeoutMs / 1000} s: this one was not sent.`;
    return new ToolError('timeout', message, 'Call again once the broker answers.', { retryable: true });
  }
  const message = `The connection to ${broker} was lost before the message was acknowledged.`;
  return new ToolError('not_connected', message, `${unsure} ${RECONNECTING}`, { retryable: true });
}

/** Why a connection went down, for connection_error: one sentence, no credential, no broker text. */
export function downReason(error: unknown, { broker: host, port, tls, protocolVersion }: SessionFacts): string {
  if (error instanceof Error && 'presumed' in error)
    return 'the broker closed the connection again and again: another client seems to use the same client id';
  if (isDisconnect(error)) {
    const reason = reasonText(numericCode(error) ?? 0, 'disconnect', protocolVersion);
    return `the broker sent DISCONNECT: ${reason}`;
  }
  if (error instanceof Error && error.message === 'Keepalive timeout')
    return 'the broker answers no keep-alive any more';
  if (error instanceof PacketTooLarge) return 'the broker sent a packet of more than 16 MiB';
  if (error instanceof TooMuchUnreleased) return 'the broker leaves too many messages at QoS 2 unreleased';
  if (error === undefined) return 'the broker closed the connection';
  if (error instanceof Error && 'code' in error && RESETS.has(String(error.code))) return 'the connection was reset';
  return connectError(error, { host, port, transport: port === 0 ? 'unix' : tls ? 'tls' : 'tcp' }).message;
}

/** What a socket says that was cut while it was in use. */
const RESETS = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED']);

function isDisconnect(error: unknown): boolean {
  return error instanceof Error && 'disconnect' in error;
}

function numericCode(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined;
}
