// Owns listening to several filters as to one: each message once, though the filters may overlap.
// Must not know what the messages are for.
import { compileFilter, parseFilter } from '../mqtt/topic.ts';
import type { ListenOptions, Qos, Session, Sink } from '../mqtt/types.ts';

export type Ears = {
  /** By filter. */
  grantedQos: Record<string, Qos>;
  /** Resolves once the retained messages of every filter are out: true where it is known that all came. */
  readonly retainedEnd: Promise<boolean>;
  /** Resolves with the reason when nothing more can come. */
  readonly lost: Promise<string>;
  /** Times while the connection was down, ms since the epoch; the same for all. */
  readonly gaps: readonly { from: number; to: number | undefined }[];
  readonly fellBehind: boolean;
  /** Resolves once the messages that were read by now have been taken. */
  settled(): Promise<unknown>;
  close(): void;
};

/** Throws what the first filter that fails throws; nothing is then left open. */
export async function listenAll(
  session: Session,
  filters: readonly string[],
  options: ListenOptions,
  sink: Sink,
): Promise<Ears> {
  const distinct = [...new Set(filters)];
  const tests = distinct.map((filter) => compileFilter(parseFilter(filter).filter));
  // A message of several filters comes once for each: the first of them takes it.
  const sinks = distinct.map((_, i): Sink => {
    const earlier = tests.slice(0, i);
    return (message) => {
      if (!earlier.some((matches) => matches(message.topic))) sink(message);
    };
  });
  const asked = distinct.map((filter, i) => session.listen(filter, options, sinks[i] ?? sink));
  const settled = await Promise.allSettled(asked);
  const open = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = settled.find((one) => one.status === 'rejected');
  const close = () => {
    for (const subscription of open) subscription.close();
  };
  if (failed) {
    close();
    throw failed.reason;
  }
  return {
    grantedQos: Object.fromEntries(distinct.map((filter, i) => [filter, open[i]?.grantedQos ?? 0])),
    retainedEnd: Promise.all(open.map(({ retainedEnd }) => retainedEnd)).then((ends) =>
      ends.every(({ complete }) => complete),
    ),
    lost: Promise.race(open.map(({ lost }) => lost)),
    gaps: open[0]?.gaps ?? [],
    get fellBehind() {
      return open.some(({ fellBehind }) => fellBehind);
    },
    settled: () => Promise.all(open.map((one) => one.settled())),
    close,
  };
}
