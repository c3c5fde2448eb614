// Owns which writes a person should decide, and why. Must not know how he is asked.
import type { Message, Session } from '../mqtt/types.ts';
import { classesOf } from './danger-classes.ts';

/** Longest wait for what is stored now, ms. */
const LOOK_TIMEOUT_MS = 3_000;
/** Shown of what is stored, bytes: enough to recognise it, and no megabyte for a model to read. */
const MAX_SHOWN = 2_048;

const CLEARS = 'It clears a message that the broker has stored.';

export type Danger = {
  /** One sentence each, for a person. */
  reasons: string[];
  /** What the write would replace or clear on the broker: its beginning. */
  stored: Message | undefined;
};

export type Write = {
  topic: string;
  payload: Buffer;
  retain: boolean;
  properties?: { response_topic?: string | undefined } | undefined;
};

/** What an answer may say: who answers decides. */
const ANY_ANSWER = Buffer.from('on');

/** False: nothing about it needs a look, let alone a person. `own`: filters that whoever runs the server named. */
export function mayBeDangerous(write: Write, own: readonly string[]): boolean {
  return write.retain || reasonsFor(write, own).length > 0;
}

/** Of a will, which is written whenever its connection ends: what is stored by then nobody can look at. */
export function dangersOfWill(will: Write, own: readonly string[]): string[] {
  const reasons = reasonsFor(will, own);
  return will.retain && will.payload.length === 0 ? [...reasons, CLEARS] : reasons;
}

/** Looks at the write, and for a retained one at what is stored under its topic. */
export async function dangerOf(
  session: Session,
  write: Write,
  own: readonly string[],
  signal: AbortSignal,
): Promise<Danger> {
  const { topic, payload, retain } = write;
  const reasons = reasonsFor(write, own);
  const found = retain ? await storedOn(session, topic, signal) : undefined;
  const stored = found?.message;
  if (found?.unknown) reasons.push('It is to be stored, and what is stored there now could not be read.');
  // Asked even where nothing was there a moment ago: something may be when the write arrives.
  if (retain && payload.length === 0) reasons.push(CLEARS);
  else if (stored && !same(stored, payload)) reasons.push('It replaces a message that the broker has stored.');
  return { reasons, stored: stored && { ...stored, payload: stored.payload.subarray(0, MAX_SHOWN) } };
}

/** Those of the write, and of the topic where somebody else is asked to write the answer. */
function reasonsFor({ topic, payload, properties }: Write, own: readonly string[]): string[] {
  const reasons = classesOf(topic, payload, own);
  const answer = properties?.response_topic;
  if (answer === undefined) return reasons;
  return [...reasons, ...classesOf(answer, ANY_ANSWER, own).map((reason) => `Its response_topic: ${reason}`)];
}

function same(stored: Message, payload: Buffer): boolean {
  return stored.size === payload.length && stored.payload.equals(payload);
}

/** The retained message of a topic; unknown where the broker did not say, or this user may not read it. */
async function storedOn(
  session: Session,
  topic: string,
  signal: AbortSignal,
): Promise<{ message?: Message; unknown: boolean }> {
  let message: Message | undefined;
  const take = (one: Message) => {
    message = { ...one, payload: Buffer.from(one.payload) };
  };
  const options = { qos: 0, retained: 'only', signal } as const;
  const subscription = await session.listen(topic, options, take).catch(() => undefined);
  if (!subscription) return { unknown: true };
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), LOOK_TIMEOUT_MS);
  });
  const end = await Promise.race([subscription.retainedEnd, subscription.lost.then(() => undefined), late]);
  clearTimeout(timer);
  subscription.close();
  return message ? { message, unknown: false } : { unknown: !end?.complete };
}
