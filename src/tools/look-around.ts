// Owns a short look at the rest of the broker after nothing came: which topics exist beside the filter, who speaks,
// whether the broker moves messages at all. Subscribes, publishes nothing. Must not know what it means.
import type { Message, Session } from '../mqtt/types.ts';
import { BrokerLoad, LOAD_TOPIC, type Load } from './broker-load.ts';
import { keepName } from './kept.ts';
import type { Probed } from './probed.ts';
import type { Context } from './tool.ts';
import { waitFor } from './waiting.ts';

/** Longest look, ms; and how long after the stored messages are in, for those who speak. */
const LOOK_MS = 1_000;
const LIVE_MS = 700;
/** Topics and messages looked at: enough to find a neighbour, and no second collection. */
const MAX_TOPICS = 20_000;
/** A look at `#` of a busy broker makes it send everything: others on the session would doubt what they got. */
const MAX_MESSAGES = 5_000;

export type Look = Glance & {
  /** What was looked at: everything that this user may read, or not even that. */
  filter: string;
  refused: boolean;
  /** Every topic seen, then and before by this session. */
  topics: Set<string>;
  /** Those that spoke live meanwhile. */
  live: Set<string>;
  /** Those with a stored message. */
  stored: Set<string>;
};

/** What the broker says that it gets, and what was probed on this session of late. */
export type Glance = Load & Probed;

/** The same for one who hears all topics anyway: only what the broker says of itself, and what was probed. */
export function glanceAround(session: Session, signal: AbortSignal): { seen(): Glance; close(): void } {
  const load = new BrokerLoad();
  let over = false;
  let close = () => {};
  const take = (message: Message) => load.take(message);
  session.listen(LOAD_TOPIC, { qos: 0, retained: 'include', signal }, take).then(
    (subscription) => {
      close = subscription.close;
      if (over) close();
    },
    // A refusal tells nothing: brokers keep $SYS from users.
    () => {},
  );
  return {
    seen: () => ({ ...load.read(), ...probedOn(session) }),
    close: () => {
      over = true;
      close();
    },
  };
}

export async function lookAround(session: Session, context: Context): Promise<Look> {
  const { room } = context;
  const look: Look = {
    filter: '#',
    refused: false,
    topics: new Set(),
    live: new Set(),
    stored: new Set(),
    perMinute: undefined,
    counted: undefined,
    ...probedOn(session),
  };
  const remember = (topic: string, topics: Set<string>) => {
    if (topics.size < MAX_TOPICS) keepName(topic, topics, room);
  };
  for (const topic of session.known.topics()) remember(topic, look.topics);
  let enough = () => {};
  const full = new Promise<'full'>((resolve) => {
    enough = () => resolve('full');
  });
  let messages = 0;
  const take = ({ topic, retain }: Message) => {
    messages += 1;
    remember(topic, look.topics);
    remember(topic, retain ? look.stored : look.live);
    if (messages >= MAX_MESSAGES || look.topics.size >= MAX_TOPICS) enough();
  };
  const broker = new BrokerLoad();
  const options = { qos: 0, retained: 'include', signal: context.signal } as const;
  const [everything, load] = await Promise.allSettled([
    session.listen('#', options, take),
    session.listen(LOAD_TOPIC, options, (message) => broker.take(message)),
  ]);
  const open = [everything, load].flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  look.refused = everything.status === 'rejected';
  try {
    const ended = open.map(({ lost }) => lost.then(() => 'lost' as const));
    const message = () => 'nothing came; looking at what else is there';
    const stored = Promise.all(open.map(({ retainedEnd }) => retainedEnd)).then(() => 'stored' as const);
    if (open.length === 0) return look;
    const began = performance.now();
    const first = await waitFor({ ms: LOOK_MS, until: [full, stored, ...ended], message }, context);
    const left = Math.min(LIVE_MS, LOOK_MS - (performance.now() - began));
    if (first === 'stored' && left > 0) await waitFor({ ms: left, until: [full, ...ended] }, context);
  } finally {
    for (const subscription of open) subscription.close();
  }
  return { ...look, ...broker.read() };
}

/** In MQTT 5 an acknowledgement says whether a write was refused; a PUBACK of 3.1.1 has no code. */
function probedOn({ probes, facts }: Session): Probed {
  const at = Date.now();
  return { probes: probes.recent(at), at, refusalsTold: facts.protocolVersion === 5 };
}
