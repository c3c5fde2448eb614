// Owns monitor_performance: a window of traffic as figures, beside what the broker and this process tell of themselves.
import type { MonitorPerformanceArgs, MonitorPerformanceResult } from '../generated/types.ts';
import type { Message, Session, Subscription } from '../mqtt/types.ts';
import { BrokerMetrics } from '../payload/broker-metrics.ts';
import { Traffic } from '../payload/traffic.ts';
import { nothingCollected } from './absence.ts';
import { createProbing, type Latency, type Probing } from './latency.ts';
import { endedEarly } from './notes.ts';
import {
  brokerMetrics,
  gapMetrics,
  notesOnTraffic,
  sizeMetrics,
  summaryOf,
  throughputMetrics,
  topTopics,
} from './performance.ts';
import { checkProbeTopic } from './probe.ts';
import { leavesUnread, UNREAD } from './settling.ts';
import { seconds } from './times.ts';
import type { Context, Handler, Vitals } from './tool.ts';
import { upBetween } from './up-time.ts';
import { waitFor } from './waiting.ts';

export const monitorPerformance: Handler<'monitor_performance'> = async (args, context) => {
  const { signal, pool } = context;
  const session = await pool.get(args.session_id, signal);
  const probing = args.probe_topic === undefined ? undefined : probingOn(session, args.probe_topic, context);
  const vitals = context.vitals();
  const open: Subscription[] = [];
  try {
    return await monitor({ args, session, probing, vitals, open }, context);
  } finally {
    vitals.stop();
    probing?.stop();
    for (const subscription of open) subscription.close();
  }
};

/** Refused, and put on record, before anything is measured where it may not be published. */
function probingOn(session: Session, topic: string, context: Context): Probing {
  const { signal } = context;
  const request = { topic, payload: Buffer.alloc(0), qos: 0, retain: false, signal } as const;
  checkProbeTopic(topic, context, () => session.denied(request));
  session.checkPublish(request);
  return createProbing(session, topic, signal);
}

type Monitoring = {
  args: MonitorPerformanceArgs;
  session: Session;
  probing: Probing | undefined;
  vitals: Vitals;
  /** Closed by the caller, however it ends. */
  open: Subscription[];
};

async function monitor(
  { args, session, probing, vitals, open }: Monitoring,
  context: Context,
): Promise<MonitorPerformanceResult> {
  const { signal } = context;
  const broker = new BrokerMetrics();
  const sys = await session
    .listen('$SYS/#', { qos: 0, retained: 'include', signal }, (message) => broker.take(message))
    .catch(() => undefined);
  if (sys) open.push(sys);
  signal.throwIfAborted();
  const began = Date.now();
  const traffic = new Traffic(began, args.duration_seconds, context.room);
  const take = probing
    ? (message: Message) => {
        if (!probing.isOwn(message)) traffic.take(message);
      }
    : (message: Message) => traffic.take(message);
  const subscription = await session.listen(args.topic_pattern, { qos: args.qos, retained: 'include', signal }, take);
  open.push(subscription);
  await probing?.begin();
  const ms = args.duration_seconds * 1000;
  const lost = subscription.lost.then((): 'disconnected' => 'disconnected');
  const message = () => `${traffic.live} messages so far`;
  const stopped = await waitFor({ ms, totalMs: ms, until: [lost], message }, context);
  const tookMs = Date.now() - began;
  const reading = { readers: [subscription], count: () => traffic.live };
  const unread = stopped === 'duration' && (await leavesUnread(reading, context));
  subscription.close();
  const process_metrics = vitals.read();
  const latency = await probing?.end(stopped === 'disconnected');
  const measured: Measured = { began, traffic, broker, subscription, tookMs, stopped, refused: !sys, latency };
  const result = resultOf(args, measured);
  if (unread) result.notes.push(UNREAD);
  if (stopped === 'disconnected') result.notes.push(endedEarly(await subscription.lost));
  return { ...result, process_metrics };
}

type Measured = {
  began: number;
  traffic: Traffic;
  broker: BrokerMetrics;
  subscription: Subscription;
  tookMs: number;
  stopped: 'duration' | 'disconnected';
  refused: boolean;
  latency: Latency | undefined;
};

function resultOf(
  args: MonitorPerformanceArgs,
  { began, traffic, broker, subscription, tookMs, stopped, refused, latency }: Measured,
): Omit<MonitorPerformanceResult, 'process_metrics'> {
  const { grantedQos, gaps } = subscription;
  const interrupted = gaps.length > 0 || stopped === 'disconnected';
  const { topic_pattern: pattern, duration_seconds } = args;
  const upSeconds = upBetween(began, began + tookMs, gaps);
  const nothing = traffic.live + traffic.retained === 0;
  const asked = {
    pattern,
    seconds: duration_seconds,
    grantedQos,
    retained: 'include' as const,
    interrupted,
    upSeconds,
  };
  return {
    summary: summaryOf(traffic, broker, tookMs, latency, interrupted),
    status: 'success',
    stopped_by: stopped,
    duration_seconds: seconds(tookMs),
    throughput_metrics: throughputMetrics(traffic, tookMs, grantedQos),
    inter_arrival_metrics: gapMetrics(traffic),
    size_metrics: sizeMetrics(traffic),
    ...(latency === undefined ? {} : { latency_metrics: latency }),
    top_topics: topTopics(traffic, args.top, tookMs),
    broker_metrics: brokerMetrics(broker, refused),
    ...(nothing ? { absence: nothingCollected(asked) } : {}),
    notes: notesOnTraffic(traffic, broker, subscription, latency),
  };
}
