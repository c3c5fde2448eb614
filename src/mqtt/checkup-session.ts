// Owns the layers of a check that need a session: subscribe, echo on the probe topic, $SYS. Must not know how the
// session came about, nor whose it is.
import { randomBytes } from 'node:crypto';
import { ToolError } from '../errors.ts';
import { type Found, tenths } from './checkup-network.ts';
import { pause, within } from './race.ts';
import type { Message, Qos, RoundTrip, Session, Sink, Subscription } from './types.ts';

/** How long an acknowledgement and an echo may take, ms, and an echo once one was lost: the others will most likely be. */
const ECHO_MS = 2_000;
const ECHO_AFTER_LOSS_MS = 500;
/** How long a broker without retained $SYS messages may take to speak, ms, and one with them at most. */
const SYS_QUIET_MS = 1_000;
const SYS_MS = 2_500;
/** Characters of a version that are told. */
const MAX_VERSION_CHARS = 100;

export type Ear = { subscription: Subscription; hear: (sink: Sink) => void };

/** Listens to the probe topic, or to a topic that nobody uses. */
export async function subscribe(
  session: Session,
  probeTopic: string | undefined,
  ms: number,
  signal: AbortSignal,
): Promise<Found<{ granted_qos?: Qos; ear?: Ear }>> {
  let sink: Sink = () => {};
  const filter = probeTopic ?? `bitsperity-mqtt-mcp/check/${randomBytes(6).toString('hex')}`;
  const deadline = AbortSignal.timeout(ms);
  const options = { qos: 2, retained: 'exclude', signal: AbortSignal.any([signal, deadline]) } as const;
  try {
    const subscription = await session.listen(filter, options, (message) => sink(message));
    const ear: Ear = {
      subscription,
      hear: (next) => {
        sink = next;
      },
    };
    const { grantedQos } = subscription;
    const what = probeTopic === undefined ? 'a filter that nobody uses' : 'the probe topic';
    const lower = grantedQos < 2 ? ', less than the QoS 2 asked for' : '';
    return { status: 'ok', detail: `QoS ${grantedQos} granted for ${what}${lower}.`, granted_qos: grantedQos, ear };
  } catch (error) {
    if (!signal.aborted && deadline.aborted) throw unanswered();
    if (!(error instanceof ToolError) || probeTopic !== undefined) throw error;
    if (error.data.code === 'policy_denied') {
      const detail = "Not tried: this server's policy does not allow a filter that nobody uses.";
      return { status: 'warning', detail, hint: 'Give a probe_topic that the policy allows.' };
    }
    if (error.data.code !== 'subscribe_denied') throw error;
    // The connection is good: this user may simply read other topics.
    const detail =
      'The broker refuses a filter that nobody uses, so its access rules let this user read some topics only.';
    return { status: 'warning', detail, hint: 'Give a probe_topic that this user may read and write.' };
  }
}

function unanswered(): ToolError {
  const message = 'The broker accepts the client, but does not answer its subscription in time.';
  return new ToolError('timeout', message, 'Look into the log of the broker: it may be overloaded, or hang.');
}

/** One message at each QoS the broker takes, one after the other, and what became of it. */
export async function echo(
  session: Session,
  topic: string,
  ear: Ear,
  signal: AbortSignal,
): Promise<Found<{ round_trips: RoundTrip[] }>> {
  const round_trips: RoundTrip[] = [];
  const isLost = ({ echo_ms }: RoundTrip) => echo_ms === null;
  for (const qos of levels(session)) {
    const patienceMs = round_trips.some(isLost) ? ECHO_AFTER_LOSS_MS : ECHO_MS;
    round_trips.push(await roundTrip(session, { topic, qos, patienceMs }, ear, signal));
  }
  const lost = round_trips.filter(isLost);
  const found = { round_trips };
  if (lost.length === 0) {
    const times = round_trips.map(({ qos, echo_ms }) => `QoS ${qos} in ${echo_ms} ms`);
    return { status: 'ok', detail: `The probe came back: ${times.join(', ')}.`, ...found };
  }
  const which = lost.map(({ qos }) => qos).join(', ');
  if (lost.length < round_trips.length) {
    const hint = 'Test again; if it stays so, look at the limits and the queue of the broker.';
    return { status: 'warning', detail: `The probe did not come back at QoS ${which}.`, hint, ...found };
  }
  return { status: 'failed', ...silence(round_trips, session), ...found };
}

function levels({ facts }: Session): Qos[] {
  return ([0, 1, 2] as const).filter((qos) => qos <= (facts.limits.maximum_qos ?? 2));
}

