// Owns the newest message of one topic: out of the broker's store, or from whoever follows the topic.
import type { Message, Session } from '../mqtt/types.ts';

/** Longest wait for a retained message, ms. */
const READ_TIMEOUT_MS = 3_000;

/** The retained message of a topic, or a live one that came first; undefined where there is none. */
export async function fetchLast(session: Session, topic: string, signal: AbortSignal): Promise<Message | undefined> {
  let last: Message | undefined;
  const take = (message: Message) => {
    last = keep(message);
  };
  const subscription = await session.listen(topic, { qos: 0, retained: 'include', signal }, take);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, READ_TIMEOUT_MS);
  });
  try {
    await Promise.race([subscription.retainedEnd, late]);
    return last;
  } finally {
    clearTimeout(timer);
    subscription.close();
  }
}

/** Bytes of a payload that a resource keeps. */
const MAX_PAYLOAD_BYTES = 1024 * 1024;

/** A copy that may be kept: what a sink gets dies with its call. */
export function keep(message: Message): Message {
  return { ...message, payload: Buffer.from(message.payload.subarray(0, MAX_PAYLOAD_BYTES)) };
}
