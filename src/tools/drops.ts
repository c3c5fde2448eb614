// Owns what the broker itself says it dropped while a collection ran. Publishes nothing; a broker that does not tell, or
// tells only some, makes it unknown.
import type { ListenOptions, Message, Session, Subscription } from '../mqtt/types.ts';

/** Retained on mosquitto, renewed every 10 s unless configured otherwise: messages that did not fit a reader's queue. */
const DROPPED_TOPIC = '$SYS/broker/publish/messages/dropped';

/** Renewed each time that mosquitto counts, also where the count of dropped ones did not change and is not sent anew. */
const HEARTBEAT_TOPIC = '$SYS/broker/uptime';

/** Messages in a second that brokers hand to a reader without a queue that fills. */
const CALM = 1_000;

export type Drops = {
  /** A message was collected: where many come at once, some may be dropped. */
  saw(at: number): void;
  /** When the broker last told, ms since the epoch, where many messages came after that. */
  unknownSince(): number | undefined;
  /** Since it was watched, for any reader, as of the broker's last report; undefined: it did not tell. */
  count(): number | undefined;
  close(): void;
};

/** Does not wait: what the broker says first comes when it comes. */
export function watchDrops(session: Session, signal: AbortSignal): Drops {
  let dropped = 0;
  const pace = { second: 0, count: 0, busyAt: 0 };
  let toldAt = 0;
  let last: number | undefined;
  const open: Subscription[] = [];
  let closed = false;
  const options: ListenOptions = { qos: 0, retained: 'include', signal };
  const take = ({ topic, payload, at }: Message) => {
    if (topic === HEARTBEAT_TOPIC) toldAt = at;
    const value = topic === DROPPED_TOPIC ? readCount(payload) : undefined;
    if (value === undefined) return;
    // A broker that was restarted counts from 0 again.
    if (last !== undefined) dropped += value >= last ? value - last : value;
    last = value;
    toldAt = at;
  };
  for (const topic of [DROPPED_TOPIC, HEARTBEAT_TOPIC]) {
    session.listen(topic, options, take).then(
      (found) => {
        open.push(found);
        if (closed) found.close();
      },
      () => {},
    );
  }
  return {
    saw: (at) => {
      const second = Math.floor(at / 1000);
      pace.count = second === pace.second ? pace.count + 1 : 1;
      pace.second = second;
      if (pace.count > CALM) pace.busyAt = at;
    },
    unknownSince: () => (last !== undefined && toldAt < pace.busyAt ? toldAt : undefined),
    count: () => (last === undefined ? undefined : dropped),
    close: () => {
      closed = true;
      for (const one of open) one.close();
    },
  };
}

function readCount(payload: Buffer): number | undefined {
  const text = payload.toString('latin1', 0, 20);
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