/** Nothing came back: who dropped it, as far as the acknowledgements tell. */
function silence(trips: RoundTrip[], { facts }: Session): { detail: string; hint: string } {
  const refused = trips.find(({ reason_code = 0 }) => reason_code >= 0x80);
  if (refused) {
    const detail = `The broker refused the probe: ${refused.reason}.`;
    return { detail, hint: "The broker's access rules do not let this user write to the probe topic." };
  }
  if (!trips.some(({ acknowledged }) => acknowledged)) {
    const detail = 'The broker neither acknowledged the probe nor sent it back.';
    return { detail, hint: 'Look into the log of the broker: it may be overloaded, or hang.' };
  }
  const detail =
    'The broker acknowledged the probe and granted the subscription, but sent nothing back: its access rules drop in silence.';
  // A 3.1.1 PUBACK has no code, and mosquitto acknowledges what it drops.
  const which = facts.protocolVersion === 5 ? 'read' : 'read or write';
  return {
    detail,
    hint: `Let this user ${which} the probe topic in the access rules (ACL), or probe a topic it may use.`,
  };
}

async function roundTrip(
  session: Session,
  { topic, qos, patienceMs }: { topic: string; qos: Qos; patienceMs: number },
  ear: Ear,
  signal: AbortSignal,
): Promise<RoundTrip> {
  const id = randomBytes(8).toString('hex');
  const payload = Buffer.from(JSON.stringify({ probe: 'bitsperity-mqtt-mcp', id, qos }));
  const began = performance.now();
  const back = new Promise<number>((resolve) => {
    ear.hear((message: Message) => {
      if (message.payload.equals(payload)) resolve(tenths(performance.now() - began));
    });
  });
  const trip: RoundTrip = { qos, acknowledged: false, ack_ms: null, echo_ms: null };
  const deadline = AbortSignal.timeout(ECHO_MS);
  const until = AbortSignal.any([signal, deadline]);
  try {
    const ack = await session.publish({ topic, payload, qos, retain: false, signal: until });
    trip.acknowledged = ack.acknowledged;
    if (qos > 0)
      Object.assign(trip, {
        ack_ms: tenths(performance.now() - began),
        reason_code: ack.reasonCode,
        reason: ack.reason,
      });
  } catch (error) {
    if (!signal.aborted && deadline.aborted) return trip;
    if (!(error instanceof ToolError) || error.data.code !== 'publish_denied') throw error;
    const { reason_code, reason } = error.data;
    return {
      ...trip,
      ...(reason_code === undefined ? {} : { reason_code }),
      ...(reason === undefined ? {} : { reason }),
    };
  }
  // Counted from the acknowledgement: a slow one is no lost echo.
  trip.echo_ms = await within(back, patienceMs, signal, () => new Error('no echo')).catch(() => null);
  signal.throwIfAborted();
  return trip;
}

/** Whether the broker tells about itself. Not every one does, so this never fails. */
export async function sys(
  session: Session,
  signal: AbortSignal,
): Promise<Found<{ broker_version?: string; offered: boolean }>> {
  const topics = new Set<string>();
  let version: string | undefined;
  let spoke = () => {};
  const first = new Promise<void>((resolve) => {
    spoke = resolve;
  });
  const take: Sink = ({ topic, payload }) => {
    if (topics.size < MAX_SYS_TOPICS) topics.add(topic);
    if (/^\$SYS\/(broker|brokers\/[^/]+)\/version$/.test(topic)) {
      version ??= payload
        .subarray(0, 4 * MAX_VERSION_CHARS)
        .toString('utf8')
        .slice(0, MAX_VERSION_CHARS);
    }
    spoke();
  };
  const subscription = await session.listen('$SYS/#', { qos: 0, retained: 'include', signal }, take).catch((error) => {
    if (error instanceof ToolError && error.data.code !== 'cancelled' && error.data.code !== 'not_connected')
      return undefined;
    throw error;
  });
  if (!subscription) return { ...notOffered, detail: 'The broker refuses $SYS/# to this user.' };
  const over = new AbortController();
  const until = AbortSignal.any([signal, over.signal]);
  try {
    await Promise.race([subscription.retainedEnd, pause(SYS_MS, until)]);
    if (topics.size === 0) await Promise.race([first, pause(SYS_QUIET_MS, until)]);
    signal.throwIfAborted();
  } finally {
    over.abort();
    subscription.close();
  }
  if (topics.size === 0) return notOffered;
  const many = topics.size < MAX_SYS_TOPICS ? topics.size : `${MAX_SYS_TOPICS} or more`;
  const told = version === undefined ? ', its version not among them' : '';
  const detail = `The broker tells about itself on ${many} $SYS topics${told}.`;
  return { status: 'ok', detail, offered: true, ...(version === undefined ? {} : { broker_version: version }) };
}

/** Topics told apart; a broker of many thousand clients may have as many. */
const MAX_SYS_TOPICS = 1_000;

const notOffered = {
  status: 'ok',
  detail: 'No $SYS topic is offered: the broker has none, has them turned off, or withholds them from this user.',
  offered: false,
} as const;
