// Owns what can be read and followed as a resource: the sessions, a session's topics, the last message of a topic, the App.
// Must not know MCP's methods: it is handed to the protocol core.
import { RpcError, rpcCode, ToolError } from '../errors.ts';
import { topicTree } from '../mqtt/topic-tree.ts';
import type { Message, Pool, Session } from '../mqtt/types.ts';
import { affordable } from '../payload/affordable.ts';
import { boundedCounts } from '../payload/bounded-counts.ts';
import { fitMessages, renderMessage } from '../payload/render.ts';
import { wireCost } from '../payload/wire-cost.ts';
import { fetchLast, keep } from './last-message.ts';
import { type Throttle, throttle } from './throttle.ts';
import { parseUri, type Ref, templates } from './uri.ts';
import { readView, viewResource, viewUri } from './view.ts';

/** A followed resource is told at most every so often, ms. */
const UPDATE_EVERY_MS = 300;
/** Topics listed beside the tree. */
const MAX_LISTED = 500;
/** What they may take, and what the tree may: a topic may be 65,535 bytes long [MQTT-4.7.3-3]. */
const LIST_BYTES = 1024 * 1024;
const TREE_BYTES = 64 * 1024;
/** What the filters of one session may take. */
const FILTERS_BYTES = 64 * 1024;
const mimeType = 'application/json';

type SessionRef = Exclude<Ref, { kind: 'sessions' }>;

/** Called whenever the resource has changed; with 'over' when nothing more can come, because its session has ended. */
type Changed = (over?: 'over') => void;

type Reading = { readonly signal: AbortSignal; progress(step: { progress: number; message: string }): void };

export type Resources = {
  list(): object[];
  templates(): object[];
  /** The content as a `value`, which the core renders. */
  read(uri: string, context: Reading): Promise<object[] | undefined>;
  follow(uri: string, changed: Changed): Promise<(() => void) | undefined>;
};

export function createResources(pool: Pool): Resources {
  /** The last message of each topic that is being followed, by URI. */
  const followed = new Map<string, Message>();

  async function read(uri: string, { signal, progress }: Reading): Promise<object[] | undefined> {
    if (uri === viewUri) return readView();
    const ref = parseUri(uri);
    if (!ref) return undefined;
    let seconds = 0;
    const ticker = setInterval(() => {
      seconds += 1;
      progress({ progress: seconds, message: 'waiting for the broker' });
    }, 1_000);
    try {
      const value = await contentOf(ref, uri, signal).catch(undefinedIfMissing);
      return value && [{ uri, mimeType, value }];
    } finally {
      clearInterval(ticker);
    }
  }

  async function contentOf(ref: Ref, uri: string, signal: AbortSignal): Promise<object> {
    if (ref.kind === 'sessions') return { sessions: pool.list().map(summaryOf), max_connections: pool.limit };
    const session = await pool.get(ref.session, signal);
    const trust = trustIn(session);
    if (ref.kind === 'topics') return { ...topicsOf(session), ...trust };
    const last = followed.get(uri) ?? (await fetchLast(session, ref.topic, signal));
    return { ...lastOf(session, ref.topic, last), ...trust };
  }

  async function follow(uri: string, changed: Changed): Promise<(() => void) | undefined> {
    const ref = parseUri(uri);
    if (!ref) return undefined;
    const { ring, stop } = throttle(UPDATE_EVERY_MS, changed);
    if (ref.kind === 'sessions') return both(stop, pool.onChanged(ring));
    return followSession(ref, uri, { ring, stop, changed }).catch(undefinedIfMissing);
  }

  /** A session that has ended is not waited for: another one may get its name, and nobody asked to follow that. */
  async function followSession(ref: SessionRef, uri: string, { ring, stop, changed }: Throttle & { changed: Changed }) {
    const { signal } = new AbortController();
    const session = await pool.get(ref.session, signal);
    const end = ref.kind === 'topics' ? session.onNewTopic(ring) : await hear(session, ref.topic, uri, ring);
    const isOver = () => !pool.list().includes(session);
    const unwatch = pool.onChanged(() => {
      if (!isOver()) return;
      letGo();
      changed('over');
    });
    const letGo = both(both(stop, end), unwatch);
    if (!isOver()) return letGo;
    letGo();
    return undefined;
  }

  async function hear(session: Session, topic: string, uri: string, ring: () => void): Promise<() => void> {
    const { signal } = new AbortController();
    const take = (message: Message) => {
      followed.set(uri, keep(message));
      ring();
    };
    const { close } = await session.listen(topic, { qos: 0, retained: 'exclude', signal }, take);
    return both(close, () => followed.delete(uri));
  }

  return { list: () => [sessionsResource, viewResource], templates: () => resourceTemplates, read, follow };
}

