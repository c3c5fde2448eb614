// Owns probing: numbered messages published at a modest rate to a topic the caller named, until their echoes are in.
// Must not know what else is measured.
import { ToolError } from '../errors.ts';
import type { Message, Qos, Session, Subscription } from '../mqtt/types.ts';
import { type LatencyMetrics, RoundTrips } from '../payload/round-trips.ts';

/** Between one probe and the next, ms: five a second, in turn at each QoS. */
const EVERY_MS = 200;
/** How long the last echoes may take, ms. */
const PATIENCE_MS = 2_000;
/** Longest payload that may be one of ours, bytes. */
const MAX_BYTES = 160;

export type Latency = {
  by_qos: LatencyMetrics[];
  /** Why probing ended early, or what the figures do not show. */
  detail?: string;
};

export type Probing = {
  /** Whether a message is one of these probes: no traffic of the installation. */
  isOwn(message: Pick<Message, 'topic' | 'payload'>): boolean;
  begin(): Promise<void>;
  /** Waits for the last echoes, within bounds; not where none can come any more. */
  end(gone: boolean): Promise<Latency>;
  /** At once. Idempotent. */
  stop(): void;
};

export function createProbing(session: Session, topic: string, signal: AbortSignal): Probing {
  // Two runs on one topic know their own probes by this.
  const start = Buffer.from(`{"probe":"bitsperity-mqtt-mcp","run":"${crypto.randomUUID()}","seq":`);
  const trips = new RoundTrips();
  const levels = ([0, 1, 2] as const).filter((qos) => qos <= (session.facts.limits.maximum_qos ?? 2));
  let subscription: Subscription | undefined;
  let timer: NodeJS.Timeout | undefined;
  let turn = 0;
  let why: string | undefined;
  let heard = () => {};

  const isOwn: Probing['isOwn'] = (message) =>
    message.topic === topic &&
    message.payload.length <= MAX_BYTES &&
    message.payload.subarray(0, start.length).equals(start);

  const take = (message: Message) => {
    if (!isOwn(message)) return;
    trips.back(Number.parseInt(message.payload.subarray(start.length).toString('latin1'), 10), performance.now());
    heard();
  };

  const send = () => {
    const qos: Qos = levels[turn % levels.length] ?? 0;
    turn += 1;
    const number = trips.send(qos, performance.now());
    if (number === undefined) return;
    const payload = Buffer.concat([start, Buffer.from(`${number},"qos":${qos}}`)]);
    session.publish({ topic, payload, qos, retain: false, signal }).then(
      () => qos > 0 && trips.acknowledged(number, performance.now()),
      (error) => {
        if (!(error instanceof ToolError)) return;
        if (error.data.code !== 'timeout') trips.unsend(number);
        if (error.data.code === 'not_connected') return;
        why ??= `Probing ended early: ${error.data.message}`;
        clearInterval(timer);
      },
    );
  };

  const stop = () => {
    clearInterval(timer);
    subscription?.close();
  };

  return {
    isOwn,
    stop,
    begin: async () => {
      subscription = await session.listen(topic, { qos: levels.at(-1) ?? 0, retained: 'exclude', signal }, take);
      send();
      timer = setInterval(send, EVERY_MS);
    },
    end: async (gone) => {
      clearInterval(timer);
      if (!gone)
        await quiet(trips, signal, (next) => {
          heard = next;
        });
      stop();
      const by_qos = trips.byQos();
      const came = by_qos.some(({ received }) => received > 0);
      if (by_qos.length > 0) session.probes.note({ topic, at: Date.now(), acknowledged: trips.anyAcknowledged, came });
      why ??= silence(by_qos);
      return { by_qos, ...(why === undefined ? {} : { detail: why }) };
    },
  };
}

/** Until every probe is back, or for so long. */
function quiet(trips: RoundTrips, signal: AbortSignal, onHeard: (next: () => void) => void): Promise<void> {
  if (trips.outstanding === 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      onHeard(() => {});
      finish();
    };
    const abort = () => settle(() => reject(signal.reason));
    const timer = setTimeout(() => settle(resolve), PATIENCE_MS);
    onHeard(() => {
      if (trips.outstanding === 0) settle(resolve);
    });
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
  });
}

function silence(by_qos: LatencyMetrics[]): string | undefined {
  if (by_qos.length === 0) return 'No probe could be sent: the connection was down.';
  if (by_qos.some(({ received }) => received > 0)) return undefined;
  return 'No probe came back: the access rules of the broker may drop them in silence; test_connection with the same probe_topic tells more.';
}
