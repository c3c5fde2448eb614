// Owns which writes a person should decide, and why. Must not know how he is asked.
import { matches } from '../mqtt/topic.ts';
import type { Message, Session } from '../mqtt/types.ts';

/** Longest wait for what is stored now, ms. */
const LOOK_TIMEOUT_MS = 3_000;
/** Shown of what is stored, bytes: enough to recognise it, and no megabyte for a model to read. */
const MAX_SHOWN = 2_048;

export type Danger = {
  /** One sentence each, for a person. */
  reasons: string[];
  /** What the write would replace or clear on the broker: its beginning. */
  stored: Message | undefined;
};

export type Write = { topic: string; payload: Buffer; retain: boolean };

const discovery = ['homeassistant/+/+/config', 'homeassistant/+/+/+/config', 'homeassistant/device/+/config'];

/** Looks at the topic, and for a retained write at what is stored there. */
export async function dangerOf(session: Session, write: Write, signal: AbortSignal): Promise<Danger> {
  const { topic, payload, retain } = write;
  const reasons: string[] = [];
  if (topic.startsWith('$')) reasons.push("It goes to a topic that begins with $, which is the broker's own.");
  if (discovery.some((filter) => matches(filter, topic))) {
    reasons.push('It goes to a Home Assistant discovery topic: it can add, change or remove a device there.');
  }
  const stored = retain ? await storedOn(session, topic, signal) : undefined;
  if (stored && payload.length === 0) reasons.push('It clears a message that the broker has stored.');
  else if (stored && !same(stored, payload)) reasons.push('It replaces a message that the broker has stored.');
  return { reasons, stored: stored && { ...stored, payload: stored.payload.subarray(0, MAX_SHOWN) } };
}

function same(stored: Message, payload: Buffer): boolean {
  return stored.size === payload.length && stored.payload.equals(payload);
}

/** The retained message of a topic; undefined too where this user may not read it. */
async function storedOn(session: Session, topic: string, signal: AbortSignal): Promise<Message | undefined> {
  let stored: Message | undefined;
  const take = (message: Message) => {
    stored = { ...message, payload: Buffer.from(message.payload) };
  };
  const options = { qos: 0, retained: 'only', signal } as const;
  const subscription = await session.listen(topic, options, take).catch(() => undefined);
  if (!subscription) return undefined;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, LOOK_TIMEOUT_MS);
  });
  await Promise.race([subscription.retainedEnd, subscription.lost, late]);
  clearTimeout(timer);
  subscription.close();
  return stored;
}
