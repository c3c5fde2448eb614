// Owns the part of a tool in tests of sessions: opens one, listens, keeps what comes. All of it ends with the test.
import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { expect, onTestFinished } from 'vitest';
import { ToolError, type ToolErrorData } from '../../src/errors.ts';
import { connect } from '../../src/mqtt/connect.ts';
import type { OpenProfile } from '../../src/mqtt/profile.ts';
import type { LiveSession } from '../../src/mqtt/session.ts';
import type { ConnectRequest, ListenOptions, Message, PublishRequest, Subscription } from '../../src/mqtt/types.ts';
import { policy, request } from './fake-connect.ts';

export const { signal } = new AbortController();
setMaxListeners(0, signal);

/** A topic prefix that no other test has. */
export const prefix = (): string => `test/${randomUUID()}`;

type More = Partial<ConnectRequest> & { openProfile?: OpenProfile; signal?: AbortSignal };

/** A session on `url`. */
export async function open(url: string, more: More = {}): Promise<LiveSession> {
  const { openProfile, signal: own = signal, ...rest } = more;
  const options = { id: randomUUID(), name: rest.name ?? 'test', policy, ttlMs: 3_600_000 };
  const session = await connect(request({ connectionString: url, ...rest }), openProfile, options, own);
  onTestFinished(() => session.end('the test is over'));
  return session;
}

/** What came on one subscription. */
export type Ear = Subscription & {
  messages: Message[];
  /** `topic=payload`, and ` stored` where it was retained. */
  texts(): string[];
  /** Resolves once `count` messages are in. */
  heard(count: number): Promise<void>;
};

export async function listen(session: LiveSession, filter: string, options: Partial<ListenOptions> = {}): Promise<Ear> {
  const messages: Message[] = [];
  let wanted = 0;
  let tell = () => {};
  const take = (message: Message) => {
    messages.push({ ...message, payload: Buffer.from(message.payload) });
    if (messages.length >= wanted) tell();
  };
  const subscription = await session.listen(filter, { qos: 0, retained: 'include', signal, ...options }, take);
  return {
    ...subscription,
    messages,
    texts: () => messages.map(({ topic, payload, retain }) => `${topic}=${payload}${retain ? ' stored' : ''}`),
    heard: (count) =>
      new Promise((resolve) => {
        wanted = count;
        tell = resolve;
        if (messages.length >= count) resolve();
      }),
  };
}

export function publish(
  session: LiveSession,
  topic: string,
  text: string | Buffer,
  more: Partial<PublishRequest> = {},
) {
  return session.publish({ topic, payload: Buffer.from(text), qos: 1, retain: false, signal, ...more });
}

/** What a call failed with; fails the test where it did not, or not with a ToolError. */
export async function failure(promise: Promise<unknown>): Promise<ToolErrorData> {
  const error = await promise.then(
    () => expect.fail('it succeeded'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof ToolError)) throw error;
  expect(error.data.message).toMatch(/^[^\n]+\.$/);
  expect(error.data.hint).toMatch(/^[^\n]+\.$/);
  return error.data;
}
