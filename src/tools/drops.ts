// Owns what the broker itself says it dropped while a collection ran. Publishes nothing; a broker that does not tell, or
// tells only some, makes it unknown.
import type { ListenOptions, Session, Subscription } from '../mqtt/types.ts';

/** Retained on mosquitto, renewed every 10 s unless configured otherwise: messages that did not fit a reader's queue. */
const DROPPED_TOPIC = '$SYS/broker/publish/messages/dropped';

export type Drops = {
  /** Since it was watched, for any reader, as of the broker's last report; undefined: it did not tell. */
  count(): number | undefined;
  close(): void;
};

/** Does not wait: what the broker says first comes when it comes. */
export function watchDrops(session: Session, signal: AbortSignal): Drops {
  let dropped = 0;
  let last: number | undefined;
  let subscription: Subscription | undefined;
  let closed = false;
  const options: ListenOptions = { qos: 0, retained: 'include', signal };
  session
    .listen(DROPPED_TOPIC, options, ({ topic, payload }) => {
      const value = topic === DROPPED_TOPIC ? readCount(payload) : undefined;
      if (value === undefined) return;
      // A broker that was restarted counts from 0 again.
      if (last !== undefined) dropped += value >= last ? value - last : value;
      last = value;
    })
    .then(
      (found) => {
        subscription = found;
        if (closed) found.close();
      },
      () => {},
    );
  return {
    count: () => (last === undefined ? undefined : dropped),
    close: () => {
      closed = true;
      subscription?.close();
    },
  };
}

function readCount(payload: Buffer): number | undefined {
  const text = payload.toString('latin1', 0, 20);
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