function both(one: () => void, other: () => void): () => void {
  return () => {
    one();
    other();
  };
}

/** What failed otherwise is said, where a caller can read it. */
function undefinedIfMissing(error: unknown): undefined {
  if (!(error instanceof ToolError)) throw error;
  const { code, message } = error.data;
  if (code === 'session_not_found' || code === 'session_expired' || code === 'invalid_topic') return undefined;
  throw new RpcError(rpcCode.internalError, message, error.data);
}

/** As in the results of tools. */
function trustIn({ facts }: Session): object {
  return facts.verified ? {} : { tls_verified: false };
}

function summaryOf(session: Session): object {
  const { facts, lifetime, known } = session;
  const { isConnected, connectionError, messagesReceived, subscribedTopics } = session.state();
  return {
    session_id: facts.id,
    name: facts.name,
    broker: facts.broker,
    port: facts.port,
    ...trustIn(session),
    is_connected: isConnected,
    connection_error: connectionError,
    messages_received: messagesReceived,
    topics_known: known.size,
    subscribed_topics: affordable(subscribedTopics, FILTERS_BYTES),
    expires_at: new Date(lifetime.expiresAt).toISOString(),
  };
}

/** What the session has seen so far: listing and collecting fill it. */
function topicsOf({ facts, known }: Session): object {
  const { values, total } = known.startingWith('', MAX_LISTED);
  let left = LIST_BYTES;
  const fits = (one: object) => {
    left -= wireCost(one, left);
    return left >= 0;
  };
  const listed = values.map((topic) => ({ topic, last_seen: isoOf(known.lastSeen(topic)) })).filter(fits);
  return {
    session: facts.name,
    total_topics: total,
    tree: boundedCounts(Object.entries(topicTree(known.topics())), TREE_BYTES),
    topics: listed,
    truncated: total > listed.length,
  };
}

function lastOf({ facts, known }: Session, topic: string, message: Message | undefined): object {
  if (message) {
    const [fitted] = fitMessages([renderMessage(message, message.at)]).messages;
    const { offset_ms: _, ...shown } = fitted ?? renderMessage(message, message.at);
    return {
      session: facts.name,
      source: message.retain ? 'retained' : 'live',
      age_ms: Date.now() - message.at,
      message: shown,
      ...(message.retain ? { note: storedNote } : {}),
    };
  }
  const seen = isoOf(known.lastSeen(topic));
  const note =
    'Nothing is retained on this topic; subscribe to this resource, or call subscribe_and_collect, to hear it live.';
  return { session: facts.name, topic, message: null, last_seen: seen ?? null, note };
}

/** MQTT does not say when a stored message was published. */
const storedNote =
  'The broker had it stored: age_ms counts from its arrival here, it may have been published long before.';

function isoOf(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
}

const sessionsResource = {
  uri: 'mqtt://sessions',
  name: 'sessions',
  title: 'Open broker sessions',
  description: 'Who is connected where, with state and traffic so far.',
  mimeType,
};

const resourceTemplates = [
  {
    uriTemplate: templates.topics,
    name: 'topics',
    title: 'Topics of a session',
    description: 'The topic tree as the session has seen it so far, with counts. session: id or name.',
    mimeType,
  },
  {
    uriTemplate: templates.topic,
    name: 'topic',
    title: 'Last message of a topic',
    description: 'The newest message, retained or live, with its age. Subscribe to it to be told of new ones.',
    mimeType,
  },
];
